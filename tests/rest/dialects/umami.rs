//! Umami's collection API.

use serde_json::{Value, json};

use super::{post, stored};
use crate::{
    rest::{row, rows},
    support::{
        app::{NOW, Store, TestApp},
        people::Site,
        reply::Reply,
    },
};

fn event(key: &str, fields: Value) -> Value {
    let mut payload = json!({"website": key});
    payload.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"type": "event", "payload": payload})
}

both_stores! {
    async fn a_page_view_is_stored_whole(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let body = event(&site.key, json!({
            "hostname": "shop.example", "screen": "1536x864", "language": "de-CH", "title": "Cart", "url": "/cart?utm_source=mail",
            "referrer": "https://search.example/", "tag": "b", "id": "ada", "vid": "v-1", "timestamp": NOW / 1_000 - 60,
            "ip": "203.0.113.7", "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        }));
        let reply = post(&site, "/api/send", &body).await.expect(200);
        assert_eq!(reply.body, json!({"cache": "", "sessionId": null, "visitId": null}));
        let row = row(&app, &site).await;
        assert_eq!((row.event_type.as_str(), row.timestamp), ("page_view", NOW - 60_000));
        assert_eq!(row.url.as_deref(), Some("https://shop.example/cart?utm_source=mail"));
        assert_eq!((row.hostname.as_deref(), row.path.as_deref()), (Some("shop.example"), Some("/cart")));
        assert_eq!((row.title.as_deref(), row.language.as_deref()), (Some("Cart"), Some("de-CH")));
        assert_eq!((row.referrer_domain.as_deref(), row.utm_source.as_deref()), (Some("search.example"), Some("mail")));
        assert_eq!((row.screen_width, row.screen_height), (Some(1536), Some(864)));
        assert_eq!((row.user_id.as_deref(), row.anonymous_id.as_deref()), (Some("ada"), Some("v-1")));
        assert_eq!(row.browser.as_deref(), Some("Firefox"));
        assert_eq!(row.ip_address.as_deref(), Some("203.0.113.0"));
        assert_eq!(row.metadata, Some(json!({"tag": "b"})));
    }

    async fn a_batch_tells_what_was_refused(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let body = json!([
            event(&site.key, json!({"name": "signup", "data": {"plan": "pro", "revenue": 9.5, "currency": "EUR"}})),
            {"type": "event", "payload": null},
            {"type": "identify", "payload": {"id": "ada", "data": {"plan": "pro"}}},
            {"type": "performance", "payload": {"url": "/x", "lcp": 1200.5, "cls": 0}},
            {"type": "video", "payload": {"url": "/x"}},
        ]);
        let reply = post(&site, "/api/batch", &body).await.expect(200);
        let counts = (reply.at("/size"), reply.at("/processed"), reply.at("/errors"));
        assert_eq!(counts, (&json!(5), &json!(3), &json!(2)));
        assert_eq!((reply.at("/details/0/index"), reply.at("/details/1/index")), (&json!(1), &json!(4)));
        assert_eq!(reply.at("/details/0/response/error/code"), "bad-request");
        let mut rows = rows(&app, &site).await;
        rows.sort_by_key(|row| row.event_type.clone());
        let types: Vec<&str> = rows.iter().map(|row| row.event_type.as_str()).collect();
        assert_eq!(types, ["identify", "performance", "signup"]);
        assert_eq!(rows[0].user_id.as_deref(), Some("ada"));
        assert_eq!(rows[1].metadata, Some(json!({"lcp": 1200.5, "cls": 0})));
        assert_eq!((rows[2].revenue, rows[2].currency.as_deref()), (Some(9_500_000), Some("EUR")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_events_are_refused() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    for (payload, words) in [
        (json!({"name": 7}), "event_type"),
        (json!({"name": "a\u{0}"}), "NUL"),
        (json!({"data": [1]}), "object"),
        (json!({"data": {"a": "b".repeat(33_000)}}), "bytes"),
        (json!({"url": {"a": 1}}), "url"),
        (json!({"id": {"a": 1}}), "user_id"),
        (json!({"timestamp": "soon"}), "timestamp"),
        (json!({"timestamp": NOW}), "timestamp"),
        (json!({"timestamp": 1e300}), "timestamp"),
        (json!({"timestamp": 0}), "timestamp"),
    ] {
        let what = payload.to_string();
        let reply = post(&site, "/api/send", &event(&site.key, payload)).await.expect(400);
        assert_eq!(reply.at("/error/code"), "bad-request");
        let message = reply.at("/error/message").as_str().unwrap();
        assert!(message.contains(words), "{}: {message}", &what[..what.len().min(60)]);
    }
    for body in [
        json!({}),
        json!({"type": "event"}),
        json!({"payload": {"url": "/"}}),
        json!({"type": 7, "payload": {"url": "/"}}),
    ] {
        let request = app.http.post(format!("{}/api/send", app.url)).header("x-api-key", &site.key);
        assert_eq!(Reply::of(request.json(&body)).await.expect(400).at("/error/status"), 400);
    }
    assert_eq!(rows(&app, &site).await, []);
    let odd = json!({"screen": "wide", "language": ["de"], "ip": "here", "userAgent": 7, "title": "t", "hostname": 7, "name": ""});
    let row = stored(&app, "odd", "/api/send", |key| event(key, odd)).await;
    assert_eq!((row.event_type.as_str(), row.title.as_deref()), ("page_view", Some("t")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_script_was_told_to_keep_comes_back_and_changes_nothing() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let mut cache = None;
    for name in ["first", "second", "third"] {
        let request = app.http.post(format!("{}/api/send", app.url)).json(&event(&site.key, json!({"name": name})));
        let request = if let Some(cache) = &cache { request.header("x-umami-cache", cache) } else { request };
        let reply = Reply::of(request).await.expect(200);
        cache = Some(reply.at("/cache").as_str().unwrap().to_owned());
    }
    assert_eq!(rows(&app, &site).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_another_website_are_refused_one_by_one() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let other = Site::of(site.owner.clone(), "Other").await;
    let events = [event(&site.key, json!({"name": "mine"})), event(&other.key, json!({"name": "theirs"}))];
    let reply = post(&site, "/api/batch", &json!(events)).await.expect(200);
    assert_eq!((reply.at("/processed"), reply.at("/details/0/index")), (&json!(1), &json!(1)));
    let message = reply.at("/details/0/response/error/message").as_str().unwrap();
    assert!(message.starts_with("website differs"), "{message}");
    assert_eq!(row(&app, &site).await.event_type, "mine");
    assert_eq!(rows(&app, &other).await, []);
}
