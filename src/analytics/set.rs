//! Sets and maps of codes. Codes are small and dense, so what holds many of them is an array; what
//! holds few is a list or a table, because there may be many of those.

use std::{cell::RefCell, collections::HashMap};

use foldhash::fast::RandomState;

use crate::columnar::NONE;

/// A list or table of fewer entries is not looked at.
const SMALL: usize = 64;
/// A list of fewer entries may name one again and again.
const LONG: usize = 1_024;

/// Bytes of a table with this many places, each of which takes so many; tables are an eighth empty,
/// and small ones have a row of marks beside.
pub(super) const fn table_bytes(places: usize, each: usize) -> usize {
    if places == 0 { 0 } else { 32 + places * (each + 1) * 8 / 7 }
}

/// A set of codes. [`NONE`] is in none.
#[derive(Debug, Clone)]
pub(super) enum CodeSet {
    Few(Few),
    Many(Vec<u64>),
}

/// Codes in a row, some of them perhaps again and again: adding to it is as cheap as can be.
#[derive(Debug, Clone, Default)]
pub(super) struct Few {
    codes: Vec<u32>,
    /// So many of the first are different from one another.
    distinct: usize,
    most: u32,
}

thread_local! {
    /// A bit for each code, all of them clear but while somebody tells codes apart.
    static MET: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Calls with each code when it is met first.
fn each_once<'a>(codes: impl Iterator<Item = &'a u32> + Clone, most: u32, mut first: impl FnMut(u32)) {
    MET.with_borrow_mut(|met| {
        let words = most as usize / 64 + 1;
        if met.len() < words {
            met.resize(words, 0);
        }
        for &code in codes.clone() {
            let (word, bit) = (&mut met[code as usize / 64], 1 << (code % 64));
            if *word & bit == 0 {
                *word |= bit;
                first(code);
            }
        }
        codes.for_each(|&code| met[code as usize / 64] = 0);
    });
}

impl Few {
    /// Adds codes; the bitmap that takes less room, once one does.
    fn extend(&mut self, codes: &[u32]) -> Option<Vec<u64>> {
        self.codes.extend(codes.iter().filter(|code| **code != NONE));
        self.most = codes.iter().fold(self.most, |most, code| most.max(*code));
        if self.codes.len() < SMALL {
            return None;
        }
        if self.is_large() || self.codes.len() >= LONG.max(2 * self.distinct) && self.tidy() {
            let mut bits = vec![0; self.most as usize / 64 + 1];
            self.codes.iter().for_each(|&code| bits[code as usize / 64] |= 1 << (code % 64));
            return Some(bits);
        }
        None
    }

    /// Whether a bit a code takes no more than these.
    fn is_large(&self) -> bool {
        self.codes.len() * 32 > self.most as usize
    }

    /// Leaves each code once; whether they are many even so.
    fn tidy(&mut self) -> bool {
        self.codes = self.distinct();
        self.distinct = self.codes.len();
        self.is_large()
    }

    fn distinct(&self) -> Vec<u32> {
        let mut distinct = Vec::new();
        each_once(self.codes.iter(), self.most, |code| distinct.push(code));
        distinct
    }
}

impl Default for CodeSet {
    fn default() -> Self {
        Self::Few(Few::default())
    }
}

impl CodeSet {
    pub(super) fn extend(&mut self, codes: &[u32]) {
        match self {
            Self::Few(few) => {
                if let Some(bits) = few.extend(codes) {
                    *self = Self::Many(bits);
                }
            }
            Self::Many(bits) => codes.iter().for_each(|&code| set(bits, code)),
        }
    }

    /// Adds the codes of a bitmap.
    pub(super) fn add_bits(&mut self, more: &[u64]) {
        match self {
            Self::Few(few) => {
                let mut bits = more.to_vec();
                few.codes.iter().for_each(|&code| set(&mut bits, code));
                *self = Self::Many(bits);
            }
            Self::Many(own) => unite(own, more),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        match other {
            Self::Few(few) => self.extend(&few.codes),
            Self::Many(bits) => self.add_bits(bits),
        }
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Few(few) => {
                let mut all = 0;
                each_once(few.codes.iter(), few.most, |_| all += 1);
                all
            }
            Self::Many(bits) => {
                let all: u64 = bits.iter().map(|word| u64::from(word.count_ones())).sum();
                // Whoever has no code was put in for the sake of speed.
                all - bits.first().map_or(0, |word| word & 1)
            }
        }
    }

    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Few(few) => Box::new(few.distinct().into_iter()),
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
            Self::Few(few) => few.codes.capacity() * size_of::<u32>(),
            Self::Many(bits) => bits.capacity() * size_of::<u64>(),
        }
    }
}

/// Adds the codes of one bitmap to another.
pub(super) fn unite(own: &mut Vec<u64>, more: &[u64]) {
    if own.len() < more.len() {
        own.resize(more.len(), 0);
    }
    own.iter_mut().zip(more).for_each(|(own, more)| *own |= more);
}

/// Adds a code to a bitmap.
pub(super) fn set(bits: &mut Vec<u64>, code: u32) {
    let word = code as usize / 64;
    if word >= bits.len() {
        bits.resize(word + 1, 0);
    }
    bits[word] |= 1 << (code % 64);
}

/// Something of each code; the default is as good as nothing.
#[derive(Debug, Clone)]
pub(super) enum CodeMap<T> {
    /// And between which codes they lie.
    Few(HashMap<u32, T, RandomState>, u32, u32),
    /// Of all codes from one on, and of how many there is something: sessions that were close in time have
    /// codes that are close.
    Many(u32, usize, Vec<T>),
}

impl<T> Default for CodeMap<T> {
    fn default() -> Self {
        Self::Few(HashMap::default(), u32::MAX, NONE)
    }
}

impl<T: Default + Clone + PartialEq> CodeMap<T> {
    /// What there is of a code, made if there was nothing.
    pub(super) fn entry(&mut self, code: u32) -> &mut T {
        if let Self::Few(few, least, most) = self {
            (*least, *most) = (code.min(*least), code.max(*most));
            let (least, width) = (*least, (*most - *least) as usize + 1);
            if few.len() >= SMALL && few.len().is_power_of_two() && few.len() * 2 > width {
                let mut all = vec![T::default(); width];
                few.drain().for_each(|(code, of)| all[(code - least) as usize] = of);
                *self = Self::Many(least, SMALL, all);
            }
        }
        if let Self::Many(least, filled, all) = self {
            let end = (u64::from(*least) + all.len() as u64).max(u64::from(code) + 1);
            let width = end - u64::from(code.min(*least));
            // One that is far from all others makes a table of them again, and not an array of nothing.
            if width > all.len() as u64 && width > 4 * (*filled as u64 + SMALL as u64) {
                let (least, end) = (code.min(*least), end as u32 - 1);
                let mut few = HashMap::default();
                self.each(|code, of| drop(few.insert(code, of.clone())));
                *self = Self::Few(few, least, end);
            }
        }
        match self {
            Self::Few(few, ..) => few.entry(code).or_default(),
            Self::Many(least, filled, all) => {
                if code < *least {
                    // By as much as there is at once, so that going down is as cheap as going up.
                    let more = (*least - code).max((*least).min(all.len() as u32));
                    all.splice(0..0, std::iter::repeat_n(T::default(), more as usize));
                    *least -= more;
                }
                let place = (code - *least) as usize;
                if place >= all.len() {
                    all.resize(place + 1, T::default());
                }
                *filled += usize::from(all[place] == T::default());
                &mut all[place]
            }
        }
    }

    /// Calls with all codes of which there is something.
    pub(super) fn each(&self, mut each: impl FnMut(u32, &T)) {
        match self {
            Self::Few(few, ..) => few.iter().for_each(|(&code, of)| each(code, of)),
            Self::Many(least, _, all) => {
                let nothing = T::default();
                let all = all.iter().enumerate().filter(|(_, of)| **of != nothing);
                all.for_each(|(place, of)| each(least + place as u32, of));
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Few(few, ..) => table_bytes(few.capacity(), size_of::<(u32, T)>()),
            Self::Many(_, _, all) => all.capacity() * size_of::<T>(),
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
                codes.chunks(97).for_each(|codes| set.extend(codes));
                assert_eq!(set.iter().collect::<BTreeSet<_>>().len() as u64, set.len());
                assert_eq!(set.iter().count() as u64, set.len());
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
            let (mut counted, mut met) = (0, BTreeSet::new());
            map.each(|code, count| {
                counted += *count as usize;
                met.insert(code);
            });
            prop_assert_eq!(counted, first.len());
            prop_assert_eq!(met, first.iter().copied().collect::<BTreeSet<_>>());
        }
    }

    /// Dense ones, sparse ones and both.
    fn codes() -> impl Strategy<Value = Vec<u32>> {
        prop_oneof![
            prop::collection::vec(0_u32..300, 0..600),
            prop::collection::vec(0_u32..1_000_000, 0..200),
            prop::collection::vec(prop_oneof![0_u32..200, 0_u32..500_000], 0..600),
            prop::collection::vec(prop_oneof![0_u32..20, 0_u32..500_000], 0..4_000),
            prop::collection::vec(prop_oneof![5 => 100_000_u32..100_200, 1 => 99_000_u32..101_000], 0..600),
        ]
    }
}
