//! Is it alive, is it ready, how is it doing.

use crate::state::App;

/// The routes.
pub fn router() -> axum::Router<App> {
    axum::Router::new()
}
