//! Events from client SDKs.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get, post},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    body::Incoming,
    error::{Envelope, Fault, Problem},
    extract, limits,
    openapi::{self, Refused, Submission},
};
use crate::{
    auth::api_key::ActiveKey,
    error::{Error, Result},
    ingest::{self, Intake, Receipt, Verdict},
    limiter::{Decision, Quota},
    state::App,
};

const MINUTE: Duration = Duration::from_secs(60);
const RATE_LIMIT: [HeaderName; 3] = [
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
];

/// The routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/events", only("POST, OPTIONS", post(post_events)))
        .route("/api/v1/events/batch", only("POST, OPTIONS", post(post_batch)))
        .route("/api/v1/limits", only("GET, HEAD, OPTIONS", get(limits::get_limits)))
        .merge(openapi::router())
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
    /// Events that were not kept.
    #[schema(example = 0)]
    pub rejected: usize,
    /// The events that were not plainly accepted; with `?verbose=1`, all of them.
    pub items: Vec<Item>,
}

/// What became of one event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Item {
    /// Place in the request, from 0.
    pub index: usize,
    /// The event's own id, or the one it was given; null where none could be read.
    pub id: Option<String>,
    /// `accepted`, `duplicate` or `rejected`.
    pub status: &'static str,
    /// Why it was rejected: stable, such as `TIMESTAMP_OUT_OF_RANGE`.
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
        Refused,
    ),
    security(("header" = []), ("bearer" = []), ("basic" = []), ("query" = []))
)]
pub(super) async fn post_events(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut body = Incoming::new(body, app.config.limits.body_bytes);
    let mut allowed = HeaderMap::new();
    let answer = take(&app, &parts, &mut body, &mut allowed).await;
    if answer.is_err() {
        body.discard().await;
    }
    (allowed, answer).into_response()
}

/// The whole path of a request. What the key may still send is told whatever comes of it.
async fn take(app: &App, parts: &Parts, body: &mut Incoming, allowed: &mut HeaderMap) -> Result<Response, Problem> {
    let key = app.api_keys.authenticate(&extract::raw_key(&parts.headers, parts.uri.query())?).await?;
    let decision = take_request(app, &key).await;
    *allowed = rate_limit(decision);
    decision.into_result()?;
    let format = extract::format(&parts.headers)?;
    let bytes = body.read(&parts.headers).await?;
    let sender = extract::sender(&parts.headers, &parts.extensions, &app.config);
    let prepared = ingest::prepare(intake(app), &sender, &bytes, format)?;
    drop(bytes);
    take_events(app, &key, prepared.len()).await?;
    let receipt = prepared.store(&app.writer, key.scope).await?;
    count_use(app, &key, &receipt);
    let verbose = extract::query_value(parts.uri.query(), "verbose");
    Ok(reply(receipt, verbose.is_some_and(|verbose| verbose == "1" || verbose == "true")))
}

fn rate_limit(decision: Decision) -> HeaderMap {
    let reset = decision.reset_after.as_millis().div_ceil(1_000) as u64;
    let values = [u64::from(decision.limit), u64::from(decision.remaining), reset];
    RATE_LIMIT.into_iter().zip(values.map(HeaderValue::from)).collect()
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
        Refused,
    ),
    security(("header" = []), ("bearer" = []), ("basic" = []), ("query" = []))
)]
pub(super) async fn post_batch(app: State<App>, request: Request) -> Response {
    post_events(app, request).await
}

fn intake(app: &App) -> Intake<'_> {
    Intake { clock: &app.clock, limits: &app.config.limits, enricher: &app.enricher, writer: &app.writer }
}

/// Takes one of the key's requests.
async fn take_request(app: &App, key: &ActiveKey) -> Decision {
    let permits = key.requests_per_minute.unwrap_or(app.config.limits.ingest_per_minute);
    app.limiter.check(&format!("ingest:{}", key.id.simple()), Quota { permits, period: MINUTE }, 1).await
}

/// Takes the key's events, where it has a budget of them.
async fn take_events(app: &App, key: &ActiveKey, events: usize) -> Result<()> {
    let Some(permits) = key.events_per_minute else { return Ok(()) };
    let cost = u32::try_from(events).unwrap_or(u32::MAX);
    if cost > permits {
        // Waiting would not help.
        let message = format!("This key may send at most {permits} events a minute.");
        return Err(Error::TooLarge { field: Some("events".into()), message });
    }
    let quota = Quota { permits, period: MINUTE };
    app.limiter.check(&format!("events:{}", key.id.simple()), quota, cost).await.into_result().map(|_| ())
}

fn count_use(app: &App, key: &ActiveKey, receipt: &Receipt) {
    let accepted = u64::try_from(receipt.of("accepted")).unwrap_or(u64::MAX);
    app.api_keys.used(key.id, accepted);
    // In total only: a series a key would grow without bound, and whoever scrapes need not know the keys.
    metrics::counter!("uea_key_events_total").increment(accepted);
}

/// 200 when anything was kept, now or before; 422 with the first reason when nothing was.
fn reply(receipt: Receipt, verbose: bool) -> Response {
    let (accepted, duplicates, rejected) = (receipt.of("accepted"), receipt.of("duplicate"), receipt.of("rejected"));
    let items = receipt.items.into_iter().enumerate();
    let items: Vec<Item> = items
        .filter(|(_, (_, verdict))| verbose || *verdict != Verdict::Stored)
        .map(|(index, (id, verdict))| {
            let status = verdict.label();
            let (code, message, field) = match verdict {
                Verdict::Rejected(refusal) => (Some(refusal.code), Some(refusal.message), refusal.field),
                _ => (None, None, None),
            };
            Item { index, id, status, code, message, field }
        })
        .collect();
    let kept = accepted + duplicates > 0;
    let first = items.iter().find(|item| item.code.is_some()).filter(|_| !kept);
    let error = first.map(|item| Fault {
        code: item.code.unwrap_or_default().to_owned(),
        message: item.message.clone().unwrap_or_default(),
        field: item.field.clone(),
    });
    let status = if kept { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let data = Some(Accepted { accepted, duplicates, rejected, items });
    (status, Json(Envelope { success: kept, data, error })).into_response()
}
