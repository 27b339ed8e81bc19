//! One group of events, one transaction.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::RangeInclusive,
    time::Duration,
};

use sea_orm::{DbErr, RuntimeErr};
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    Key, Stored,
    connection::{Connection, Transaction},
    erased, link,
    postgres::Encoded,
    recent::{Making, Recent},
    row::Row,
    visitor,
};
use crate::{
    auth::digest::Digests,
    db::Db,
    error::{self, Error, of_driver},
    ingest::{Draft, Refusal},
};

/// How often a group is tried again after a deadlock or a locked file.
const ATTEMPTS: u32 = 6;
/// How often a group is tried again after its connection was lost, or did not answer.
const LOST_ATTEMPTS: u32 = 2;
/// Ids from which on a group looks them up before it holds the heads: it takes one question more.
const AHEAD: usize = 64;
/// How long one attempt may take. A database that went away without a word would otherwise keep
/// the events of all later requests waiting for minutes.
const ATTEMPT_TIME: Duration = Duration::from_secs(30);

/// What became of one event of the group.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// Committed.
    Stored,
    /// Its id is in the table, or earlier in the group.
    Duplicate,
    /// The database would not take it.
    Refused(Refusal),
    /// Whoever it is of was erased after it had arrived.
    Erased,
    /// The app was deleted.
    AppGone,
}

/// The head of an app's log, moved on by the transaction that holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// The number of this commit.
    pub seq: i64,
    /// How many identities are linked to users.
    pub links: i64,
    /// When somebody was last erased from the app.
    pub erased_at: i64,
}

/// A group that was committed.
pub(super) struct Committed<'a> {
    /// What became of each event, request by request.
    pub outcomes: Vec<Vec<Outcome>>,
    /// The rows that are new, with what was found out about them.
    pub rows: Vec<Row<'a>>,
    /// The commits: one of each app, of which some have no rows.
    pub commits: Vec<(Uuid, i64)>,
}

/// The numbers under which earlier attempts asked for a commit, by app. What became of those
/// commits is not known when their answer was lost.
type Unsure = HashSet<(Uuid, i64)>;

/// Stores the events of several requests. When this fails,
/// nothing is kept, unless the answer to the last COMMIT was lost: then all is kept or nothing.
/// Repeating the events is safe either way.
pub(super) async fn store<'a>(
    db: &Db,
    digests: &Digests,
    recent: &Recent,
    jobs: &[&'a [Draft]],
) -> Result<Committed<'a>, Error> {
    let group = Group::new(jobs);
    let (mut attempt, mut lost, mut careful, mut unsure) = (0, 0, false, Unsure::new());
    let (outcomes, rows, commits) = loop {
        let failure = match group.attempt(db, digests, recent, careful, &mut unsure).await {
            Ok(committed) => break committed,
            Err(failure) => failure,
        };
        if error::is_data_error(&failure) && !careful {
            // A month without a partition looks like an event that does not fit.
            careful = !db.cover(group.events.iter().map(|draft| draft.event.received_at)).await?;
            continue;
        }
        let (tried, most) = if error::is_lost_connection(&failure) {
            (&mut lost, LOST_ATTEMPTS)
        } else if error::is_retryable(&failure) {
            (&mut attempt, ATTEMPTS)
        } else {
            return Err(failure.into());
        };
        if *tried == most {
            return Err(failure.into());
        }
        *tried += 1;
        let pause = (1u64 << *tried) + rand::random_range(0..(4u64 << *tried));
        tracing::debug!(error = %failure, attempt = *tried, "storing a group again");
        tokio::time::sleep(Duration::from_millis(pause)).await;
    };
    Ok(Committed { outcomes: group.of_each_job(jobs, &outcomes), rows, commits })
}

/// What was found of a group's ids before its heads were held.
struct Ahead {
    /// The last commit of each app before the look-up.
    heads: HashMap<Uuid, i64>,
    stored: Stored,
    /// What may have been stored since.
    again: Vec<Key>,
}

/// What became of the distinct events of a group, the rows that are new, and the commits.
type Attempt<'a> = (Vec<Outcome>, Vec<Row<'a>>, Vec<(Uuid, i64)>);

/// The distinct events of a group, sorted by key, and the way back from each event to them.
struct Group<'a> {
    events: Vec<&'a Draft>,
    /// The place of each in the order of their arrival.
    arrivals: Vec<usize>,
    /// Key to place in `events`.
    places: HashMap<Key, usize, foldhash::fast::RandomState>,
}

impl<'a> Group<'a> {
    /// Of equal ids the first wins.
    fn new(jobs: &[&'a [Draft]]) -> Self {
        let most = jobs.iter().map(|events| events.len()).sum();
        let mut places = HashMap::with_capacity_and_hasher(most, Default::default());
        let mut events = Vec::with_capacity(most);
        for draft in jobs.iter().copied().flatten() {
            if places.insert(draft.key(), 0).is_none() {
                events.push((draft, events.len()));
            }
        }
        // Neighbours in the index.
        events.sort_unstable_by_key(|(draft, _)| draft.key());
        let (events, arrivals): (Vec<&Draft>, Vec<usize>) = events.into_iter().unzip();
        for (place, draft) in events.iter().enumerate() {
            places.insert(draft.key(), place);
        }
        Self { events, arrivals, places }
    }

    /// One try. A connection that did not answer in time is not used again, for nobody knows what it
    /// is still at; nor is one that leads to a standby, for the primary is elsewhere by now.
    async fn attempt(
        &self,
        db: &Db,
        digests: &Digests,
        recent: &Recent,
        careful: bool,
        unsure: &mut Unsure,
    ) -> Result<Attempt<'a>, DbErr> {
        let mut connection = Connection::acquire(db).await.map_err(of_driver)?;
        let tried = timeout(ATTEMPT_TIME, self.commit(&mut connection, digests, recent, careful, unsure)).await;
        let tried = tried.unwrap_or_else(|_| {
            connection.close();
            Err(DbErr::Conn(RuntimeErr::Internal("the database did not answer in time".into())))
        });
        if tried.as_ref().is_err_and(error::is_read_only) {
            connection.close();
        }
        tried
    }

    /// The transaction: lock the heads, which numbers the commit, leave out what is stored, find out
    /// whom the rest counts for and which visit it is part of, insert it. A careful one survives an
    /// event that the database refuses, for the price of savepoints.
    async fn commit(
        &self,
        connection: &mut Connection,
        digests: &Digests,
        recent: &Recent,
        careful: bool,
        unsure: &mut Unsure,
    ) -> Result<Attempt<'a>, DbErr> {
        let encoded = if careful { None } else { self.encode(connection).map_err(of_driver)? };
        let mut transaction = connection.begin().await.map_err(of_driver)?;
        let apps: BTreeSet<Uuid> = self.events.iter().map(|draft| draft.event.app_id).collect();
        let apps: Vec<Uuid> = apps.into_iter().collect();
        let ahead = if unsure.is_empty() { self.look_ahead(&mut transaction, &apps).await? } else { None };
        let heads: HashMap<_, _> = transaction.lock_heads(&apps).await.map_err(of_driver)?.into_iter().collect();
        let making: Vec<Making> =
            heads.iter().map(|(app, head)| recent.begin(*app, head.seq, self.ids_of(*app))).collect();
        let ahead = match ahead {
            Some(ahead) => self.brought_up(ahead, &heads, recent).await,
            None => None,
        };
        let mut outcomes = vec![Outcome::AppGone; self.events.len()];
        let mut rows = self.new_rows(&mut transaction, &heads, unsure, ahead, &mut outcomes).await?;
        for key in erased::leave_out(&mut transaction, &mut rows, &heads, digests).await? {
            if let Some(outcome) = self.places.get(&key).and_then(|place| outcomes.get_mut(*place)) {
                *outcome = Outcome::Erased;
            }
        }
        link::follow(&mut transaction, &mut rows, &heads).await?;
        visitor::complete(&mut transaction, &mut rows).await?;
        if careful {
            insert_or_split(&mut transaction, &mut rows, &mut |key, refusal| self.refuse(&mut outcomes, key, refusal))
                .await?;
        } else {
            let unchanged = rows.len() == self.events.len() && rows.iter().all(Row::is_as_accepted);
            transaction.insert(&rows, encoded.filter(|_| unchanged)).await.map_err(of_driver)?;
        }
        rows.retain(|row| self.outcome(&outcomes, row).is_some_and(|is| matches!(is, Outcome::Stored)));
        if rows.is_empty() {
            // Nothing new: the heads keep their numbers, so that cached answers stay good.
            transaction.rollback().await.map_err(of_driver)?;
            return Ok((outcomes, rows, Vec::new()));
        }
        let commits: Vec<(Uuid, i64)> = heads.iter().map(|(app, head)| (*app, head.seq)).collect();
        unsure.extend(commits.iter().copied());
        transaction.commit().await.map_err(of_driver)?;
        making.into_iter().for_each(Making::done);
        Ok((outcomes, rows, commits))
    }

    fn ids_of(&self, app: Uuid) -> impl Iterator<Item = Uuid> {
        self.events.iter().filter(move |draft| draft.event.app_id == app).map(|draft| draft.event.id)
    }

    /// The keys that have to be looked up, of ids that clients made.
    fn keys(&self) -> Vec<Key> {
        self.events.iter().filter(|draft| !draft.fresh).map(|draft| draft.key()).collect()
    }

    /// When the events arrived.
    fn arrived(&self) -> RangeInclusive<i64> {
        let arrived = self.events.iter().map(|draft| draft.event.received_at);
        arrived.clone().min().unwrap_or_default()..=arrived.max().unwrap_or_default()
    }

    /// Looks the ids up while others may hold the heads.
    async fn look_ahead(&self, transaction: &mut Transaction<'_>, apps: &[Uuid]) -> Result<Option<Ahead>, DbErr> {
        let keys = self.keys();
        if keys.len() < AHEAD {
            return Ok(None);
        }
        // First, so that what is found are at least the commits up to these.
        let Some(heads) = transaction.heads(apps).await.map_err(of_driver)? else { return Ok(None) };
        let stored = transaction.stored(&keys, self.arrived()).await.map_err(of_driver)?;
        Ok(Some(Ahead { heads: heads.into_iter().collect(), stored, again: Vec::new() }))
    }

    /// What was found, and what may have been stored since; nothing where that can not be told.
    async fn brought_up(&self, mut ahead: Ahead, heads: &HashMap<Uuid, Head>, recent: &Recent) -> Option<Ahead> {
        for (app, head) in heads {
            let ids: Vec<Uuid> = self.ids_of(*app).collect();
            let met = recent.among(*app, *ahead.heads.get(app)?, head.seq, &ids).await?;
            ahead.again.extend(met.into_iter().map(|id| (*app, id)));
        }
        Some(ahead)
    }

    /// All events, written down before the heads are held, in the hope that they are stored as they were
    /// accepted. Where some are to be given a session that would be in vain.
    fn encode(&self, connection: &Connection) -> Result<Option<Encoded>, sqlx::Error> {
        if self.events.iter().any(|draft| draft.event.session_id.is_none()) {
            return Ok(None);
        }
        let events = self.events.iter().zip(&self.arrivals);
        connection.encode(&events.map(|(draft, arrival)| Row::new(draft, 0, *arrival)).collect::<Vec<_>>())
    }

    /// The events that are not stored yet, counted as stored; the others get their outcome.
    async fn new_rows(
        &self,
        transaction: &mut Transaction<'_>,
        heads: &HashMap<Uuid, Head>,
        unsure: &Unsure,
        ahead: Option<Ahead>,
        outcomes: &mut [Outcome],
    ) -> Result<Vec<Row<'a>>, DbErr> {
        let (mut stored, keys) = match ahead {
            Some(Ahead { stored, again, .. }) => (stored, again),
            // An id made a moment ago is not in the table, unless a try before this one put it there.
            None if unsure.is_empty() => (Stored::new(), self.keys()),
            None => (Stored::new(), self.events.iter().map(|draft| draft.key()).collect()),
        };
        stored.extend(transaction.stored(&keys, self.arrived()).await.map_err(of_driver)?);
        let mut rows = Vec::with_capacity(self.events.len());
        for ((draft, arrival), outcome) in self.events.iter().zip(&self.arrivals).zip(outcomes) {
            let Some(head) = heads.get(&draft.event.app_id) else { continue };
            *outcome = match stored.get(&draft.key()) {
                // Not a duplicate but what an earlier try has stored after all. The number may since have
                // gone to another commit, so the time of arrival has to be the same too.
                Some((seq, arrival))
                    if unsure.contains(&(draft.event.app_id, *seq)) && *arrival == draft.event.received_at =>
                {
                    Outcome::Stored
                }
                Some(_) => Outcome::Duplicate,
                None => {
                    rows.push(Row::new(draft, head.seq, *arrival));
                    Outcome::Stored
                }
            };
        }
        Ok(rows)
    }

    fn outcome<'o>(&self, outcomes: &'o [Outcome], row: &Row<'_>) -> Option<&'o Outcome> {
        outcomes.get(*self.places.get(&row.key())?)
    }

    fn refuse(&self, outcomes: &mut [Outcome], key: Key, refusal: Refusal) {
        if let Some(outcome) = self.places.get(&key).and_then(|place| outcomes.get_mut(*place)) {
            *outcome = Outcome::Refused(refusal);
        }
    }

    /// Deals the outcomes out again: the first event of an id gets what became of the row, later
    /// ones are duplicates of it.
    fn of_each_job(&self, jobs: &[&[Draft]], outcomes: &[Outcome]) -> Vec<Vec<Outcome>> {
        let mut taken = vec![false; outcomes.len()];
        let mut of_event = |draft: &Draft| {
            let Some((first, outcome)) =
                self.places.get(&draft.key()).and_then(|place| taken.get_mut(*place).zip(outcomes.get(*place)))
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
    transaction: &mut Transaction<'_>,
    rows: &mut [Row<'_>],
    refuse: &mut (dyn FnMut(Key, Refusal) + Send),
) -> Result<(), DbErr> {
    let mut savepoint = transaction.savepoint().await.map_err(of_driver)?;
    match savepoint.insert(rows, None).await.map_err(of_driver) {
        Ok(()) => return savepoint.commit().await.map_err(of_driver),
        Err(refused) => {
            savepoint.rollback().await.map_err(of_driver)?;
            if !error::is_data_error(&refused) {
                return Err(refused);
            }
            tracing::warn!(error = %refused, events = rows.len(), "the database refused an event");
        }
    }
    if let [row] = rows {
        refuse(row.key(), not_storable());
        return Ok(());
    }
    let (left, right) = rows.split_at_mut(rows.len() / 2);
    Box::pin(insert_or_split(transaction, left, refuse)).await?;
    Box::pin(insert_or_split(transaction, right, refuse)).await
}

fn not_storable() -> Refusal {
    Refusal { code: "NOT_STORABLE", field: None, message: "The database could not store this event.".into() }
}
