//! Events that are welcome, and what comes back.

use reqwest::Method;
use serde_json::json;

use super::{counts, row, rows, send};
use crate::support::{
    app::{NOW, Store, TestApp},
    reply::Reply,
};

both_stores! {
    async fn an_event_is_stored_whole(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let reply = site.post(json!({
            "id": "0193a5f0-7c1e-7000-8000-0123456789ab",
            "event_type": "page_view",
            "timestamp": "2026-11-22T13:59:30.250+02:00",
            "user_id": "ada",
            "anonymous_id": "a-1",
            "session_id": "s-1",
            "url": "https://www.Example.com/a/b?utm_source=news#top",
            "referrer": "https://www.search.example/?q=x",
            "screen_width": 1536.4,
            "screen_height": 864,
            "metadata": {"plan": "pro", "price": 9.5, "tags": ["a", null], "deep": {"er": true}},
            "never_heard_of": {"ignored": true},
        })).await;
        assert_eq!(counts(&reply.ok()), (1, 0, 0));
        let row = row(&app, &site).await;
        assert_eq!(row.id.to_string(), "0193a5f0-7c1e-7000-8000-0123456789ab");
        assert_eq!(row.client_id, None);
        assert_eq!((row.seq, row.timestamp, row.received_at), (1, NOW - 29_750, NOW));
        assert_eq!(row.event_type, "page_view");
        assert_eq!(row.user_id.as_deref(), Some("ada"));
        assert_eq!(row.anonymous_id.as_deref(), Some("a-1"));
        assert_eq!(row.session_id.as_deref(), Some("s-1"));
        assert_eq!(row.url.as_deref(), Some("https://www.Example.com/a/b?utm_source=news#top"));
        assert_eq!(row.hostname.as_deref(), Some("www.example.com"));
        assert_eq!(row.path.as_deref(), Some("/a/b"));
        assert_eq!(row.referrer_domain.as_deref(), Some("search.example"));
        assert_eq!(row.utm_source.as_deref(), Some("news"));
        assert_eq!((row.screen_width, row.screen_height), (Some(1536), Some(864)));
        assert_eq!(row.metadata, Some(json!({"plan": "pro", "price": 9.5, "tags": ["a", null], "deep": {"er": true}})));
        assert_eq!(row.ip_address, None, "whoever names no user agent is a server");
        assert_eq!(row.utm_medium, None);
        assert_eq!(row.country, None);
    }

    async fn both_spellings_and_every_form_are_read(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let camel = json!({"eventType": "camel", "userId": "u", "anonymousId": "a", "sessionId": "s", "screenWidth": 1});
        assert_eq!(counts(&site.post(camel).await.ok()), (1, 0, 0));
        let row = row(&app, &site).await;
        let ids = (row.user_id.as_deref(), row.anonymous_id.as_deref(), row.session_id.as_deref(), row.screen_width);
        assert_eq!(ids, (Some("u"), Some("a"), Some("s"), Some(1)));

        assert_eq!(counts(&site.post(json!([{"event_type": "a"}, {"event_type": "b"}])).await.ok()), (2, 0, 0));
        assert_eq!(counts(&site.post(json!({"events": [{"event_type": "a"}]})).await.ok()), (1, 0, 0));
        // An event may itself have a field of that name.
        assert_eq!(counts(&site.post(json!({"event_type": "a", "events": 7})).await.ok()), (1, 0, 0));
        let lines = "{\"event_type\":\"a\"}\n\n  {\"event_type\":\"b\"}\r\n{\"event_type\":\"c\"}";
        assert_eq!(counts(&send(&site, "application/x-ndjson", lines).await.ok()), (3, 0, 0));
        assert_eq!(counts(&send(&site, "text/plain;charset=UTF-8", r#"{"event_type":"a"}"#).await.ok()), (1, 0, 0));
        assert_eq!(counts(&send(&site, "application/json; charset=utf-8", r#" [{"event_type":"a"}] "#).await.ok()), (1, 0, 0));
        let bare = site.events().body(r#"{"event_type":"a"}"#);
        assert_eq!(counts(&Reply::of(bare).await.ok()), (1, 0, 0));
        let batch = app.http.post(format!("{}/api/v1/events/batch", app.url)).bearer_auth(&site.key);
        assert_eq!(counts(&Reply::of(batch.json(&json!([{"event_type": "a"}]))).await.ok()), (1, 0, 0));
        for path in ["events/", "events/batch/"] {
            let slash = app.http.post(format!("{}/api/v1/{path}", app.url)).bearer_auth(&site.key);
            assert_eq!(counts(&Reply::of(slash.json(&json!({"event_type": "a"}))).await.ok()), (1, 0, 0));
        }
        assert_eq!(rows(&app, &site).await.len(), 14);
    }

    async fn items_tell_what_became_of_each(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let events = json!([{"event_type": "a", "id": "one"}, {"id": "two"}, {"event_type": "b", "id": "one"}, {"event_type": "c"}]);
        let data = site.post(&events).await.ok();
        assert_eq!(counts(&data), (2, 1, 1));
        assert_eq!(data["items"], json!([
            {"index": 1, "id": "two", "status": "rejected", "code": "MISSING_FIELD", "message": "event_type is required.", "field": "event_type"},
            {"index": 2, "id": "one", "status": "duplicate"},
        ]));
        let verbose = app.http.post(format!("{}/api/v1/events?verbose=1&key={}", app.url, site.key));
        let data = Reply::of(verbose.json(&events)).await.ok();
        let items = data["items"].as_array().unwrap();
        let statuses: Vec<_> = items.iter().map(|item| item["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["duplicate", "rejected", "duplicate", "accepted"]);
        assert_eq!(items[3]["id"].as_str().unwrap().len(), 36, "an event without an id is given one");
        let rows = rows(&app, &site).await;
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0].client_id.as_deref().or(rows[1].client_id.as_deref()), Some("one"));
    }

    async fn an_acknowledged_event_is_in_the_next_answer(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        for expected in 1..=20 {
            site.post(json!({"event_type": "page_view"})).await.ok();
            assert_eq!(rows(&app, &site).await.len(), expected);
        }
        // Commits are numbered without a gap.
        assert_eq!(rows(&app, &site).await.iter().map(|row| row.seq).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    }

    async fn a_page_of_another_origin_may_send_without_asking(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let beacon = app.http.post(format!("{}/api/v1/events?key={}", app.url, site.key));
        let beacon = beacon.header("origin", "https://shop.example").header("content-type", "text/plain;charset=UTF-8");
        let reply = Reply::of(beacon.body(r#"{"event_type":"leave"}"#)).await;
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        reply.ok();
        let preflight = app.http.request(Method::OPTIONS, format!("{}/api/v1/events", app.url));
        let preflight = preflight.header("origin", "https://shop.example");
        let preflight = preflight.header("access-control-request-method", "POST");
        let reply = Reply::of(preflight.header("access-control-request-headers", "x-api-key,content-type")).await;
        assert!(reply.status.is_success());
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert!(reply.header("access-control-allow-headers").contains("x-api-key"));
        // An error can be read as well.
        let refused = app.http.post(format!("{}/api/v1/events", app.url)).header("origin", "https://shop.example");
        let reply = Reply::of(refused).await;
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        reply.expect(401);
    }

    async fn limits_are_told(store: Store) {
        let app = TestApp::with(store, &[("MAX_BATCH_EVENTS", "12")]).await;
        let data = app.anonymous().get("/api/v1/limits").await.ok();
        assert_eq!(data["event_bytes"], 32_768);
        assert_eq!(data["body_bytes"], 5 * 1_024 * 1_024);
        assert_eq!(data["requests_per_minute"], 1_000_000);
        assert_eq!(data["max_future_seconds"], 300);
    }
}
