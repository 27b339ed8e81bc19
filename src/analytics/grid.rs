//! Counting events by a few small codes: a cell for each combination there may be.

use std::collections::hash_map::Entry;

use super::{
    accumulator::Accumulator,
    breakdown::MAX_DIMENSIONS,
    groups::{DENSE_BITS, Groups, Places, bits_of, side_by_side},
};
use crate::columnar::NONE;

/// Words of the sets of all cells: what a processor has near.
const MAX_WORDS: usize = 512 << 10;

/// Events and page views by the codes of dimensions, side by side in so many bits each, and whose they are.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    bits: Vec<u32>,
    events: Vec<u64>,
    /// As long, once page views are counted.
    page_views: Vec<u64>,
    /// Users and sessions of each cell.
    sets: [Sets; 2],
}

/// A set of codes for each cell, as bits.
#[derive(Debug, Clone, Default)]
struct Sets {
    /// Of one cell; none where nobody wants to know.
    words: usize,
    bits: Vec<u64>,
}

impl Sets {
    fn insert(&mut self, keys: &[u32], codes: &[u32]) {
        for (&key, &code) in keys.iter().zip(codes) {
            if let Some(word) = self.bits.get_mut(key as usize * self.words + code as usize / 64) {
                *word |= 1 << (code % 64);
            }
        }
    }

    fn of(&self, cell: usize) -> &[u64] {
        self.bits.get(cell * self.words..(cell + 1) * self.words).unwrap_or_default()
    }
}

impl Grid {
    /// Makes room for columns of so many codes, and sets of users and sessions of so many; false where that
    /// would be too much. What was counted in another shape goes to the groups.
    pub(super) fn fit(&mut self, codes: &[usize], of_sets: [Option<usize>; 2], groups: &mut Groups) -> bool {
        let bits = bits_of(codes);
        let words = of_sets.map(|codes| codes.map_or(0, |codes| codes / 64 + 1));
        if bits == self.bits && words == self.sets.each_ref().map(|set| set.words) && !self.events.is_empty() {
            return true;
        }
        self.settle(groups);
        let all = bits.iter().sum::<u32>();
        if all > DENSE_BITS || words.iter().sum::<usize>() > MAX_WORDS >> all {
            return false;
        }
        let sets = words.map(|words| Sets { words, bits: vec![0; words << all] });
        *self = Self { bits, events: vec![0; 1 << all], page_views: Vec::new(), sets };
        true
    }

    /// Counts rows.
    pub(super) fn count(
        &mut self,
        by: &[&[u32]],
        rows: usize,
        are_page_views: Option<impl Iterator<Item = bool>>,
        of_sets: [&[u32]; 2],
    ) {
        // A key has as many bits as there are cells.
        let keys = match (self.bits.as_slice(), by) {
            ([_], [codes]) => std::borrow::Cow::Borrowed(*codes),
            _ => side_by_side(&self.bits, by, rows).into(),
        };
        keys.iter().for_each(|&key| self.events[key as usize] += 1);
        if let Some(are) = are_page_views {
            self.page_views.resize(self.events.len(), 0);
            keys.iter().zip(are).for_each(|(&key, is)| self.page_views[key as usize] += u64::from(is));
        }
        self.sets.iter_mut().zip(of_sets).for_each(|(sets, codes)| sets.insert(&keys, codes));
    }

    /// Moves what was counted to the groups.
    pub(super) fn settle(&mut self, groups: &mut Groups) {
        if self.events.is_empty() {
            return;
        }
        let Self { bits, events, page_views, sets: [users, sessions] } = std::mem::take(self);
        let mut places = Places::hashed(groups);
        for (index, &events) in events.iter().enumerate().filter(|(_, events)| **events > 0) {
            let (mut key, mut rest) = ([NONE; MAX_DIMENSIONS], index as u32);
            for (code, bits) in key[..bits.len()].iter_mut().zip(&bits).rev() {
                *code = rest & ((1 << bits) - 1);
                rest >>= bits;
            }
            let place = match places.entry(key) {
                Entry::Occupied(place) => *place.get(),
                Entry::Vacant(place) => {
                    groups.push((key, Accumulator::default()));
                    *place.insert(groups.len() - 1)
                }
            };
            if let Some((_, group)) = groups.get_mut(place) {
                let page_views = page_views.get(index).copied().unwrap_or_default();
                group.add_counted(events, page_views, users.of(index), sessions.of(index));
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let sets: usize = self.sets.iter().map(|sets| sets.bits.capacity()).sum();
        (self.events.capacity() + self.page_views.capacity() + sets) * size_of::<u64>()
    }
}
