//! Rows into columns.

use std::fmt::Write;

use sea_orm::{
    EntityTrait as _, QueryResult, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};
use sqlx::{ColumnIndex, Database, Decode, Row, Type, postgres::PgRow, sqlite::SqliteRow};
use uuid::Uuid;

use super::{Column, NONE, build::Builder, fresh::Stored, part::CORE};
use crate::{
    entity::event,
    error::{Error, Result},
};

/// Whom an event counts for. Word for word the expression of the index `events_by_visitor`.
pub(super) const VISITOR: &str = "COALESCE(user_id, anonymous_id)";

/// What is selected before the values of [`CORE`].
const FIRST: usize = 4;

/// Adds to `select`, which selects nothing yet, what [`read`] reads.
pub(super) fn select(select: Select<event::Entity>) -> Select<event::Entity> {
    use event::Column as C;
    let select = select.column(C::Timestamp).column(C::Id).column(C::Seq);
    let select = select.expr(Expr::col(C::Metadata).cast_as("text"));
    CORE.iter().fold(select, |select, (column, _)| match column {
        Column::Visitor => select.expr(Expr::cust(VISITOR)),
        column => match stored(column) {
            Some(stored) => select.column(stored),
            None => select.expr(Expr::cust("NULL")),
        },
    })
}

fn stored(column: &Column) -> Option<event::Column> {
    use event::Column as C;
    Some(match column {
        Column::EventType => C::EventType,
        Column::Session => C::SessionId,
        Column::Url => C::Url,
        Column::Hostname => C::Hostname,
        Column::Path => C::Path,
        Column::Referrer => C::Referrer,
        Column::ReferrerDomain => C::ReferrerDomain,
        Column::UtmSource => C::UtmSource,
        Column::UtmMedium => C::UtmMedium,
        Column::UtmCampaign => C::UtmCampaign,
        Column::UtmTerm => C::UtmTerm,
        Column::UtmContent => C::UtmContent,
        Column::Title => C::Title,
        Column::Browser => C::Browser,
        Column::BrowserVersion => C::BrowserVersion,
        Column::Os => C::Os,
        Column::OsVersion => C::OsVersion,
        Column::Device => C::Device,
        Column::Country => C::Country,
        Column::Region => C::Region,
        Column::City => C::City,
        Column::Language => C::Language,
        Column::Revenue => C::Revenue,
        Column::Currency => C::Currency,
        Column::IsBot => C::IsBot,
        Column::ScreenWidth => C::ScreenWidth,
        Column::ScreenHeight => C::ScreenHeight,
        Column::Visitor | Column::Screen | Column::Property(_) => return None,
    })
}

/// Appends a row. `text` is room to write numbers in.
pub(super) fn read(row: &QueryResult, builder: &mut Builder, text: &mut String) -> Result<()> {
    let read = match (row.try_as_sqlite_row(), row.try_as_pg_row()) {
        (Some(row), _) => read_row::<SqliteRow>(row, builder, text),
        (_, Some(row)) => read_row::<PgRow>(row, builder, text),
        _ => return Err(Error::internal("rows of an unknown store")),
    };
    read.map_err(Error::internal)
}

fn read_row<'r, R>(row: &'r R, builder: &mut Builder, text: &mut String) -> sqlx::Result<()>
where
    R: Row,
    usize: ColumnIndex<R>,
    &'r str: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    i32: Decode<'r, R::Database> + Type<R::Database>,
    bool: Decode<'r, R::Database> + Type<R::Database>,
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    R::Database: Database<Row = R>,
{
    builder.times.push(row.try_get_unchecked(0)?);
    builder.ids.push(row.try_get_unchecked(1)?);
    builder.seqs.push(row.try_get_unchecked(2)?);
    for (place, ((column, _), gathered)) in CORE.iter().zip(&mut builder.core).enumerate() {
        let at = FIRST + place;
        text.clear();
        let value = match column {
            Column::ScreenWidth | Column::ScreenHeight => {
                row.try_get_unchecked::<Option<i32>, _>(at)?.map(|pixels| written(text, pixels))
            }
            Column::IsBot => row.try_get_unchecked::<Option<bool>, _>(at)?.map(|is| written(text, is)),
            Column::Revenue => row.try_get_unchecked::<Option<i64>, _>(at)?.map(|money| decimal(text, money)),
            _ => row.try_get_unchecked::<Option<&str>, _>(at)?,
        };
        gathered.codes.push(value.map_or(NONE, |value| gathered.values.intern(value)));
    }
    if let Some(json) = row.try_get_unchecked::<Option<&str>, _>(FIRST - 1)? {
        builder.add_properties(json);
    }
    Ok(())
}

/// Appends an event that was just stored, as [`read`] would when it is read back.
pub(super) fn add(stored: &Stored<'_>, seq: i64, builder: &mut Builder, text: &mut String) {
    builder.times.push(stored.event.timestamp);
    builder.ids.push(stored.event.id);
    builder.seqs.push(seq);
    for ((column, _), gathered) in CORE.iter().zip(&mut builder.core) {
        text.clear();
        gathered.codes.push(value(column, stored, text).map_or(NONE, |value| gathered.values.intern(value)));
    }
    if let Some(serde_json::Value::Object(properties)) = &stored.event.metadata {
        builder.add_values(properties, text);
    }
}

fn value<'t>(column: &Column, stored: &'t Stored<'_>, text: &'t mut String) -> Option<&'t str> {
    let event = stored.event;
    match column {
        Column::EventType => Some(&event.event_type),
        Column::Visitor => stored.visitor,
        Column::Session => stored.session,
        Column::Url => event.url.as_deref(),
        Column::Hostname => event.hostname.as_deref(),
        Column::Path => event.path.as_deref(),
        Column::Referrer => event.referrer.as_deref(),
        Column::ReferrerDomain => event.referrer_domain.as_deref(),
        Column::UtmSource => event.utm_source.as_deref(),
        Column::UtmMedium => event.utm_medium.as_deref(),
        Column::UtmCampaign => event.utm_campaign.as_deref(),
        Column::UtmTerm => event.utm_term.as_deref(),
        Column::UtmContent => event.utm_content.as_deref(),
        Column::Title => event.title.as_deref(),
        Column::Browser => event.browser.as_deref(),
        Column::BrowserVersion => event.browser_version.as_deref(),
        Column::Os => event.os.as_deref(),
        Column::OsVersion => event.os_version.as_deref(),
        Column::Device => event.device.as_deref(),
        Column::Country => event.country.as_deref(),
        Column::Region => event.region.as_deref(),
        Column::City => event.city.as_deref(),
        Column::Language => event.language.as_deref(),
        Column::Revenue => event.revenue.map(|money| decimal(text, money)),
        Column::Currency => event.currency.as_deref(),
        Column::IsBot => Some(written(text, event.is_bot)),
        Column::ScreenWidth => event.screen_width.map(|pixels| written(text, pixels)),
        Column::ScreenHeight => event.screen_height.map(|pixels| written(text, pixels)),
        Column::Screen | Column::Property(_) => None,
    }
}

fn written(text: &mut String, value: impl std::fmt::Display) -> &str {
    let _ = write!(text, "{value}");
    text
}

/// Millionths as a decimal number, written into `text`.
pub fn decimal(text: &mut String, millionths: i64) -> &str {
    let (sign, all) = (if millionths < 0 { "-" } else { "" }, millionths.unsigned_abs());
    written(text, format_args!("{sign}{}.{:06}", all / 1_000_000, all % 1_000_000))
}

/// A decimal number, with a point and six places at most, in millionths.
pub fn millionths(text: &str) -> Option<i128> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || places.len() > 6 || !is_number(whole) || !is_number(places) {
        return None;
    }
    let whole: i128 = whole.parse().ok()?;
    let places: i128 = format!("{places:0<6}").parse().ok()?;
    let all = whole.checked_mul(1_000_000)?.checked_add(places)?;
    Some(if is_negative { -all } else { all })
}

/// Rows of an app's commits behind a commit, or behind an event of it, and up to `until`, in the order of commits
/// and ids, with what [`read`] reads.
pub(super) fn of_commits(app: Uuid, (seq, id): (i64, Option<Uuid>), until: i64) -> Select<event::Entity> {
    use event::Column as C;
    use sea_orm::{ColumnTrait as _, QueryFilter as _, QueryOrder as _};
    let rows = select(event::Entity::as_of(app, until).select_only());
    let rows = match id {
        Some(id) => rows.filter(C::Seq.gte(seq)).filter(C::Seq.gt(seq).or(C::Id.gt(id))),
        None => rows.filter(C::Seq.gt(seq)),
    };
    rows.order_by_asc(C::Seq).order_by_asc(C::Id)
}

/// The sessions of a visitor's events at these times.
pub(super) fn sessions_at(app: Uuid, visitor: &str, times: &[i64]) -> Select<event::Entity> {
    use sea_orm::{ColumnTrait as _, QueryFilter as _};
    let rows = event::Entity::find().select_only().column(event::Column::SessionId).distinct();
    let rows = rows.filter(event::Column::AppId.eq(app));
    let rows = rows.filter(event::Column::Timestamp.is_in(times.iter().copied()));
    rows.filter(Expr::cust(VISITOR).eq(visitor))
}
