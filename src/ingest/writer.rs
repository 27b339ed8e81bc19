//! Group commit: whatever waits is stored by one transaction.
//!
//! A request puts its events into a bounded queue and waits. A task takes what waits, in turns by
//! app, stores it in one transaction and answers each request after the commit; what arrives
//! meanwhile forms the next group. There is no timer: an idle server commits a lone event at once,
//! a busy one shares each commit among hundreds.

mod connection;
mod drain;
mod erased;
mod link;
mod postgres;
mod queue;
mod recent;
mod row;
mod sqlite;
mod transaction;
mod visitor;

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::FutureExt;
use tokio::{sync::oneshot, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use self::{
    drain::{Drain, is_away},
    queue::{Job, Queue, Slip},
    recent::Recent,
    row::Row,
    transaction::{Committed, Outcome},
};
use crate::{
    auth::{AppScope, digest::Digests},
    clock::Clock,
    columnar::Columnar,
    db::Db,
    error::{Error, Result},
    ingest::{
        Draft, Verdict,
        shares::{Share, refused_for_want_of_room},
        spool::Spool,
    },
};

/// Groups under way at once on Postgres: one prepares while the other waits for its commit.
const POSTGRES_TASKS: usize = 2;
/// When a client should try again after the queue was full.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long a request waits for the database before its events go to the spool.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a group that the database fails at is halved, until those at fault stand alone. Where nothing
/// can be stored, that is found out no more often.
const FAILURES: u32 = 100;
/// How long a shutdown waits for what is under way. Nobody was told yet that it is stored.
const DRAIN_TIME: Duration = Duration::from_secs(20);

/// App and id of an event: what may be stored once.
type Key = (Uuid, Uuid);
/// Keys that are in the table, with commit and arrival.
type Stored = HashMap<Key, (i64, i64)>;

/// The one way an event is stored. A bounded queue in front of the tasks that commit, and a spool
/// beside it for when these can not.
#[derive(Clone)]
pub struct Writer(Arc<Handle>);

/// Ends the tasks when the last [`Writer`] goes.
struct Handle {
    queue: Arc<Queue>,
    spool: Option<Spool>,
    /// Whether the database is away or too slow, so that events go to the spool at once.
    behind: Arc<AtomicBool>,
    draining: TaskTracker,
    stop: CancellationToken,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.close();
        self.stop.cancel();
    }
}

impl Writer {
    /// Starts the tasks. `queue_events` bounds the events that wait, over all requests.
    pub fn start(
        db: Db,
        columnar: Columnar,
        clock: Clock,
        digests: Digests,
        spool: Option<Spool>,
        queue_events: usize,
    ) -> Self {
        let queue = Arc::new(Queue::new(queue_events));
        let (behind, stop, draining) = (Arc::<AtomicBool>::default(), CancellationToken::new(), TaskTracker::new());
        let recent = Recent::default();
        let tasks = if db.is_postgres() { POSTGRES_TASKS } else { 1 };
        for _ in 0..tasks {
            let (db, columnar, digests, recent) = (db.clone(), columnar.clone(), digests.clone(), recent.clone());
            tokio::spawn(commit_groups(db, columnar, digests, recent, queue.clone(), behind.clone()));
        }
        if let Some(spool) = spool.clone() {
            let (behind, stop) = (behind.clone(), stop.clone());
            let drain = Drain { db, columnar, clock, digests, recent, spool, behind, stop };
            draining.spawn(drain.run());
        }
        Self(Arc::new(Handle { queue, spool, behind, draining, stop }))
    }

    /// Stores events of one app (their `seq` is set here); answers after commit, an entry an
    /// event, or after they are in the spool. `Unavailable` when the app holds its share of the
    /// queue or the database is away, and the spool can not take them either; then none is kept.
    /// `NotFound` when the app is gone.
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
        let Handle { queue, spool, behind, .. } = &*self.0;
        let slip = Slip::new(events);
        let Some(spool) = spool else {
            return self.enqueue(app_id, slip, bytes).ok_or_else(full)?.await.map_err(stopped)?;
        };
        // A spool that takes nothing must not keep those out for whom the database may be back.
        if behind.load(Ordering::Acquire)
            && !queue.room.is_closed()
            && let Ok(kept) = keep(spool, app_id, &slip).await
        {
            return Ok(kept);
        }
        let Some(mut answer) = self.enqueue(app_id, slip.clone(), bytes) else {
            return if queue.room.is_closed() { Err(full()) } else { keep(spool, app_id, &slip).await };
        };
        match timeout(PATIENCE, &mut answer).await {
            Ok(Ok(Err(error))) if is_away(&error) => keep(spool, app_id, &slip).await,
            Ok(answered) => answered.map_err(stopped)?,
            Err(_) => {
                // Whoever comes next need not find that out again. Events that nobody has begun to store
                // leave the queue; the others may be stored twice, which counts once.
                behind.store(true, Ordering::Release);
                let withdrawn = slip.take();
                match keep(spool, app_id, &slip).await {
                    // It is being stored, so nobody may be told that nothing is kept before that has failed.
                    Err(refused) if !withdrawn => match answer.await.map_err(stopped)? {
                        Err(error) if is_away(&error) => Err(refused),
                        answered => answered,
                    },
                    kept => kept,
                }
            }
        }
    }

    /// Puts events into the queue, unless the app holds its share of that.
    fn enqueue(&self, app_id: Uuid, slip: Arc<Slip>, bytes: Option<Share>) -> Option<Answer> {
        let queue = &self.0.queue;
        let room = queue.room.take(app_id, slip.events.len())?;
        let (reply, answer) = oneshot::channel();
        queue.push(app_id, Job { slip, reply, held: (room, bytes) });
        Some(answer)
    }

    /// The spool, unless it is switched off.
    pub fn spool(&self) -> Option<&Spool> {
        self.0.spool.as_ref()
    }

    /// Events waiting right now.
    pub fn queue_depth(&self) -> usize {
        self.0.queue.room.held()
    }

    /// Refuses newcomers, commits what waits, and returns. What is in the spool stays there for the
    /// next start.
    pub async fn drain(&self) {
        let Handle { queue, spool, draining, stop, .. } = &*self.0;
        queue.room.close();
        stop.cancel();
        draining.close();
        let done = async { tokio::join!(queue.room.empty(), draining.wait()) };
        if timeout(DRAIN_TIME, done).await.is_err() {
            tracing::warn!(events = self.queue_depth(), "some events that were not acknowledged could not be stored");
        }
        if let Some(spool) = spool {
            if spool.events() > 0 {
                tracing::warn!(events = spool.events(), "events stay in the spool until the next start");
            }
            spool.close().await;
        }
    }
}

/// What a request waits for.
type Answer = oneshot::Receiver<Result<Vec<Verdict>>>;

/// Puts events into the spool.
async fn keep(spool: &Spool, app_id: Uuid, slip: &Slip) -> Result<Vec<Verdict>> {
    spool.keep(app_id, slip.events.clone()).await?;
    Ok(vec![Verdict::Spooled; slip.events.len()])
}

fn stopped(_: oneshot::error::RecvError) -> Error {
    Error::unavailable("the writer stopped before it answered")
}

fn full() -> Error {
    refused_for_want_of_room("queue", RETRY_AFTER, "the app's share of the queue is full, or it closes")
}

/// Commits one group after the other for as long as the [`Writer`] lives. A request at which the database
/// fails, though it is there, as at a trigger of its owner's, costs its neighbours nothing.
async fn commit_groups(
    db: Db,
    columnar: Columnar,
    digests: Digests,
    recent: Recent,
    queue: Arc<Queue>,
    behind: Arc<AtomicBool>,
) {
    while let Some(jobs) = queue.next_group().await {
        // The last is the next: requests are stored in the order in which they came.
        let (mut parts, mut failures) = (vec![jobs], 0);
        while let Some(mut jobs) = parts.pop() {
            let slips: Vec<Arc<Slip>> = jobs.iter().map(|job| job.slip.clone()).collect();
            match store_group(&db, &digests, &recent, slips.iter().map(|slip| slip.events.as_slice())).await {
                Ok(mut committed) => {
                    behind.store(false, Ordering::Release);
                    for (job, outcomes) in jobs.into_iter().zip(std::mem::take(&mut committed.outcomes)) {
                        answer(job, outcomes.into_iter().map(verdict).collect());
                    }
                    hand_over(&columnar, &committed);
                }
                Err(error) if !is_away(&error) && jobs.len() > 1 && failures < FAILURES => {
                    tracing::debug!(%error, requests = jobs.len(), "storing the requests of a group apart");
                    failures += 1;
                    let later = jobs.split_off(jobs.len() / 2);
                    parts.extend([later, jobs]);
                }
                Err(error) => {
                    error.log();
                    if is_away(&error) {
                        behind.store(true, Ordering::Release);
                        jobs.extend(parts.drain(..).flatten());
                    }
                    failures += 1;
                    for job in jobs {
                        answer(job, Err(error.clone()));
                    }
                }
            }
        }
    }
}

/// Stores the events of several requests by one transaction.
async fn store_group<'a>(
    db: &Db,
    digests: &Digests,
    recent: &Recent,
    jobs: impl Iterator<Item = &'a [Draft]>,
) -> Result<Committed<'a>> {
    let started = Instant::now();
    let jobs: Vec<&[Draft]> = jobs.collect();
    // A defect here must cost one group, never the task that all later requests wait for.
    let committed = AssertUnwindSafe(transaction::store(db, digests, recent, &jobs)).catch_unwind().await;
    let committed = committed.unwrap_or_else(|_| Err(Error::internal("storing a group of events panicked")));
    metrics::histogram!("uea_ingest_commit_seconds").record(started.elapsed().as_secs_f64());
    let events: usize = jobs.iter().map(|events| events.len()).sum();
    metrics::histogram!("uea_ingest_group_events").record(events as f64);
    committed
}

/// Spares sealing and questions the trouble of reading back what was committed.
fn hand_over(columnar: &Columnar, committed: &Committed<'_>) {
    let Committed { rows, commits, .. } = committed;
    for &(app, seq) in commits {
        let own = rows.iter().filter(|row| row.draft.event.app_id == app);
        columnar.hand_over(app, seq, own.map(Row::stored));
    }
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
        Outcome::Erased => Ok(Verdict::Ignored(erased::refusal())),
        Outcome::AppGone => Err(Error::NotFound("app")),
    }
}
