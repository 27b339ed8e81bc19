//! The headline figures of a range.

use super::{
    BigInt, EventTypeCount, Figures, Needs, Range, Summary,
    accumulator::{self, Accumulator, Events},
};
use crate::{
    clock::Moment,
    columnar::{Column, Columns, View},
};

/// How many event types a summary lists.
const TYPES: usize = 100;

/// Computes a [`Summary`].
#[derive(Debug)]
pub(super) struct SummaryKernel {
    needs: Needs,
    by_event_type: bool,
    counted: Accumulator,
    /// Events by the code of their type.
    types: Vec<u64>,
    seen: Option<(i64, i64)>,
}

impl SummaryKernel {
    pub(super) fn new(needs: Needs, by_event_type: bool) -> Self {
        Self { needs, by_event_type, counted: Accumulator::default(), types: Vec::new(), seen: None }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        accumulator::columns(self.needs)
    }

    pub(super) fn fold(&mut self, view: View<'_>, rows: &[usize]) {
        let events = Events::of(view);
        for &row in rows {
            let event = events.get(row);
            self.counted.add(self.needs, event);
            let (first, last) = self.seen.unwrap_or((event.at, event.at));
            self.seen = Some((first.min(event.at), last.max(event.at)));
        }
        if !self.by_event_type {
            return;
        }
        let codes = accumulator::codes(view, &Column::EventType);
        for &row in rows {
            count(&mut self.types, codes[row]);
        }
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

/// Counts one more of a code.
pub(super) fn count(counts: &mut Vec<u64>, code: u32) {
    let code = code as usize;
    if counts.len() <= code {
        counts.resize(code + 1, 0);
    }
    counts[code] += 1;
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
