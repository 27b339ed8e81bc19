//! Bounds on requests, and headers that keep browsers from harm.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tokio::{sync::Semaphore, time::timeout};
use tower_http::cors::{AllowHeaders, AllowOrigin, Any, CorsLayer};

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

/// How long any request may take: longer than any narrower bound inside it.
pub(super) fn longest_request(config: &Config) -> Duration {
    config.limits.query_timeout.max(READ_TIMEOUT) + GRACE
}

/// What bounds requests, all of them together.
#[derive(Clone)]
pub(super) struct Bounds {
    longest: Duration,
    free: Arc<Semaphore>,
}

impl Bounds {
    pub(super) fn new(config: &Config) -> Self {
        Self { longest: longest_request(config), free: Arc::new(Semaphore::new(MAX_IN_FLIGHT)) }
    }
}

/// Refuses what would be one request too many, and gives up on what takes too long. An event that
/// is being stored may still be; sending it again counts it once.
pub(super) async fn bound(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    let Ok(_permit) = bounds.free.try_acquire() else {
        return failure(Error::unavailable("too many requests in flight"));
    };
    timeout(bounds.longest, next.run(request)).await.unwrap_or_else(|_| failure(Error::Timeout))
}

/// The answer to a request whose handler panicked. The panic itself went to the log.
pub(super) fn panicked() -> Response {
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
pub(super) fn hsts(config: &Config) -> Option<HeaderValue> {
    config.is_https().then(|| HeaderValue::from_static("max-age=31536000"))
}

/// Headers of every response.
const ALWAYS: [(HeaderName, HeaderValue); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin")),
];

/// Headers of responses that have none of their own, as pages do.
const UNLESS_SET: [(HeaderName, HeaderValue); 2] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Adds the headers that keep browsers from harm.
pub(super) fn add_headers(headers: &mut HeaderMap, hsts: Option<HeaderValue>) {
    headers.reserve(ALWAYS.len() + UNLESS_SET.len() + 3);
    headers.extend(ALWAYS);
    for (name, value) in UNLESS_SET {
        headers.entry(name).or_insert(value);
    }
    // For browsers that do not read policies; those that do would take the stricter of the two.
    let policy = headers.get(header::CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
    if !policy.is_some_and(|policy| policy.contains("frame-ancestors *")) {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    headers.extend(hsts.map(|value| (header::STRICT_TRANSPORT_SECURITY, value)));
}
