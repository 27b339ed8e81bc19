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
pub(super) const DENSE_BITS: u32 = 18;

/// How many bits a code of each column takes, where there are so many codes.
pub(super) fn bits_of(codes: &[usize]) -> Vec<u32> {
    codes.iter().map(|codes| usize::BITS - codes.leading_zeros()).collect()
}

/// Puts the codes of each row side by side.
pub(super) fn side_by_side(bits: &[u32], by: &[&[u32]], rows: usize) -> Vec<u32> {
    let mut keys = vec![0; rows];
    for (bits, codes) in bits.iter().zip(by) {
        keys.iter_mut().zip(*codes).for_each(|(key, code)| *key = *key << bits | code);
    }
    keys
}

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
    pub(super) fn fit(&mut self, codes: &[usize], groups: &Groups) {
        let Self::Dense { bits, table } = self else { return };
        let needed = bits_of(codes);
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

    /// The place of each row's group, made where it is new.
    pub(super) fn of_rows(&mut self, by: &[&[u32]], rows: usize, groups: &mut Groups) -> Vec<u32> {
        let key = |row: usize| {
            let mut key = [NONE; MAX_DIMENSIONS];
            key.iter_mut().zip(by).for_each(|(code, codes)| *code = codes.get(row).copied().unwrap_or(NONE));
            key
        };
        match self {
            Self::Dense { bits, table } => {
                let mut places = side_by_side(bits, by, rows);
                for (row, place) in places.iter_mut().enumerate() {
                    // A key has as many bits as the table.
                    let entry = &mut table[*place as usize];
                    if *entry == 0 {
                        groups.push((key(row), Accumulator::default()));
                        *entry = groups.len() as u32;
                    }
                    *place = *entry - 1;
                }
                places
            }
            Self::Hashed(known) => {
                let mut places = vec![0; rows];
                for (row, place) in places.iter_mut().enumerate() {
                    *place = *known.entry(key(row)).or_insert_with_key(|key| {
                        groups.push((*key, Accumulator::default()));
                        groups.len() - 1
                    }) as u32;
                }
                places
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Dense { table, .. } => table.capacity() * size_of::<u32>(),
            Self::Hashed(places) => table_bytes(places.capacity(), size_of::<(Key, usize)>()),
        }
    }
}

/// The rows of a batch, those of a group side by side.
pub(super) struct Sorted {
    pub(super) rows: Vec<u32>,
    /// A group, and where its rows end.
    ends: Vec<(u32, u32)>,
}

impl Sorted {
    /// Sorts rows whose groups stand in these of so many places.
    pub(super) fn new(places: &[u32], groups: usize) -> Self {
        let mut rows: Vec<u32> = vec![0; places.len()];
        let mut ends = Vec::new();
        if groups > places.len() {
            rows = (0..places.len() as u32).collect();
            rows.sort_unstable_by_key(|&row| (places[row as usize], row));
            for (at, &row) in rows.iter().enumerate() {
                let (place, end) = (places[row as usize], at as u32 + 1);
                match ends.last_mut() {
                    Some((last, own)) if *last == place => *own = end,
                    _ => ends.push((place, end)),
                }
            }
            return Self { rows, ends };
        }
        let mut counts = vec![0_u32; groups];
        places.iter().for_each(|&place| counts[place as usize] += 1);
        let mut end = 0;
        for (place, count) in counts.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
            end += std::mem::replace(count, end);
            ends.push((place as u32, end));
        }
        for (row, &place) in places.iter().enumerate() {
            let at = &mut counts[place as usize];
            rows[*at as usize] = row as u32;
            *at += 1;
        }
        Self { rows, ends }
    }

    /// Each group's place, and which of the sorted rows are its.
    pub(super) fn groups(&self) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end as usize));
        starts.zip(&self.ends).map(|(from, &(place, to))| (place as usize, from..to as usize))
    }
}
