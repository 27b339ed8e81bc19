//! Events from client SDKs.

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get, post},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    dialects,
    error::{Envelope, Fault, Problem},
    extract, limits,
    openapi::{self, Refused, Submission},
    pixel,
    take::{Taken, take},
};
use crate::{
    ingest::{Receipt, Verdict},
    state::App,
};

/// What is told of an event that nobody is behind.
const BOT: &str =
    "Nobody is behind this user agent: the event is kept, and reports leave it out unless asked for bots.";

/// The routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/events", only("POST, OPTIONS", post(post_events)))
        .route("/api/v1/events/", only("POST, OPTIONS", post(post_events)))
        .route("/api/v1/events/batch", only("POST, OPTIONS", post(post_batch)))
        .route("/api/v1/events/batch/", only("POST, OPTIONS", post(post_batch)))
        .route("/api/v1/limits", only("GET, HEAD, OPTIONS", get(limits::get_limits)))
        .route(pixel::PATH, only("GET, HEAD, OPTIONS", get(pixel::get_pixel)))
        .merge(openapi::router())
        .merge(dialects::router())
        .route("/api/v1", any(unknown_path))
        .route("/api/v1/{*path}", any(unknown_path))
}

/// Refuses other methods in the envelope.
pub(super) fn only(allow: &'static str, methods: MethodRouter<App>) -> MethodRouter<App> {
    methods.fallback(async move || {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", format!("Only {allow} can be used here."))
            .with(header::ALLOW, HeaderValue::from_static(allow))
    })
}

async fn unknown_path() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing at this path. See /api-docs.")
}

/// What became of the events of a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// Events that were committed and are in the very next answer.
    #[schema(example = 1)]
    pub accepted: usize,
    /// Events whose id was stored before. They were counted then, and repeating them is no error.
    #[schema(example = 0)]
    pub duplicates: usize,
    /// Events that are safe on the server's disk and are stored as soon as the database is back.
    #[schema(example = 0)]
    pub spooled: usize,
    /// Events that the app's owner does not want: excluded addresses and paths, and bots where they
    /// are dropped. There is nothing to repair or repeat.
    #[schema(example = 0)]
    pub ignored: usize,
    /// Events that were not kept.
    #[schema(example = 0)]
    pub rejected: usize,
    /// The events that were neither plainly accepted nor spooled; with `?verbose=1`, all of them.
    pub items: Vec<Item>,
}

/// What became of one event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Item {
    /// Place in the request, from 0.
    pub index: usize,
    /// The event's own id, or the one it was given; null where none could be read.
    pub id: Option<String>,
    /// `accepted`, `duplicate`, `spooled`, `ignored` or `rejected`.
    pub status: &'static str,
    /// Why it was not plainly accepted: stable, such as `TIMESTAMP_OUT_OF_RANGE`; `BOT` for an event that
    /// was accepted and marked as a bot's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Why, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The offending field, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// Send events
///
/// Takes an event, an array of events or `{"events": […]}`. Each event is judged by itself: what is
/// wrong with one does not harm its neighbours. The answer comes after the commit, so that what
/// was accepted is in the very next answer. Repeating an `id` is safe and counts once.
#[utoipa::path(
    post, path = "/api/v1/events", tag = "events",
    params(("verbose" = Option<String>, Query, description = "`1` lists every event in `items`.", example = "1")),
    request_body(description = "The events, also compressed by gzip, deflate, br or zstd.", content(
        (Submission = "application/json"),
        (Submission = "text/plain"),
        (String = "application/x-ndjson", example = "{\"event_type\":\"page_view\"}\n{\"event_type\":\"click\"}"),
    )),
    responses(
        (status = 200, description = "Something was kept, now or before; what was not is listed.", body = Envelope<Accepted>),
        (status = 202, description = "The database is away: the events are safe on disk, and stored when it is back.", body = Envelope<Accepted>),
        Refused,
    ),
    security(("header" = []), ("bearer" = []), ("basic" = []), ("query" = []))
)]
pub(super) async fn post_events(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Taken { allowed, receipt } = take(&app, &parts, body, None).await;
    let verbose = extract::query_value(parts.uri.query(), "verbose");
    let verbose = verbose.is_some_and(|verbose| verbose == "1" || verbose == "true");
    (allowed, receipt.map(|receipt| reply(receipt, verbose))).into_response()
}

/// Send a batch
///
/// The same as `/api/v1/events`, for clients that expect a path of its own.
#[utoipa::path(
    post, path = "/api/v1/events/batch", tag = "events",
    params(("verbose" = Option<String>, Query, description = "`1` lists every event in `items`.", example = "1")),
    request_body(description = "The events.", content((Submission = "application/json"))),
    responses(
        (status = 200, description = "Something was kept, now or before; what was not is listed.", body = Envelope<Accepted>),
        (status = 202, description = "The database is away: the events are safe on disk, and stored when it is back.", body = Envelope<Accepted>),
        Refused,
    ),
    security(("header" = []), ("bearer" = []), ("basic" = []), ("query" = []))
)]
pub(super) async fn post_batch(app: State<App>, request: Request) -> Response {
    post_events(app, request).await
}

/// 200 when anything was kept, now or before, and 202 when some of it waits for the database; 422 with
/// the first reason when nothing was.
fn reply(receipt: Receipt, verbose: bool) -> Response {
    let [accepted, duplicates, spooled, ignored, rejected] =
        ["accepted", "duplicate", "spooled", "ignored", "rejected"].map(|label| receipt.of(label));
    let items = receipt.items.into_iter().enumerate();
    let items: Vec<Item> = items
        .filter(|(_, (_, verdict))| verbose || !matches!(verdict, Verdict::Stored | Verdict::Spooled))
        .map(|(index, (id, verdict))| {
            let status = verdict.label();
            let (code, message, field) = match verdict {
                Verdict::Ignored(refusal) | Verdict::Rejected(refusal) => {
                    (Some(refusal.code), Some(refusal.message), refusal.field)
                }
                Verdict::StoredBot => (Some("BOT"), Some(BOT.to_owned()), None),
                _ => (None, None, None),
            };
            Item { index, id, status, code, message, field }
        })
        .collect();
    let kept = accepted + duplicates + spooled + ignored > 0;
    let first = items.iter().find(|item| item.code.is_some()).filter(|_| !kept);
    let error = first.map(|item| Fault {
        code: item.code.unwrap_or_default().to_owned(),
        message: item.message.clone().unwrap_or_default(),
        field: item.field.clone(),
    });
    let status = match (kept, spooled) {
        (true, 0) => StatusCode::OK,
        (true, _) => StatusCode::ACCEPTED,
        (false, _) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let data = Some(Accepted { accepted, duplicates, spooled, ignored, rejected, items });
    (status, Json(Envelope { success: kept, data, error })).into_response()
}
