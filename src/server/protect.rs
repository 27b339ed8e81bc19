//! Bounds on requests, and headers that keep browsers from harm.

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde_json::json;
use tokio::{sync::Semaphore, time::timeout};
use tower_http::{
    cors::{AllowCredentials, AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders},
    set_header::SetResponseHeaderLayer,
};

use super::observe::X_REQUEST_ID;
use crate::{config::Config, error::Error};

/// How long any request may take, whatever narrower bounds it has.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(35);

/// Requests worked on at once; further ones are told to come back, rather than to wait in memory.
const MAX_IN_FLIGHT: usize = 1_024;

/// How long browsers may remember what they were allowed.
const PREFLIGHT_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Where pages of any origin may send events.
const INGESTION: &str = "/api/v1/";

/// Permits of [`bound_in_flight`].
pub(super) fn in_flight() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MAX_IN_FLIGHT))
}

/// Refuses what would be one request too many.
pub(super) async fn bound_in_flight(State(free): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match free.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => failure(StatusCode::SERVICE_UNAVAILABLE, &Error::unavailable("too many requests in flight")),
    }
}

/// Gives up on what takes too long. An event that is being stored may still be; sending it again
/// counts it once.
pub(super) async fn bound_time(request: Request, next: Next) -> Response {
    match timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => failure(StatusCode::GATEWAY_TIMEOUT, &Error::Timeout),
    }
}

/// The answer to a request whose handler panicked. The panic itself went to the log.
pub(super) fn panicked(_cause: Box<dyn Any + Send>) -> Response {
    failure(StatusCode::INTERNAL_SERVER_ERROR, &Error::internal("a handler panicked"))
}

/// The answer where there is no route.
pub(super) async fn nothing_here() -> Response {
    failure(StatusCode::NOT_FOUND, &Error::NotFound("address"))
}

/// The envelope of a failure.
fn failure(status: StatusCode, error: &Error) -> Response {
    error.log();
    let body = json!({
        "success": false,
        "data": null,
        "error": {"code": error.code(), "message": error.to_string()},
    });
    let mut response = (status, Json(body)).into_response();
    if let Some(after) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    response
}

/// Which pages may read answers: of ingestion any, without credentials; of everything else the
/// listed origins, with them.
pub(super) fn cors(config: &Config) -> CorsLayer {
    let listed = config.cors_allowed_origins.clone();
    let may_read = move |origin: &HeaderValue, request: &Parts| {
        is_ingestion(request) || listed.iter().any(|listed| listed.as_bytes() == origin.as_bytes())
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(may_read))
        .allow_credentials(AllowCredentials::predicate(|_, request| !is_ingestion(request)))
        .allow_methods(AllowMethods::list([Method::GET, Method::POST]))
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(ExposeHeaders::list([
            X_REQUEST_ID,
            header::RETRY_AFTER,
            HeaderName::from_static("ratelimit-limit"),
            HeaderName::from_static("ratelimit-remaining"),
            HeaderName::from_static("ratelimit-reset"),
        ]))
        .max_age(PREFLIGHT_AGE)
}

fn is_ingestion(request: &Parts) -> bool {
    request.uri.path().starts_with(INGESTION)
}

/// Tells browsers never to come without TLS again, where they come with it.
pub(super) fn hsts(config: &Config) -> Option<SetResponseHeaderLayer<HeaderValue>> {
    config.is_https().then(|| header(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"))
}

/// Sets a header on every response.
pub(super) fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// Sets a header on responses that have none of their own, as pages do.
pub(super) fn header_unless_set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
