//! Group commit: whatever waits is stored by one transaction.
//!
//! A request puts its events into a bounded queue and waits. A task takes what waits, in turns by
//! app, stores it in one transaction and answers each request after the commit; what arrives
//! meanwhile forms the next group. There is no timer: an idle server commits a lone event at once,
//! a busy one shares each commit among hundreds.

mod connection;
mod postgres;
mod queue;
mod row;
mod sqlite;
mod transaction;

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt;
use tokio::{sync::oneshot, time::timeout};
use uuid::Uuid;

use self::{
    queue::{Job, Queue, Slip},
    transaction::Outcome,
};
use crate::{
    auth::AppScope,
    db::Db,
    error::{Error, Result},
    ingest::{Draft, Verdict, shares::Share},
};

/// Groups under way at once on Postgres: one prepares while the other waits for its commit.
const POSTGRES_TASKS: usize = 2;
/// When a client should try again after the queue was full.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long a shutdown waits for what is under way. Nobody was told yet that it is stored.
const DRAIN_TIME: Duration = Duration::from_secs(40);

/// App and id of an event: what may be stored once.
type Key = (Uuid, Uuid);
/// Keys that are in the table, with commit and arrival.
type Stored = HashMap<Key, (i64, i64)>;

/// The one way an event is stored. A bounded queue in front of the tasks that commit.
#[derive(Clone)]
pub struct Writer(Arc<Handle>);

/// Ends the tasks when the last [`Writer`] goes.
struct Handle {
    queue: Arc<Queue>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Writer {
    /// Starts the tasks. `queue_events` bounds the events that wait, over all requests.
    pub fn start(db: Db, queue_events: usize) -> Self {
        let queue = Arc::new(Queue::new(queue_events));
        let tasks = if db.is_postgres() { POSTGRES_TASKS } else { 1 };
        for _ in 0..tasks {
            tokio::spawn(commit_groups(db.clone(), queue.clone()));
        }
        Self(Arc::new(Handle { queue }))
    }

    /// Stores events of one app (their `seq` is set here); answers after commit, an entry an
    /// event. `Unavailable` when the app holds its share of the queue or the database is away, and
    /// then none is kept; `NotFound` when the app is gone.
    ///
    /// A caller that stops waiting changes nothing: what was queued is stored all the same.
    pub async fn store(&self, scope: AppScope, events: Vec<Draft>) -> Result<Vec<Verdict>> {
        self.store_holding(scope, events, None).await
    }

    /// The same, and gives `bytes` back when the events need no memory any more.
    pub async fn store_holding(
        &self,
        scope: AppScope,
        mut events: Vec<Draft>,
        bytes: Option<Share>,
    ) -> Result<Vec<Verdict>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let app_id = scope.app_id();
        for draft in &mut events {
            draft.event.app_id = app_id;
        }
        let queue = &self.0.queue;
        let room = queue.room.take(app_id, events.len()).ok_or_else(full)?;
        let (reply, answer) = oneshot::channel();
        queue.push(app_id, Job { slip: Slip::new(events), reply, held: (room, bytes) });
        answer.await.map_err(|_| Error::unavailable("the writer stopped before it answered"))?
    }

    /// Events waiting right now.
    pub fn queue_depth(&self) -> usize {
        self.0.queue.room.held()
    }

    /// Refuses newcomers, commits what waits, and returns.
    pub async fn drain(&self) {
        self.0.queue.room.close();
        if timeout(DRAIN_TIME, self.0.queue.room.empty()).await.is_err() {
            tracing::warn!(events = self.queue_depth(), "events that were not acknowledged could not be stored");
        }
    }
}

fn full() -> Error {
    metrics::counter!("uea_refused_total", "full" => "queue").increment(1);
    Error::Unavailable { retry_after: RETRY_AFTER, reason: "the app's share of the queue is full, or it closes".into() }
}

/// Commits one group after the other for as long as the [`Writer`] lives.
async fn commit_groups(db: Db, queue: Arc<Queue>) {
    while let Some(jobs) = queue.next_group().await {
        let outcomes = store_group(&db, jobs.iter().map(|job| &*job.slip.events)).await;
        match outcomes {
            Ok(outcomes) => {
                for (job, outcomes) in jobs.into_iter().zip(outcomes) {
                    answer(job, outcomes.into_iter().map(verdict).collect());
                }
            }
            Err(error) => {
                error.log();
                for job in jobs {
                    answer(job, Err(error.clone()));
                }
            }
        }
    }
}

/// Stores the events of several requests by one transaction.
async fn store_group(db: &Db, jobs: impl Iterator<Item = &[Draft]>) -> Result<Vec<Vec<Outcome>>> {
    let started = Instant::now();
    let jobs: Vec<&[Draft]> = jobs.collect();
    // A defect here must cost one group, never the task that all later requests wait for.
    let outcome = AssertUnwindSafe(transaction::store(db, &jobs)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|_| Err(Error::internal("storing a group of events panicked")));
    metrics::histogram!("uea_ingest_commit_seconds").record(started.elapsed().as_secs_f64());
    let events: usize = jobs.iter().map(|events| events.len()).sum();
    metrics::histogram!("uea_ingest_group_events").record(events as f64);
    outcome
}

/// Tells the request, after its room is free again for its next one.
fn answer(job: Job, verdicts: Result<Vec<Verdict>>) {
    drop(job.held);
    let _ = job.reply.send(verdicts);
}

fn verdict(outcome: Outcome) -> Result<Verdict> {
    match outcome {
        Outcome::Stored => Ok(Verdict::Stored),
        Outcome::Duplicate => Ok(Verdict::Duplicate),
        Outcome::Refused(refusal) => Ok(Verdict::Rejected(refusal)),
        Outcome::AppGone => Err(Error::NotFound("app")),
    }
}
