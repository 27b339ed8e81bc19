//! What tests stand on: stores, servers and the people who use them.
//!
//! ```ignore
//! both_stores! {
//!     async fn an_event_is_counted_once(store: Store) {
//!         let app = TestApp::start(store).await;
//!         let site = app.site().await;              // alice, her app, its key
//!         site.post(json!({"id": "1", "event_type": "page_view"})).await.ok();
//!         let data = site.ask("overview { events }").await.data();
//!     }
//! }
//! ```

use std::time::{Duration, Instant};

pub mod app;
pub mod binary;
pub mod daemon;
pub mod http2;
pub mod leaks;
pub mod mail;
pub mod people;
pub mod postgres;
pub mod provider;
pub mod redis;
pub mod reply;
pub mod socket;
pub mod wire;

/// Waits until something holds; a busy machine may take its time.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(Instant::now() < end, "not in a minute: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Makes each test run on both stores: `name::sqlite` and `name::postgres`.
macro_rules! both_stores {
    ($($(#[$meta:meta])* async fn $name:ident($store:ident: Store) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn run($store: Store) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                run(Store::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                run(Store::Postgres).await;
            }
        }
    )+};
}
