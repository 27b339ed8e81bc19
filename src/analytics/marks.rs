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
    /// Those of the values met so far, by their codes, where all filters look at one column.
    by_code: Vec<u16>,
}

impl Marks {
    pub(super) fn new<'a>(filters: impl IntoIterator<Item = &'a EventFilter>) -> Self {
        Self { matchers: filters.into_iter().map(Matcher::new).collect(), bits: Vec::new(), by_code: Vec::new() }
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
        if self.look_up(view).is_some() {
            return &self.bits;
        }
        self.bits.resize(view.batch.len(), 0);
        let mut mask = Vec::new();
        for (place, matcher) in self.matchers.iter_mut().enumerate() {
            matcher.mask(view, &mut mask);
            self.bits.iter_mut().zip(&mask).for_each(|(bits, &lets)| *bits |= u16::from(lets) << place);
        }
        &self.bits
    }

    /// The same where all filters look at one column, or at nothing: its values have their bits.
    fn look_up(&mut self, view: View<'_>) -> Option<()> {
        let mut only = None;
        for matcher in &self.matchers {
            match (matcher.only_column()?, only) {
                (Some(column), Some(known)) if column != known => return None,
                (column, known) => only = column.or(known),
            }
        }
        let Some(only) = only.cloned() else {
            self.bits.resize(view.batch.len(), (1 << self.matchers.len()) - 1);
            return Some(());
        };
        let place = view.columns.place(&only)?;
        let (known, codes) = (self.by_code.len(), view.columns.codes(place));
        if known < codes {
            self.by_code.resize(codes, 0);
            for (bit, matcher) in self.matchers.iter_mut().enumerate() {
                let is_any = matcher.only_column() == Some(None);
                let verdicts = matcher.verdicts(view.columns, place);
                for (code, bits) in self.by_code.iter_mut().enumerate().skip(known) {
                    *bits |= u16::from(is_any || verdicts.get(code).copied().unwrap_or_default()) << bit;
                }
            }
        }
        self.bits.extend(view.batch.codes[place].iter().map(|&code| self.by_code[code as usize]));
        Some(())
    }
}
