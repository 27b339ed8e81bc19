//! The statements of a group on Postgres: whole columns travel as arrays.

use std::{collections::HashMap, ops::RangeInclusive, sync::LazyLock};

use sqlx::{Arguments as _, AssertSqlSafe, Error, PgConnection, error::BoxDynError, postgres::PgArguments};
use uuid::Uuid;

use super::{
    Key, Stored,
    row::{NUMBERS, Row, SIZES, TEXTS, names},
    transaction::Head,
};
use crate::clock::{Clock, DAY_MS};

/// Rows of one statement; more add latency only.
const ROWS: usize = 1_000;

/// How far back before its arrival a repeated id is looked for.
const LOOK_BACK_MS: i64 = 31 * DAY_MS;
/// And how far ahead of now, for the clocks of instances differ.
const LOOK_AHEAD_MS: i64 = DAY_MS;

/// Moves the heads of `apps` (sorted) on by one and holds them to the end of the transaction.
pub(super) async fn lock_heads(connection: &mut PgConnection, apps: &[Uuid]) -> Result<Vec<(Uuid, Head)>, Error> {
    // The inner query locks in order; an UPDATE by itself locks in whatever order it scans.
    let sql = "WITH locked AS MATERIALIZED \
               (SELECT app_id FROM event_heads WHERE app_id = ANY($1) ORDER BY app_id FOR NO KEY UPDATE) \
               UPDATE event_heads SET seq = seq + 1 FROM locked WHERE event_heads.app_id = locked.app_id \
               RETURNING event_heads.app_id, seq, links, erased_at";
    let heads: Vec<(Uuid, i64, i64, i64)> = sqlx::query_as(sql).bind(apps).fetch_all(connection).await?;
    Ok(heads.into_iter().map(|(app, seq, links, erased_at)| (app, Head { seq, links, erased_at })).collect())
}

/// The numbers of the last commits of `apps`, which may be others a moment later.
pub(super) async fn heads(connection: &mut PgConnection, apps: &[Uuid]) -> Result<Vec<(Uuid, i64)>, Error> {
    sqlx::query_as("SELECT app_id, seq FROM event_heads WHERE app_id = ANY($1)").bind(apps).fetch_all(connection).await
}

/// Which of these keys of events that arrived at `arrived` are stored, with the commit and the arrival
/// of each. Partitions of other times are not touched.
pub(super) async fn stored(
    connection: &mut PgConnection,
    keys: &[Key],
    arrived: RangeInclusive<i64>,
) -> Result<Stored, Error> {
    // OFFSET keeps the planner from turning the look-up round and reading all events of the time. The order is that of
    // the key, and of no other index: for a month that is empty, as when a plan is made and kept, any would do.
    let sql = "SELECT e.* FROM unnest($1::uuid[], $2::uuid[]) AS k (app_id, id) CROSS JOIN LATERAL \
               (SELECT app_id, id, seq, received_at FROM events \
               WHERE app_id = k.app_id AND id = k.id AND received_at BETWEEN $3 AND $4 ORDER BY received_at OFFSET 0) AS e";
    // An event that waited, in the spool or as a dead letter, may have been sent again in the meantime.
    let until = Clock::System.now_ms().max(*arrived.end()).saturating_add(LOOK_AHEAD_MS);
    let mut stored = HashMap::new();
    for keys in keys.chunks(ROWS) {
        let (apps, ids): (Vec<_>, Vec<_>) = keys.iter().copied().unzip();
        let found: Vec<(Uuid, Uuid, i64, i64)> = sqlx::query_as(sql)
            .bind(apps)
            .bind(ids)
            .bind(arrived.start().saturating_sub(LOOK_BACK_MS))
            .bind(until)
            .fetch_all(&mut *connection)
            .await?;
        stored.extend(found.into_iter().map(|(app, id, seq, received_at)| ((app, id), (seq, received_at))));
    }
    Ok(stored)
}

/// Rows as the driver sends them, but for the number of their commit. Writing them down takes a
/// third as long as inserting them, so it is done before anyone has to wait for the heads.
pub(super) struct Encoded(Vec<PgArguments>);

/// Writes rows down.
pub(super) fn encode(rows: &[Row<'_>]) -> Result<Encoded, Error> {
    Ok(Encoded(rows.chunks(ROWS).map(encode_chunk).collect::<Result<_, _>>().map_err(Error::Encode)?))
}

fn encode_chunk(rows: &[Row<'_>]) -> Result<PgArguments, BoxDynError> {
    let mut arguments = PgArguments::default();
    arguments.add(rows.iter().map(|row| row.key().0).collect::<Vec<_>>())?;
    arguments.add(rows.iter().map(|row| row.key().1).collect::<Vec<_>>())?;
    for (_, value) in NUMBERS {
        arguments.add(array(rows, value))?;
    }
    for (_, value) in SIZES {
        arguments.add(array(rows, value))?;
    }
    for (_, value) in TEXTS {
        arguments.add(array(rows, |row| value(row)))?;
    }
    arguments.add(rows.iter().map(|row| row.draft.event.is_bot).collect::<Vec<_>>())?;
    let metadata: Vec<_> = rows.iter().map(|row| row.draft.metadata()).collect();
    arguments.add(some(metadata.iter().map(Option::as_deref)))?;
    Ok(arguments)
}

/// Inserts rows whose keys are not stored, as they were written down.
pub(super) async fn insert(
    connection: &mut PgConnection,
    rows: &[Row<'_>],
    Encoded(chunks): Encoded,
) -> Result<(), Error> {
    for (rows, mut arguments) in rows.chunks(ROWS).zip(chunks) {
        arguments.add(rows.iter().map(|row| row.seq).collect::<Vec<_>>()).map_err(Error::Encode)?;
        sqlx::query_with(AssertSqlSafe(INSERT.as_str()), arguments).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A column. One without a value travels as the empty array, which is filled up with NULL.
fn array<'r, T>(rows: &'r [Row<'_>], value: impl Fn(&'r Row<'_>) -> Option<T>) -> Vec<Option<T>> {
    some(rows.iter().map(value))
}

fn some<T>(values: impl Iterator<Item = Option<T>>) -> Vec<Option<T>> {
    let mut any = false;
    let values: Vec<_> = values.inspect(|value| any |= value.is_some()).collect();
    if any { values } else { Vec::new() }
}

// Functions that return sets run in step in a select list, and what runs out first is NULL from there
// on. In FROM, each of forty would be written out to a table of its own first.
static INSERT: LazyLock<String> = LazyLock::new(|| {
    let kinds = ["uuid[]"; 2].into_iter().chain(["bigint[]"; NUMBERS.len()]).chain(["int[]"; SIZES.len()]);
    let kinds = kinds.chain(["text[]"; TEXTS.len()]).chain(["boolean[]", "text[]::json[]", "bigint[]"]);
    let cells: Vec<_> = kinds.enumerate().map(|(at, kind)| format!("unnest(${}::{kind})", at + 1)).collect();
    format!("INSERT INTO events ({}) SELECT {}", names().join(", "), cells.join(", "))
});
