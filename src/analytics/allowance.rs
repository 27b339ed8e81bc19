//! What the questions of one request may take together.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::kernel::Kernel;
use crate::error::{Error, Result};

/// How many scans of a request run, or wait for their turn among those of others.
pub const SCANS_AT_ONCE: usize = 2;
/// What the scans of a request may hold, dictionaries included.
const MAX_BYTES: usize = 512 << 20;

/// What the questions of one request may take together, so that no request keeps others waiting
/// by asking for much at once.
#[derive(Debug)]
pub struct Allowance {
    turns: Semaphore,
    memory: Arc<Memory>,
}

#[derive(Debug)]
struct Memory {
    held: AtomicUsize,
    most: usize,
}

impl Default for Allowance {
    fn default() -> Self {
        Self::of_bytes(MAX_BYTES)
    }
}

impl Allowance {
    /// One whose scans may hold so many bytes.
    pub(super) fn of_bytes(most: usize) -> Self {
        let memory = Arc::new(Memory { held: AtomicUsize::new(0), most });
        Self { turns: Semaphore::new(SCANS_AT_ONCE), memory }
    }

    /// Waits until one more scan of the request may run.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        self.turns.acquire().await.map_err(Error::internal)
    }

    /// The account of one scan.
    pub(super) fn account(&self) -> Account {
        Account { memory: self.memory.clone(), bytes: 0 }
    }
}

/// The memory of one scan, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Account {
    memory: Arc<Memory>,
    bytes: usize,
}

impl Account {
    /// Notes what the scan holds now; false when all scans together hold more than they may.
    pub(super) fn holds(&mut self, bytes: usize) -> bool {
        // Addition wraps, so that this takes back as well.
        let change = bytes.wrapping_sub(self.bytes);
        self.bytes = bytes;
        self.memory.held.fetch_add(change, Ordering::Relaxed).wrapping_add(change) <= self.memory.most
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.holds(0);
    }
}

/// Refuses the largest kernels until what is left, beside the dictionaries, fits the account.
pub(super) fn keep_within(account: &mut Account, kernels: &mut [Result<Kernel>], dictionaries: usize) {
    let bytes = |kernel: &Result<Kernel>| kernel.as_ref().map_or(0, Kernel::bytes);
    while !account.holds(dictionaries + kernels.iter().map(bytes).sum::<usize>()) {
        let Some(largest) = kernels.iter_mut().filter(|kernel| kernel.is_ok()).max_by_key(|kernel| bytes(kernel))
        else {
            return;
        };
        *largest = Err(too_much());
    }
}

/// What to say of a scan that would hold more than it may.
pub(super) fn too_much() -> Error {
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
        let allowance = Allowance::of_bytes(one * 3 / 2);
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
}
