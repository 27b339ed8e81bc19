//! Events of people who were erased after these had arrived: out of the queue, the spool of any instance
//! or the dead letters. They are not stored.
//!
//! The head says when an app's last erasure was; while no event of a group is older than that, nothing is
//! asked.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::DbErr;
use sqlx::Error;
use uuid::Uuid;

use super::{connection::Transaction, row::Row, transaction::Head};
use crate::{
    auth::digest::Digests,
    error::of_driver,
    ingest::{Refusal, erase::Without},
};

/// Digests of ids, with the last time each was erased from an app.
type Erased = HashMap<(Uuid, Vec<u8>), i64>;

/// Takes out rows of people who were erased since these arrived, and their ids out of others' rows; says
/// which keys are concerned.
pub(super) async fn leave_out(
    transaction: &mut Transaction<'_>,
    rows: &mut Vec<Row<'_>>,
    heads: &HashMap<Uuid, Head>,
    digests: &Digests,
) -> Result<Vec<(Uuid, Uuid)>, DbErr> {
    let is_late = |row: &Row<'_>| {
        let event = &row.draft.event;
        heads.get(&event.app_id).is_some_and(|head| event.received_at <= head.erased_at)
    };
    let asked: BTreeSet<(Uuid, Vec<u8>)> = rows
        .iter()
        .filter(|row| is_late(row))
        .flat_map(|row| row.draft.names().map(|id| (row.draft.event.app_id, id)))
        .flat_map(|(app, id)| digests.all_of(app, id).map(move |digest| (app, digest)))
        .collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let erased = erased(transaction, asked).await.map_err(of_driver)?;
    if erased.is_empty() {
        return Ok(Vec::new());
    }
    let mut gone = HashSet::new();
    for row in rows.iter_mut().filter(|row| is_late(row)) {
        let (app, arrived) = (row.draft.event.app_id, row.draft.event.received_at);
        let at = |digest| erased.get(&(app, digest));
        let is_erased = |id: &str| digests.all_of(app, id).filter_map(at).any(|at| arrived <= *at);
        match row.draft.concerns(is_erased) {
            Without::Same => {}
            Without::Changed => row.anonymous_id = None,
            Without::Gone => drop(gone.insert(row.key())),
        }
    }
    rows.retain(|row| !gone.contains(&row.key()));
    Ok(gone.into_iter().collect())
}

/// What clients are told of such an event.
pub(super) fn refusal() -> Refusal {
    let message = "Whoever this event is of was erased from the app after it had arrived.";
    Refusal { code: "ERASED", field: None, message: message.into() }
}

async fn erased(transaction: &mut Transaction<'_>, asked: BTreeSet<(Uuid, Vec<u8>)>) -> Result<Erased, Error> {
    let mut erased = Erased::new();
    match transaction {
        Transaction::Postgres(transaction) => {
            let sql = "SELECT e.app_id, e.digest, e.erased_at FROM unnest($1::uuid[], $2::bytea[]) AS k (app_id, digest) \
                       JOIN erased_ids e ON e.app_id = k.app_id AND e.digest = k.digest ORDER BY e.erased_at";
            let (apps, digests): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
            let found: Vec<(Uuid, Vec<u8>, i64)> =
                sqlx::query_as(sql).bind(apps).bind(digests).fetch_all(&mut **transaction).await?;
            erased.extend(found.into_iter().map(|(app, digest, at)| ((app, digest), at)));
        }
        Transaction::Sqlite(transaction) => {
            let sql = "SELECT max(erased_at) FROM erased_ids WHERE app_id = ? AND digest = ?";
            for (app, digest) in asked {
                let found: (Option<i64>,) =
                    sqlx::query_as(sql).bind(app).bind(&digest).fetch_one(&mut **transaction).await?;
                erased.extend(found.0.map(|at| ((app, digest), at)));
            }
        }
    }
    Ok(erased)
}
