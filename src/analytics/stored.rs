//! Filters that an app keeps under names, as they are stored: in the spelling in which they are asked for,
//! without what is not given.

use async_graphql::{InputType, Value};
use sea_orm::{DbErr, SqlErr};

use super::filter::EventFilter;
use crate::error::{Error, Result};

/// A filter that has been checked, as it is stored.
pub(super) fn written(filter: &EventFilter) -> Result<String> {
    let mut json = filter.to_value().into_json().map_err(Error::internal)?;
    strip_nulls(&mut json);
    Ok(json.to_string())
}

/// Takes out the fields that say nothing. A filter is as deep as its check allows.
fn strip_nulls(json: &mut serde_json::Value) {
    match json {
        serde_json::Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(strip_nulls);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

/// What [`written`] has written.
pub(super) fn read(stored: &str) -> Result<EventFilter> {
    let json = serde_json::from_str(stored).map_err(Error::internal)?;
    let value = Value::from_json(json).map_err(Error::internal)?;
    EventFilter::parse(Some(value))
        .map_err(|error| Error::internal(error.into_server_error(Default::default()).message))
}

/// Why the database did not keep one, of a kind of which an app has none twice under one name.
pub(super) fn refused(error: DbErr, what: &str) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict("input.name", format!("The app has a {what} of this name already."))
        }
        // Deleted a moment ago, after the scope was found.
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => Error::NotFound("app"),
        _ => error.into(),
    }
}
