//! Which questions are answered from sums over whole hours, and how.

use super::{
    Needs, Range, accumulator::PAGE_VIEW, filter::EventFilter, kernel::Kernel, matcher::Matcher,
    timeline::TimelineKernel,
};
use crate::columnar::{Batch, Column, Columns, DIMENSIONS, Grouped, HOUR, Hours, Totals, View};

/// The whole hours of a range; nothing where there is none.
fn whole_hours(range: Range) -> Option<(i64, i64)> {
    let (from, to) = (first_hour(range.from), range.to.div_euclid(HOUR) * HOUR);
    (from < to).then_some((from, to))
}

/// The start of the first whole hour from then on.
fn first_hour(at: i64) -> i64 {
    at.div_euclid(HOUR) * HOUR + if at.rem_euclid(HOUR) == 0 { 0 } else { HOUR }
}

/// The one dimension among columns, if there is one beside the event type; nothing where sums by type and
/// one dimension do not hold all of them.
fn dimension(columns: impl Iterator<Item = Column>) -> Option<Option<Column>> {
    let mut found = None;
    for column in columns.filter(|column| *column != Column::EventType) {
        if !DIMENSIONS.contains(&column) || found.as_ref().is_some_and(|found| *found != column) {
            return None;
        }
        found = Some(column);
    }
    Some(found)
}

/// How a kernel takes the events of whole hours from sums.
#[derive(Debug, Clone)]
pub(super) struct Rolled {
    pub hours: Hours,
    /// The dimension by which events are chosen or grouped.
    dimension: Option<Column>,
    /// Whether all events count.
    is_plain: bool,
}

impl Kernel {
    /// What it takes from sums over whole hours; nothing where it has to see the events.
    pub(super) fn rolled(&self, range: Range, filter: &EventFilter) -> Option<Rolled> {
        let (from, to) = whole_hours(range)?;
        let chosen_by = filter.looked_at();
        let (stretches, figures, by) = match self {
            Self::Summary(kernel) => (vec![(from, to)], Figures::of(kernel.needs(), kernel.wants_times())?, Vec::new()),
            Self::Timeline(kernel) => (kernel.stretches((from, to))?, Figures::of(kernel.needs(), false)?, Vec::new()),
            Self::Breakdown(kernel) => (vec![(from, to)], Figures::of(kernel.counts(), false)?, kernel.by().to_vec()),
            _ => return None,
        };
        // What is chosen or grouped is known by number only.
        let is_plain = chosen_by.is_empty();
        let are_counts = !figures.visitors && !figures.sessions && !figures.others;
        if !(are_counts || is_plain && by.is_empty()) {
            return None;
        }
        let dimension = dimension(chosen_by.into_iter().chain(by))?;
        let Figures { visitors, sessions, .. } = figures;
        Some(Rolled { hours: Hours { from, to, stretches, visitors, sessions }, dimension, is_plain })
    }

    /// Adds what the stretches of [`Self::rolled`] sum up to.
    pub(super) fn add_totals(&mut self, how: &Rolled, totals: &[Totals], columns: &mut Columns, filter: &EventFilter) {
        let is_grouped = match self {
            Self::Summary(kernel) => kernel.wants_types(),
            Self::Breakdown(_) => true,
            _ => false,
        };
        let mut matcher = Matcher::new(filter);
        let mut sum = |totals: &Totals| match how.is_plain && !is_grouped {
            true => Summed::plain(totals),
            false => Summed::grouped(totals, how, columns, &mut matcher),
        };
        let sums: Vec<Summed> = totals.iter().map(&mut sum).collect();
        match (self, sums.first()) {
            (Self::Summary(kernel), Some(sum)) => kernel.add_summed(sum, columns),
            (Self::Breakdown(kernel), Some(sum)) => kernel.add_summed(sum, columns),
            (Self::Timeline(kernel), _) => kernel.add_summed(&sums),
            _ => {}
        }
    }
}

/// Which figures beyond numbers of events a report wants.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    pub visitors: bool,
    pub sessions: bool,
    /// Times or money.
    pub others: bool,
}

/// What a question counts of a stretch.
#[derive(Debug, Clone, Default)]
pub(super) struct Summed {
    pub events: u64,
    pub page_views: u64,
    /// Of all events; empty where some are left out.
    pub totals: Totals,
    /// Codes column by column of the groups that are counted, and their events.
    pub codes: Vec<Vec<u32>>,
    pub counts: Vec<u64>,
}

impl Summed {
    fn plain(totals: &Totals) -> Self {
        let (events, page_views) = (totals.events(), totals.events_of(PAGE_VIEW));
        Self { events, page_views, totals: totals.clone(), ..Self::default() }
    }

    fn grouped(totals: &Totals, how: &Rolled, columns: &mut Columns, matcher: &mut Matcher) -> Self {
        let Grouped { mut codes, events: mut counts } = totals.grouped(columns, how.dimension.as_ref());
        if !how.is_plain {
            let all = codes.iter().map(Vec::as_slice).collect();
            let batch = Batch { events: counts.len(), timestamps: &[], ids: &[], codes: all };
            let mut rows = Vec::new();
            matcher.select(View { batch: &batch, columns }, &mut rows);
            let kept = |column: &Vec<u32>| rows.iter().filter_map(|&row| column.get(row as usize)).copied().collect();
            counts = rows.iter().filter_map(|&row| counts.get(row as usize)).copied().collect();
            codes = codes.iter().map(kept).collect();
        }
        let place = columns.place(&Column::EventType);
        let page_view = place.and_then(|place| columns.dictionary(place).code(PAGE_VIEW));
        let types = place.and_then(|place| codes.get(place));
        let page_views = types.into_iter().flatten().zip(&counts).filter(|(code, _)| Some(**code) == page_view);
        Self {
            events: counts.iter().sum(),
            page_views: page_views.map(|(_, events)| events).sum(),
            totals: if how.is_plain { totals.clone() } else { Totals::default() },
            codes,
            counts,
        }
    }
}

impl TimelineKernel {
    /// The whole hours of each bucket within those of the range; nothing where a bucket begins within
    /// an hour.
    fn stretches(&self, (from, to): (i64, i64)) -> Option<Vec<(i64, i64)>> {
        let buckets = self.buckets();
        let last = buckets.len().checked_sub(1)?;
        let stretch = |(place, bucket): (usize, Range)| {
            let is_cut = |at: i64| at.rem_euclid(HOUR) != 0;
            if place > 0 && is_cut(bucket.from) || place < last && is_cut(bucket.to) {
                return None;
            }
            Some((bucket.from.max(from).min(to), bucket.to.min(to).max(from)))
        };
        let stretches: Option<Vec<_>> = buckets.ranges().enumerate().map(stretch).collect();
        Some(std::iter::once((from, to)).chain(stretches?).collect())
    }
}

impl Figures {
    /// Nothing where sessions have to be looked at one by one.
    fn of(needs: Needs, wants_times: bool) -> Option<Self> {
        let Needs { users: visitors, sessions, visits, revenue, .. } = needs;
        (!visits).then_some(Self { visitors, sessions, others: revenue || wants_times })
    }
}
