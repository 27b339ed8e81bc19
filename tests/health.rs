//! What an orchestrator and a scraper see.

use crate::support::app::{Store, TestApp};

both_stores! {
    async fn the_server_is_alive_and_ready(store: Store) {
        let stranger = TestApp::start(store).await.anonymous();
        stranger.get("/health").await.expect(200);
        stranger.get("/ready").await.expect(200);
    }
}
