//! Routers merged, layers in order, listening, and draining.

mod listen;
mod observe;
mod protect;

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS},
    middleware::{from_fn, from_fn_with_state},
};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

pub use self::listen::serve;
use self::protect::{header, header_unless_set};
use crate::{graphql, pages, rest, state::App};

/// Everything the server answers. A request passes the layers from top to bottom.
pub fn router(app: App) -> Router {
    let config = &app.config;
    let bounds = ServiceBuilder::new()
        .layer(from_fn_with_state(protect::longest_request(config), protect::bound_time))
        .layer(from_fn_with_state(protect::in_flight(), protect::bound_in_flight));
    let around = ServiceBuilder::new()
        .layer(from_fn(observe::request))
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(X_FRAME_OPTIONS, "DENY"))
        .layer(header(REFERRER_POLICY, "strict-origin-when-cross-origin"))
        .layer(header_unless_set(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .layer(header_unless_set(CACHE_CONTROL, "no-store"))
        .option_layer(protect::hsts(config))
        .layer(CatchPanicLayer::custom(protect::panicked));

    let ingestion =
        rest::events::router().with_state(app.clone()).layer(bounds.clone()).layer(protect::cors_of_ingestion());
    let site = graphql::router(app.clone())
        .merge(rest::oauth::router().with_state(app.clone()))
        .merge(pages::router(config.google.is_some()))
        .layer(bounds)
        .layer(protect::cors(config));
    // An orchestrator must learn that the server lives even when it is busy, so health is not bounded.
    rest::health::router().with_state(app).merge(ingestion).merge(site).fallback(protect::nothing_here).layer(around)
}
