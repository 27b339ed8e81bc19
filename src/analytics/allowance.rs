//! What the questions of one request may take together, and those of all.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::kernel::Kernel;
use crate::error::{Error, Result};

/// How many scans of a request run, or wait for their turn among those of others.
pub const SCANS_AT_ONCE: usize = 2;
/// What the scans of a request may hold, dictionaries included.
const MAX_BYTES: usize = 512 << 20;
/// What those of all requests may.
const MAX_BYTES_OF_ALL: usize = 1 << 30;
/// When a question that found no room is worth asking again.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// What a request may hold whatever others do.
const FREE_BYTES: usize = 16 << 20;

/// What the scans of all requests hold.
static ALL: LazyLock<Arc<Memory>> = LazyLock::new(|| Arc::new(Memory::of(MAX_BYTES_OF_ALL)));

/// What the questions of one request may take together, so that no request keeps others waiting
/// by asking for much at once.
#[derive(Debug)]
pub struct Allowance {
    turns: Semaphore,
    memory: Arc<Memory>,
    all: Arc<Memory>,
}

#[derive(Debug)]
struct Memory {
    held: AtomicUsize,
    most: usize,
}

impl Default for Allowance {
    fn default() -> Self {
        Self::of_bytes(MAX_BYTES, ALL.clone())
    }
}

impl Memory {
    fn of(most: usize) -> Self {
        Self { held: AtomicUsize::new(0), most }
    }

    /// Notes a change; whether there was room for it. Addition wraps, so that this takes back as well.
    fn changes(&self, change: usize) -> bool {
        self.held.fetch_add(change, Ordering::Relaxed).wrapping_add(change) <= self.most
    }

    fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

impl Allowance {
    /// One whose scans may hold so many bytes, out of what those of all may.
    fn of_bytes(most: usize, all: Arc<Memory>) -> Self {
        Self { turns: Semaphore::new(SCANS_AT_ONCE), memory: Arc::new(Memory::of(most)), all }
    }

    /// Waits until one more scan of the request may run.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        self.turns.acquire().await.map_err(Error::internal)
    }

    /// The account of one scan.
    pub(super) fn account(&self) -> Account {
        Account { memory: self.memory.clone(), all: self.all.clone(), bytes: 0 }
    }
}

/// The memory of one scan, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Account {
    memory: Arc<Memory>,
    all: Arc<Memory>,
    bytes: usize,
}

impl Account {
    /// Notes what the scan holds now; refuses it when the scans of the request, or those of all, hold more than
    /// they may.
    pub(super) fn holds(&mut self, bytes: usize) -> Result<()> {
        let change = bytes.wrapping_sub(self.bytes);
        self.bytes = bytes;
        let (own, all) = (self.memory.changes(change), self.all.changes(change));
        if !own {
            return Err(too_much());
        }
        // Whoever takes little is not made to wait for those who take much.
        if all || self.memory.held() <= FREE_BYTES {
            return Ok(());
        }
        Err(Error::Unavailable { retry_after: RETRY_AFTER, reason: "other questions hold the memory".into() })
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let _ = self.holds(0);
    }
}

/// Refuses the largest kernels until what is left, beside the dictionaries, fits the account.
pub(super) fn keep_within(account: &mut Account, kernels: &mut [Result<Kernel>], dictionaries: usize) {
    let bytes = |kernel: &Result<Kernel>| kernel.as_ref().map_or(0, Kernel::bytes);
    while let Err(refused) = account.holds(dictionaries + kernels.iter().map(bytes).sum::<usize>()) {
        let Some(largest) = kernels.iter_mut().filter(|kernel| kernel.is_ok()).max_by_key(|kernel| bytes(kernel))
        else {
            return;
        };
        *largest = Err(refused);
    }
}

/// What to say of a scan that would hold more than it may.
fn too_much() -> Error {
    Error::CostExceeded(
        "The request has to keep more groups, users or sessions apart than one request may. Narrow its ranges or \
         filters, ask for fewer figures, or split it."
            .into(),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::analytics::{Interval, Needs, Range, Report};

    #[test]
    fn the_largest_kernel_is_refused_and_its_siblings_go_on() {
        let range = Range { from: 0, to: 5_000 * 60_000 };
        let timeline = Report::Timeline { interval: Interval::Minute, timezone: "UTC".into(), needs: Needs::ALL };
        let summary = Report::Summary { needs: Needs::ALL, by_event_type: true, times: true };
        let kernel = |report| Kernel::new(report, range);
        let one = kernel(&timeline).unwrap().bytes();
        assert!(one > 5_000 * 100);
        let allowance = Allowance::of_bytes(one * 3 / 2, Arc::new(Memory::of(usize::MAX)));
        let mut kernels = [kernel(&timeline), kernel(&summary), kernel(&timeline)];
        let mut first = allowance.account();
        keep_within(&mut first, &mut kernels, 0);
        assert_eq!(kernels.iter().filter(|kernel| kernel.is_ok()).count(), 2);
        assert!(kernels[1].is_ok());
        // Another scan of the request finds too little left, until the first is done.
        let mut kernels = [kernel(&timeline), kernel(&summary)];
        keep_within(&mut allowance.account(), &mut kernels, 0);
        assert_eq!(kernels[0].as_ref().unwrap_err().code(), "COST_EXCEEDED");
        drop(first);
        let mut kernels = [kernel(&timeline), kernel(&summary)];
        keep_within(&mut allowance.account(), &mut kernels, 0);
        assert!(kernels.iter().all(Result::is_ok));
    }

    #[test]
    fn requests_share_what_there_is_and_small_ones_always_find_room() {
        let all = Arc::new(Memory::of(100 << 20));
        let requests = [(); 3].map(|()| Allowance::of_bytes(80 << 20, all.clone()));
        let [mut one, mut other, mut small] = [0, 1, 2].map(|place: usize| requests[place].account());
        one.holds(70 << 20).unwrap();
        assert_eq!(other.holds(70 << 20).unwrap_err().code(), "UNAVAILABLE");
        assert!(other.holds(71 << 20).unwrap_err().retry_after().is_some());
        small.holds(FREE_BYTES).unwrap();
        assert_eq!(one.holds(81 << 20).unwrap_err().code(), "COST_EXCEEDED");
        drop(one);
        other.holds(80 << 20).unwrap();
        drop((other, small));
        assert_eq!(all.held(), 0);
    }
}
