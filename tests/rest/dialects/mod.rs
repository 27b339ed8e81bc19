//! Clients made for others: their paths, their bodies, their answers; and what holds for all of them.

mod devices;
mod lenient;
mod pixel;
mod plausible;
mod posthog;
mod property;
mod segment;
mod umami;

use event_analytics::entity::event::Model;
use reqwest::Method;
use serde_json::{Value, json};

use super::{row, rows};
use crate::support::{
    app::{Store, TestApp},
    people::Site,
    reply::Reply,
};

/// Posts a body that carries its key inside.
async fn post(site: &Site, path: &str, body: &Value) -> Reply {
    Reply::of(site.owner.http.post(format!("{}{path}", site.owner.url)).json(body)).await
}

/// A site of its own, so that its event is the only one.
async fn fresh(app: &TestApp, name: &str) -> Site {
    Site::of(app.user(name).await, name).await
}

/// A path of every dialect, with an event that it takes, the key inside.
fn doors(key: &str) -> Vec<(&'static str, Value)> {
    let segment = json!({"writeKey": key, "messageId": "1", "type": "track", "event": "x", "userId": "ada"});
    let posthog = json!({"api_key": key, "event": "x", "distinct_id": "ada"});
    let umami = json!({"type": "event", "payload": {"website": key, "name": "x"}});
    let mut doors = vec![
        ("/v1/track", segment.clone()),
        ("/v1/batch", json!({"writeKey": key, "batch": [segment]})),
        ("/v1/import", json!({"writeKey": key, "batch": [{"type": "track", "event": "x"}]})),
        ("/batch", json!({"api_key": key, "batch": [{"event": "x", "distinct_id": "ada"}]})),
        ("/e", json!([{"token": key, "event": "x", "distinct_id": "ada"}])),
        ("/e/", json!([{"event": "x", "properties": {"token": key, "distinct_id": "ada"}}])),
        ("/api/send", umami.clone()),
        ("/api/batch", json!([umami])),
        ("/api/event", json!({"n": "x", "u": "https://shop.example/", "d": key})),
    ];
    for path in ["/capture", "/capture/", "/batch/", "/i/v0/e", "/i/v0/e/", "/track", "/track/"] {
        doors.push((path, posthog.clone()));
    }
    for path in ["/v1/t", "/v1/identify", "/v1/i", "/v1/page", "/v1/p", "/v1/screen", "/v1/s", "/v1/group", "/v1/g"] {
        doors.push((path, json!({"writeKey": key, "event": "x", "anonymousId": "a"})));
    }
    for path in ["/v1/alias", "/v1/a"] {
        doors.push((path, json!({"writeKey": key, "previousId": "a", "userId": "ada"})));
    }
    doors.push(("/v1/b", json!({"writeKey": key, "batch": [{"type": "track", "event": "x"}]})));
    doors.push(("/i/v0/ai/batch", json!({"api_key": key, "batch": [{"event": "x", "distinct_id": "ada"}]})));
    doors.push(("/i/v1/analytics/events", json!({"batch": [{"event": "x", "distinct_id": "ada", "api_key": key}]})));
    doors
}

fn body_of(key: &str, path: &str) -> Value {
    doors(key).into_iter().find(|(other, _)| *other == path).unwrap().1
}

both_stores! {
    async fn a_key_may_be_inside_or_in_the_head(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let doors = doors(&site.key);
        for (path, body) in &doors {
            let reply = post(&site, path, body).await;
            assert!(reply.status.is_success(), "{path}: {} {}", reply.status, reply.text);
            assert_eq!(reply.header("ratelimit-limit"), "1000000", "{path}");
            let strange = &body_of("shop.example", path);
            assert_eq!(post(&site, path, strange).await.status, 401, "{path}");
            // What the body says counts for nothing beside a key in the head.
            let request = app.http.post(format!("{}{path}", app.url)).header("x-api-key", &site.key);
            let reply = Reply::of(request.json(strange)).await;
            assert!(reply.status.is_success(), "{path}: {} {}", reply.status, reply.text);
        }
        // Twice from each door, but three that repeat an id.
        let rows = rows(&app, &site).await;
        assert_eq!(rows.len(), 2 * doors.len() - 3);
        let whole = serde_json::to_string(&rows.iter().map(|row| &row.metadata).collect::<Vec<_>>()).unwrap();
        assert!(!whole.contains("uea_"), "a key is never kept: {whole}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_at_every_door() {
    let app = TestApp::with(Store::Sqlite, &[("MAX_BODY_BYTES", "100000")]).await;
    let site = app.site().await;
    for (path, _) in doors("") {
        let send = |body: Vec<u8>| {
            let request = app.http.post(format!("{}{path}", app.url)).header("x-api-key", &site.key);
            Reply::of(request.header("content-type", "application/json").body(body))
        };
        for body in [&b""[..], b" ", b"{", b"[1", b"nonsense", b"7", b"\"x\"", b"{} {}", b"\xff\xfe", b"[]"] {
            let reply = send(body.to_vec()).await;
            assert_eq!(reply.status, 400, "{path} {body:?}: {}", reply.text);
            assert!(reply.body.is_object(), "{path} {body:?}: {}", reply.text);
        }
        let reply = send(vec![b' '; 100_001]).await;
        assert_eq!(reply.status, if path.starts_with("/v1/") { 400 } else { 413 }, "{path}: {}", reply.text);
        assert!(reply.text.contains("100000"), "{path}: {}", reply.text);
        for method in [Method::PUT, Method::DELETE, Method::PATCH] {
            let reply = Reply::of(app.http.request(method, format!("{}{path}", app.url))).await.expect(405);
            assert!(reply.header("allow").contains("POST"), "{path}");
            assert!(reply.body.is_object(), "{path}: {}", reply.text);
        }
        let preflight = app.http.request(Method::OPTIONS, format!("{}{path}", app.url));
        let preflight = preflight.header("origin", "https://shop.example");
        let preflight = preflight.header("access-control-request-method", "POST");
        let preflight = preflight.header("access-control-request-headers", "content-type,x-umami-cache");
        let reply = Reply::of(preflight).await.expect(200);
        assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}");
        assert!(reply.header("access-control-allow-headers").contains("x-umami-cache"), "{path}");
    }
    assert_eq!(rows(&app, &site).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_holds_at_every_door() {
    let app = TestApp::with(Store::Sqlite, &[("RATE_LIMIT_INGEST_PER_MINUTE", "1")]).await;
    for (number, (path, _)) in doors("").into_iter().enumerate() {
        let site = fresh(&app, &format!("user{number}")).await;
        let body = body_of(&site.key, path);
        assert!(post(&site, path, &body).await.status.is_success(), "{path}");
        let reply = post(&site, path, &body).await.expect(429);
        assert!((1..=60).contains(&reply.header("retry-after").parse::<u64>().unwrap()), "{path}");
        assert_eq!(rows(&app, &site).await.len(), 1, "{path}");
    }
}

/// The one row of a fresh site after `body`, built with its key, was posted to `path`.
async fn stored(app: &TestApp, name: &str, path: &str, body: impl FnOnce(&str) -> Value) -> Model {
    let site = fresh(app, name).await;
    let reply = post(&site, path, &body(&site.key)).await;
    assert!(reply.status.is_success(), "{name}: {}", reply.text);
    row(app, &site).await
}
