//! Counting events by a few small codes: a cell for each combination there may be.

use std::collections::hash_map::Entry;

use super::{
    accumulator::Accumulator,
    breakdown::MAX_DIMENSIONS,
    groups::{DENSE_BITS, Groups, Places, bits_of, side_by_side},
};
use crate::columnar::NONE;

/// Events and page views by the codes of dimensions, side by side in so many bits each.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    bits: Vec<u32>,
    events: Vec<u64>,
    /// As long, once page views are counted.
    page_views: Vec<u64>,
}

impl Grid {
    /// Makes room for columns of so many codes; false where that would be too much. What was counted
    /// in another shape goes to the groups.
    pub(super) fn fit(&mut self, codes: &[usize], groups: &mut Groups) -> bool {
        let bits = bits_of(codes);
        if bits == self.bits && !self.events.is_empty() {
            return true;
        }
        self.settle(groups);
        let all = bits.iter().sum::<u32>();
        if all > DENSE_BITS {
            return false;
        }
        *self = Self { bits, events: vec![0; 1 << all], page_views: Vec::new() };
        true
    }

    /// Counts rows.
    pub(super) fn count(&mut self, by: &[&[u32]], rows: usize, are_page_views: Option<impl Iterator<Item = bool>>) {
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
    }

    /// Moves what was counted to the groups.
    pub(super) fn settle(&mut self, groups: &mut Groups) {
        let Self { bits, events, page_views } = std::mem::take(self);
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
                group.count(events, page_views.get(index).copied().unwrap_or_default());
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        (self.events.capacity() + self.page_views.capacity()) * size_of::<u64>()
    }
}
