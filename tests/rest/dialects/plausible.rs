//! Plausible's events API.

use serde_json::{Value, json};

use super::{fresh, post, stored};
use crate::{
    rest::{row, rows},
    support::{
        app::{Store, TestApp},
        reply::Reply,
    },
};

pub const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

both_stores! {
    async fn an_event_is_stored_whole(store: Store) {
        let app = TestApp::with(store, &[("TRUSTED_PROXIES", "127.0.0.1")]).await;
        let site = app.site().await;
        let body = json!({
            "n": "Purchase", "u": "https://shop.example/cart?utm_source=mail", "d": site.key, "r": "https://search.example/",
            "w": 1536, "h": 0, "p": "{\"plan\":\"pro\"}", "$": "{\"amount\":\"24.50\",\"currency\":\"EUR\"}", "i": false,
        });
        let request = app.http.post(format!("{}/api/event", app.url)).header("content-type", "text/plain");
        let request = request.header("user-agent", FIREFOX).header("x-forwarded-for", "203.0.113.7");
        let reply = Reply::of(request.body(body.to_string())).await.expect(202);
        assert_eq!(reply.text, "ok");
        let row = row(&app, &site).await;
        assert_eq!((row.event_type.as_str(), row.path.as_deref()), ("Purchase", Some("/cart")));
        assert_eq!((row.referrer_domain.as_deref(), row.utm_source.as_deref()), (Some("search.example"), Some("mail")));
        assert_eq!((row.screen_width, row.browser.as_deref()), (Some(1536), Some("Firefox")));
        assert_eq!((row.revenue, row.currency.as_deref()), (Some(24_500_000), Some("EUR")));
        assert_eq!(row.ip_address.as_deref(), Some("203.0.113.0"));
        assert_eq!(row.metadata, Some(json!({"plan": "pro", "interactive": false})));
    }

    async fn long_names_mean_the_same(store: Store) {
        let app = TestApp::start(store).await;
        let row = stored(&app, "a", "/api/event", |key| json!({
            "name": "pageview", "url": "https://shop.example/", "domain": key, "referrer": null, "screen_width": 800,
            "props": {"plan": "pro"}, "revenue": {"amount": 3, "currency": "USD"}, "interactive": true,
        })).await;
        assert_eq!((row.event_type.as_str(), row.screen_width), ("page_view", Some(800)));
        assert_eq!((row.revenue, row.metadata), (Some(3_000_000), Some(json!({"plan": "pro"}))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_may_be_in_the_address() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let event = json!({"n": "pageview", "u": "https://shop.example/", "d": "shop.example"});
    assert!(post(&site, "/api/event", &event).await.expect(401).at("/errors/request/0").is_string());
    post(&site, &format!("/api/event?key={}", site.key), &event).await.expect(202);
    assert_eq!(rows(&app, &site).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_events_are_refused() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let with = |fields: Value| {
        let mut event = json!({"n": "x", "u": "https://shop.example/", "d": site.key});
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        event
    };
    for (fields, field) in [
        (json!({"n": null}), "event_type"),
        (json!({"n": ""}), "event_type"),
        (json!({"n": 7}), "event_type"),
        (json!({"u": ["/"]}), "url"),
        (json!({"r": 7}), "referrer"),
        (json!({"p": "not json"}), "metadata"),
        (json!({"p": "[1]"}), "metadata"),
        (json!({"p": 7}), "metadata"),
        (json!({"p": {"a": "a\u{0}"}}), "metadata.a"),
        (json!({"p": {"a": "b".repeat(33_000)}}), "request"),
    ] {
        let reply = post(&site, "/api/event", &with(fields)).await.expect(400);
        assert!(reply.body["errors"][field][0].is_string(), "{field}: {}", reply.text);
        assert_eq!(reply.header("x-plausible-dropped"), "1");
    }
    assert_eq!(rows(&app, &site).await, []);
    let odd = fresh(&app, "odd").await;
    let event = json!({"n": "x", "d": odd.key, "w": "wide", "$": "much", "sd": "deep", "i": "maybe"});
    post(&odd, "/api/event", &event).await.expect(202);
    assert_eq!(row(&app, &odd).await.metadata, None);
}
