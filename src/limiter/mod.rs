//! Who may ask how often.

pub mod gcra;
pub mod turns;

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::{policy::EvictionPolicy, sync::Cache};
use redis::Script;

use crate::{error::Error, shared::Shared};

/// A rate: `permits` in `period`, with bursts up to `permits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// How many.
    pub permits: u32,
    /// In how long.
    pub period: Duration,
}

/// What the limiter said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may go on.
    pub allowed: bool,
    /// The quota's permits.
    pub limit: u32,
    /// Permits left right now.
    pub remaining: u32,
    /// Until all permits are back.
    pub reset_after: Duration,
    /// Until this request would be allowed; zero when it was.
    pub retry_after: Duration,
}

impl Decision {
    /// The refusal as an error.
    pub fn into_result(self) -> Result<Self, Error> {
        if self.allowed { Ok(self) } else { Err(Error::RateLimited { retry_after: self.retry_after }) }
    }
}

/// Keys the process remembers; the one not seen for longest makes room, and starts afresh should
/// it come back.
const LOCAL_KEYS: u64 = 100_000;

/// What every key in Redis begins with.
const PREFIX: &str = "uea:limit:";

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(gcra::SCRIPT));

/// Limits by key: in Redis when there is one, in the process otherwise or while it is away.
///
/// What Redis says is remembered in the process. So a key that has used up its permits is refused
/// without asking again, and nobody starts afresh when Redis goes away.
#[derive(Clone)]
pub struct Limiter {
    shared: Option<Shared>,
    /// For each key, when its debt is paid off, in microseconds after `start`.
    local: Cache<String, Arc<AtomicU64>>,
    start: Instant,
}

impl Limiter {
    /// Starts with every permit.
    pub fn new(shared: Option<Shared>) -> Self {
        let local = Cache::builder().max_capacity(LOCAL_KEYS).eviction_policy(EvictionPolicy::lru()).build();
        Self { shared, local, start: Instant::now() }
    }

    /// Takes `cost` permits of the quota of `key`, such as `ingest:<key id>`, or none. A cost
    /// above the quota's permits is always refused.
    pub async fn check(&self, key: &str, quota: Quota, cost: u32) -> Decision {
        let paid_at = self.local.get_with_by_ref(key, Arc::default);
        if self.shared.is_some() {
            // On a copy, for it is Redis that may take.
            let known = gcra::take(&AtomicU64::new(paid_at.load(Ordering::Acquire)), self.now(), quota, cost);
            if !known.0 {
                return quota.decision(cost, known);
            }
        }
        if let Some(settled) = self.settle(key, quota, cost).await {
            // By the time after the call, so that whoever waits as long as this tells is let in.
            paid_at.fetch_max(self.now().saturating_add(settled.1), Ordering::AcqRel);
            return quota.decision(cost, settled);
        }
        quota.decision(cost, gcra::take(&paid_at, self.now(), quota, cost))
    }

    /// What this process knows already of `cost` permits of `key`. Takes nothing and asks nobody.
    pub fn known(&self, key: &str, quota: Quota, cost: u32) -> Decision {
        let paid_at = self.local.get(key).map_or(0, |paid_at| paid_at.load(Ordering::Acquire));
        quota.decision(cost, gcra::take(&AtomicU64::new(paid_at), self.now(), quota, cost))
    }

    /// Lets Redis decide; nothing when there is none or it is away.
    async fn settle(&self, key: &str, quota: Quota, cost: u32) -> Option<(bool, u64)> {
        let shared = self.shared.as_ref()?;
        let mut call = SCRIPT.key(format!("{PREFIX}{key}"));
        call.arg(quota.cost(cost)).arg(quota.cost(quota.permits));
        shared.call(async move |mut redis| call.invoke_async::<(bool, u64)>(&mut redis).await).await
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
