//! Segment's HTTP tracking API. As there, an event that is refused does not fail its batch; unlike
//! there, a request of which nothing is kept says so.

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{get_only, ignore, post_only, sentence};
use crate::{
    ingest::wire::{Call, Dialect},
    rest::{
        error::Problem,
        take::{Taken, take_request},
    },
    state::App,
};

/// Servers use the long paths, browsers the short ones.
const PATHS: [(&str, Call); 15] = [
    ("/v1/track", Call::Track),
    ("/v1/t", Call::Track),
    ("/v1/identify", Call::Identify),
    ("/v1/i", Call::Identify),
    ("/v1/page", Call::Page),
    ("/v1/p", Call::Page),
    ("/v1/screen", Call::Screen),
    ("/v1/s", Call::Screen),
    ("/v1/group", Call::Group),
    ("/v1/g", Call::Group),
    ("/v1/alias", Call::Alias),
    ("/v1/a", Call::Alias),
    ("/v1/batch", Call::Batch),
    ("/v1/b", Call::Batch),
    ("/v1/import", Call::Batch),
];

pub(super) fn router() -> Router<App> {
    let calls = PATHS.into_iter().fold(Router::new(), |router, (path, call)| {
        let answer = move |State(app): State<App>, request: Request| async move { answer(&app, request, call).await };
        router.route(path, post_only(answer, refuse))
    });
    calls.route("/v1/projects/{key}/settings", get_only(settings, refuse)).route("/v1/m", post_only(telemetry, refuse))
}

async fn answer(app: &App, request: Request, call: Call) -> Response {
    let (_, Taken { allowed, receipt }) = take_request(app, request, Dialect::Segment(call)).await;
    let answer = match receipt {
        Ok(receipt) => match receipt.refusal() {
            None => success(),
            Some(refusal) => refuse(refusal.into()),
        },
        Err(problem) => refuse(problem),
    };
    (allowed, answer).into_response()
}

fn success() -> Response {
    Json(json!({"success": true})).into_response()
}

/// Segment says 400 to whatever is wrong with a body, its size included.
fn refuse(problem: Problem) -> Response {
    let (status, headers, fault) = problem.into_parts();
    let (status, code) = match status {
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            (StatusCode::BAD_REQUEST, "invalid_request".to_owned())
        }
        status => (status, fault.code.to_ascii_lowercase()),
    };
    let body = json!({"success": false, "code": code, "message": sentence(&fault)});
    (status, headers, Json(body)).into_response()
}

/// What the browser's library asks before it sends: where to send to, and nothing else to load.
async fn settings(Path(key): Path<String>) -> Response {
    let destination = json!({"apiKey": key, "bundlingStatus": "bundled", "unbundledIntegrations": []});
    Json(json!({"integrations": {"Segment.io": destination}, "plan": {"track": {}}, "enabledMiddleware": {}}))
        .into_response()
}

/// What the libraries tell of themselves is not kept.
async fn telemetry(State(app): State<App>, request: Request) -> Response {
    ignore(&app, request).await;
    success()
}
