//! The envelope of every REST answer, and errors as statuses: mapped here and nowhere else.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{error::Error, ingest::Refusal};

/// What every answer of the REST API looks like.
#[derive(Debug, Serialize, ToSchema)]
pub struct Envelope<T> {
    /// Whether anything was done.
    pub success: bool,
    /// The answer; null where there is none.
    pub data: Option<T>,
    /// What went wrong; null on success.
    pub error: Option<Fault>,
}

impl<T> Envelope<T> {
    /// A success.
    pub fn ok(data: T) -> Self {
        Self { success: true, data: Some(data), error: None }
    }
}

/// What went wrong, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// Stable; programs may match on it.
    #[schema(example = "MISSING_FIELD")]
    pub code: String,
    /// A sentence that says what was expected.
    #[schema(example = "event_type is required.")]
    pub message: String,
    /// Path of the offending field, where there is one.
    #[schema(example = "event_type")]
    pub field: Option<String>,
}

/// An answer that is an error.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    fault: Fault,
    /// Boxed, as few errors have any.
    headers: Box<HeaderMap>,
}

impl Problem {
    /// With a status and a code of its own.
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let fault = Fault { code: code.to_owned(), message: message.into(), field: None };
        Self { status, fault, headers: Box::default() }
    }

    /// Names the offending field or header.
    pub fn at(mut self, field: &str) -> Self {
        self.fault.field = Some(field.to_owned());
        self
    }

    /// With one more header.
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl Problem {
    /// What it is made of, for dialects that have a shape of their own for it.
    pub fn into_parts(self) -> (StatusCode, HeaderMap, Fault) {
        (self.status, *self.headers, self.fault)
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, refusal.code, refusal.message.clone());
        problem.fault.field = refusal.field.clone();
        problem
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        error.log();
        let status = match &error {
            Error::Invalid { .. } | Error::RangeTooLarge(_) | Error::CostExceeded(_) => StatusCode::BAD_REQUEST,
            Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Error::Forbidden(_) => StatusCode::FORBIDDEN,
            Error::NotFound(_) => StatusCode::NOT_FOUND,
            Error::Conflict { .. } => StatusCode::CONFLICT,
            Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Error::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut problem = Self::new(status, error.code(), error.to_string());
        problem.fault.field = error.field().map(str::to_owned);
        if let Some(wait) = error.retry_after() {
            problem = problem.with(header::RETRY_AFTER, whole_seconds(wait).into());
        }
        if status == StatusCode::UNAUTHORIZED {
            problem = problem.with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let envelope = Envelope::<()> { success: false, data: None, error: Some(self.fault) };
        (self.status, *self.headers, Json(envelope)).into_response()
    }
}

/// Seconds as headers carry them: whole, rounded up, at least one.
pub fn whole_seconds(duration: std::time::Duration) -> u64 {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    millis.div_ceil(1_000).max(1)
}
