//! The doors for clients that were made for others: their paths, statuses and bodies. Behind the
//! door everything is as it is for native events.

mod plausible;
pub(super) mod posthog;
mod segment;
mod umami;

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::Response,
    routing::{MethodRouter, get, post},
};

use super::{
    body::Incoming,
    error::{Fault, Problem},
};
use crate::state::App;

/// The routes.
pub(super) fn router() -> Router<App> {
    segment::router().merge(posthog::router()).merge(umami::router()).merge(plausible::router())
}

/// `POST` only, where anything else is refused in the dialect's own shape.
fn post_only<H, T>(handler: H, refuse: fn(Problem) -> Response) -> MethodRouter<App>
where
    H: axum::handler::Handler<T, App>,
    T: 'static,
{
    post(handler).fallback(move || async move { refuse(only("POST, OPTIONS")) })
}

/// `GET` only.
fn get_only<H, T>(handler: H, refuse: fn(Problem) -> Response) -> MethodRouter<App>
where
    H: axum::handler::Handler<T, App>,
    T: 'static,
{
    get(handler).fallback(move || async move { refuse(only("GET, HEAD, OPTIONS")) })
}

fn only(allow: &'static str) -> Problem {
    let message = format!("Only {allow} can be used here.");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message)
        .with(header::ALLOW, HeaderValue::from_static(allow))
}

/// The error in a sentence, with the field where there is one.
fn sentence(fault: &Fault) -> String {
    match &fault.field {
        Some(field) if !fault.message.contains(field.as_str()) => format!("{field}: {}", fault.message),
        _ => fault.message.clone(),
    }
}

/// Reads a request whose content does not matter, so that its connection can be used again.
async fn ignore(app: &App, request: Request) {
    Incoming::new(request.into_body(), app.config.limits.body_bytes).discard().await;
}
