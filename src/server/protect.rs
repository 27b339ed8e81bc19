//! Bounds on requests, and headers that keep browsers from harm.

use std::{any, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tokio::{sync::Semaphore, time::timeout};
use tower_http::{
    cors::{AllowHeaders, AllowOrigin, Any, CorsLayer},
    set_header::SetResponseHeaderLayer,
};

use super::observe::X_REQUEST_ID;
use crate::{
    config::Config,
    error::Error,
    rest::{body::READ_TIMEOUT, error::Problem},
};

/// What a request may take beyond the narrower bound of its body or its question.
const GRACE: Duration = Duration::from_secs(5);

/// Requests worked on at once; further ones are told to come back, rather than to wait in memory.
const MAX_IN_FLIGHT: usize = 1_024;

/// How long browsers may remember what they were allowed.
const PREFLIGHT_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Permits of [`bound_in_flight`].
pub(super) fn in_flight() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MAX_IN_FLIGHT))
}

/// Refuses what would be one request too many.
pub(super) async fn bound_in_flight(State(free): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match free.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => failure(Error::unavailable("too many requests in flight")),
    }
}

/// How long any request may take: longer than any narrower bound inside it.
pub(super) fn longest_request(config: &Config) -> Duration {
    config.limits.query_timeout.max(READ_TIMEOUT) + GRACE
}

/// Gives up on what takes too long. An event that is being stored may still be; sending it again
/// counts it once.
pub(super) async fn bound_time(State(longest): State<Duration>, request: Request, next: Next) -> Response {
    match timeout(longest, next.run(request)).await {
        Ok(response) => response,
        Err(_) => failure(Error::Timeout),
    }
}

/// The answer to a request whose handler panicked. The panic itself went to the log.
pub(super) fn panicked(_cause: Box<dyn any::Any + Send>) -> Response {
    failure(Error::internal("a handler panicked"))
}

/// The answer where there is no route.
pub(super) async fn nothing_here() -> Response {
    failure(Error::NotFound("address"))
}

fn failure(error: Error) -> Response {
    Problem::from(error).into_response()
}

/// Pages of any origin may send events and read the answer: what lets them in is the key, never a
/// cookie. They may send any header, as every library has some of its own.
pub(super) fn cors_of_ingestion() -> CorsLayer {
    let headers = AllowHeaders::mirror_request();
    CorsLayer::new().allow_origin(Any).allow_methods([Method::GET, Method::POST]).allow_headers(headers).readable()
}

/// Of everything else only pages of the listed origins may read answers, in the name of whoever is
/// signed in there.
pub(super) fn cors(config: &Config) -> CorsLayer {
    let listed = config.cors_allowed_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(listed))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE, header::AUTHORIZATION, X_REQUEST_ID])
        .readable()
}

trait Readable {
    /// Lets pages read what headers say about the answer, and remember for a day that they may ask.
    fn readable(self) -> Self;
}

impl Readable for CorsLayer {
    fn readable(self) -> Self {
        let [limit, remaining, reset] = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];
        let rates = [limit, remaining, reset].map(HeaderName::from_static);
        self.expose_headers([X_REQUEST_ID, header::RETRY_AFTER].into_iter().chain(rates).collect::<Vec<_>>())
            .max_age(PREFLIGHT_AGE)
    }
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
