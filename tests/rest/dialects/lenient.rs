//! What clients of others send and native ones may not: no event is lost for it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{doors, fresh, post, stored};
use crate::{
    rest::{row, rows},
    support::{
        app::{NOW, Store, TestApp},
        people::Site,
        reply::Reply,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_may_list_what_products_have() {
    let app = TestApp::start(Store::Sqlite).await;
    let product = |n: u32| -> Value { (0..12).map(|field| (format!("field{field}"), json!(n))).collect() };
    let products: Vec<Value> = (0..17).map(product).collect();
    let row = stored(
        &app,
        "a",
        "/v1/track",
        |key| json!({"writeKey": key, "event": "Order Completed", "userId": "ada", "properties": {"order_id": "1", "products": products}}),
    );
    assert_eq!(row.await.metadata.unwrap()["products"][16]["field11"], 16);
    // And yet there is an end to it.
    let site = fresh(&app, "b").await;
    let names: HashMap<String, u32> = (0..4_000).map(|n| (format!("{n:x}"), 1)).collect();
    let many = json!({"event_type": "x", "metadata": {"a": names}});
    assert!(many.to_string().len() < 32_768);
    assert_eq!(site.post(many).await.refused(422), "TOO_MANY_PROPERTIES");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_cut_at_every_door() {
    let app = TestApp::start(Store::Sqlite).await;
    let url = format!("https://shop.example/{}", "ü".repeat(1_500));
    let name = "ß".repeat(80);
    let (kept_url, kept_name) = (&url[..url.floor_char_boundary(2_048)], &name[..100]);
    let bodies = |key: &str| {
        let context = json!({"page": {"url": url, "referrer": url}});
        let properties = json!({"$current_url": url, "$referrer": url});
        [
            ("/v1/track", json!({"writeKey": key, "event": name, "userId": "ada", "context": context})),
            ("/e", json!({"api_key": key, "event": name, "distinct_id": "ada", "properties": properties})),
            (
                "/api/send",
                json!({"type": "event", "payload": {"website": key, "name": name, "url": url, "referrer": url}}),
            ),
            ("/api/event", json!({"n": name, "u": url, "r": url, "d": key})),
        ]
    };
    for (place, path) in ["/v1/track", "/e", "/api/send", "/api/event"].into_iter().enumerate() {
        let row = stored(&app, &format!("u{place}"), path, |key| bodies(key)[place].1.clone()).await;
        assert_eq!(row.event_type, kept_name, "{path}");
        assert_eq!((row.url.as_deref(), row.referrer.as_deref()), (Some(kept_url), Some(kept_url)), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_request_was_sent_is_believed_where_it_can_be_read() {
    let app = TestApp::start(Store::Sqlite).await;
    // Sent ten seconds after it happened, by a clock that is an hour late.
    let event = json!({"event": "x", "distinct_id": "ada", "timestamp": "2026-11-22T11:00:00Z"});
    let call = json!({"type": "track", "event": "x", "userId": "ada", "timestamp": "2026-11-22T11:00:00Z"});
    let (corrected, as_told) = (NOW - 10_000, NOW - 3_600_000);
    let cases = [
        ("sent_at", json!("2026-11-22T11:00:10Z"), corrected),
        ("sent_at", json!("2026-11-22T11:00:10"), corrected),
        ("sentAt", json!("2026-11-22T11:00:10.000000+00:00"), corrected),
        ("sentAt", json!(NOW - 3_590_000), corrected),
        ("sentAt", json!("just now"), as_told),
        ("sent_at", json!({"seconds": 1}), as_told),
        ("sent_at", json!(1e300), as_told),
    ];
    for (place, (name, moment, timestamp)) in cases.into_iter().enumerate() {
        let what = moment.to_string();
        let body = |key: &str| json!({"api_key": key, "batch": [event], name: moment});
        assert_eq!(stored(&app, &format!("p{place}"), "/batch", body).await.timestamp, timestamp, "{name} {what}");
        let body = |key: &str| json!({"writeKey": key, "batch": [call], "sentAt": moment});
        assert_eq!(stored(&app, &format!("s{place}"), "/v1/batch", body).await.timestamp, timestamp, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_something_in_front_is_no_key() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    for (path, body) in doors(&site.key) {
        let request = app.http.post(format!("{}{path}", app.url)).basic_auth("staging", Some("secret"));
        let reply = Reply::of(request.header("x-api-key", " ").json(&body)).await;
        assert!(reply.status.is_success(), "{path}: {} {}", reply.status, reply.text);
    }
    let native = app.http.post(format!("{}/api/v1/events", app.url)).json(&json!({"event_type": "x"}));
    let beacon = native.try_clone().unwrap().query(&[("key", &site.key)]).header("x-api-key", "");
    Reply::of(beacon.basic_auth("staging", Some("secret"))).await.ok();
    assert_eq!(Reply::of(native.basic_auth("staging", Some("secret"))).await.refused(401), "UNAUTHENTICATED");
}

/// The path under which an event is kept that was sent from a page with a fragment.
async fn path(app: &TestApp, name: &str, door: &'static str, body: impl FnOnce(&str) -> Value) -> String {
    stored(app, name, door, body).await.path.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_hash_is_a_page_where_the_client_says_so() {
    let app = TestApp::start(Store::Sqlite).await;
    let url = "https://shop.example/app?x=1#/cart";
    let plausible = |hash: Value| move |key: &str| json!({"n": "pageview", "u": url, "d": key, "h": hash});
    assert_eq!(path(&app, "a", "/api/event", plausible(json!(1))).await, "/app#/cart");
    assert_eq!(path(&app, "b", "/api/event", plausible(json!(true))).await, "/app#/cart");
    assert_eq!(path(&app, "c", "/api/event", plausible(json!(0))).await, "/app");
    let umami = |url: &'static str| move |key: &str| json!({"type": "event", "payload": {"website": key, "hostname": "shop.example", "url": url}});
    assert_eq!(path(&app, "d", "/api/send", umami("/app?x=1#/cart")).await, "/app#/cart");
    assert_eq!(path(&app, "e", "/api/send", umami("/app#")).await, "/app");
    let site = app.site().await;
    for (event, expected) in [
        (json!({"url": url, "hash": true}), "/app#/cart"),
        (json!({"url": url, "hash": false}), "/app"),
        (json!({"url": url}), "/app"),
        (json!({"url": "/app#a?utm_source=b", "hash": true}), "/app#a?utm_source=b"),
    ] {
        let mut event = event;
        event["event_type"] = json!("page_view");
        site.post(&event).await.ok();
        assert_eq!(rows(&app, &site).await.pop().unwrap().path.as_deref(), Some(expected), "{event}");
    }
    assert_eq!(site.post(json!({"event_type": "x", "hash": 1})).await.refused(422), "WRONG_TYPE");
    let image = format!("/api/v1/pixel.gif?key={}&event_type=x&hash=true&url=/app%23/pixel", site.key);
    app.anonymous().get(&image).await.expect(200);
    assert_eq!(rows(&app, &site).await.pop().unwrap().path.as_deref(), Some("/app#/pixel"));
    // Whoever excludes a page excludes all that it shows.
    let exclude = json!({"id": site.app_id, "excludedPaths": ["/app"]});
    site.owner.mutate("updateApp", exclude, "app { id }").await.data();
    let data = site.post(json!({"event_type": "x", "url": url, "hash": true})).await.ok();
    assert_eq!(data["ignored"], 1);
}

/// The bounce rate of a site after these events of one session.
async fn bounce_rate(app: &TestApp, name: &str, path: &str, events: &[Value]) -> Value {
    let site = fresh(app, name).await;
    for event in events {
        let request = app.http.post(format!("{}{path}", app.url)).header("x-api-key", &site.key);
        let request = request.header("user-agent", super::plausible::FIREFOX);
        assert!(Reply::of(request.json(event)).await.status.is_success(), "{event}");
    }
    assert_eq!(rows(app, &site).await.len(), events.len());
    let figures =
        "summary(range: { preset: TODAY }) { sessions bounceRate } sessions(range: { preset: TODAY }) { bounceRate }";
    let app = site.ask(figures).await;
    assert_eq!(app["summary"]["sessions"], 1);
    assert_eq!(app["summary"]["bounceRate"], app["sessions"]["bounceRate"]);
    app["summary"]["bounceRate"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_libraries_send_by_themselves_keeps_nobody_from_bouncing() {
    let app = TestApp::start(Store::Sqlite).await;
    let posthog =
        |name: &str| json!({"event": name, "distinct_id": "d", "properties": {"$device_id": "d", "$session_id": "s"}});
    let left = [posthog("$pageview"), posthog("$web_vitals"), posthog("$identify"), posthog("$pageleave")];
    assert_eq!(bounce_rate(&app, "a", "/e", &left).await, 1.0);
    assert_eq!(bounce_rate(&app, "b", "/e", &[left[0].clone(), posthog("bought")]).await, 0.0);
    assert_eq!(bounce_rate(&app, "c", "/e", &[left[0].clone(), left[0].clone(), left[3].clone()]).await, 0.0);
    assert_eq!(bounce_rate(&app, "d", "/e", &left[1..]).await, 0.0, "nothing was looked at");
    let plausible = |name: &str| json!({"n": name, "u": "https://shop.example/"});
    assert_eq!(bounce_rate(&app, "e", "/api/event", &[plausible("pageview"), plausible("engagement")]).await, 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_batch_may_be_that_of_its_events() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let other = Site::of(site.owner.clone(), "Other").await;
    let event = |name: &str, key: &str| json!({"event": name, "distinct_id": "ada", "api_key": key});
    post(&site, "/batch", &json!({"batch": [event("inside", &site.key)]})).await.expect(200);
    // The request's own key wins, and what names another is refused alone.
    let events =
        json!([event("mine", &site.key), event("theirs", &other.key), {"event": "nobody's", "distinct_id": "ada"}]);
    post(&site, "/batch", &json!({"api_key": site.key, "batch": events})).await.expect(200);
    let mut names: Vec<_> = rows(&app, &site).await.into_iter().map(|row| row.event_type).collect();
    names.sort_unstable();
    assert_eq!(names, ["inside", "mine", "nobody's"]);
    assert_eq!(rows(&app, &other).await, []);
    let theirs = json!({"api_key": site.key, "batch": [event("theirs", &other.key)]});
    assert_eq!(post(&site, "/batch", &theirs).await.expect(400).at("/code"), "wrong_key");
    // Where there is no batch, that is said.
    for body in [json!({"api_key": site.key}), json!({"api_key": site.key, "batch": {}})] {
        assert_eq!(post(&site, "/batch", &body).await.expect(400).at("/attr"), "batch", "{body}");
    }
    let segment = post(&site, "/v1/batch", &json!({"writeKey": site.key})).await.expect(400);
    assert!(segment.at("/message").as_str().unwrap().contains("batch"), "{}", segment.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newer_door_of_posthog_tells_of_each_event() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let (good, bad) = ("01a2044c-58a0-71b1-8bb6-05b44a2e65df", "01a2044c-58a0-71b1-8bb6-05b44a2e65d0");
    let body = json!({"created_at": "2026-11-22T12:00:00Z", "batch": [
        {"event": "x", "uuid": good, "distinct_id": "cart-7", "timestamp": "2026-11-22T11:59:00Z", "session_id": "s-1",
         "options": {"process_person_profile": false}, "properties": {"price": 3}},
        {"event": "", "uuid": bad, "distinct_id": "ada", "timestamp": "2026-11-22T11:59:00Z", "options": {}, "properties": {}},
    ]});
    let request = app.http.post(format!("{}/i/v1/analytics/events", app.url)).bearer_auth(&site.key);
    let reply = Reply::of(request.json(&body)).await.expect(200);
    let dropped = json!({"result": "drop", "details": "missing_field"});
    assert_eq!(reply.body, json!({"results": {good: {"result": "ok"}, bad: dropped}}));
    let row = row(&app, &site).await;
    assert_eq!((row.session_id.as_deref(), row.timestamp), (Some("s-1"), NOW - 60_000));
    assert_eq!((row.user_id, row.anonymous_id.as_deref()), (None, Some("cart-7")));
    let request = app.http.post(format!("{}/i/v1/analytics/events", app.url)).bearer_auth("wrong");
    Reply::of(request.json(&body)).await.expect(401);
    let generation = json!({"api_key": site.key, "batch": [{"event": "$ai_generation", "distinct_id": "ada"}]});
    post(&site, "/i/v0/ai/batch/", &generation).await.expect(200);
    assert_eq!(rows(&app, &site).await.len(), 2);
}
