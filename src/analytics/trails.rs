//! What each visitor or session did, one thing after the other.
//!
//! Events are kept in 16 bytes each, in parts by the lowest bits of whom they are of, so that a part
//! is sorted within a processor's cache, and parts of several workers are put together by moving
//! pointers.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::columnar::NONE;

/// How many parts there are.
const PARTS: usize = 1 << PART_BITS;
const PART_BITS: u32 = 8;
/// Events that are worth a second thread.
const ENOUGH: usize = 100_000;
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
    /// the order of their values, whose ranks are given by code. Where they are many, several threads
    /// take a share of everybody each; what each has made of its own comes back.
    pub(super) fn fold<T: Send>(
        self,
        ranks: &[u32],
        make: impl Fn() -> T + Sync,
        give: impl Fn(&mut T, &mut [Mark]) + Sync,
    ) -> Vec<T> {
        let lists: Vec<&Vec<Vec<Mark>>> = self.others.iter().chain([&self.own]).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let (mut made, mut sorted) = (make(), Vec::new());
            loop {
                let part = next.fetch_add(1, Ordering::Relaxed);
                if part >= PARTS {
                    return made;
                }
                let mut chunks: Vec<&[Mark]> = lists.iter().map(|list| list[part].as_slice()).collect();
                // Each is of a stretch of time, so that in this order there is little to sort.
                chunks.sort_by_key(|chunk| chunk.first().map(|mark| mark.when));
                gather(&chunks, ranks, &mut sorted);
                for trail in sorted.chunk_by_mut(|a, b| a.who == b.who) {
                    // Mostly they come in order.
                    if !trail.is_sorted_by_key(Mark::key) {
                        trail.sort_unstable_by_key(Mark::key);
                    }
                    give(&mut made, trail);
                }
            }
        };
        let marks: usize = lists.iter().flat_map(|list| list.iter()).map(Vec::len).sum();
        let helpers =
            if marks < ENOUGH { 0 } else { thread::available_parallelism().map_or(1, usize::from).min(16) - 1 };
        thread::scope(|scope| {
            let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
            let mut made = vec![work()];
            for helper in helpers {
                match helper.join() {
                    Ok(other) => made.push(other),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            made
        })
    }
}

/// Puts the events of everybody in a part side by side, with ranks instead of codes.
fn gather(chunks: &[&[Mark]], ranks: &[u32], sorted: &mut Vec<Mark>) {
    let events: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    let all = || {
        let marks = chunks.iter().copied().flatten();
        marks.map(|mark| Mark { what: ranks.get(mark.what as usize).copied().unwrap_or_default(), ..*mark })
    };
    let group = |mark: &Mark| (mark.who >> PART_BITS) as usize;
    let groups = chunks.iter().copied().flatten().map(group).max().map_or(0, |most| most + 1);
    sorted.clear();
    if groups > 4 * events + 1_024 {
        sorted.extend(all());
        sorted.sort_unstable_by_key(|mark| mark.who);
        return;
    }
    let mut ends = vec![0_u32; groups];
    chunks.iter().copied().flatten().for_each(|mark| ends[group(mark)] += 1);
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
        let all = trails.fold(&[0, 2, 1], Vec::new, |all: &mut Vec<Trail>, trail| {
            let marks = trail.iter().map(|mark| (mark.at(), mark.what, mark.bits())).collect();
            all.push((trail[0].who, marks));
        });
        let mut all = all.concat();
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
    #[test]
    fn several_threads_make_of_many_what_one_would() {
        let mut expected: std::collections::BTreeMap<u32, Vec<(u64, u32, u16)>> = Default::default();
        let mut trails = Trails::new(0);
        for number in 0..2 * ENOUGH as u64 {
            let (who, at) = ((number * 7_919 % 4_999) as u32 + 1, number * 104_729 % 86_400_000);
            trails.push(who, at as i64, 3, 1);
            expected.entry(who).or_default().push((at, 2, 3));
        }
        expected.values_mut().for_each(|marks| marks.sort_unstable());
        assert_eq!(given(trails), expected.into_iter().collect::<Vec<_>>());
    }
}
