//! Umami's collection API.

use axum::{
    Json, Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{post_only, sentence};
use crate::{
    ingest::{Receipt, wire::Dialect},
    rest::{
        error::Problem,
        take::{Taken, take_request},
    },
    state::App,
};

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/send", post_only(send, refuse)).route("/api/batch", post_only(batch, refuse))
}

async fn send(State(app): State<App>, request: Request) -> Response {
    answer(&app, request, |receipt| match receipt.refusal() {
        // There is no cache to hand out: who sends is found out anew each time, and tells nobody an id.
        None => Json(json!({"cache": "", "sessionId": null, "visitId": null})).into_response(),
        Some(refusal) => refuse(refusal.into()),
    })
    .await
}

async fn batch(State(app): State<App>, request: Request) -> Response {
    answer(&app, request, |receipt| {
        let size = receipt.items.len();
        let refusals = receipt.items.iter().enumerate().filter_map(|(index, (_, verdict))| {
            let (_, _, error) = error(verdict.refusal()?.into());
            Some(json!({"index": index, "response": error}))
        });
        let details: Vec<Value> = refusals.collect();
        let errors = details.len();
        let body = json!({"size": size, "processed": size - errors, "errors": errors, "details": details});
        Json(body).into_response()
    })
    .await
}

async fn answer(app: &App, request: Request, reply: fn(Receipt) -> Response) -> Response {
    let (_, Taken { allowed, receipt }) = take_request(app, request, Dialect::Umami).await;
    let answer = receipt.map_or_else(refuse, reply);
    (allowed, answer).into_response()
}

fn refuse(problem: Problem) -> Response {
    let (status, headers, body) = error(problem);
    (status, headers, Json(body)).into_response()
}

fn error(problem: Problem) -> (StatusCode, axum::http::HeaderMap, Value) {
    let (status, headers, fault) = problem.into_parts();
    let status = if status == StatusCode::UNPROCESSABLE_ENTITY { StatusCode::BAD_REQUEST } else { status };
    let code = status.canonical_reason().unwrap_or("error").to_ascii_lowercase().replace(' ', "-");
    let body = json!({"error": {"message": sentence(&fault), "code": code, "status": status.as_u16()}});
    (status, headers, body)
}
