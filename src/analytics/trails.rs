//! What each visitor or session did, one thing after the other.
//!
//! Events are kept in parts by the lowest bits of whom they are of, so that a part is sorted within a
//! processor's cache, and parts of several workers are put together by moving pointers. An event takes
//! 16 bytes; without a value it takes 8 where who, when and its bits fit into them, as they nearly always do.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::Range;
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

    /// Whom it is of within a part.
    fn group(&self) -> usize {
        (self.who >> PART_BITS) as usize
    }
}

/// Events of some of those whom there are.
#[derive(Debug, Clone, Default)]
struct Part {
    marks: Vec<Mark>,
    /// Those without a value that fit: whom they are of within the part, above time and bits.
    small: Vec<u64>,
}

impl Part {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.marks.capacity() * size_of::<Mark>() + self.small.capacity() * size_of::<u64>()
    }

    fn len(&self) -> usize {
        self.marks.len() + self.small.len()
    }
}

/// Events by whom they are of.
#[derive(Debug, Clone)]
pub(super) struct Trails {
    from: i64,
    /// Whether events have values.
    with_values: bool,
    /// How many bits time and bits take together.
    when_bits: u32,
    own: Vec<Part>,
    /// Those of other workers.
    others: Vec<Vec<Part>>,
}

impl Trails {
    /// Of events within a range, with values or without.
    pub(super) fn new(range: Range, with_values: bool) -> Self {
        let when_bits = u64::BITS - range.to.abs_diff(range.from).leading_zeros() + MARK_BITS;
        Self { from: range.from, with_values, when_bits, own: vec![Part::default(); PARTS], others: Vec::new() }
    }

    /// Adds an event of somebody with the code of its value, unless nobody is known to have done it.
    #[inline]
    pub(super) fn push(&mut self, who: u32, at: i64, bits: u16, what: u32) {
        if who == NONE {
            return;
        }
        let when = (at.abs_diff(self.from) << MARK_BITS) | u64::from(bits);
        let mark = Mark { who, what, when };
        let part = &mut self.own[who as usize % PARTS];
        let small = if self.with_values { None } else { pack(mark, self.when_bits) };
        match small {
            Some(small) => part.small.push(small),
            None => part.marks.push(mark),
        }
    }

    /// Adds those of another.
    pub(super) fn merge(&mut self, other: Self) {
        self.others.push(other.own);
        self.others.extend(other.others);
    }

    /// About how much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.others.iter().flatten().chain(&self.own).map(Part::bytes).sum()
    }

    /// Gives the events of one after the other, in the order of their times; those of one moment in
    /// the order of their values, whose ranks are given by code. Where they are many, several threads
    /// take a share of everybody each; what each has made of its own comes back.
    pub(super) fn fold<T: Send>(
        self,
        ranks: &[u32],
        make: impl Fn() -> T + Sync,
        give: impl Fn(&mut T, &[Mark]) + Sync,
    ) -> Vec<T> {
        let lists: Vec<&Vec<Part>> = self.others.iter().chain([&self.own]).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let (mut made, mut room) = (make(), Room::default());
            loop {
                let part = next.fetch_add(1, Ordering::Relaxed);
                if part >= PARTS {
                    return made;
                }
                let parts: Vec<&Part> = lists.iter().map(|list| &list[part]).collect();
                room.each_trail(part as u32, &parts, self.when_bits, ranks, |trail| give(&mut made, trail));
            }
        };
        let marks: usize = lists.iter().flat_map(|list| list.iter()).map(Part::len).sum();
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

/// In 8 bytes, where whom it is of fits above when it was.
fn pack(mark: Mark, when_bits: u32) -> Option<u64> {
    let who = u64::from(mark.who >> PART_BITS);
    let fits = when_bits < u64::BITS && who >> (u64::BITS - when_bits).min(u32::BITS) == 0;
    fits.then(|| who << when_bits | mark.when)
}

fn unpack(small: u64, part: u32, when_bits: u32) -> Mark {
    let (who, when) = ((small >> when_bits) as u32, small & ((1 << when_bits) - 1));
    Mark { who: who << PART_BITS | part, what: NONE, when }
}

/// Room to sort one part after the other in.
#[derive(Default)]
struct Room {
    small: Vec<u64>,
    marks: Vec<Mark>,
}

impl Room {
    /// Calls with what each of those in a part did.
    fn each_trail(&mut self, part: u32, parts: &[&Part], when_bits: u32, ranks: &[u32], mut give: impl FnMut(&[Mark])) {
        if parts.iter().all(|part| part.marks.is_empty()) {
            let chunks: Vec<&[u64]> = parts.iter().map(|part| part.small.as_slice()).collect();
            gather(
                &chunks,
                |small| (small >> when_bits) as usize,
                |small| small & ((1 << when_bits) - 1),
                &mut self.small,
            );
            for trail in self.small.chunk_by_mut(|a, b| a >> when_bits == b >> when_bits) {
                // Mostly they come in order.
                if !trail.is_sorted() {
                    trail.sort_unstable();
                }
                self.marks.clear();
                self.marks.extend(trail.iter().map(|&small| unpack(small, part, when_bits)));
                give(&self.marks);
            }
            return;
        }
        let unpacked = parts.iter().map(|own| own.small.iter().map(|&small| unpack(small, part, when_bits)).collect());
        let unpacked: Vec<Vec<Mark>> = unpacked.collect();
        let chunks: Vec<&[Mark]> =
            parts.iter().map(|part| part.marks.as_slice()).chain(unpacked.iter().map(Vec::as_slice)).collect();
        gather(&chunks, Mark::group, |mark| mark.when, &mut self.marks);
        for mark in &mut self.marks {
            mark.what = ranks.get(mark.what as usize).copied().unwrap_or_default();
        }
        for trail in self.marks.chunk_by_mut(|a, b| a.who == b.who) {
            if !trail.is_sorted_by_key(Mark::key) {
                trail.sort_unstable_by_key(Mark::key);
            }
            give(trail);
        }
    }
}

/// Puts the events of everybody in a part side by side.
fn gather<M: Copy>(chunks: &[&[M]], group: impl Fn(&M) -> usize, when: impl Fn(&M) -> u64, sorted: &mut Vec<M>) {
    // Each is of a stretch of time, so that in this order there is little to sort.
    let mut chunks: Vec<&[M]> = chunks.iter().copied().filter(|chunk| !chunk.is_empty()).collect();
    chunks.sort_by_key(|chunk| chunk.first().map(&when));
    let events: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    let groups = chunks.iter().copied().flatten().map(&group).max().map_or(0, |most| most + 1);
    let Some(&any) = chunks.first().and_then(|chunk| chunk.first()) else {
        return sorted.clear();
    };
    if groups > 4 * events + 1_024 {
        sorted.clear();
        sorted.extend(chunks.iter().copied().flatten());
        return sorted.sort_unstable_by_key(&group);
    }
    // Every place is written below: what is in them before does not matter.
    sorted.resize(events, any);
    let mut ends = vec![0_u32; groups];
    chunks.iter().copied().flatten().for_each(|mark| ends[group(mark)] += 1);
    let mut end = 0;
    for count in &mut ends {
        end += std::mem::replace(count, end);
    }
    for mark in chunks.iter().copied().flatten() {
        let at = &mut ends[group(mark)];
        sorted[*at as usize] = *mark;
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
        let expected = |with_values: bool| {
            let what = |rank| if with_values { rank } else { NONE };
            vec![
                (1, vec![(0, what(1), 2), (0, what(2), 4), (40, what(2), 1)]),
                (257, vec![(10, what(1), 1), (40, what(2), 3)]),
                (4_000_000_000, vec![(1, 0, 0)]),
            ]
        };
        // In the longest range nothing fits into 8 bytes, and in the one before not everybody does.
        for (to, split) in
            [100, 1 << 40, i64::MAX].into_iter().flat_map(|to| (0..=events.len()).map(move |at| (to, at)))
        {
            for with_values in [true, false] {
                let trails = Trails::new(Range { from: 10, to }, with_values);
                let mut all = [trails.clone(), trails];
                for (number, &(who, at, bits, what)) in events.iter().enumerate() {
                    all[usize::from(number < split)].push(who, at, bits, if with_values { what } else { NONE });
                }
                let [mut one, other] = all;
                one.push(NONE, 10, 1, 1);
                one.merge(other);
                assert!(one.bytes() >= events.len() * 8);
                assert_eq!(given(one), expected(with_values));
            }
        }
    }

    #[test]
    fn several_threads_make_of_many_what_one_would() {
        for (with_values, rank) in [(true, 2), (false, 0)] {
            let mut expected: std::collections::BTreeMap<u32, Vec<(u64, u32, u16)>> = Default::default();
            let mut trails = Trails::new(Range { from: 0, to: 86_400_000 }, with_values);
            for number in 0..2 * ENOUGH as u64 {
                let (who, at) = ((number * 7_919 % 4_999) as u32 + 1, number * 104_729 % 86_400_000);
                trails.push(who, at as i64, 3, u32::from(with_values));
                expected.entry(who).or_default().push((at, rank, 3));
            }
            expected.values_mut().for_each(|marks| marks.sort_unstable());
            assert_eq!(given(trails), expected.into_iter().collect::<Vec<_>>());
        }
    }
}
