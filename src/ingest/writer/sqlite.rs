//! The statements of a group on SQLite: rows travel as lists of values.

use std::{collections::HashMap, sync::LazyLock};

use sqlx::{AssertSqlSafe, Error, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};
use uuid::Uuid;

use super::{
    Key, Stored,
    row::{NUMBERS, Row, SIZES, TEXTS, names},
    transaction::Head,
};

/// Rows of one statement. Few sizes, so that each statement is prepared once; the largest stays
/// under SQLite's 32,766 parameters.
const ROWS: [usize; 4] = [512, 64, 8, 1];

/// Moves the heads of `apps` on by one.
pub(super) async fn lock_heads(connection: &mut SqliteConnection, apps: &[Uuid]) -> Result<Vec<(Uuid, Head)>, Error> {
    let sql = "UPDATE event_heads SET seq = seq + 1 WHERE app_id = ? RETURNING app_id, seq, links, erased_at";
    let mut heads = Vec::with_capacity(apps.len());
    for app in apps {
        let head: Option<(Uuid, i64, i64, i64)> =
            sqlx::query_as(sql).bind(app).fetch_optional(&mut *connection).await?;
        heads.extend(head.map(|(app, seq, links, erased_at)| (app, Head { seq, links, erased_at })));
    }
    Ok(heads)
}

/// Which of these keys are stored, with the commit and the arrival of each.
pub(super) async fn stored(connection: &mut SqliteConnection, keys: &[Key]) -> Result<Stored, Error> {
    let mut stored = HashMap::new();
    for (keys, sql) in portions(keys, &SELECTS) {
        let mut query = sqlx::query_as::<_, (Uuid, Uuid, i64, i64)>(AssertSqlSafe(sql));
        for (app, id) in keys {
            query = query.bind(app).bind(id);
        }
        let found = query.fetch_all(&mut *connection).await?;
        stored.extend(found.into_iter().map(|(app, id, seq, received_at)| ((app, id), (seq, received_at))));
    }
    Ok(stored)
}

/// Inserts rows whose keys are not stored.
pub(super) async fn insert(connection: &mut SqliteConnection, rows: &[Row<'_>]) -> Result<(), Error> {
    for (rows, sql) in portions(rows, &INSERTS) {
        let mut query: Query<'_, Sqlite, SqliteArguments> = sqlx::query(AssertSqlSafe(sql));
        for row in rows {
            let (app, id) = row.key();
            query = query.bind(app).bind(id);
            for (_, value) in NUMBERS {
                query = query.bind(value(row));
            }
            for (_, value) in SIZES {
                query = query.bind(value(row));
            }
            for (_, value) in TEXTS {
                query = query.bind(value(row));
            }
            query = query.bind(row.draft.event.is_bot).bind(row.draft.metadata()).bind(row.seq);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Cuts a list into pieces of the sizes that statements exist for.
fn portions<'a, T>(mut rest: &'a [T], statements: &'a [String; ROWS.len()]) -> Vec<(&'a [T], &'a str)> {
    let mut portions = Vec::new();
    for (size, sql) in ROWS.iter().zip(statements) {
        let chunks = rest.chunks_exact(*size);
        rest = chunks.remainder();
        portions.extend(chunks.map(|chunk| (chunk, sql.as_str())));
    }
    portions
}

static SELECTS: LazyLock<[String; ROWS.len()]> = LazyLock::new(|| {
    ROWS.map(|rows| {
        let keys = vec!["(?,?)"; rows].join(",");
        format!("SELECT app_id, id, seq, received_at FROM events WHERE (app_id, id) IN (VALUES {keys})")
    })
});

static INSERTS: LazyLock<[String; ROWS.len()]> = LazyLock::new(|| {
    ROWS.map(|rows| {
        let names = names();
        let row = format!("({})", vec!["?"; names.len()].join(","));
        format!("INSERT INTO events ({}) VALUES {}", names.join(", "), vec![row.as_str(); rows].join(","))
    })
});
