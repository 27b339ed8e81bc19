//! Group commit: whatever waits is stored by one transaction.
//!
//! A request puts its events into a bounded queue and waits. A task takes everything that waits,
//! stores it in one transaction and answers each request after the commit; what arrives meanwhile
//! forms the next group. There is no timer: an idle server commits a lone event at once, a busy
//! one shares each commit among hundreds.

mod connection;
mod postgres;
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
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use uuid::Uuid;

use self::transaction::Outcome;
use crate::{
    auth::AppScope,
    db::Db,
    error::{Error, Result},
    ingest::{Draft, Verdict},
};

/// A group stops growing at this many events: larger ones add latency and no throughput.
const GROUP_EVENTS: usize = 4_000;
/// Groups under way at once on Postgres: one prepares while the other waits for its commit.
const POSTGRES_TASKS: usize = 2;
/// When a client should try again after the queue was full.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// App and id of an event: what may be stored once.
type Key = (Uuid, Uuid);
/// Keys that are in the table, with commit and arrival.
type Stored = HashMap<Key, (i64, i64)>;

/// The one way an event is stored. A bounded queue in front of the tasks that commit.
#[derive(Clone)]
pub struct Writer(Arc<Queue>);

struct Queue {
    /// A permit an event, held from the queue to the answer.
    room: Arc<Semaphore>,
    capacity: usize,
    jobs: mpsc::UnboundedSender<Job>,
}

/// The events of one request, which all belong to one app.
struct Job {
    events: Vec<Draft>,
    reply: oneshot::Sender<Result<Vec<Verdict>>>,
    /// Gives the room back when the job is dropped, whichever way that happens.
    room: OwnedSemaphorePermit,
}

impl Writer {
    /// Starts the tasks. `queue_events` bounds the events that wait, over all requests.
    pub fn start(db: Db, queue_events: usize) -> Self {
        let capacity = queue_events.clamp(1, u32::MAX as usize).min(Semaphore::MAX_PERMITS);
        let (jobs, waiting) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let tasks = if db.is_postgres() { POSTGRES_TASKS } else { 1 };
        for _ in 0..tasks {
            tokio::spawn(commit_groups(db.clone(), waiting.clone()));
        }
        Self(Arc::new(Queue { room: Arc::new(Semaphore::new(capacity)), capacity, jobs }))
    }

    /// Stores events of one app (their `seq` is set here); answers after commit, an entry an
    /// event. `Unavailable` when the queue is full or the database is away, and then none is kept;
    /// `NotFound` when the app is gone.
    ///
    /// A caller that stops waiting changes nothing: what was queued is stored all the same.
    pub async fn store(&self, scope: AppScope, mut events: Vec<Draft>) -> Result<Vec<Verdict>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let app_id = scope.app_id();
        for draft in &mut events {
            draft.event.app_id = app_id;
        }
        let room = self.0.room.clone().try_acquire_many_owned(self.permits(events.len())).map_err(|_| full())?;
        let (reply, answer) = oneshot::channel();
        self.0.jobs.send(Job { events, reply, room }).map_err(|_| full())?;
        answer.await.map_err(|_| Error::unavailable("the writer stopped before it answered"))?
    }

    /// Events waiting right now.
    pub fn queue_depth(&self) -> usize {
        self.0.capacity.saturating_sub(self.0.room.available_permits())
    }

    /// Refuses newcomers, commits what waits, and returns.
    pub async fn drain(&self) {
        // Whoever waits for all the room gets each piece that is given back before any newcomer.
        let all = self.0.room.acquire_many(self.permits(self.0.capacity)).await;
        self.0.room.close();
        drop(all);
    }

    /// A request larger than the whole queue takes all of it.
    fn permits(&self, events: usize) -> u32 {
        u32::try_from(events.min(self.0.capacity)).unwrap_or(u32::MAX)
    }
}

fn full() -> Error {
    Error::Unavailable { retry_after: RETRY_AFTER, reason: "the queue of events is full or closing".into() }
}

/// Commits one group after the other for as long as the [`Writer`] lives.
async fn commit_groups(db: Db, waiting: Arc<Mutex<mpsc::UnboundedReceiver<Job>>>) {
    while let Some(jobs) = next_group(&waiting).await {
        let started = Instant::now();
        let events: usize = jobs.iter().map(|job| job.events.len()).sum();
        let (jobs, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.events, (job.reply, job.room))).unzip();
        // A defect here must cost one group, never the task that all later requests wait for.
        let outcome = AssertUnwindSafe(transaction::store(&db, &jobs)).catch_unwind().await;
        let outcomes = outcome.unwrap_or_else(|_| Err(Error::internal("storing a group of events panicked")));
        metrics::histogram!("uea_ingest_commit_seconds").record(started.elapsed().as_secs_f64());
        metrics::histogram!("uea_ingest_group_events").record(events as f64);
        match outcomes {
            Ok(outcomes) => {
                for ((reply, room), outcomes) in answers.into_iter().zip(outcomes) {
                    drop(room);
                    let _ = reply.send(outcomes.into_iter().map(verdict).collect());
                }
            }
            Err(error) => {
                error.log();
                for (reply, room) in answers {
                    drop(room);
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }
}

/// Waits for a job, then takes all that wait behind it, up to the size of a group.
async fn next_group(waiting: &Mutex<mpsc::UnboundedReceiver<Job>>) -> Option<Vec<Job>> {
    let mut waiting = waiting.lock().await;
    let mut group = vec![waiting.recv().await?];
    let mut events = group.iter().map(|job| job.events.len()).sum::<usize>();
    while events < GROUP_EVENTS
        && let Ok(job) = waiting.try_recv()
    {
        events += job.events.len();
        group.push(job);
    }
    Some(group)
}

fn verdict(outcome: Outcome) -> Result<Verdict> {
    match outcome {
        Outcome::Stored => Ok(Verdict::Stored),
        Outcome::Duplicate => Ok(Verdict::Duplicate),
        Outcome::Refused(refusal) => Ok(Verdict::Rejected(refusal)),
        Outcome::AppGone => Err(Error::NotFound("app")),
    }
}
