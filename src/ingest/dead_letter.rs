//! Events that were acknowledged and that the database then refused: kept, shown to their owner, and
//! tried again when told so.

use std::collections::{HashMap, HashSet};

use sea_orm::{
    ActiveValue::Set, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, entity::prelude::*,
    sea_query::OnConflict,
};
use uuid::Uuid;

use super::{Draft, Verdict, writer::Writer};
use crate::{
    auth::{
        AppScope, Granted,
        audit::{Action, Entry, fact},
        permission::SettleDeadLetters,
    },
    db::Db,
    entity::dead_letter::{ActiveModel, Column, Entity, Model},
    error::{Error, Result},
};

/// Rows of one statement.
const ROWS: usize = 500;

/// How many are tried again at once.
pub const REPLAYED_AT_ONCE: u64 = 1_000;

/// An event that the database would not take.
pub(super) struct Refused<'a> {
    pub draft: &'a Draft,
    pub code: &'static str,
    pub reason: &'a str,
}

/// What became of events that were tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Stored now, or safe in the spool.
    pub stored: u64,
    /// Stored before.
    pub duplicates: u64,
    /// Refused again, and still here.
    pub rejected: u64,
}

/// Keeps events that were refused. One that is here already was refused once more: its time tells a
/// replay under way that it is not to be deleted.
pub(super) async fn keep(db: &Db, now: i64, refused: &[Refused<'_>]) -> Result<()> {
    // No statement may touch a row twice.
    let mut seen = HashSet::new();
    let refused: Vec<_> = refused.iter().filter(|refused| seen.insert(refused.draft.key())).collect();
    for refused in refused.chunks(ROWS) {
        let rows = refused.iter().map(|refused| {
            let event = &refused.draft.event;
            Ok(ActiveModel {
                app_id: Set(event.app_id),
                id: Set(event.id),
                received_at: Set(event.received_at),
                failed_at: Set(now),
                code: Set(refused.code.to_owned()),
                reason: Set(refused.reason.to_owned()),
                event: Set(serde_json::to_string(refused.draft).map_err(Error::internal)?),
            })
        });
        let mut conflict = OnConflict::columns([Column::AppId, Column::Id]);
        conflict.update_columns([Column::FailedAt, Column::Code, Column::Reason]);
        let rows = rows.collect::<Result<Vec<_>>>()?;
        Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(db.writer()).await?;
        tracing::warn!(events = refused.len(), "the database refused spooled events; they are dead letters now");
        metrics::counter!("uea_dead_letters_total").increment(u64::try_from(refused.len()).unwrap_or_default());
    }
    Ok(())
}

/// Tries those with these ids again, or the oldest of all; at most [`REPLAYED_AT_ONCE`]. What is
/// stored leaves; what is refused again stays.
pub async fn replay(
    db: &Db,
    writer: &Writer,
    now: i64,
    may: Granted<SettleDeadLetters>,
    ids: Option<Vec<Uuid>>,
) -> Result<Replayed> {
    let scope = may.scope();
    let letters = Entity::find()
        .filter(chosen(scope, ids))
        .order_by_asc(Column::FailedAt)
        .order_by_asc(Column::Id)
        .limit(REPLAYED_AT_ONCE)
        .all(db.writer())
        .await?;
    let mut replayed = Replayed::default();
    let mut gone = HashMap::<i64, Vec<Uuid>>::new();
    let mut refused = Vec::<(&Model, String)>::new();
    let (mut whole, mut drafts) = (Vec::new(), Vec::<Draft>::new());
    for letter in &letters {
        match serde_json::from_str(&letter.event) {
            Ok(draft) => {
                whole.push(letter);
                drafts.push(draft);
            }
            // It stays, behind the others, so that it keeps none of them up.
            Err(error) => {
                tracing::error!(%error, letter = %letter.id, "a dead letter can not be read");
                replayed.rejected += 1;
                refused.push((letter, "What was kept of it can not be read any more.".to_owned()));
            }
        }
    }
    let verdicts = writer.store(scope, drafts).await?;
    for (letter, verdict) in whole.into_iter().zip(verdicts) {
        match verdict {
            Verdict::Stored | Verdict::StoredBot | Verdict::Spooled => replayed.stored += 1,
            Verdict::Duplicate => replayed.duplicates += 1,
            Verdict::Ignored(refusal) | Verdict::Rejected(refusal) => {
                replayed.rejected += 1;
                refused.push((letter, refusal.message));
                continue;
            }
        }
        gone.entry(letter.failed_at).or_default().push(letter.id);
    }
    // One that went to the spool may have been refused out of there meanwhile. It is here again, under
    // another time.
    for (failed_at, ids) in gone {
        for ids in ids.chunks(ROWS) {
            let unchanged = chosen(scope, Some(ids.to_vec())).add(Column::FailedAt.eq(failed_at));
            Entity::delete_many().filter(unchanged).exec(db.writer()).await?;
        }
    }
    for (letter, reason) in refused {
        Entity::update_many()
            .col_expr(Column::FailedAt, Expr::value(now))
            .col_expr(Column::Reason, Expr::value(reason))
            .filter(chosen(scope, Some(vec![letter.id])))
            .exec(db.writer())
            .await?;
    }
    // Each event was stored by a transaction of its own; this tells of all of them.
    let Replayed { stored, duplicates, rejected } = replayed;
    let counts = vec![fact("stored", stored), fact("duplicates", duplicates), fact("rejected", rejected)];
    Entry::of(Action::DeadLettersReplayed, scope).with(counts).record(db.writer(), now).await?;
    Ok(replayed)
}

/// The next of an app in the order of their ids, and the id of the last one; nothing at the end. Those that
/// cannot be read any more are left out.
pub(super) async fn next(
    db: &impl ConnectionTrait,
    app: Uuid,
    after: Uuid,
) -> Result<Option<(Uuid, Vec<(Model, Draft)>)>> {
    let page = Entity::find().filter(Column::AppId.eq(app)).filter(Column::Id.gt(after));
    let page = page.order_by_asc(Column::Id).limit(ROWS as u64).all(db).await?;
    let Some(last) = page.last().map(|letter| letter.id) else { return Ok(None) };
    let read = |letter: Model| Some((serde_json::from_str(&letter.event).ok()?, letter));
    Ok(Some((last, page.into_iter().filter_map(read).map(|(draft, letter)| (letter, draft)).collect())))
}

/// Deletes those with these ids, or all; says how many there were.
pub async fn discard(db: &Db, now: i64, may: Granted<SettleDeadLetters>, ids: Option<Vec<Uuid>>) -> Result<u64> {
    let (scope, transaction) = (may.scope(), db.begin().await?);
    let discarded = Entity::delete_many().filter(chosen(scope, ids)).exec(&transaction).await?.rows_affected;
    let entry = Entry::of(Action::DeadLettersDiscarded, scope).with(vec![fact("discarded", discarded)]);
    entry.record(&transaction, now).await?;
    transaction.commit().await?;
    Ok(discarded)
}

fn chosen(scope: AppScope, ids: Option<Vec<Uuid>>) -> Condition {
    let own = Condition::all().add(Column::AppId.eq(scope.app_id()));
    own.add_option(ids.map(|ids| Column::Id.is_in(ids)))
}
