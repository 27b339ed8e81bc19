//! The two statements of a group, on Postgres with arrays and on SQLite with lists of values.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write,
    sync::LazyLock,
};

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement, Value, sea_query::ArrayType,
};
use uuid::Uuid;

use crate::entity::event;

/// Rows of one statement on Postgres; more add latency only.
const POSTGRES_ROWS: usize = 1_000;
/// Rows of one statement on SQLite. Few sizes, so that each statement is prepared once; the
/// largest stays under SQLite's 32,766 parameters.
const SQLITE_ROWS: [usize; 4] = [512, 64, 8, 1];

/// An event and the number of the commit that stores it.
pub(super) struct Row<'a> {
    pub event: &'a event::Model,
    pub seq: i64,
}

/// How a column travels in an array. SeaORM's arrays hold no NULL, so absent text travels as the
/// empty one, which acceptance never stores, and an absent number as -1.
#[derive(Clone, Copy)]
enum Kind {
    Id,
    Number,
    Text,
    Size,
    Json,
}

type Cell = fn(&Row<'_>) -> Value;

/// Every column of `events`: name, kind, value. The order is that of the parameters.
const COLUMNS: [(&str, Kind, Cell); 29] = [
    ("app_id", Kind::Id, |row| row.event.app_id.into()),
    ("id", Kind::Id, |row| row.event.id.into()),
    ("seq", Kind::Number, |row| row.seq.into()),
    ("timestamp", Kind::Number, |row| row.event.timestamp.into()),
    ("received_at", Kind::Number, |row| row.event.received_at.into()),
    ("event_type", Kind::Text, |row| row.event.event_type.clone().into()),
    ("client_id", Kind::Text, |row| row.event.client_id.clone().into()),
    ("user_id", Kind::Text, |row| row.event.user_id.clone().into()),
    ("anonymous_id", Kind::Text, |row| row.event.anonymous_id.clone().into()),
    ("session_id", Kind::Text, |row| row.event.session_id.clone().into()),
    ("url", Kind::Text, |row| row.event.url.clone().into()),
    ("hostname", Kind::Text, |row| row.event.hostname.clone().into()),
    ("path", Kind::Text, |row| row.event.path.clone().into()),
    ("referrer", Kind::Text, |row| row.event.referrer.clone().into()),
    ("referrer_domain", Kind::Text, |row| row.event.referrer_domain.clone().into()),
    ("utm_source", Kind::Text, |row| row.event.utm_source.clone().into()),
    ("utm_medium", Kind::Text, |row| row.event.utm_medium.clone().into()),
    ("utm_campaign", Kind::Text, |row| row.event.utm_campaign.clone().into()),
    ("utm_term", Kind::Text, |row| row.event.utm_term.clone().into()),
    ("utm_content", Kind::Text, |row| row.event.utm_content.clone().into()),
    ("ip_address", Kind::Text, |row| row.event.ip_address.clone().into()),
    ("country", Kind::Text, |row| row.event.country.clone().into()),
    ("user_agent", Kind::Text, |row| row.event.user_agent.clone().into()),
    ("browser", Kind::Text, |row| row.event.browser.clone().into()),
    ("os", Kind::Text, |row| row.event.os.clone().into()),
    ("device", Kind::Text, |row| row.event.device.clone().into()),
    ("screen_width", Kind::Size, |row| row.event.screen_width.into()),
    ("screen_height", Kind::Size, |row| row.event.screen_height.into()),
    ("metadata", Kind::Json, |row| row.event.metadata.as_ref().map(|json| json.to_string()).into()),
];

/// Locks the heads of `apps` (sorted) to the end of the transaction and moves each on by one.
/// The answer lacks apps that are gone.
pub(super) async fn lock_heads(
    transaction: &DatabaseTransaction,
    apps: Vec<Uuid>,
) -> Result<HashMap<Uuid, i64>, DbErr> {
    let backend = transaction.get_database_backend();
    let heads = if backend == DbBackend::Postgres {
        // The inner query locks in order; an UPDATE by itself locks in whatever order it scans.
        let sql = "WITH locked AS MATERIALIZED \
                   (SELECT app_id FROM event_heads WHERE app_id = ANY($1) ORDER BY app_id FOR NO KEY UPDATE) \
                   UPDATE event_heads SET seq = seq + 1 FROM locked WHERE event_heads.app_id = locked.app_id \
                   RETURNING event_heads.app_id, seq";
        transaction.query_all_raw(Statement::from_sql_and_values(backend, sql, [apps.into()])).await?
    } else {
        let sql = "UPDATE event_heads SET seq = seq + 1 WHERE app_id = ? RETURNING app_id, seq";
        let mut heads = Vec::with_capacity(apps.len());
        for app in apps {
            heads.extend(transaction.query_one_raw(Statement::from_sql_and_values(backend, sql, [app.into()])).await?);
        }
        heads
    };
    heads.iter().map(|head| Ok((head.try_get_by_index(0)?, head.try_get_by_index(1)?))).collect()
}

/// Inserts rows of distinct keys and returns the keys of those that were new.
pub(super) async fn insert<'a>(
    transaction: &DatabaseTransaction,
    rows: impl Iterator<Item = &'a Row<'a>>,
) -> Result<HashSet<(Uuid, Uuid)>, DbErr> {
    let rows: Vec<&Row<'_>> = rows.collect();
    let mut stored = HashSet::with_capacity(rows.len());
    let backend = transaction.get_database_backend();
    if backend == DbBackend::Postgres {
        for rows in rows.chunks(POSTGRES_ROWS) {
            let arrays = COLUMNS.iter().map(|(_, kind, cell)| array(*kind, rows.iter().map(|row| cell(row))));
            let statement = Statement::from_sql_and_values(backend, POSTGRES_INSERT.as_str(), arrays);
            collect_keys(&mut stored, transaction.query_all_raw(statement).await?)?;
        }
        return Ok(stored);
    }
    let mut rest = rows.as_slice();
    for (size, sql) in SQLITE_ROWS.iter().zip(SQLITE_INSERTS.iter()) {
        let mut chunks = rest.chunks_exact(*size);
        for rows in &mut chunks {
            let values = rows.iter().flat_map(|row| COLUMNS.iter().map(|(_, _, cell)| cell(row)));
            let statement = Statement::from_sql_and_values(backend, sql, values);
            collect_keys(&mut stored, transaction.query_all_raw(statement).await?)?;
        }
        rest = chunks.remainder();
    }
    Ok(stored)
}

fn collect_keys(stored: &mut HashSet<(Uuid, Uuid)>, rows: Vec<QueryResult>) -> Result<(), DbErr> {
    for row in rows {
        stored.insert((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    }
    Ok(())
}

fn array(kind: Kind, cells: impl Iterator<Item = Value>) -> Value {
    let of = match kind {
        Kind::Id => ArrayType::Uuid,
        Kind::Number => ArrayType::BigInt,
        Kind::Text | Kind::Json => ArrayType::String,
        Kind::Size => ArrayType::Int,
    };
    let cells = cells.map(|cell| match cell {
        Value::String(None) => Value::String(Some(String::new())),
        Value::Int(None) => Value::Int(Some(-1)),
        cell => cell,
    });
    Value::Array(of, Some(Box::new(cells.collect())))
}

static POSTGRES_INSERT: LazyLock<String> = LazyLock::new(|| {
    let (mut names, mut cells, mut arrays) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (name, kind, _)) in COLUMNS.iter().enumerate() {
        let (cell, of) = match kind {
            Kind::Id => (format!("t.{name}"), "uuid"),
            Kind::Number => (format!("t.{name}"), "bigint"),
            Kind::Text => (format!("NULLIF(t.{name}, '')"), "text"),
            Kind::Size => (format!("NULLIF(t.{name}, -1)"), "int"),
            Kind::Json => (format!("NULLIF(t.{name}, '')::json"), "text"),
        };
        names.push(*name);
        cells.push(cell);
        arrays.push(format!("${}::{of}[]", at + 1));
    }
    let (names, cells, arrays) = (names.join(", "), cells.join(", "), arrays.join(", "));
    format!(
        "INSERT INTO events ({names}) SELECT {cells} FROM unnest({arrays}) AS t ({names}) \
         ON CONFLICT (app_id, id) DO NOTHING RETURNING app_id, id"
    )
});

static SQLITE_INSERTS: LazyLock<[String; SQLITE_ROWS.len()]> = LazyLock::new(|| {
    SQLITE_ROWS.map(|rows| {
        let names: Vec<_> = COLUMNS.iter().map(|(name, _, _)| *name).collect();
        let mut sql = format!("INSERT INTO events ({}) VALUES ", names.join(", "));
        let row = format!("({})", vec!["?"; COLUMNS.len()].join(","));
        let _ = write!(sql, "{}", vec![row.as_str(); rows].join(","));
        sql.push_str(" ON CONFLICT (app_id, id) DO NOTHING RETURNING app_id, id");
        sql
    })
});
