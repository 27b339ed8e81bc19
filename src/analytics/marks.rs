//! Which of several filters each event of a batch matches.

use std::collections::HashSet;

use super::{
    behaviour::{BehaviourFilter, Doers},
    filter::EventFilter,
    matcher::Matcher,
};
use crate::columnar::View;

/// Several filters, ready to be applied to batches: at most as many as there are bits of a mark.
#[derive(Debug, Clone)]
pub(super) struct Marks {
    matchers: Vec<Matcher>,
    bits: Vec<u16>,
}

impl Marks {
    pub(super) fn new<'a>(filters: impl IntoIterator<Item = &'a EventFilter>) -> Self {
        Self { matchers: filters.into_iter().map(Matcher::new).collect(), bits: Vec::new() }
    }

    /// What they have to know of visitors.
    pub(super) fn behaviours<'m>(&'m self, found: &mut HashSet<&'m BehaviourFilter>) {
        self.matchers.iter().for_each(|matcher| matcher.behaviours(found));
    }

    /// Lets them know who did what.
    pub(super) fn know(&mut self, doers: &Doers) {
        self.matchers.iter_mut().for_each(|matcher| matcher.know(doers));
    }

    /// For each event, a bit for every filter that lets it through.
    pub(super) fn of(&mut self, view: View<'_>) -> &[u16] {
        self.bits.clear();
        self.bits.resize(view.batch.len(), 0);
        let mut rows = Vec::new();
        for (place, matcher) in self.matchers.iter_mut().enumerate() {
            matcher.select(view, &mut rows);
            for &row in &rows {
                self.bits[row as usize] |= 1 << place;
            }
        }
        &self.bits
    }
}
