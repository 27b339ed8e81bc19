//! The headline figures of a range.

use super::{
    BigInt, EventTypeCount, Figures, Needs, Range, Summary,
    accumulator::{self, Accumulator, Events},
    rolled::Summed,
};
use crate::{
    clock::Moment,
    columnar::{Column, Columns, View},
};

/// How many event types a summary lists.
const TYPES: usize = 100;

/// Computes a [`Summary`].
#[derive(Debug, Clone)]
pub(super) struct SummaryKernel {
    needs: Needs,
    by_event_type: bool,
    times: bool,
    counted: Accumulator,
    /// Events by the code of their type.
    types: Vec<u64>,
    seen: Option<(i64, i64)>,
}

impl SummaryKernel {
    pub(super) fn new(needs: Needs, by_event_type: bool, times: bool) -> Self {
        Self { needs, by_event_type, times, counted: Accumulator::default(), types: Vec::new(), seen: None }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        accumulator::columns(self.needs).chain(self.by_event_type.then_some(Column::EventType))
    }

    pub(super) fn fold(&mut self, view: View<'_>) {
        self.counted.add_all(self.needs, &Events::of(view), 0..view.batch.len());
        // Events of a batch are in the order of their times.
        if let (Some(&first), Some(&last)) = (view.batch.timestamps.first(), view.batch.timestamps.last()) {
            self.see(first, last);
        }
        if self.by_event_type {
            accumulator::codes(view, &Column::EventType).iter().for_each(|&code| count(&mut self.types, code, 1));
        }
    }

    pub(super) fn needs(&self) -> Needs {
        self.needs
    }

    pub(super) fn wants_types(&self) -> bool {
        self.by_event_type
    }

    pub(super) fn wants_times(&self) -> bool {
        self.times
    }

    /// Adds what other events sum up to.
    pub(super) fn add_summed(&mut self, sum: &Summed, columns: &Columns) {
        self.counted.add_summed(sum);
        if let Some((first, last)) = sum.totals.seen() {
            self.see(first, last);
        }
        let types = columns.place(&Column::EventType).and_then(|place| sum.codes.get(place));
        for (&code, &events) in types.into_iter().flatten().zip(&sum.counts) {
            count(&mut self.types, code, events);
        }
    }

    fn see(&mut self, first: i64, last: i64) {
        let seen = self.seen.unwrap_or((first, last));
        self.seen = Some((first.min(seen.0), last.max(seen.1)));
    }

    /// Adds what another has counted of other events.
    pub(super) fn merge(&mut self, other: &Self) {
        self.counted.merge(&other.counted);
        if let Some((first, last)) = other.seen {
            self.see(first, last);
        }
        add_counts(&mut self.types, &other.types);
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.counted.bytes() + self.types.capacity() * size_of::<u64>()
    }

    pub(super) fn finish(self, range: Range, columns: &Columns, previous: Option<Self>) -> Summary {
        let mut by_event_type = top(&self.types, columns, &Column::EventType);
        by_event_type.truncate(TYPES);
        Summary {
            figures: self.figures(),
            by_event_type: by_event_type
                .into_iter()
                .map(|(event_type, events)| EventTypeCount { event_type, events: BigInt(events) })
                .collect(),
            first_event_at: self.seen.map(|(first, _)| Moment(first)),
            last_event_at: self.seen.map(|(_, last)| Moment(last)),
            from: Moment(range.from),
            to: Moment(range.to),
            previous: previous.map(|previous| previous.figures()),
        }
    }

    fn figures(&self) -> Figures {
        self.counted.figures(self.needs)
    }
}

/// Counts some more of a code.
pub(super) fn count(counts: &mut Vec<u64>, code: u32, more: u64) {
    let code = code as usize;
    if counts.len() <= code {
        counts.resize(code + 1, 0);
    }
    counts[code] += more;
}

/// Adds counts by code.
pub(super) fn add_counts(counts: &mut Vec<u64>, more: &[u64]) {
    if counts.len() < more.len() {
        counts.resize(more.len(), 0);
    }
    counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
}

/// The values of a column that were counted, most frequent first and equal ones in their order.
pub(super) fn top(counts: &[u64], columns: &Columns, column: &Column) -> Vec<(String, u64)> {
    let Some(place) = columns.place(column) else { return Vec::new() };
    let dictionary = columns.dictionary(place);
    let counted = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let mut values: Vec<_> =
        counted.filter_map(|(code, &count)| Some((dictionary.value(code as u32)?.to_owned(), count))).collect();
    values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values
}
