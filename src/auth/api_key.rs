//! API keys: made, recognised from a cache, revoked, and their use counted without a write a request.

use std::sync::Arc;

use uuid::Uuid;

use crate::{auth::AppScope, clock::Clock, config::Secret, db::Db, error::Result};

/// A key that may let events in right now.
#[derive(Debug, Clone)]
pub struct ActiveKey {
    /// Row of `api_keys`.
    pub id: Uuid,
    /// The app it opens.
    pub scope: AppScope,
    /// Requests a minute, where it differs from the server's default.
    pub requests_per_minute: Option<u32>,
    /// Events a minute, where there is a budget.
    pub events_per_minute: Option<u32>,
}

/// Knows the keys.
#[derive(Clone)]
pub struct ApiKeys {
    db: Db,
    clock: Clock,
}

impl ApiKeys {
    /// Digests keys with `secret`.
    pub fn new(db: Db, clock: Clock, _secret: &Secret) -> Self {
        Self { db, clock }
    }

    /// The key behind `raw`; `Unauthenticated` when it is malformed, unknown, expired or revoked.
    pub async fn authenticate(&self, _raw: &str) -> Result<Arc<ActiveKey>> {
        let _ = (&self.db, &self.clock);
        todo!()
    }

    /// Counts `events` let in by the key, in memory.
    pub fn used(&self, _key: Uuid, _events: u64) {
        todo!()
    }

    /// Writes the counts, in one statement a key; called every few seconds and at shutdown.
    pub async fn flush_usage(&self) -> Result<()> {
        todo!()
    }
}
