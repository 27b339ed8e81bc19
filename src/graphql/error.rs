//! Failures as clients of GraphQL see them: a sentence, and a code to match on.

use async_graphql::{ErrorExtensionValues, ServerError};

use crate::error::Error;

/// The code of a document or of variables that do not fit the schema.
pub const BAD_DOCUMENT: &str = "BAD_USER_INPUT";

/// A resolver's result; `?` takes everything the crate's own error can be made from.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// A failure on its way out. It has no `Display` on purpose: async-graphql would turn anything that
/// has into an error without a code.
#[derive(Debug, Clone)]
pub struct Failure(Error);

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl From<Failure> for async_graphql::Error {
    fn from(Failure(error): Failure) -> Self {
        error.log();
        Self { message: error.to_string(), source: None, extensions: Some(extensions(&error)) }
    }
}

/// The failure of a whole request, before or instead of its execution.
pub fn of_request(error: &Error) -> ServerError {
    error.log();
    let mut failure = ServerError::new(error.to_string(), None);
    failure.extensions = Some(extensions(error));
    failure
}

/// The refusal of a document that a client names by its digest and that is not known, as the clients of
/// Apollo understand it: they send it again with its text.
pub fn not_stored() -> ServerError {
    let mut failure = ServerError::new("PersistedQueryNotFound", None);
    failure.extensions.get_or_insert_default().set("code", "PERSISTED_QUERY_NOT_FOUND");
    failure
}

fn extensions(error: &Error) -> ErrorExtensionValues {
    let mut values = ErrorExtensionValues::default();
    values.set("code", error.code());
    if let Some(field) = error.field() {
        values.set("field", field);
    }
    if let Some(after) = error.retry_after() {
        values.set("retryAfter", after.as_secs_f64().ceil().max(1.0) as u64);
    }
    values
}
