//! PostHog's capture API.

use std::io::Write;

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::{post, stored};
use crate::{
    rest::rows,
    support::{
        app::{NOW, Store, TestApp},
        people::Site,
        reply::Reply,
    },
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

both_stores! {
    async fn a_page_view_of_a_browser_is_stored_whole(store: Store) {
        let app = TestApp::start(store).await;
        let row = stored(&app, "a", "/e/", |key| json!({"api_key": key, "sent_at": "2026-11-22T11:00:10.000Z", "batch": [{
            "uuid": "01a2044c-58a0-71b1-8bb6-05b44a2e65df", "event": "$pageview", "timestamp": "2026-11-22T11:00:00.000Z",
            "properties": {
                "$current_url": "https://shop.example/cart?x=1", "$host": "shop.example", "$pathname": "/cart",
                "$raw_user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "$browser_language": "de-CH", "$screen_height": 864, "$screen_width": 1536, "$lib": "web",
                "distinct_id": "d-1", "$device_id": "d-1", "utm_source": "mail", "utm_medium": null, "gclid": null,
                "$referrer": "$direct", "$referring_domain": "$direct", "title": "Cart", "token": key, "$ip": "203.0.113.7",
                "$session_id": "s-1", "$is_identified": false, "$process_person_profile": false, "price": 3,
            },
        }]})).await;
        assert_eq!((row.id.to_string().as_str(), row.client_id), ("01a2044c-58a0-71b1-8bb6-05b44a2e65df", None));
        assert_eq!((row.event_type.as_str(), row.timestamp), ("page_view", NOW - 10_000));
        assert_eq!((row.user_id, row.anonymous_id.as_deref()), (None, Some("d-1")));
        assert_eq!((row.session_id.as_deref(), row.title.as_deref()), (Some("s-1"), Some("Cart")));
        assert_eq!((row.url.as_deref(), row.referrer), (Some("https://shop.example/cart?x=1"), None));
        assert_eq!((row.language.as_deref(), row.browser.as_deref()), (Some("de-CH"), Some("Firefox")));
        assert_eq!((row.screen_width, row.screen_height), (Some(1536), Some(864)));
        assert_eq!((row.utm_source.as_deref(), row.ip_address.as_deref()), (Some("mail"), Some("203.0.113.0")));
        assert_eq!(row.metadata, Some(json!({
            "$lib": "web", "$device_id": "d-1", "$is_identified": false, "$process_person_profile": false, "price": 3,
        })));
    }

    async fn every_form_of_a_body_is_read(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let event = json!({"event": "x", "properties": {"distinct_id": "ada", "token": site.key, "text": "a+b/c=ü "}});
        let one = event.to_string().into_bytes();
        let batch = json!({"token": site.key, "batch": [event]}).to_string().into_bytes();
        let many = json!([event]).to_string().into_bytes();
        let base64 = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
        let form = |data: &str| url::form_urlencoded::Serializer::new(String::new()).append_pair("data", data).finish();
        let form_type = "application/x-www-form-urlencoded";
        let forms = [
            ("/capture/", "application/json", one.clone()),
            ("/e/", "text/plain", many.clone()),
            ("/batch", "application/json", batch.clone()),
            ("/e/?compression=gzip-js&ver=1.2", "text/plain", gzip(&many)),
            ("/i/v0/e/?compression=gzip", "", gzip(&batch)),
            ("/e/?compression=base64", form_type, form(&base64(&many)).into_bytes()),
            ("/e/", form_type, form(&base64(&gzip(&many))).into_bytes()),
            ("/e/", form_type, form(&String::from_utf8(many.clone()).unwrap()).into_bytes()),
            // Pluses that nobody escaped, and no padding.
            ("/e/", form_type, format!("data={}", base64(&many).trim_end_matches('=')).into_bytes()),
            ("/e/", "text/plain", base64(&many).into_bytes()),
        ];
        let count = forms.len();
        for (path, content_type, body) in forms {
            let request = app.http.post(format!("{}{path}", app.url)).header("content-type", content_type);
            let reply = Reply::of(request.body(body)).await.expect(200);
            let status = if path.starts_with("/i/") { json!("Ok") } else { json!(1) };
            assert_eq!(reply.body, json!({"status": status}), "{path}");
        }
        let request = app.http.post(format!("{}/batch/", app.url)).header("content-encoding", "gzip");
        Reply::of(request.body(gzip(&batch))).await.expect(200);
        let beacon = app.http.post(format!("{}/e/?beacon=1", app.url)).body(one);
        Reply::of(beacon).await.expect(204);
        let rows = rows(&app, &site).await;
        assert_eq!(rows.len(), count + 2);
        assert!(rows.iter().all(|row| row.metadata == Some(json!({"text": "a+b/c=ü "}))));
    }
}

async fn ids(app: &TestApp, name: &str, event: Value) -> (String, Option<String>, Option<String>) {
    let mut event = event;
    let row = stored(app, name, "/capture", |key| {
        event["api_key"] = json!(key);
        event
    })
    .await;
    (row.event_type, row.user_id, row.anonymous_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_known_and_who_is_not() {
    let app = TestApp::start(Store::Sqlite).await;
    let cases = [
        // Browsers say it.
        (json!({"distinct_id": "d", "$device_id": "d", "$is_identified": false}), (None, Some("d"))),
        (
            json!({"distinct_id": "ada", "$device_id": "d", "$user_id": "ada", "$is_identified": true}),
            (Some("ada"), Some("d")),
        ),
        // Old ones have a device that is the person until it is known.
        (json!({"distinct_id": "d", "$device_id": "d"}), (None, Some("d"))),
        (json!({"distinct_id": "ada", "$device_id": "d"}), (Some("ada"), Some("d"))),
        (json!({"distinct_id": "ada", "$device_id": "ada", "$user_id": "ada"}), (Some("ada"), Some("ada"))),
        // Servers choose the id.
        (json!({"distinct_id": "ada", "$lib": "posthog-node", "$is_server": true}), (Some("ada"), None)),
        (json!({"distinct_id": "cart-7", "$process_person_profile": false}), (None, Some("cart-7"))),
        (json!({"distinct_id": 42}), (Some("42"), None)),
        // Nobody.
        (json!({"distinct_id": "$posthog_cookieless", "$cookieless_mode": true}), (None, None)),
        (json!({"distinct_id": null}), (None, None)),
        (json!({}), (None, None)),
    ];
    for (number, (properties, (user, anonymous))) in cases.into_iter().enumerate() {
        let found = ids(&app, &format!("u{number}"), json!({"event": "x", "properties": properties})).await;
        assert_eq!((found.1.as_deref(), found.2.as_deref()), (user, anonymous), "{properties}");
    }
    let identify = json!({"event": "$identify", "distinct_id": "ada", "$set": {"plan": "pro", "age": null},
        "properties": {"$anon_distinct_id": "d", "$is_identified": false}});
    assert_eq!(ids(&app, "i", identify).await, ("identify".into(), Some("ada".into()), Some("d".into())));
    let alias =
        json!({"event": "$create_alias", "distinct_id": "ada", "properties": {"distinct_id": "ada", "alias": "d"}});
    assert_eq!(ids(&app, "l", alias).await, ("alias".into(), Some("ada".into()), None));
    let group = json!({"event": "$groupidentify", "distinct_id": "$company_c",
        "properties": {"$group_type": "company", "$group_key": "c", "$group_set": {"n": 1}}});
    assert_eq!(ids(&app, "g", group).await, ("group".into(), None, None), "a group is nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_are_corrected() {
    let app = TestApp::start(Store::Sqlite).await;
    let at = |path: &'static str, name: &'static str, event: Value| {
        let app = &app;
        async move {
            let mut event = event;
            let row = stored(app, name, path, |key| {
                event["api_key"] = json!(key);
                event
            });
            row.await.timestamp
        }
    };
    let event = |more: Value| {
        let mut event = json!({"event": "x", "distinct_id": "ada"});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    assert_eq!(at("/e", "a", event(json!({"offset": 5_000, "timestamp": "1999-01-01T00:00:00Z"}))).await, NOW - 5_000);
    let late = json!({"timestamp": "2026-11-22T11:00:00Z", "sent_at": "2026-11-22T11:00:01Z"});
    assert_eq!(at("/e", "b", event(late.clone())).await, NOW - 1_000);
    assert_eq!(at("/e?_=1795345201000", "c", event(json!({"timestamp": "2026-11-22T11:00:00Z"}))).await, NOW - 1_000);
    let mut trusted = late;
    trusted["properties"] = json!({"$ignore_sent_at": true});
    assert_eq!(at("/e", "d", event(trusted)).await, NOW - 3_600_000);
    assert_eq!(at("/e", "e", event(json!({"timestamp": "2026-11-22T11:00:00.5"}))).await, NOW - 3_599_500, "UTC");
}

async fn refused(site: &Site, event: &Value) -> Reply {
    post(site, "/batch", &json!({"api_key": site.key, "batch": [event]})).await.expect(400)
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_events_are_refused_alone() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let bad = [
        json!(null),
        json!("x"),
        json!([]),
        json!({}),
        json!({"event": ""}),
        json!({"event": ["x"]}),
        json!({"event": "x", "distinct_id": {"a": 1}}),
        json!({"event": "x", "distinct_id": "x".repeat(201)}),
        json!({"event": "x", "uuid": "x".repeat(101)}),
        json!({"event": "x", "uuid": 7}),
        json!({"event": "x", "properties": "none"}),
        json!({"event": "x", "properties": {"a\u{0}": 1}}),
        json!({"event": "x", "timestamp": "soon"}),
        json!({"event": "x", "offset": -600_000}),
        json!({"event": "x", "properties": {"a": "b".repeat(33_000)}}),
    ];
    for event in &bad {
        let reply = refused(&site, event).await;
        assert_eq!(reply.at("/type"), "validation_error", "{event}");
        assert!(!reply.at("/detail").as_str().unwrap().is_empty());
    }
    let odd = [
        json!({"event": "x", "properties": {"$screen_width": "wide", "$ip": "here", "$browser_language": 1, "title": {}}}),
        json!({"event": "x", "properties": {"$geoip_country_code": "XXX", "$raw_user_agent": [], "utm_source": 7}}),
        json!({"event": "x", "$set": "none", "$set_once": [], "offset": "none", "distinct_id": ""}),
    ];
    let batch: Vec<&Value> = bad.iter().chain(&odd).collect();
    let reply = post(&site, "/batch", &json!({"api_key": site.key, "batch": batch})).await.expect(200);
    assert_eq!(reply.body, json!({"status": 1}));
    assert_eq!(rows(&app, &site).await.len(), odd.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_bodies_are_refused() {
    let app = TestApp::with(Store::Sqlite, &[("MAX_BODY_BYTES", "200000")]).await;
    let site = app.site().await;
    let bomb = gzip(&vec![b' '; 10_000_000]);
    let form = |data: String| format!("data={data}").into_bytes();
    for (body, status) in [
        (bomb.clone(), 413),
        (form(BASE64_STANDARD.encode(&bomb)), 413),
        (gzip(b"{}")[..12].to_vec(), 400),
        (gzip(&gzip(&gzip(b"{}"))), 400),
        (form("%%%".into()), 400),
        (b"data=".to_vec(), 400),
        (b"other=1".to_vec(), 400),
        (br#"{"api_key":"uea_x"}"#.to_vec(), 400),
        (br#"{"api_key":"uea_x","event":"x"}"#.to_vec(), 401),
        (br#"{"api_key":7,"event":"x"}"#.to_vec(), 401),
        (br#"{"event":"x"}"#.to_vec(), 401),
        (br#"{"api_key":"a","api_key":"b","event":"x"}"#.to_vec(), 400),
        (br#"{"batch":7}"#.to_vec(), 400),
    ] {
        let what = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let request =
            app.http.post(format!("{}/e/", app.url)).header("content-type", "application/x-www-form-urlencoded");
        let reply = Reply::of(request.body(body)).await;
        assert_eq!(reply.status.as_u16(), status, "{what}: {}", reply.text);
        assert!(reply.body["detail"].is_string(), "{what}: {}", reply.text);
    }
    assert_eq!(rows(&app, &site).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_the_libraries_ask_is_answered() {
    let app = TestApp::start(Store::Sqlite).await;
    let stranger = app.anonymous();
    for path in ["/decide/?v=3", "/decide", "/flags/?v=2", "/flags"] {
        let reply = Reply::of(stranger.request("POST", path).body("data=eyJ0b2tlbiI6IngifQ==")).await.expect(200);
        assert_eq!(reply.at("/featureFlags"), &json!({}));
        assert_eq!(reply.at("/errorsWhileComputingFlags"), false);
    }
    let reply = stranger.get("/array/uea_key/config").await.expect(200);
    assert_eq!(reply.at("/hasFeatureFlags"), false);
    let script = stranger.get("/array/uea_key/config.js").await.expect(200);
    assert!(script.header("content-type").starts_with("text/javascript"));
    assert!(script.text.contains(r#"["uea_key"]={config:{"#), "{}", script.text);
    stranger.get("/array/%22%5D%3Balert(1)%2F%2F/config.js").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_another_key_are_refused_one_by_one() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let other = Site::of(site.owner.clone(), "Other").await;
    let event = |name: &str, key: &str| json!({"token": key, "event": name, "distinct_id": "ada"});
    let inside = json!({"event": "inside", "properties": {"token": other.key, "distinct_id": "ada"}});
    let events = json!([event("mine", &site.key), event("theirs", &other.key), inside, event("too", &site.key)]);
    assert_eq!(post(&site, "/e/", &events).await.expect(200).body, json!({"status": 1}));
    let stored = |rows: Vec<event_analytics::entity::event::Model>| {
        let mut names: Vec<_> = rows.into_iter().map(|row| row.event_type).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(stored(rows(&app, &site).await), ["mine", "too"]);
    assert!(rows(&app, &other).await.is_empty());
}
