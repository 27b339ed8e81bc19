//! From the values of dimensions to the group of events that have them.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{accumulator::Accumulator, breakdown::MAX_DIMENSIONS, set::table_bytes};
use crate::columnar::NONE;

/// The codes of a group's values; places beyond the dimensions stay [`NONE`].
pub(super) type Key = [u32; MAX_DIMENSIONS];

/// Groups in the order in which they were met.
pub(super) type Groups = Vec<(Key, Accumulator)>;

/// Bits of a table that is looked up rather than searched.
const DENSE_BITS: u32 = 18;

/// Where the group of each key stands.
#[derive(Debug, Clone)]
pub(super) enum Places {
    /// One above the place, by the codes side by side in so many bits each.
    Dense { bits: Vec<u32>, table: Vec<u32> },
    /// By key.
    Hashed(HashMap<Key, usize, RandomState>),
}

impl Default for Places {
    fn default() -> Self {
        Self::Dense { bits: Vec::new(), table: Vec::new() }
    }
}

impl Places {
    /// By key.
    pub(super) fn hashed(groups: &Groups) -> HashMap<Key, usize, RandomState> {
        groups.iter().enumerate().map(|(place, (key, _))| (*key, place)).collect()
    }

    /// Makes room for columns of so many codes.
    pub(super) fn fit(&mut self, codes: impl Iterator<Item = usize>, groups: &Groups) {
        let Self::Dense { bits, table } = self else { return };
        let needed: Vec<u32> = codes.map(|codes| usize::BITS - codes.leading_zeros()).collect();
        if needed == *bits && !table.is_empty() {
            return;
        }
        if needed.iter().sum::<u32>() > DENSE_BITS {
            *self = Self::Hashed(Self::hashed(groups));
            return;
        }
        *table = vec![0; 1 << needed.iter().sum::<u32>()];
        for (place, (key, _)) in groups.iter().enumerate() {
            let index = needed.iter().zip(key).fold(0, |index, (bits, code)| index << bits | *code as usize);
            if let Some(entry) = table.get_mut(index) {
                *entry = place as u32 + 1;
            }
        }
        *bits = needed;
    }

    /// What the rows of a batch are found by.
    pub(super) fn keys(&self, by: &[&[u32]], rows: usize) -> Vec<u32> {
        let Self::Dense { bits, .. } = self else { return Vec::new() };
        let mut keys = vec![0; rows];
        for (bits, codes) in bits.iter().zip(by) {
            keys.iter_mut().zip(*codes).for_each(|(key, code)| *key = *key << bits | code);
        }
        keys
    }

    /// The place of a row's group, made if it is new.
    pub(super) fn find(&mut self, by: &[&[u32]], keys: &[u32], row: usize, groups: &mut Groups) -> usize {
        let key = || {
            let mut key = [NONE; MAX_DIMENSIONS];
            key.iter_mut().zip(by).for_each(|(code, codes)| *code = codes.get(row).copied().unwrap_or(NONE));
            key
        };
        match self {
            Self::Dense { table, .. } => {
                let Some(entry) = keys.get(row).and_then(|&key| table.get_mut(key as usize)) else { return usize::MAX };
                if *entry == 0 {
                    groups.push((key(), Accumulator::default()));
                    *entry = groups.len() as u32;
                }
                *entry as usize - 1
            }
            Self::Hashed(places) => *places.entry(key()).or_insert_with_key(|key| {
                groups.push((*key, Accumulator::default()));
                groups.len() - 1
            }),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Dense { table, .. } => table.capacity() * size_of::<u32>(),
            Self::Hashed(places) => table_bytes(places.capacity(), size_of::<(Key, usize)>()),
        }
    }
}
