//! Sets and maps of codes. Codes are small and dense, so what holds many of them is an array; what
//! holds few is a table, because there may be many of those.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use crate::columnar::NONE;

/// A table of fewer entries is not looked at.
const SMALL: usize = 64;

/// Bytes of a table with this many places, each of which takes so many; tables are an eighth empty,
/// and small ones have a row of marks beside.
pub(super) const fn table_bytes(places: usize, each: usize) -> usize {
    if places == 0 { 0 } else { 32 + places * (each + 1) * 8 / 7 }
}

/// A set of codes. [`NONE`] is in none.
#[derive(Debug, Clone)]
pub(super) enum CodeSet {
    Few(HashSet<u32, RandomState>, u32),
    Many(Vec<u64>),
}

impl Default for CodeSet {
    fn default() -> Self {
        Self::Few(HashSet::default(), NONE)
    }
}

impl CodeSet {
    pub(super) fn insert(&mut self, code: u32) {
        match self {
            Self::Few(few, most) => {
                if code == NONE || !few.insert(code) {
                    return;
                }
                *most = code.max(*most);
                // A bitmap takes an eighth of a byte a code, a table some five bytes an entry.
                if few.len() >= SMALL && few.len().is_power_of_two() && few.len() * 40 > *most as usize {
                    let mut bits = vec![0; *most as usize / 64 + 1];
                    few.iter().for_each(|&code| bits[code as usize / 64] |= 1 << (code % 64));
                    *self = Self::Many(bits);
                }
            }
            Self::Many(bits) => set(bits, code),
        }
    }

    pub(super) fn extend(&mut self, codes: &[u32]) {
        let mut codes = codes.iter();
        while let Self::Few(..) = self {
            match codes.next() {
                Some(&code) => self.insert(code),
                None => return,
            }
        }
        if let Self::Many(bits) = self {
            codes.for_each(|&code| set(bits, code));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Many(own), Self::Many(bits)) => {
                if own.len() < bits.len() {
                    own.resize(bits.len(), 0);
                }
                own.iter_mut().zip(bits).for_each(|(own, bits)| *own |= bits);
            }
            (Self::Few(..), Self::Many(_)) => {
                let few = std::mem::replace(self, other.clone());
                self.merge(&few);
            }
            (_, Self::Few(few, _)) => few.iter().for_each(|&code| self.insert(code)),
        }
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Few(few, _) => few.len() as u64,
            Self::Many(bits) => {
                let all: u64 = bits.iter().map(|word| u64::from(word.count_ones())).sum();
                // Whoever has no code was put in for the sake of speed.
                all - bits.first().map_or(0, |word| word & 1)
            }
        }
    }

    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Few(few, _) => Box::new(few.iter().copied()),
            Self::Many(bits) => {
                let words = bits.iter().enumerate().filter(|(_, word)| **word != 0);
                let codes = words.flat_map(|(place, word)| {
                    (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| (place * 64) as u32 + bit)
                });
                Box::new(codes.filter(|code| *code != NONE))
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Few(few, _) => table_bytes(few.capacity(), size_of::<u32>()),
            Self::Many(bits) => bits.capacity() * size_of::<u64>(),
        }
    }
}

fn set(bits: &mut Vec<u64>, code: u32) {
    let word = code as usize / 64;
    if word >= bits.len() {
        bits.resize(word + 1, 0);
    }
    bits[word] |= 1 << (code % 64);
}

/// Something of each code; the default is as good as nothing.
#[derive(Debug, Clone)]
pub(super) enum CodeMap<T> {
    Few(HashMap<u32, T, RandomState>, u32),
    Many(Vec<T>),
}

impl<T> Default for CodeMap<T> {
    fn default() -> Self {
        Self::Few(HashMap::default(), NONE)
    }
}

impl<T: Default + Clone + PartialEq> CodeMap<T> {
    /// What there is of a code, made if there was nothing.
    pub(super) fn entry(&mut self, code: u32) -> &mut T {
        if let Self::Few(few, most) = self {
            *most = code.max(*most);
            if few.len() >= SMALL && few.len().is_power_of_two() && few.len() * 2 > *most as usize {
                let mut all = vec![T::default(); *most as usize + 1];
                few.drain().for_each(|(code, of)| all[code as usize] = of);
                *self = Self::Many(all);
            }
        }
        match self {
            Self::Few(few, _) => few.entry(code).or_default(),
            Self::Many(all) => {
                let place = code as usize;
                if place >= all.len() {
                    all.resize(place + 1, T::default());
                }
                &mut all[place]
            }
        }
    }

    /// All codes of which there is something.
    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = (u32, &T)> + '_> {
        match self {
            Self::Few(few, _) => Box::new(few.iter().map(|(&code, of)| (code, of))),
            Self::Many(all) => {
                let nothing = T::default();
                let all = all.iter().enumerate().map(|(code, of)| (code as u32, of));
                Box::new(all.filter(move |(_, of)| **of != nothing))
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Few(few, _) => table_bytes(few.capacity(), size_of::<(u32, T)>()),
            Self::Many(all) => all.capacity() * size_of::<T>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sets_hold_what_was_put_in(first in codes(), second in codes()) {
            let of = |codes: &[u32]| {
                let mut set = CodeSet::default();
                set.extend(codes);
                set
            };
            let (mut one, two) = (of(&first), of(&second));
            let known = |codes: &[u32]| codes.iter().copied().filter(|&code| code != NONE).collect::<BTreeSet<_>>();
            prop_assert_eq!(one.len(), known(&first).len() as u64);
            one.merge(&two);
            let both: BTreeSet<_> = known(&first).union(&known(&second)).copied().collect();
            prop_assert_eq!(one.len(), both.len() as u64);
            let mut map = CodeMap::<u32>::default();
            first.iter().for_each(|&code| *map.entry(code) += 1);
            prop_assert_eq!(map.iter().map(|(_, count)| *count as usize).sum::<usize>(), first.len());
                let met: BTreeSet<u32> = map.iter().map(|(code, _)| code).collect();
            prop_assert_eq!(met, first.iter().copied().collect::<BTreeSet<_>>());
        }
    }

    /// Dense ones, sparse ones and both.
    fn codes() -> impl Strategy<Value = Vec<u32>> {
        prop_oneof![
            prop::collection::vec(0_u32..300, 0..600),
            prop::collection::vec(0_u32..1_000_000, 0..200),
            prop::collection::vec(prop_oneof![0_u32..200, 0_u32..500_000], 0..600),
        ]
    }
}
