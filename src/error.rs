//! What can go wrong, sorted by whose fault it is.
//!
//! Everything below the edges returns [`Error`]. `rest::error` and `graphql::error` each map it
//! once: to a status and to `extensions.code`.

use std::{sync::Arc, time::Duration};

use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure and its fault. Cloneable, so that several waiters can share one.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The request is wrong; `field` is the path of the offending part, such as `input.email`.
    #[error("{message}")]
    Invalid {
        /// Path of the part that is wrong, where there is one.
        field: Option<String>,
        /// A sentence that says what was expected.
        message: String,
    },
    /// Nobody is signed in, or the credential is unknown, expired or revoked.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Known, but not allowed.
    #[error("{0}")]
    Forbidden(&'static str),
    /// No such thing, or none that the asker may know of.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// It contradicts what is stored.
    #[error("{message}")]
    Conflict {
        /// Path of the part that collides.
        field: Option<String>,
        /// A sentence that says with what.
        message: String,
    },
    /// The request is larger than one may be.
    #[error("{message}")]
    TooLarge {
        /// Path of the part that is too large, where there is one.
        field: Option<String>,
        /// A sentence that says how large it may be.
        message: String,
    },
    /// The question spans more than one answer may.
    #[error("{0}")]
    RangeTooLarge(String),
    /// The question costs more than one request may.
    #[error("{0}")]
    CostExceeded(String),
    /// Too many requests.
    #[error("Too many requests. Try again in {} seconds.", .retry_after.as_secs().max(1))]
    RateLimited {
        /// When one more would be let in.
        retry_after: Duration,
    },
    /// It took longer than it may.
    #[error("The answer took longer than is allowed.")]
    Timeout,
    /// A part the server needs is away or full; the same request may succeed later.
    #[error("The server cannot take this right now. Try again in {} seconds.", .retry_after.as_secs().max(1))]
    Unavailable {
        /// When trying again is sensible.
        retry_after: Duration,
        /// For the log, never for the client.
        reason: String,
    },
    /// Our fault. The cause is logged and never shown.
    #[error("Something went wrong on the server.")]
    Internal(Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Bad input at `field`.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: Some(field.into()), message: message.into() }
    }

    /// A collision at `field`.
    pub fn conflict(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Conflict { field: Some(field.into()), message: message.into() }
    }

    /// Our fault, with its cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(cause.into()))
    }

    /// A needed part is away; `reason` is for the log.
    pub fn unavailable(reason: impl ToString) -> Self {
        Self::Unavailable { retry_after: Duration::from_secs(1), reason: reason.to_string() }
    }

    /// The stable code clients may match on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "BAD_USER_INPUT",
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::NotFound(_) => "NOT_FOUND",
            Self::Conflict { .. } => "CONFLICT",
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::RangeTooLarge(_) => "RANGE_TOO_LARGE",
            Self::CostExceeded(_) => "COST_EXCEEDED",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::Timeout => "TIMEOUT",
            Self::Unavailable { .. } => "UNAVAILABLE",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// Path of the offending part of the input, where there is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid { field, .. } | Self::Conflict { field, .. } | Self::TooLarge { field, .. } => {
                field.as_deref()
            }
            Self::RangeTooLarge(_) => Some("range"),
            _ => None,
        }
    }

    /// When the same request may be tried again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unavailable { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// Writes server-side faults to the log; a client's fault is the client's to read.
    pub fn log(&self) {
        match self {
            Self::Internal(cause) => tracing::error!(error = %cause, "internal error"),
            Self::Unavailable { reason, .. } => tracing::warn!(%reason, "unavailable"),
            _ => {}
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(_)) = error.sql_err() {
            return Self::Conflict { field: None, message: "It exists already.".into() };
        }
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::unavailable(&error),
            DbErr::RecordNotFound(_) => Self::NotFound("record"),
            // SQLite: read-only, failed to read or write, full, could not be opened. Primary codes are in
            // the low byte.
            _ if sqlstate(&error).is_some_and(|code| {
                code.len() < 5 && code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 8 | 10 | 13 | 14))
            }) =>
            {
                Self::unavailable(&error)
            }
            // Postgres: it takes no writes, as a standby that was reached in the place of the primary.
            _ if is_read_only(&error) => Self::unavailable(&error),
            // Postgres: canceled by its statement timeout.
            _ if sqlstate(&error).is_some_and(|code| code == "57014") => Self::Timeout,
            // Someone held for too long what this had to wait for.
            _ if sqlstate(&error).is_some_and(|code| code == "55P03") => Self::unavailable(&error),
            _ if is_lost_connection(&error) || is_retryable(&error) => Self::unavailable(&error),
            _ => Self::internal(error),
        }
    }
}

/// A failure of the driver below the entities, as the entities report it.
pub fn of_driver(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

/// Whether running the same transaction again may succeed: deadlock, serialization failure, or
/// a SQLite file that another process had locked.
pub fn is_retryable(error: &DbErr) -> bool {
    sqlstate(error).is_some_and(|code| matches!(code.as_str(), "40P01" | "40001" | "5" | "6" | "261" | "517"))
}

/// Whether the database refused what a statement carried, rather than the statement or the moment:
/// the same value would be refused again, and its neighbours would not.
pub fn is_data_error(error: &DbErr) -> bool {
    sqlstate(error).is_some_and(|code| match code.len() {
        // Postgres: data exception, integrity violation, a limit of the program.
        5 => code.starts_with("22") || code.starts_with("23") || code.starts_with("54"),
        // SQLite: too big, constraint, mismatch; extended codes keep the primary in the low byte.
        _ => code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 18..=20)),
    })
}

/// Whether the connection ended, or none was to be had (as when the password was changed), or the
/// database has no room. What became of a COMMIT is then not known.
pub fn is_lost_connection(error: &DbErr) -> bool {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => {
            matches!(
                e.as_ref(),
                sqlx::Error::Io(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
            ) || sqlstate(error)
                .is_some_and(|code| ["08", "28", "3D", "53", "57P", "25P03"].iter().any(|kind| code.starts_with(kind)))
        }
        _ => false,
    }
}

/// Whether the database takes no writes, as a standby that was the primary until a moment ago.
pub fn is_read_only(error: &DbErr) -> bool {
    sqlstate(error).is_some_and(|code| code == "25006")
}

fn sqlstate(error: &DbErr) -> Option<String> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => match e.as_ref() {
            sqlx::Error::Database(e) => e.code().map(|code| code.into_owned()),
            _ => None,
        },
        _ => None,
    }
}
