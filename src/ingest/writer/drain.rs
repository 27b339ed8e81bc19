//! Stores what is in the spool, oldest first, and finds out when the database is back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{connection::Connection, hand_over, recent::Recent, store_group, transaction::Outcome};
use crate::{
    auth::digest::Digests,
    clock::Clock,
    columnar::Columnar,
    db::Db,
    error::{Error, Result, of_driver},
    ingest::{
        dead_letter::{self, Refused},
        spool::{Batch, Log, Spool, Spooled},
    },
};

/// How long the database may take to begin a transaction before it counts as away.
const PROBE_TIME: Duration = Duration::from_secs(2);

/// How long the database is left alone after it was found to be away.
const PAUSE: Duration = Duration::from_millis(250);

/// How often to look whether there is anything to do, unless told so.
const IDLE: Duration = Duration::from_secs(1);

/// How often to look for files that other processes have left behind.
const ORPHANS: Duration = Duration::from_secs(30);

/// The task behind a [`Spool`].
pub(super) struct Drain {
    pub(super) db: Db,
    pub(super) columnar: Columnar,
    pub(super) clock: Clock,
    pub(super) digests: Digests,
    pub(super) recent: Recent,
    pub(super) spool: Spool,
    /// Whether the database is away or too slow, so that events go to the spool at once.
    pub(super) behind: Arc<AtomicBool>,
    pub(super) stop: CancellationToken,
}

impl Drain {
    /// Works until told to stop. What is left then stays where it is.
    pub(super) async fn run(self) {
        let mut orphans_at = Instant::now();
        while !self.stop.is_cancelled() {
            let mut done = Ok(false);
            if self.spool.events() > 0 || self.is_behind() {
                done = self.empty(self.spool.log()).await;
            } else if Instant::now() >= orphans_at {
                orphans_at = Instant::now() + ORPHANS;
                done = self.empty_orphans().await.map(|()| false);
            }
            let rest = match done {
                Ok(true) if self.spool.events() > 0 => continue,
                Ok(found) => {
                    if !found && self.spool.events() > 0 {
                        self.spool.log().count_again().await;
                    }
                    IDLE
                }
                Err(error) => {
                    tracing::debug!(%error, "the spool keeps its events for now");
                    PAUSE
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = sleep(rest) => {}
                () = self.spool.log().filled(), if rest == IDLE => {}
            }
        }
    }

    async fn empty_orphans(&self) -> Result<()> {
        for log in self.spool.orphans().await {
            if log.events() > 0 {
                tracing::info!(events = log.events(), "storing events from the spool of a process that is gone");
            }
            let done = self.empty(&log).await;
            log.give_up().await;
            done?;
        }
        Ok(())
    }

    /// Stores all that a file holds, but for what is passed over; says whether there was any.
    async fn empty(&self, log: &Log) -> Result<bool> {
        let (mut after, mut found) = (i64::MIN, false);
        while !self.stop.is_cancelled() {
            let probed = self.is_behind();
            if probed {
                self.probe().await?;
            }
            let batch = log.oldest(after).await;
            if probed && batch.is_err() {
                // The spool's disk is broken and the database is not: events go there.
                self.behind.store(false, Ordering::Release);
            }
            let batch = batch?;
            if batch.last == after {
                // Nothing is left to find out with whether the database is as quick as it should be.
                self.behind.store(false, Ordering::Release);
                break;
            }
            after = batch.last;
            if !batch.records.is_empty() {
                found = true;
                self.store(log, &batch).await?;
            }
        }
        Ok(found)
    }

    async fn store(&self, log: &Log, batch: &Batch) -> Result<()> {
        let outcomes = self.commit(&batch.records).await;
        if let Ok(outcomes) = outcomes {
            self.behind.store(false, Ordering::Release);
            let stored: Vec<_> = batch.records.iter().zip(outcomes).collect();
            return self.settle(log, batch, stored).await;
        }
        if let Err(error) = self.away(outcomes)? {
            tracing::debug!(%error, "storing spooled events one request at a time");
        }
        // A group that fails for any other reason is tried one by one, unless nothing can be stored at all,
        // so that whatever it fails at keeps nobody else up. That stays where it is: it was acknowledged.
        self.probe().await?;
        let (mut stored, mut failed, mut last) = (Vec::new(), Vec::new(), Ok(()));
        for record in &batch.records {
            match self.away(self.commit(std::slice::from_ref(record)).await)? {
                Ok(outcomes) => stored.extend(outcomes.into_iter().map(|outcomes| (record, outcomes))),
                Err(error) => {
                    failed.push(record);
                    last = Err(error);
                }
            }
        }
        if let Err(error) = last {
            error.log();
            tracing::error!(records = failed.len(), "spooled events can not be stored and are tried again later");
        }
        log.pass_over(failed.into_iter());
        if stored.is_empty() {
            return Ok(());
        }
        self.behind.store(false, Ordering::Release);
        self.settle(log, batch, stored).await
    }

    async fn commit(&self, records: &[Spooled]) -> Result<Vec<Vec<Outcome>>> {
        let committed =
            store_group(&self.db, &self.digests, &self.recent, records.iter().map(|record| &*record.events)).await?;
        hand_over(&self.columnar, &committed);
        Ok(committed.outcomes)
    }

    /// Notes that the database is away, if that is why something failed.
    fn away<T>(&self, done: Result<T>) -> Result<Result<T>> {
        match done {
            Err(error) if is_away(&error) => {
                self.behind.store(true, Ordering::Release);
                Err(error)
            }
            other => Ok(other),
        }
    }

    /// What was stored leaves the spool, and what the database refused is kept where its owner finds it.
    async fn settle(&self, log: &Log, batch: &Batch, stored: Vec<(&Spooled, Vec<Outcome>)>) -> Result<()> {
        let mut refused = Vec::new();
        let mut counts = [0u64; 5];
        for (record, outcomes) in &stored {
            for (draft, outcome) in record.events.iter().zip(outcomes) {
                let count = match outcome {
                    Outcome::Stored => 0,
                    Outcome::Duplicate => 1,
                    Outcome::Refused(refusal) => {
                        refused.push(Refused { draft, code: refusal.code, reason: &refusal.message });
                        2
                    }
                    Outcome::AppGone => 3,
                    Outcome::Erased => 4,
                };
                if let Some(count) = counts.get_mut(count) {
                    *count += 1;
                }
            }
        }
        self.away(dead_letter::keep(&self.db, self.clock.now_ms(), &refused).await)??;
        log.done(batch, stored.iter().map(|(record, _)| *record)).await?;
        for (label, count) in ["accepted", "duplicate", "rejected", "app_gone", "erased"].into_iter().zip(counts) {
            metrics::counter!("uea_spool_drained_total", "verdict" => label).increment(count);
        }
        Ok(())
    }

    fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Acquire)
    }

    /// Whether a transaction can begin. A connection that does not answer is not used again.
    async fn probe(&self) -> Result<()> {
        let begun = async {
            let mut connection = Connection::acquire(&self.db).await?;
            let begun = timeout(PROBE_TIME, async { connection.begin().await?.rollback().await }).await;
            begun.unwrap_or_else(|_| {
                connection.close();
                Err(sqlx::Error::PoolTimedOut)
            })
        };
        let begun = timeout(2 * PROBE_TIME, begun).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        Ok(begun.map_err(of_driver)?)
    }
}

/// Whether a failure is one of the database rather than of what it was asked.
pub(super) fn is_away(error: &Error) -> bool {
    matches!(error, Error::Unavailable { .. } | Error::Timeout)
}
