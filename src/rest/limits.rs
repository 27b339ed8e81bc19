//! What a client may send.

use axum::{
    Json,
    extract::{Request, State},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    error::{Envelope, Problem},
    extract,
    openapi::Failure,
};
use crate::{ingest::wire::bounds, state::App};

/// What a client may send.
#[derive(Debug, Serialize, ToSchema)]
pub struct Allowances {
    /// Bytes of one event.
    #[schema(example = 32_768)]
    pub event_bytes: usize,
    /// Events of one request.
    #[schema(example = 2_500)]
    pub batch_events: usize,
    /// Bytes of one request, inflated.
    #[schema(example = 5_242_880)]
    pub body_bytes: usize,
    /// Requests a minute: those of the key that was sent, else of a key without a rate of its own.
    #[schema(example = 1_000)]
    pub requests_per_minute: u32,
    /// Events a minute, where the key that was sent has a budget.
    pub events_per_minute: Option<u32>,
    /// How old an event may be, in seconds.
    #[schema(example = 31_536_000)]
    pub max_age_seconds: u64,
    /// How far in the future an event may lie, in seconds.
    #[schema(example = 300)]
    pub max_future_seconds: u64,
    /// Bytes of `id` and of `event_type`.
    #[schema(example = 100)]
    pub name_bytes: usize,
    /// Bytes of `user_id`, `anonymous_id` and `session_id`.
    #[schema(example = 200)]
    pub person_bytes: usize,
    /// Bytes of `url` and of `referrer`.
    #[schema(example = 2_048)]
    pub address_bytes: usize,
    /// Properties in `metadata`, not counting those inside others.
    #[schema(example = 200)]
    pub metadata_properties: usize,
    /// Levels of `metadata`.
    #[schema(example = 8)]
    pub metadata_depth: usize,
}

/// Read the limits
///
/// What a client may send: of the server, and of the key where one is sent.
#[utoipa::path(
    get, path = "/api/v1/limits", tag = "events",
    responses(
        (status = 200, description = "The limits.", body = Envelope<Allowances>),
        (status = 401, description = "The API key that was sent opens nothing.", body = Failure),
        (status = 429, description = "Too many unknown keys came from this network.", body = Failure),
    ),
    security((), ("header" = []), ("bearer" = []), ("basic" = []), ("query" = []))
)]
pub(super) async fn get_limits(
    State(app): State<App>,
    request: Request,
) -> Result<Json<Envelope<Allowances>>, Problem> {
    let (parts, _) = request.into_parts();
    let key = match extract::raw_key(&parts.headers, parts.uri.query()) {
        Ok(raw) => {
            let ip = extract::ip(&parts.headers, &parts.extensions, &app.config);
            Some(app.api_keys.authenticate_from(&raw, &app.limiter, ip).await?)
        }
        Err(_) => None,
    };
    let limits = &app.config.limits;
    let own = key.as_ref().and_then(|key| key.requests_per_minute);
    Ok(Json(Envelope::ok(Allowances {
        event_bytes: limits.event_bytes,
        batch_events: limits.batch_events,
        body_bytes: limits.body_bytes,
        requests_per_minute: own.unwrap_or(limits.ingest_per_minute),
        events_per_minute: key.as_ref().and_then(|key| key.events_per_minute),
        max_age_seconds: limits.max_event_age.as_secs(),
        max_future_seconds: bounds::FUTURE_MS.unsigned_abs() / 1_000,
        name_bytes: bounds::ID,
        person_bytes: bounds::PERSON,
        address_bytes: bounds::ADDRESS,
        metadata_properties: bounds::PROPERTIES,
        metadata_depth: bounds::DEPTH,
    })))
}
