//! Plausible's events API.

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::post_only;
use crate::{
    ingest::wire::Dialect,
    rest::{
        error::Problem,
        take::{Taken, take_request},
    },
    state::App,
};

/// How many events of the request were not kept, as Plausible tells it.
const DROPPED: HeaderName = HeaderName::from_static("x-plausible-dropped");

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/event", post_only(event, refuse))
}

async fn event(State(app): State<App>, request: Request) -> Response {
    let (_, Taken { allowed, receipt }) = take_request(&app, request, Dialect::Plausible).await;
    let answer = match receipt {
        Ok(receipt) => match receipt.refusal() {
            None => (StatusCode::ACCEPTED, "ok").into_response(),
            Some(refusal) => refuse(refusal.into()),
        },
        Err(problem) => refuse(problem),
    };
    (allowed, answer).into_response()
}

fn refuse(problem: Problem) -> Response {
    let (status, mut headers, fault) = problem.into_parts();
    let status = if status == StatusCode::UNPROCESSABLE_ENTITY { StatusCode::BAD_REQUEST } else { status };
    headers.insert(DROPPED, HeaderValue::from_static("1"));
    let field = fault.field.unwrap_or_else(|| "request".to_owned());
    (status, headers, Json(json!({"errors": {field: [fault.message]}}))).into_response()
}
