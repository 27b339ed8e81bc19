//! Routers merged, layers in order, listening, and draining.

mod bounds;
mod hosts;
mod listen;
mod observe;
mod pace;
mod protect;

use axum::{Router, middleware::from_fn_with_state};

use self::bounds::{Bounds, bound};

pub use self::{
    listen::{listen, serve, serve_patiently},
    pace::Patience,
};
use crate::{
    graphql, pages, rest,
    state::{App, INGESTING},
};

/// Requests of people and of programs that ask, worked on at once.
const ASKING: usize = 1_024;

/// Everything the server answers. Few layers, because every request passes copies of them all.
pub fn router(app: App) -> Router {
    let config = &app.config;
    // Each its own places, so that neither events nor questions ever wait for the other.
    let [of_events, of_questions] =
        [INGESTING, ASKING].map(|most| from_fn_with_state(Bounds::new(app.clone(), most), bound));
    let ingestion = rest::events::router().with_state(app.clone()).layer(of_events).layer(protect::cors_of_ingestion());
    let site = graphql::router(app.clone())
        .merge(rest::oauth::router().with_state(app.clone()))
        .merge(rest::exports::router().with_state(app.clone()))
        .merge(pages::router())
        .layer(of_questions)
        .layer(protect::cors(config))
        .layer(from_fn_with_state(hosts::Hosts::of(config), hosts::check));
    let hsts = protect::hsts(config);
    // An orchestrator must learn that the server lives even when it is busy, so health is not bounded.
    rest::health::router()
        .with_state(app)
        .merge(ingestion)
        .merge(pages::sdk())
        .merge(site)
        .fallback(protect::nothing_here)
        .layer(from_fn_with_state(hsts, observe::request))
}
