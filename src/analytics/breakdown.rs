//! Figures by the values of dimensions.

use std::{
    borrow::Cow,
    cmp::Ordering,
    collections::{HashMap, hash_map::Entry},
};

use foldhash::fast::RandomState;

use super::{
    BigInt, Breakdown, BreakdownRow, Dimension, Figures, Metric, Needs,
    accumulator::{self, Accumulator, Events},
    grid::Grid,
    groups::{Groups, Key, Places, Sorted},
    rolled::Summed,
};
use crate::{
    columnar::{Column, Columns, Dictionary, NONE, View, property},
    error::{Error, Result},
};

/// How many dimensions a breakdown may have.
pub const MAX_DIMENSIONS: usize = 4;
/// How many groups a breakdown may count.
const MAX_GROUPS: usize = 1_000_000;
/// How a missing value is shown.
const NO_VALUE: &str = "(none)";

/// Computes a [`Breakdown`].
#[derive(Debug, Clone)]
pub(super) struct BreakdownKernel {
    by: Vec<Column>,
    limit: usize,
    order: Metric,
    needs: Needs,
    /// Whether somebody wants to know about all rows together, or those that are not shown.
    rest: bool,
    places: Places,
    groups: Groups,
    /// What was counted beside the groups.
    grid: Grid,
    total: Accumulator,
    /// What the sets of all groups take.
    bytes: usize,
}

impl Dimension {
    /// The column that holds it.
    pub(super) fn column(self, property: Option<&str>) -> Result<Column> {
        Ok(match self {
            Self::EventType => Column::EventType,
            Self::PagePath => Column::Path,
            Self::Hostname => Column::Hostname,
            Self::ReferrerDomain => Column::ReferrerDomain,
            Self::UtmSource => Column::UtmSource,
            Self::UtmMedium => Column::UtmMedium,
            Self::UtmCampaign => Column::UtmCampaign,
            Self::UtmTerm => Column::UtmTerm,
            Self::UtmContent => Column::UtmContent,
            Self::PageTitle => Column::Title,
            Self::Browser => Column::Browser,
            Self::BrowserVersion => Column::BrowserVersion,
            Self::Os => Column::Os,
            Self::OsVersion => Column::OsVersion,
            Self::Device => Column::Device,
            Self::Screen => Column::Screen,
            Self::Country => Column::Country,
            Self::Region => Column::Region,
            Self::City => Column::City,
            Self::Language => Column::Language,
            Self::Currency => Column::Currency,
            Self::IsBot => Column::IsBot,
            Self::Property => Column::Property(
                property
                    .filter(|key| !key.is_empty())
                    .ok_or_else(|| Error::invalid("property", "The dimension PROPERTY needs the key of a property."))?
                    .to_owned(),
            ),
        })
    }
}

impl BreakdownKernel {
    pub(super) fn new(
        by: &[Dimension],
        property: Option<&str>,
        limit: usize,
        order: Metric,
        needs: Needs,
        rest: bool,
    ) -> Result<Self> {
        if by.is_empty() || by.len() > MAX_DIMENSIONS {
            return Err(Error::invalid("by", format!("Expected 1 to {MAX_DIMENSIONS} dimensions.")));
        }
        let by = by.iter().map(|dimension| dimension.column(property)).collect::<Result<_>>()?;
        let (places, groups, grid, total) = (Places::default(), Vec::new(), Grid::default(), Accumulator::default());
        Ok(Self { by, limit, order, needs, rest, places, groups, grid, total, bytes: 0 })
    }

    /// What has to be counted: what is shown and what is sorted by.
    pub(super) fn counts(&self) -> Needs {
        Needs {
            page_views: self.needs.page_views || self.order == Metric::PageViews,
            users: self.needs.users || self.order == Metric::UniqueUsers,
            sessions: self.needs.sessions || self.order == Metric::Sessions,
            visits: self.needs.visits,
            revenue: self.needs.revenue,
        }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        self.by.iter().cloned().chain(accumulator::columns(self.counts()))
    }

    /// Whether it looks at when events happened.
    pub(super) fn needs_times(&self) -> bool {
        let counts = self.counts();
        counts.visits || counts.revenue
    }

    pub(super) fn fold(&mut self, view: View<'_>) -> Result<()> {
        let counts = self.counts();
        let events = Events::of(view);
        let by: Vec<&[u32]> = self.by.iter().map(|column| accumulator::codes(view, column)).collect();
        self.total.add_all(if self.rest { counts } else { Needs::default() }, &events, 0..view.batch.len());
        let sizes: Vec<usize> = self
            .by
            .iter()
            .map(|column| view.columns.place(column).map_or(1, |place| view.columns.codes(place)))
            .collect();
        let are_sets = [(Column::Visitor, counts.users), (Column::Session, counts.sessions)];
        let of_sets = are_sets.map(|(column, needed)| needed.then(|| view.columns.place(&column)).flatten());
        let of_sets = of_sets.map(|place| place.map(|place| view.columns.codes(place)));
        if !counts.visits && !counts.revenue && self.grid.fit(&sizes, of_sets, &mut self.groups) {
            let are_page_views = counts.page_views.then(|| events.are_page_views());
            self.grid.count(&by, view.batch.len(), are_page_views, events.users_and_sessions(counts));
            return self.check();
        }
        self.places.fit(&sizes, &self.groups);
        let places = self.places.of_rows(&by, view.batch.len(), &mut self.groups);
        let sorted = Sorted::new(&places, self.groups.len());
        let events = events.in_order(counts, &sorted.rows);
        for (place, rows) in sorted.groups() {
            if let Some((_, group)) = self.groups.get_mut(place) {
                let before = group.bytes();
                group.add_all(counts, &events.view(), rows);
                self.bytes = (self.bytes + group.bytes()).saturating_sub(before);
            }
        }
        self.check()
    }

    /// Adds what another has counted of other events.
    pub(super) fn merge(&mut self, mut other: Self) -> Result<()> {
        self.settle();
        other.settle();
        self.total.merge(&other.total);
        let mut places = Places::hashed(&self.groups);
        for (key, group) in &other.groups {
            match places.entry(*key) {
                Entry::Occupied(place) => self.groups[*place.get()].1.merge(group),
                Entry::Vacant(place) => {
                    place.insert(self.groups.len());
                    self.groups.push((*key, group.clone()));
                }
            }
        }
        self.places = Places::Hashed(places);
        self.bytes = self.groups.iter().map(|(_, group)| group.bytes()).sum();
        self.check()
    }

    pub(super) fn by(&self) -> &[Column] {
        &self.by
    }

    /// Adds what other events sum up to, group by group.
    pub(super) fn add_summed(&mut self, sum: &Summed, columns: &Columns) {
        self.settle();
        self.total.count(sum.events, sum.page_views);
        let mut places = Places::hashed(&self.groups);
        let by: Vec<_> = self.by.iter().map(|column| columns.place(column)).collect();
        let types = columns.place(&Column::EventType);
        let page_view = types.and_then(|place| columns.dictionary(place).code(accumulator::PAGE_VIEW));
        for (row, &events) in sum.counts.iter().enumerate() {
            let code = |place: Option<usize>| Some(*sum.codes.get(place?)?.get(row)?);
            let mut key = [NONE; MAX_DIMENSIONS];
            key.iter_mut().zip(&by).for_each(|(key, place)| *key = code(*place).unwrap_or(NONE));
            let place = *places.entry(key).or_insert(self.groups.len());
            if place == self.groups.len() {
                self.groups.push((key, Accumulator::default()));
            }
            let is_page_view = page_view.is_some() && code(types) == page_view;
            self.groups[place].1.count(events, if is_page_view { events } else { 0 });
        }
        self.places = Places::Hashed(places);
    }

    /// Moves what was counted beside the groups to them.
    fn settle(&mut self) {
        self.grid.settle(&mut self.groups);
    }

    fn check(&self) -> Result<()> {
        if self.groups.len() > MAX_GROUPS {
            return Err(Error::CostExceeded(format!(
                "The breakdown has more than {MAX_GROUPS} groups. Narrow its range or filter, or take fewer dimensions."
            )));
        }
        Ok(())
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let places = self.places.bytes();
        let groups = self.groups.capacity() * size_of::<(Key, Accumulator)>();
        places + groups + self.bytes + self.grid.bytes() + self.total.bytes()
    }

    pub(super) fn finish(mut self, columns: &Columns, previous: Option<(Self, &Columns)>) -> Breakdown {
        self.settle();
        let groups = std::mem::take(&mut self.groups);
        let shown = self.limit.min(groups.len());
        let texts: Vec<Texts<'_>> = self.by.iter().map(|column| Texts::of(columns, column)).collect();
        let mut ranked: Vec<(u64, &(Key, Accumulator))> =
            groups.iter().map(|group| (self.metric(&group.1), group)).collect();
        let compare = |a: &(u64, &(Key, Accumulator)), b: &(u64, &(Key, Accumulator))| {
            b.0.cmp(&a.0).then_with(|| compare_keys(&texts, &a.1.0, &b.1.0))
        };
        if 0 < shown && shown < ranked.len() {
            ranked.select_nth_unstable_by(shown, compare);
        }
        ranked[..shown].sort_unstable_by(compare);
        let (rows, rest) = ranked.split_at(shown);
        let other = (!rest.is_empty()).then(|| {
            let mut other = Accumulator::default();
            for (_, (_, group)) in rest {
                match self.rest {
                    true => other.merge(group),
                    false => other.count(group.events(), group.page_views()),
                }
            }
            other.figures(self.needs)
        });
        let events = self.total.events();
        let previous = previous.map(|(mut previous, columns)| {
            previous.settle();
            let places = Places::hashed(&previous.groups);
            (previous, columns, places)
        });
        let rows = rows.iter().map(|(_, (key, group))| {
            let values: Vec<_> = texts.iter().zip(key).map(|(texts, &code)| texts.shown(code)).collect();
            let label: Vec<_> = values.iter().map(|value| value.as_deref().unwrap_or(NO_VALUE)).collect();
            BreakdownRow {
                label: label.join(" / "),
                figures: group.figures(self.needs),
                share: group.events() as f64 / events as f64,
                previous: previous
                    .as_ref()
                    .map(|(previous, columns, places)| previous.figures_of(places, columns, &texts, key)),
                values,
            }
        });
        Breakdown {
            rows: rows.collect(),
            other,
            total: self.total.figures(self.needs),
            groups: BigInt(groups.len() as u64),
        }
    }

    fn metric(&self, group: &Accumulator) -> u64 {
        match self.order {
            Metric::Events => group.events(),
            Metric::UniqueUsers => group.users(),
            Metric::Sessions => group.sessions(),
            Metric::PageViews => group.page_views(),
        }
    }

    /// The figures of a group of another scan in this one, which has codes of its own.
    fn figures_of(
        &self,
        places: &HashMap<Key, usize, RandomState>,
        columns: &Columns,
        texts: &[Texts<'_>],
        key: &Key,
    ) -> Figures {
        let mut own = [NONE; MAX_DIMENSIONS];
        for ((own, column), (texts, &code)) in own.iter_mut().zip(&self.by).zip(texts.iter().zip(key)) {
            let Some(entry) = texts.dictionary.and_then(|dictionary| dictionary.value(code)) else { continue };
            let place = columns.place(column);
            match place.and_then(|place| columns.dictionary(place).code(entry)) {
                Some(code) => *own = code,
                None => return Figures::default(),
            }
        }
        let group = places.get(&own).and_then(|&place| self.groups.get(place));
        group.map_or_else(Figures::default, |(_, group)| group.figures(self.needs))
    }
}

/// Groups without a value come after those with one.
fn compare_keys(texts: &[Texts<'_>], a: &Key, b: &Key) -> Ordering {
    for (texts, (&a, &b)) in texts.iter().zip(a.iter().zip(b)) {
        let order = (a == NONE).cmp(&(b == NONE)).then_with(|| texts.compare(a, b));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// What the codes of a dimension are shown as.
struct Texts<'a> {
    dictionary: Option<&'a Dictionary>,
    texts: Vec<Cow<'a, str>>,
}

impl<'a> Texts<'a> {
    fn of(columns: &'a Columns, column: &Column) -> Self {
        let dictionary = columns.place(column).map(|place| columns.dictionary(place));
        let is_property = matches!(column, Column::Property(_));
        let codes = dictionary.map_or(0, Dictionary::codes);
        let texts = (0..codes as u32).map(|code| match dictionary.and_then(|dictionary| dictionary.value(code)) {
            Some(entry) if is_property => Cow::Owned(property::shown(entry)),
            entry => Cow::Borrowed(entry.unwrap_or_default()),
        });
        Self { dictionary, texts: texts.collect() }
    }

    fn shown(&self, code: u32) -> Option<String> {
        if code == NONE { None } else { Some(self.texts.get(code as usize)?.to_string()) }
    }

    /// By what is shown; different values that are shown alike, such as `5` and `"5"`, by what
    /// they are.
    fn compare(&self, a: u32, b: u32) -> Ordering {
        let shown = self.texts.get(a as usize).cmp(&self.texts.get(b as usize));
        let entry = |code| self.dictionary.and_then(|dictionary| dictionary.value(code));
        shown.then_with(|| entry(a).cmp(&entry(b)))
    }
}
