//! Who takes which stretch of a scan.
//!
//! Each thread has a share of its own and goes through it in order, so that what it meets of a visitor
//! is mostly in the order of time. Whoever is done helps the others from the ends of their shares.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is left of each thread's share: the first stretch, and the one behind the last.
#[derive(Debug)]
pub(super) struct Turns(Vec<AtomicU64>);

impl Turns {
    /// Deals stretches out to threads.
    pub(super) fn new(stretches: usize, threads: usize) -> Self {
        let threads = threads.max(1);
        let at = |thread: usize| stretches * thread / threads;
        Self((0..threads).map(|thread| AtomicU64::new(packed(at(thread), at(thread + 1)))).collect())
    }

    /// The next stretch for a thread; nothing when all are taken.
    pub(super) fn next(&self, own: usize) -> Option<usize> {
        let first = self.0.get(own).and_then(|share| take(share, |from, to| (from, packed(from + 1, to))));
        let others = || self.0.iter().find_map(|share| take(share, |from, to| (to - 1, packed(from, to - 1))));
        first.or_else(others)
    }
}

fn packed(from: usize, to: usize) -> u64 {
    (from as u64) << 32 | to as u64
}

/// Takes one of a share, if any is left: which, and what stays.
fn take(share: &AtomicU64, one: impl Fn(usize, usize) -> (usize, u64)) -> Option<usize> {
    let mut taken = None;
    let _ = share.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        let (from, to) = ((left >> 32) as usize, (left as u32) as usize);
        taken = None;
        (from < to).then(|| {
            let (stretch, left) = one(from, to);
            taken = Some(stretch);
            left
        })
    });
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stretch_is_taken_once_whoever_works() {
        for (stretches, threads, working) in [(0, 2, 2), (1, 3, 3), (10, 4, 1), (1_000, 3, 3), (7, 0, 1)] {
            let turns = Turns::new(stretches, threads);
            let taken: Vec<Vec<usize>> = std::thread::scope(|scope| {
                let work = |own| {
                    scope.spawn({
                        let turns = &turns;
                        move || std::iter::from_fn(|| turns.next(own)).collect()
                    })
                };
                let threads: Vec<_> = (0..working).map(work).collect();
                threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
            });
            let mut all = taken.concat();
            all.sort_unstable();
            assert_eq!(all, (0..stretches).collect::<Vec<_>>());
        }
    }
}
