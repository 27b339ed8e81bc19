//! Events from client SDKs.

use crate::state::App;

/// The routes.
pub fn router() -> axum::Router<App> {
    axum::Router::new()
}
