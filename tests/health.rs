//! What an orchestrator and a scraper see.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{
    app::{Store, TestApp},
    redis::Redis,
};

both_stores! {
    async fn the_server_is_alive_and_ready(store: Store) {
        let server = TestApp::start(store).await;
        let stranger = server.anonymous();
        stranger.get("/health").await.expect(200);
        let ready = stranger.get("/ready").await.expect(200);
        assert_eq!(ready.at("/status"), "ready");
        assert_eq!(ready.at("/database"), "up");
        assert_eq!(ready.at("/redis"), if store == Store::Postgres { "up" } else { "off" });
    }

    async fn without_its_store_it_lives_but_is_not_ready(store: Store) {
        let server = TestApp::start(store).await;
        let stranger = server.anonymous();
        server.app.db.close().await;
        let start = Instant::now();
        assert_eq!(stranger.get("/ready").await.expect(503).at("/database"), "down");
        assert!(start.elapsed() < Duration::from_secs(3));
        stranger.get("/health").await.expect(200);
    }

    async fn without_its_store_a_server_with_a_spool_still_takes_events(store: Store) {
        let server = TestApp::with(store, &[("SPOOL_MAX_BYTES", "1048576")]).await;
        server.app.db.close().await;
        let ready = server.anonymous().get("/ready").await.expect(200);
        assert_eq!((ready.at("/status"), ready.at("/database")), (&json!("spooling"), &json!("down")));
        let metrics = server.anonymous().get("/metrics").await.text;
        assert!(metrics.contains("uea_spool_events ") && metrics.contains("uea_spool_bytes "), "{metrics}");
    }

    async fn a_schema_that_is_behind_is_not_ready(store: Store) {
        let server = TestApp::start(store).await;
        let stranger = server.anonymous();
        server.app.db.migrate_down(1).await.unwrap();
        assert_eq!(stranger.get("/ready").await.expect(503).at("/database"), "migrations missing");
        server.app.db.migrate().await.unwrap();
        stranger.get("/ready").await.expect(200);
    }

    async fn a_draining_server_is_not_ready(store: Store) {
        let server = TestApp::start(store).await;
        server.app.draining.cancel();
        assert_eq!(server.anonymous().get("/ready").await.expect(503).at("/status"), "draining");
    }

    async fn what_was_answered_is_measured_and_no_secret_with_it(store: Store) {
        let server = TestApp::start(store).await;
        let site = server.site().await;
        site.post(json!({"event_type": "page_view"})).await.ok();
        for _ in 0..2 {
            site.ask("summary(range: { preset: TODAY }) { events }").await;
        }
        site.owner.get("/no/such/path?token=hushhush").await.expect(404);
        let metrics = site.owner.get("/metrics").await.expect(200);
        assert!(metrics.header("content-type").starts_with("text/plain"));
        for series in [
            r#"uea_http_request_seconds_bucket{method="POST",route="/api/v1/events",status="200",le=""#,
            r#"uea_http_request_seconds_count{method="GET",route="unmatched",status="404"}"#,
            r#"uea_db_seconds_bucket{kind="select",result="ok",le=""#,
            r#"uea_ingest_events_total{verdict="#,
            r#"uea_cache_total{result="hit"} "#,
            r#"uea_cache_total{result="miss"} "#,
            "uea_key_events_total ",
            "uea_queue_depth ",
            "uea_http_requests_in_flight ",
        ] {
            assert!(metrics.text.contains(series), "{series} is missing:\n{}", metrics.text);
        }
        for secret in ["hushhush", &site.key[..12], "/no/such"] {
            assert!(!metrics.text.contains(secret), "{secret}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_away_is_reported_and_not_needed() {
    let mut redis = Redis::start();
    let server = TestApp::with(Store::Postgres, &[("REDIS_URL", &redis.url())]).await;
    let stranger = server.anonymous();
    assert_eq!(stranger.get("/ready").await.expect(200).at("/redis"), "up");
    redis.stop();
    assert_eq!(stranger.get("/ready").await.expect(200).at("/redis"), "down");
    redis.restart();
    let until = Instant::now() + Duration::from_secs(20);
    while stranger.get("/ready").await.expect(200).at("/redis") != "up" {
        assert!(Instant::now() < until, "it never noticed that redis is back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
