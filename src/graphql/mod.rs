//! The schema: what dashboards ask and owners change.

pub mod scalar;

use crate::state::App;

/// The schema in SDL, as `schema.graphql` keeps it.
pub fn sdl() -> String {
    todo!()
}

/// `/graphql` and its pages.
pub fn router(_app: App) -> axum::Router {
    todo!()
}
