//! Segment's HTTP tracking API.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::{post, stored};
use crate::{
    rest::{row, rows},
    support::{
        app::{NOW, Store, TestApp},
        reply::Reply,
    },
};

fn context() -> Value {
    json!({
        "ip": "203.0.113.7",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "locale": "de-CH",
        "page": {"url": "https://shop.example/cart?x=1", "referrer": "https://search.example/", "title": "Cart", "path": "/cart", "search": "?x=1"},
        "campaign": {"source": "mail", "medium": "email", "name": "autumn", "term": "beans", "content": "button", "id": "c-1"},
        "screen": {"width": 1536, "height": 864, "density": 2},
        "location": {"country": "CH", "region": "Zürich", "city": "Winterthur", "latitude": 47.5},
        "timezone": "Europe/Zurich",
        "library": {"name": "analytics.js", "version": "2.1.0"},
        "traits": {"plan": "pro"},
        "sessionId": 1_795_000_000,
    })
}

both_stores! {
    async fn a_call_is_stored_whole(store: Store) {
        let app = TestApp::start(store).await;
        let row = stored(&app, "a", "/v1/track", |key| json!({
            "writeKey": key, "messageId": "m-1", "type": "track", "event": "Order Completed", "userId": 42,
            "anonymousId": "a-1", "properties": {"revenue": 24.5, "currency": "eur", "url": "mine"}, "context": context(),
            "timestamp": "2026-11-22T11:00:00.000Z", "sentAt": "2026-11-22T11:00:10.000Z", "integrations": {"All": true},
        })).await;
        assert_eq!(row.client_id.as_deref(), Some("m-1"));
        assert_eq!(row.timestamp, NOW - 10_000, "its clock is an hour late");
        assert_eq!(row.event_type, "Order Completed");
        assert_eq!((row.user_id.as_deref(), row.anonymous_id.as_deref()), (Some("42"), Some("a-1")));
        assert_eq!(row.session_id.as_deref(), Some("1795000000"));
        assert_eq!(row.url.as_deref(), Some("https://shop.example/cart?x=1"));
        assert_eq!((row.title.as_deref(), row.referrer.as_deref()), (Some("Cart"), Some("https://search.example/")));
        assert_eq!((row.language.as_deref(), row.browser.as_deref()), (Some("de-CH"), Some("Firefox")));
        assert_eq!((row.screen_width, row.screen_height), (Some(1536), Some(864)));
        assert_eq!((row.country.as_deref(), row.city.as_deref()), (Some("CH"), Some("Winterthur")));
        assert_eq!((row.utm_source.as_deref(), row.utm_campaign.as_deref()), (Some("mail"), Some("autumn")));
        let rest = (row.utm_medium.as_deref(), row.utm_term.as_deref(), row.utm_content.as_deref());
        assert_eq!(rest, (Some("email"), Some("beans"), Some("button")));
        assert_eq!((row.revenue, row.currency.as_deref()), (Some(24_500_000), Some("EUR")));
        assert_eq!(row.ip_address.as_deref(), Some("203.0.113.0"));
        assert_eq!(row.metadata, Some(json!({
            "revenue": 24.5, "currency": "eur", "url": "mine",
            "context": {
                "timezone": "Europe/Zurich", "library": {"name": "analytics.js", "version": "2.1.0"},
                "traits": {"plan": "pro"}, "screen": {"density": 2}, "campaign": {"id": "c-1"},
                "location": {"latitude": 47.5},
            },
        })));
    }

    async fn every_call_has_its_event(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let batch = json!([
            {"type": "identify", "messageId": "1", "userId": "ada", "anonymousId": "a", "traits": {"plan": "pro"}},
            {"type": "page", "messageId": "2", "userId": "ada", "name": "Start", "category": "Docs",
             "properties": {"url": "https://x.example/y?utm_source=own", "title": "Y", "path": "/y", "search": "?q", "mine": 1}},
            {"type": "screen", "messageId": "3", "userId": "ada", "name": "Home"},
            {"type": "group", "messageId": "4", "userId": "ada", "groupId": "g-1", "traits": {"seats": 5}},
            {"type": "alias", "messageId": "5", "userId": "ada", "previousId": "a"},
            {"type": "track", "messageId": "6", "event": "x", "originalTimestamp": "2026-11-22T11:59:00Z", "timestamp": "1970-01-01T00:00:00Z"},
        ]);
        let reply = post(&site, "/v1/batch", &json!({"batch": batch, "writeKey": site.key, "sentAt": "2026-11-22T12:00:00Z"})).await;
        assert_eq!(reply.expect(200).body, json!({"success": true}));
        let mut rows = rows(&app, &site).await;
        rows.sort_by_key(|row| row.client_id.clone());
        let types: Vec<&str> = rows.iter().map(|row| row.event_type.as_str()).collect();
        assert_eq!(types, ["identify", "page_view", "screen", "group", "alias", "x"]);
        let metadata: Vec<Value> = rows.iter().map(|row| row.metadata.clone().unwrap_or_default()).collect();
        assert_eq!(metadata[0], json!({"plan": "pro"}));
        assert_eq!(metadata[1], json!({"mine": 1, "name": "Start", "category": "Docs"}));
        assert_eq!(metadata[2], json!({"name": "Home"}));
        assert_eq!(metadata[3], json!({"seats": 5, "group_id": "g-1"}));
        assert_eq!((rows[1].path.as_deref(), rows[1].title.as_deref()), (Some("/y"), Some("Y")));
        assert_eq!(rows[5].timestamp, NOW - 60_000);
    }
}

/// Calls of a batch that are refused while their neighbours are stored.
fn bad_calls() -> Vec<Value> {
    let many: serde_json::Map<_, _> = (0..201).map(|n| (format!("p{n}"), json!(1))).collect();
    vec![
        json!(null),
        json!(7),
        json!([]),
        json!({}),
        json!({"type": 7}),
        json!({"type": "video"}),
        json!({"type": "track"}),
        json!({"type": "track", "event": null}),
        json!({"type": "track", "event": " "}),
        json!({"type": "track", "event": {"a": 1}}),
        json!({"type": "track", "event": "x", "userId": {"id": 1}}),
        json!({"type": "track", "event": "x", "userId": "u".repeat(201)}),
        json!({"type": "track", "event": "x", "userId": "a\u{0}"}),
        json!({"type": "track", "event": "x", "messageId": "m".repeat(101)}),
        json!({"type": "track", "event": "x", "timestamp": "yesterday"}),
        json!({"type": "track", "event": "x", "timestamp": "2026-11-23T12:00:00Z"}),
        json!({"type": "track", "event": "x", "properties": [1]}),
        json!({"type": "track", "event": "x", "properties": many}),
        json!({"type": "track", "event": "x", "properties": {"a": "b".repeat(33_000)}}),
        json!({"type": "track", "event": "x", "properties": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {}}}}}}}}}}),
        json!({"type": "identify", "traits": "pro"}),
    ]
}

/// Oddities that cost no event.
fn odd_calls() -> Vec<Value> {
    vec![
        json!({"type": "track", "event": "x", "context": 7}),
        json!({"type": "track", "event": "x", "context": {"page": [], "screen": "wide", "campaign": 1, "location": null}}),
        json!({"type": "track", "event": "x", "context": {"ip": "unknown", "userAgent": {}, "locale": 1}}),
        json!({"type": "track", "event": "x", "context": {"screen": {"width": "wide", "height": -1}}}),
        json!({"type": "track", "event": "x", "context": {"location": {"country": "Switzerland", "city": 7}}}),
        json!({"type": "track", "event": "x", "properties": {"revenue": "free", "currency": "Euro"}}),
        json!({"type": "track", "event": "x", "properties": {"revenue": 0.1 + 0.2}}),
        json!({"type": "track", "event": "x", "properties": null, "traits": null, "integrations": 1}),
        json!({"type": "track", "event": "x", "userId": null, "messageId": ""}),
        json!({"type": "track", "event": "x", "timestamp": "2026-11-22T12:00:00"}),
        json!({"type": "track", "event": "x", "sentAt": "just now", "timestamp": "2026-11-22T12:00:00Z"}),
        json!({"type": "track", "event": "x".repeat(101)}),
        json!({"type": "page", "properties": {"url": format!("https://x.example/{}", "u".repeat(2_048))}}),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_of_bad_calls_are_stored() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    for bad in bad_calls() {
        let reply = post(&site, "/v1/batch", &json!({"writeKey": site.key, "batch": [bad]})).await.expect(400);
        assert_eq!(reply.at("/success"), false);
        assert_eq!(reply.at("/code"), "invalid_request", "{bad}");
        assert!(!reply.at("/message").as_str().unwrap().is_empty());
    }
    assert_eq!(rows(&app, &site).await, []);
    let odd = odd_calls();
    let batch: Vec<Value> = bad_calls().into_iter().chain(odd.clone()).collect();
    let reply = post(&site, "/v1/batch", &json!({"writeKey": site.key, "batch": batch})).await;
    assert_eq!(reply.expect(200).body, json!({"success": true}));
    let rows = rows(&app, &site).await;
    assert_eq!(rows.len(), odd.len());
    let amounts: Vec<i64> = rows.iter().filter_map(|row| row.revenue).collect();
    assert_eq!(amounts, [300_000], "0.30000000000000004 is thirty cents");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_be_told_to_a_destination() {
    let app = TestApp::start(Store::Sqlite).await;
    for (name, integrations, session) in [
        ("a", json!({"Amplitude": {"session_id": 1_795_000_000}}), Some("1795000000")),
        ("b", json!({"All": false, "Actions Amplitude": {"session_id": "s-1"}}), Some("s-1")),
        ("c", json!({"Amplitude": true}), None),
    ] {
        let row = stored(
            &app,
            name,
            "/v1/track",
            |key| json!({"writeKey": key, "event": "x", "context": {"library": {"name": "x"}}, "integrations": integrations}),
        );
        assert_eq!(row.await.session_id.as_deref(), session, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_context_of_a_batch_is_that_of_its_calls() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let own =
        json!({"locale": "fr", "page": {"title": "Own"}, "library": {"version": "3"}, "os": "mine", "device": null});
    let batch = json!([
        {"type": "track", "messageId": "1", "event": "x", "context": own},
        {"type": "track", "messageId": "2", "event": "x"},
    ]);
    let shared = json!({
        "locale": "de-CH", "page": {"title": "Shared", "url": "https://shop.example/"}, "device": {"id": 1},
        "library": {"name": "node", "version": "1"}, "os": {"name": "Linux"},
    });
    let body = |context: Value| json!({"writeKey": site.key, "batch": batch, "context": context});
    post(&site, "/v1/batch", &body(shared)).await.expect(200);
    let mut rows = rows(&app, &site).await;
    rows.sort_by_key(|row| row.client_id.clone());
    let told: Vec<_> =
        rows.iter().map(|row| (row.language.as_deref(), row.title.as_deref(), row.url.as_deref())).collect();
    let url = Some("https://shop.example/");
    assert_eq!(told, [(Some("fr"), Some("Own"), url), (Some("de-CH"), Some("Shared"), url)]);
    let context = |n: usize| rows[n].metadata.as_ref().unwrap()["context"].clone();
    assert_eq!(context(0), json!({"library": {"name": "node", "version": "3"}, "os": "mine", "device": null}));
    let whole = json!({"library": {"name": "node", "version": "1"}, "os": {"name": "Linux"}, "device": {"id": 1}});
    assert_eq!(context(1), whole);
    // It counts as part of each event, and of the body as often as there are calls.
    for (bytes, most) in [(40_000, "32768"), (3 << 20, "5242880")] {
        let reply = post(&site, "/v1/batch", &body(json!({"x": "y".repeat(bytes)}))).await.expect(400);
        assert!(reply.at("/message").as_str().unwrap().contains(most), "{}", reply.text);
    }
    // What is no context says nothing.
    let one =
        json!({"writeKey": site.key, "batch": [{"type": "track", "messageId": "3", "event": "x"}], "context": "x"});
    post(&site, "/v1/batch", &one).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_key_is_the_user_name() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let call = json!({"messageId": "m-1", "event": "x", "userId": "ada"});
    let mut body = GzEncoder::new(Vec::new(), Compression::default());
    body.write_all(call.to_string().as_bytes()).unwrap();
    let request = app.http.post(format!("{}/v1/track", app.url)).basic_auth(&site.key, Some(""));
    let request = request.header("content-encoding", "gzip").body(body.finish().unwrap());
    Reply::of(request).await.expect(200);
    // The same message again is a success, and counts once.
    let request = app.http.post(format!("{}/v1/track", app.url)).basic_auth(&site.key, Some(""));
    Reply::of(request.json(&call)).await.expect(200);
    assert_eq!(row(&app, &site).await.client_id.as_deref(), Some("m-1"));
    let request = app.http.post(format!("{}/v1/track", app.url)).basic_auth("wrong", Some(""));
    let reply = Reply::of(request.json(&call)).await.expect(401);
    assert_eq!((reply.at("/success"), reply.at("/code")), (&json!(false), &json!("unauthenticated")));
    let reply = app.anonymous().get(&format!("/v1/projects/{}/settings", site.key)).await.expect(200);
    assert_eq!(reply.at("/integrations/Segment.io/apiKey"), &json!(site.key));
}
