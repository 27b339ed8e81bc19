//! One group of events, one transaction.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use sea_orm::{DatabaseTransaction, DbErr, TransactionTrait};
use uuid::Uuid;

use super::insert::{self, Row};
use crate::{
    db::Db,
    entity::event,
    error::{self, Error},
    ingest::Refusal,
};

/// How often a group is tried again after a deadlock or a locked file.
const ATTEMPTS: u32 = 6;

/// What became of one event of the group.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// Committed.
    Stored,
    /// Its id is in the table, or earlier in the group.
    Duplicate,
    /// The database would not take it.
    Refused(Refusal),
    /// The app was deleted.
    AppGone,
}

/// Stores the events of several requests; an outcome an event, in their order. When this fails,
/// nothing is kept.
pub(super) async fn store(db: &Db, jobs: &[Vec<event::Model>]) -> Result<Vec<Vec<Outcome>>, Error> {
    let group = Group::new(jobs);
    let (mut attempt, mut careful) = (0, false);
    let outcomes = loop {
        match group.commit(db, careful).await {
            Ok(outcomes) => break outcomes,
            Err(refused) if error::is_data_error(&refused) && !careful => careful = true,
            Err(failure) if error::is_retryable(&failure) && attempt < ATTEMPTS => {
                attempt += 1;
                let pause = (1u64 << attempt) + rand::random_range(0..(4u64 << attempt));
                tracing::debug!(error = %failure, attempt, "storing a group again");
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            Err(failure) => return Err(failure.into()),
        }
    };
    Ok(group.of_each_job(jobs, &outcomes))
}

/// The distinct events of a group, sorted by key, and the way back from each event to them.
struct Group<'a> {
    rows: Vec<&'a event::Model>,
    /// Key to place in `rows`.
    places: HashMap<(Uuid, Uuid), usize>,
}

impl<'a> Group<'a> {
    /// Of equal ids the first wins.
    fn new(jobs: &'a [Vec<event::Model>]) -> Self {
        let mut seen = HashSet::new();
        let mut rows: Vec<_> = jobs.iter().flatten().filter(|event| seen.insert(key(event))).collect();
        // One order for all writers, and neighbours in the index.
        rows.sort_unstable_by_key(|event| key(event));
        let places = rows.iter().enumerate().map(|(place, event)| (key(event), place)).collect();
        Self { rows, places }
    }

    /// The transaction: lock the heads, which numbers the commit, then insert. A careful one
    /// survives an event that the database refuses, for the price of savepoints.
    async fn commit(&self, db: &Db, careful: bool) -> Result<Vec<Outcome>, DbErr> {
        let transaction = db.begin().await?;
        let apps: BTreeSet<Uuid> = self.rows.iter().map(|event| event.app_id).collect();
        let heads = insert::lock_heads(&transaction, apps.into_iter().collect()).await?;
        let mut outcomes = vec![Outcome::AppGone; self.rows.len()];
        let mut rows = Vec::with_capacity(self.rows.len());
        for (place, event) in self.rows.iter().enumerate() {
            if let Some(seq) = heads.get(&event.app_id) {
                rows.push((place, Row { event, seq: *seq }));
            }
        }
        if careful {
            insert_or_split(&transaction, &rows, &mut outcomes).await?;
        } else {
            insert_new(&transaction, &rows, &mut outcomes).await?;
        }
        if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Stored)) {
            transaction.commit().await?;
        } else {
            // Nothing new: the heads keep their numbers, so that cached answers stay good.
            transaction.rollback().await?;
        }
        Ok(outcomes)
    }

    /// Deals the outcomes out again: the first event of an id gets what became of the row, later
    /// ones are duplicates of it.
    fn of_each_job(&self, jobs: &[Vec<event::Model>], outcomes: &[Outcome]) -> Vec<Vec<Outcome>> {
        let mut taken = vec![false; outcomes.len()];
        let mut of_event = |event: &event::Model| {
            let Some((first, outcome)) =
                self.places.get(&key(event)).and_then(|place| taken.get_mut(*place).zip(outcomes.get(*place)))
            else {
                return Outcome::AppGone;
            };
            let repeated = std::mem::replace(first, true);
            if repeated && matches!(outcome, Outcome::Stored) { Outcome::Duplicate } else { outcome.clone() }
        };
        jobs.iter().map(|events| events.iter().map(&mut of_event).collect()).collect()
    }
}

/// Inserts the rows. Where the database refuses one of them, halves them until the culprit stands
/// alone, under savepoints, so that it fails by itself and the transaction stays whole.
async fn insert_or_split(
    transaction: &DatabaseTransaction,
    rows: &[(usize, Row<'_>)],
    outcomes: &mut [Outcome],
) -> Result<(), DbErr> {
    let savepoint = transaction.begin().await?;
    match insert_new(&savepoint, rows, outcomes).await {
        Ok(()) => return savepoint.commit().await,
        Err(refused) => {
            savepoint.rollback().await?;
            if !error::is_data_error(&refused) {
                return Err(refused);
            }
            tracing::warn!(error = %refused, events = rows.len(), "the database refused an event");
        }
    }
    if let [(place, _)] = rows {
        set(outcomes, *place, Outcome::Refused(not_storable()));
        return Ok(());
    }
    let (left, right) = rows.split_at(rows.len() / 2);
    Box::pin(insert_or_split(transaction, left, outcomes)).await?;
    Box::pin(insert_or_split(transaction, right, outcomes)).await
}

async fn insert_new(
    transaction: &DatabaseTransaction,
    rows: &[(usize, Row<'_>)],
    outcomes: &mut [Outcome],
) -> Result<(), DbErr> {
    let stored = insert::insert(transaction, rows.iter().map(|(_, row)| row)).await?;
    for (place, row) in rows {
        let new = stored.contains(&key(row.event));
        set(outcomes, *place, if new { Outcome::Stored } else { Outcome::Duplicate });
    }
    Ok(())
}

fn set(outcomes: &mut [Outcome], place: usize, outcome: Outcome) {
    if let Some(slot) = outcomes.get_mut(place) {
        *slot = outcome;
    }
}

fn not_storable() -> Refusal {
    Refusal { code: "NOT_STORABLE", field: None, message: "The database could not store this event.".into() }
}

fn key(event: &event::Model) -> (Uuid, Uuid) {
    (event.app_id, event.id)
}
