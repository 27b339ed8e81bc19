//! Group commit: whatever waits is stored by one transaction.

use uuid::Uuid;

use crate::{auth::AppScope, db::Db, entity::event, error::Result, ingest::Verdict};

/// The one way an event is stored. A bounded queue in front of a task that commits.
#[derive(Clone)]
pub struct Writer {}

impl Writer {
    /// Starts the task. `queue_events` bounds the events that wait, over all requests.
    pub fn start(_db: Db, _queue_events: usize) -> Self {
        todo!()
    }

    /// Stores events of one app (their `seq` is set here); answers after commit, an entry an
    /// event. `Unavailable` when the queue is full or the database is away, and then none is kept;
    /// `NotFound` when the app is gone.
    pub async fn store(&self, _scope: AppScope, _events: Vec<event::Model>) -> Result<Vec<Verdict>> {
        todo!()
    }

    /// Events waiting right now.
    pub fn queue_depth(&self) -> usize {
        todo!()
    }

    /// Refuses newcomers, commits what waits, and returns.
    pub async fn drain(&self) {
        let _: Option<Uuid> = None;
        todo!()
    }
}
