//! What is known of every request afterwards: an id, a log line, a measurement. Never a query
//! string, a header or a body, because they may hold what is secret.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use futures::FutureExt as _;
use metrics::{gauge, histogram};
use tower_http::request_id::RequestId;
use tracing::Instrument as _;

use super::protect;

/// By which client, proxies and we call the same request.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id taken from a client.
const ID_BYTES: usize = 64;

/// Routes that are asked so often that a success is only worth a line when debugging.
const QUIET: [&str; 17] = [
    "/health",
    "/ready",
    "/metrics",
    "/api/v1/events",
    "/api/v1/events/batch",
    "/api/v1/pixel.gif",
    "/capture",
    "/batch",
    "/e",
    "/track",
    "/i/v0/e",
    "/flags",
    "/decide",
    "/array/{key}/config",
    "/api/send",
    "/api/batch",
    "/api/event",
];

fn is_quiet(route: &str) -> bool {
    route.starts_with("/v1/") || QUIET.contains(&route.trim_end_matches('/'))
}

/// Gives the request its id, measures it, and logs it; its answer gets the headers of all answers. A
/// handler that panics costs its own request.
pub(super) async fn request(State(hsts): State<Option<HeaderValue>>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = request.headers().get(X_REQUEST_ID).filter(|id| is_sane(id)).cloned().unwrap_or_else(new_id);
    request.extensions_mut().insert(RequestId::new(id.clone()));
    let method = request.method().clone();
    // The template, such as `/a/{id}`: a path as it was sent would be a label of endless values.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default(), %method, route);
    let in_flight = InFlight::new();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let mut response = answered.unwrap_or_else(|_| span.in_scope(protect::panicked));
    protect::add_headers(response.headers_mut(), hsts);
    drop(in_flight);
    let seconds = start.elapsed().as_secs_f64();
    let status = response.status();
    let (method, code) = (label(&method), status.as_str().to_owned());
    histogram!("uea_http_request_seconds", "method" => method, "route" => route.to_owned(), "status" => code)
        .record(seconds);
    span.in_scope(|| log(route, status, seconds));
    response.headers_mut().insert(X_REQUEST_ID, id);
    response
}

/// Counts a request while it lasts, also when its client goes away half-way.
struct InFlight;

impl InFlight {
    fn new() -> Self {
        gauge!("uea_http_requests_in_flight").increment(1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!("uea_http_requests_in_flight").decrement(1);
    }
}

fn log(route: &str, status: StatusCode, seconds: f64) {
    let (status, ms) = (status.as_u16(), (seconds * 1e5).round() / 1e2);
    if status >= 500 {
        tracing::warn!(status, ms, "answered");
    } else if status < 400 && is_quiet(route) {
        tracing::debug!(status, ms, "answered");
    } else {
        tracing::info!(status, ms, "answered");
    }
}

/// An id that can be neither a burden nor a forgery of log lines.
fn is_sane(id: &HeaderValue) -> bool {
    (1..=ID_BYTES).contains(&id.len())
        && id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn new_id() -> HeaderValue {
    // Not a UUID, whose random bits come by a system call.
    let id = format!("{:032x}", rand::random::<u128>());
    HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// A client may invent methods, and each would be a new series.
fn label(method: &axum::http::Method) -> &'static str {
    let known = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"];
    known.into_iter().find(|known| method == known).unwrap_or("other")
}
