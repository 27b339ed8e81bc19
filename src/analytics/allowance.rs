//! What the questions of one request may take together.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{Semaphore, SemaphorePermit};

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
