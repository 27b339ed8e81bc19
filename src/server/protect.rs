//! Headers that keep browsers from harm, and answers of no handler.

use std::time::Duration;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::{IntoResponse as _, Response},
};
use tower_http::cors::{AllowHeaders, AllowOrigin, Any, CorsLayer};

use super::observe::X_REQUEST_ID;
use crate::{config::Config, error::Error, rest::error::Problem};

/// How long browsers may remember what they were allowed.
const PREFLIGHT_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The answer to a request whose handler panicked. The panic itself went to the log.
pub(super) fn panicked() -> Response {
    failure(Error::internal("a handler panicked"))
}

/// The answer where there is no route.
pub(super) async fn nothing_here() -> Response {
    failure(Error::NotFound("address"))
}

/// The answer to what no handler was asked.
pub(super) fn failure(error: Error) -> Response {
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
