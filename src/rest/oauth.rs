//! Sign-in by redirect.

use crate::state::App;

/// The routes.
pub fn router() -> axum::Router<App> {
    axum::Router::new()
}
