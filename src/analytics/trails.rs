//! What each visitor or session did, one thing after the other.
//!
//! Events are kept in 16 bytes each, in parts by the lowest bits of whom they are of, so that a part
//! is sorted within a processor's cache, and parts of several workers are put together by moving
//! pointers.

use crate::columnar::NONE;

/// How many parts there are.
const PARTS: usize = 1 << PART_BITS;
const PART_BITS: u32 = 8;
/// Bits a mark has room for beside its time. Times of a range need 49 at most.
const MARK_BITS: u32 = 10;

/// An event of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    who: u32,
    /// The rank of its value.
    pub what: u32,
    /// Time and bits.
    when: u64,
}

impl Mark {
    /// Milliseconds since the start of the range.
    pub(super) fn at(self) -> u64 {
        self.when >> MARK_BITS
    }

    /// The bits it was marked with.
    pub(super) fn bits(self) -> u16 {
        (self.when & ((1 << MARK_BITS) - 1)) as u16
    }

    fn key(&self) -> (u64, u32, u64) {
        (self.at(), self.what, self.when)
    }
}

/// Events by whom they are of.
#[derive(Debug, Clone)]
pub(super) struct Trails {
    from: i64,
    own: Vec<Vec<Mark>>,
    /// Those of other workers.
    others: Vec<Vec<Vec<Mark>>>,
}

impl Trails {
    /// Of events at `from` or later.
    pub(super) fn new(from: i64) -> Self {
        Self { from, own: vec![Vec::new(); PARTS], others: Vec::new() }
    }

    /// Adds an event of somebody with the code of its value, unless nobody is known to have done it.
    pub(super) fn push(&mut self, who: u32, at: i64, bits: u16, what: u32) {
        if who == NONE {
            return;
        }
        let when = (at.abs_diff(self.from) << MARK_BITS) | u64::from(bits);
        self.own[who as usize % PARTS].push(Mark { who, what, when });
    }

    /// Adds those of another.
    pub(super) fn merge(&mut self, other: Self) {
        self.others.push(other.own);
        self.others.extend(other.others);
    }

    /// About how much memory they take.
    pub(super) fn bytes(&self) -> usize {
        let parts = self.others.iter().flatten().chain(&self.own);
        parts.map(|part| size_of::<Vec<Mark>>() + part.capacity() * size_of::<Mark>()).sum()
    }

    /// Gives the events of one after the other, in the order of their times; those of one moment in
    /// the order of their values, whose ranks are given by code.
    pub(super) fn each(mut self, ranks: &[u32], mut give: impl FnMut(&[Mark])) {
        let mut sorted = Vec::new();
        for part in 0..PARTS {
            let mut chunks: Vec<Vec<Mark>> = self.others.iter_mut().map(|own| std::mem::take(&mut own[part])).collect();
            chunks.push(std::mem::take(&mut self.own[part]));
            gather(&chunks, ranks, &mut sorted);
            drop(chunks);
            for trail in sorted.chunk_by_mut(|a, b| a.who == b.who) {
                // Mostly they come in order.
                if !trail.is_sorted_by_key(Mark::key) {
                    trail.sort_unstable_by_key(Mark::key);
                }
                give(trail);
            }
        }
    }
}

/// Puts the events of everybody in a part side by side, with ranks instead of codes.
fn gather(chunks: &[Vec<Mark>], ranks: &[u32], sorted: &mut Vec<Mark>) {
    let events: usize = chunks.iter().map(Vec::len).sum();
    let all = || {
        let marks = chunks.iter().flatten();
        marks.map(|mark| Mark { what: ranks.get(mark.what as usize).copied().unwrap_or_default(), ..*mark })
    };
    let group = |mark: &Mark| (mark.who >> PART_BITS) as usize;
    let groups = chunks.iter().flatten().map(group).max().map_or(0, |most| most + 1);
    sorted.clear();
    if groups > 4 * events + 1_024 {
        sorted.extend(all());
        sorted.sort_unstable_by_key(|mark| mark.who);
        return;
    }
    let mut ends = vec![0_u32; groups];
    chunks.iter().flatten().for_each(|mark| ends[group(mark)] += 1);
    let mut end = 0;
    for count in &mut ends {
        end += std::mem::replace(count, end);
    }
    sorted.resize(events, Mark { who: NONE, what: 0, when: 0 });
    for mark in all() {
        let at = &mut ends[group(&mark)];
        sorted[*at as usize] = mark;
        *at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody's code, and what they did: milliseconds, rank, bits.
    type Trail = (u32, Vec<(u64, u32, u16)>);

    fn given(trails: Trails) -> Vec<Trail> {
        let mut all = Vec::new();
        trails.each(&[0, 2, 1], |trail| {
            let marks = trail.iter().map(|mark| (mark.at(), mark.what, mark.bits())).collect();
            all.push((trail[0].who, marks));
        });
        all.sort_unstable();
        all
    }

    #[test]
    fn trails_are_in_order_however_their_events_came() {
        let events =
            [(1, 50, 1, 1), (1, 10, 2, 2), (257, 50, 3, 1), (1, 10, 4, 1), (4_000_000_000, 11, 0, 0), (257, 20, 1, 2)];
        let mut expected = vec![
            (1, vec![(0, 1, 2), (0, 2, 4), (40, 2, 1)]),
            (257, vec![(10, 1, 1), (40, 2, 3)]),
            (4_000_000_000, vec![(1, 0, 0)]),
        ];
        expected.sort_unstable();
        for split in 0..=events.len() {
            let mut all = [Trails::new(10), Trails::new(10)];
            for (number, &(who, at, bits, what)) in events.iter().enumerate() {
                all[usize::from(number < split)].push(who, at, bits, what);
            }
            let [mut one, other] = all;
            one.push(NONE, 10, 1, 1);
            one.merge(other);
            assert!(one.bytes() >= events.len() * 16);
            assert_eq!(given(one), expected);
        }
    }
}
