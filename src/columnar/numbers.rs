//! Numbers of visitors and sessions.
//!
//! Segments hold a number in place of the id of a visitor or session, the same in all segments of an
//! app. So sets of them are bitmaps, and telling them apart needs no text. Numbers are given when
//! events are sealed, in the transaction that stores the segment.

use std::collections::HashMap;

use futures::TryStreamExt;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement, StreamTrait,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{Column, values::Texts};
use crate::{
    entity::event_code,
    error::{Error, Result},
};

/// Texts or codes of one statement.
const AT_ONCE: usize = 10_000;

/// What is numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Visitor,
    Session,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Visitor, Self::Session];

    pub(super) fn of(column: &Column) -> Option<Self> {
        match column {
            Column::Visitor => Some(Self::Visitor),
            Column::Session => Some(Self::Session),
            _ => None,
        }
    }

    pub(super) fn column(self) -> Column {
        match self {
            Self::Visitor => Column::Visitor,
            Self::Session => Column::Session,
        }
    }

    pub(super) fn stored(self) -> i16 {
        match self {
            Self::Visitor => 0,
            Self::Session => 1,
        }
    }
}

/// The numbers of those texts that have one.
pub(super) async fn of_texts(
    db: &impl ConnectionTrait,
    app: Uuid,
    kind: Kind,
    texts: &[&str],
) -> Result<HashMap<String, u32>> {
    let backend = db.get_database_backend();
    let sql = match backend {
        // OFFSET keeps the planner from reading every code of the app for a join. App and kind come out of a query
        // as well: about an app that is new to its statistics it would believe that any index will do, and read
        // all of that app's codes for each text.
        sea_orm::DbBackend::Postgres => {
            "SELECT c.value, c.code FROM \
             (SELECT $1::uuid AS app_id, $2::smallint AS kind, v FROM json_array_elements_text($3::json) AS v OFFSET 0) \
             AS k CROSS JOIN LATERAL (SELECT value, code FROM event_codes \
             WHERE app_id = k.app_id AND kind = k.kind AND value = k.v COLLATE \"C\" OFFSET 0) AS c"
        }
        _ => {
            "SELECT c.value, c.code FROM json_each($3) AS k CROSS JOIN event_codes AS c \
             ON c.app_id = $1 AND c.kind = $2 AND c.value = k.value"
        }
    };
    let mut numbers = HashMap::with_capacity(texts.len());
    // No id holds NUL, and Postgres refuses to look for one that does.
    let texts: Vec<&str> = texts.iter().copied().filter(|text| !text.contains('\0')).collect();
    for texts in texts.chunks(AT_ONCE) {
        let json = serde_json::to_string(texts).map_err(Error::internal)?;
        let statement = Statement::from_sql_and_values(backend, sql, [app.into(), kind.stored().into(), json.into()]);
        for row in db.query_all_raw(statement).await? {
            numbers.insert(row.try_get_by_index(0)?, row.try_get_by_index::<i64>(1)? as u32);
        }
    }
    Ok(numbers)
}

/// The ids of the visitors with these numbers, of those that have one.
pub(super) async fn visitors(db: &impl ConnectionTrait, app: Uuid, numbers: &[u32]) -> Result<HashMap<u32, String>> {
    let backend = db.get_database_backend();
    let sql = match backend {
        // As above; `kind = 0` is written out, for the index of visitors' codes to be seen to fit.
        sea_orm::DbBackend::Postgres => {
            "SELECT c.code, c.value FROM \
             (SELECT $1::uuid AS app_id, v::bigint AS code FROM json_array_elements_text($2::json) AS v OFFSET 0) \
             AS k CROSS JOIN LATERAL (SELECT code, value FROM event_codes \
             WHERE app_id = k.app_id AND kind = 0 AND code = k.code OFFSET 0) AS c"
        }
        _ => {
            "SELECT c.code, c.value FROM json_each($2) AS k CROSS JOIN event_codes AS c \
             ON c.app_id = $1 AND c.kind = 0 AND c.code = k.value"
        }
    };
    let mut visitors = HashMap::with_capacity(numbers.len());
    for numbers in numbers.chunks(AT_ONCE) {
        let json = serde_json::to_string(numbers).map_err(Error::internal)?;
        let statement = Statement::from_sql_and_values(backend, sql, [app.into(), json.into()]);
        for row in db.query_all_raw(statement).await? {
            visitors.insert(row.try_get_by_index::<i64>(0)? as u32, row.try_get_by_index(1)?);
        }
    }
    Ok(visitors)
}

/// Gives these texts the numbers from `first` on. False when one of them has a number: then some were given.
pub(super) async fn give(
    db: &impl ConnectionTrait,
    app: Uuid,
    kind: Kind,
    first: i64,
    texts: &[&str],
) -> Result<bool, DbErr> {
    let backend = db.get_database_backend();
    let sql = match backend {
        sea_orm::DbBackend::Postgres => {
            "INSERT INTO event_codes (app_id, kind, value, code) SELECT $1, $2, v, $3 + n - 1 \
             FROM json_array_elements_text($4::json) WITH ORDINALITY AS k (v, n) ON CONFLICT DO NOTHING"
        }
        _ => {
            "INSERT INTO event_codes (app_id, kind, value, code) SELECT $1, $2, k.value, $3 + k.key \
             FROM json_each($4) AS k WHERE true ON CONFLICT DO NOTHING"
        }
    };
    for (step, texts) in texts.chunks(AT_ONCE).enumerate() {
        let json = serde_json::to_string(texts).map_err(|error| DbErr::Custom(error.to_string()))?;
        let first = first + (step * AT_ONCE) as i64;
        let values = [app.into(), kind.stored().into(), first.into(), json.into()];
        let given = db.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?.rows_affected();
        if given != texts.len() as u64 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Adds to `texts`, which holds the first of them, the texts of all further numbers up to `last`. A
/// number whose text was erased has an empty one.
pub(super) async fn all<C: ConnectionTrait + StreamTrait>(
    db: &C,
    app: Uuid,
    kind: Kind,
    last: i64,
    texts: &mut Texts,
) -> Result<()> {
    use event_code::Column as C_;
    let rows = event_code::Entity::find()
        .select_only()
        .columns([C_::Code, C_::Value])
        .filter(C_::AppId.eq(app))
        // Written out, for the index of visitors' codes to be seen to fit.
        .filter(Expr::cust(format!("kind = {}", kind.stored())))
        .filter(C_::Code.gt(texts.len() as i64))
        .filter(C_::Code.lte(last))
        .order_by_asc(C_::Code)
        .into_tuple::<(i64, String)>();
    let mut rows = rows.stream(db).await?;
    while let Some((code, value)) = rows.try_next().await? {
        while (texts.len() as i64) < code - 1 {
            texts.push("");
        }
        if texts.text.len() + value.len() > u32::MAX as usize {
            return Err(Error::CostExceeded("The app has too many users to tell them all by their ids.".into()));
        }
        texts.push(&value);
    }
    while (texts.len() as i64) < last {
        texts.push("");
    }
    Ok(())
}
