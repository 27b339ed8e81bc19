//! Rows into columns: which expressions a scan selects, and how their values become codes.

use std::fmt::Write;

use sea_orm::{
    EntityTrait, QueryResult, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};
use sqlx::{ColumnIndex, Database, Decode, Row, Type, postgres::PgRow, sqlite::SqliteRow};
use uuid::Uuid;

use super::{Batch, Column, Columns, NONE, property};
use crate::{
    entity::event,
    error::{Error, Result},
};

/// Whom an event counts for. Word for word the expression of the index `events_by_visitor`.
pub(super) const VISITOR: &str = "COALESCE(user_id, anonymous_id)";

/// Where the value of a column stands in a row.
enum Cell {
    Text(usize),
    Integer(usize),
    Boolean(usize),
    /// A count of millionths.
    Millionths(usize),
    Screen(usize, usize),
    /// In the object of custom properties.
    Property,
}

/// Reads rows of one select list into batches.
pub(super) struct RowReader {
    cells: Vec<Cell>,
    id: Option<usize>,
    metadata: Option<usize>,
    properties: Vec<property::Wanted>,
    text: String,
}

impl RowReader {
    /// Adds to `select`, which selects nothing yet, what the columns need.
    pub(super) fn new(select: Select<event::Entity>, columns: &[Column], ids: bool) -> (Select<event::Entity>, Self) {
        let mut list = SelectList { select: select.column(event::Column::Timestamp), selected: 1, screen: None };
        let id = ids.then(|| list.add(Expr::col(event::Column::Id)));
        let cells: Vec<_> = columns.iter().map(|column| list.cell(column)).collect();
        let properties: Vec<property::Wanted> = columns
            .iter()
            .enumerate()
            .filter_map(|(place, column)| match column {
                Column::Property(key) => Some((key.clone(), place)),
                _ => None,
            })
            .collect();
        let metadata = (!properties.is_empty()).then(|| list.add(Expr::col(event::Column::Metadata).cast_as("text")));
        (list.select, Self { cells, id, metadata, properties, text: String::new() })
    }

    /// Appends a row.
    pub(super) fn read(&mut self, row: &QueryResult, batch: &mut Batch, columns: &mut Columns) -> Result<()> {
        let read = match (row.try_as_sqlite_row(), row.try_as_pg_row()) {
            (Some(row), _) => self.read_row::<SqliteRow>(row, batch, columns),
            (_, Some(row)) => self.read_row::<PgRow>(row, batch, columns),
            _ => return Err(Error::internal("rows of an unknown store")),
        };
        read.map_err(Error::internal)
    }

    fn read_row<'r, R>(&mut self, row: &'r R, batch: &mut Batch, columns: &mut Columns) -> sqlx::Result<()>
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
        batch.timestamps.push(row.try_get_unchecked(0)?);
        if let Some(id) = self.id {
            batch.ids.push(row.try_get_unchecked(id)?);
        }
        let dictionaries = columns.dictionaries_mut();
        for ((cell, codes), dictionary) in self.cells.iter().zip(&mut batch.codes).zip(&mut *dictionaries) {
            self.text.clear();
            let value = match *cell {
                Cell::Text(at) => row.try_get_unchecked::<Option<&str>, _>(at)?,
                Cell::Integer(at) => match row.try_get_unchecked::<Option<i32>, _>(at)? {
                    Some(number) => {
                        let _ = write!(self.text, "{number}");
                        Some(self.text.as_str())
                    }
                    None => None,
                },
                Cell::Boolean(at) => match row.try_get_unchecked::<Option<bool>, _>(at)? {
                    Some(true) => Some("true"),
                    Some(false) => Some("false"),
                    None => None,
                },
                Cell::Millionths(at) => row.try_get_unchecked::<Option<i64>, _>(at)?.map(|millionths| {
                    decimal(&mut self.text, millionths);
                    self.text.as_str()
                }),
                Cell::Screen(width, height) => {
                    let (width, height): (Option<i32>, Option<i32>) =
                        (row.try_get_unchecked(width)?, row.try_get_unchecked(height)?);
                    width.zip(height).map(|(width, height)| {
                        let _ = write!(self.text, "{width}x{height}");
                        self.text.as_str()
                    })
                }
                Cell::Property => None,
            };
            codes.push(value.map_or(NONE, |value| dictionary.intern(value)));
        }
        if let Some(at) = self.metadata
            && let Some(json) = row.try_get_unchecked::<Option<&str>, _>(at)?
        {
            property::read(json, &self.properties, dictionaries, &mut batch.codes);
        }
        Ok(())
    }
}

/// Millionths as a decimal number.
fn decimal(text: &mut String, millionths: i64) {
    let (sign, all) = (if millionths < 0 { "-" } else { "" }, millionths.unsigned_abs());
    let _ = write!(text, "{sign}{}.{:06}", all / 1_000_000, all % 1_000_000);
}

/// A select list under construction.
struct SelectList {
    select: Select<event::Entity>,
    selected: usize,
    screen: Option<(usize, usize)>,
}

impl SelectList {
    fn add(&mut self, expr: impl Into<sea_orm::sea_query::SimpleExpr>) -> usize {
        let select = std::mem::replace(&mut self.select, event::Entity::find());
        self.select = select.expr(expr.into());
        self.selected += 1;
        self.selected - 1
    }

    fn screen(&mut self) -> (usize, usize) {
        if let Some(screen) = self.screen {
            return screen;
        }
        let screen =
            (self.add(Expr::col(event::Column::ScreenWidth)), self.add(Expr::col(event::Column::ScreenHeight)));
        self.screen = Some(screen);
        screen
    }

    fn cell(&mut self, column: &Column) -> Cell {
        use event::Column as C;
        let stored = match column {
            Column::Visitor => return Cell::Text(self.add(Expr::cust(VISITOR))),
            Column::ScreenWidth => return Cell::Integer(self.screen().0),
            Column::ScreenHeight => return Cell::Integer(self.screen().1),
            Column::Screen => {
                let (width, height) = self.screen();
                return Cell::Screen(width, height);
            }
            Column::Property(_) => return Cell::Property,
            Column::IsBot => return Cell::Boolean(self.add(Expr::col(C::IsBot))),
            Column::Revenue => return Cell::Millionths(self.add(Expr::col(C::Revenue))),
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
            Column::Currency => C::Currency,
        };
        Cell::Text(self.add(Expr::col(stored)))
    }
}
