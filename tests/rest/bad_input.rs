//! Whatever is wrong gets its status, a stable code and the field, and leaves nothing behind.

use reqwest::Method;
use serde_json::{Value, json};

use super::{counts, rows, send};
use crate::support::{
    app::{Store, TestApp},
    people::Site,
    reply::Reply,
};

/// Fails unless the reply is this error and the envelope is whole.
#[track_caller]
fn assert_error(reply: &Reply, what: &str, (status, code, field): (u16, &str, Option<&str>)) {
    assert_eq!(reply.status.as_u16(), status, "{what}: {}", reply.text);
    assert_eq!(reply.at("/success"), false, "{what}");
    assert_eq!(reply.at("/error/code"), code, "{what}: {}", reply.text);
    assert_eq!(reply.at("/error/field").as_str(), field, "{what}: {}", reply.text);
    assert!(!reply.at("/error/message").as_str().unwrap().is_empty(), "{what}");
}

fn nested(levels: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

/// Events that are refused one by one, with the code and the field.
fn bad_events() -> Vec<(String, &'static str, Option<&'static str>)> {
    let event = |fields: &str| format!(r#"{{"event_type":"x",{fields}}}"#);
    let many: String = (0..201).map(|n| format!(r#""p{n}":1,"#)).collect();
    vec![
        ("{}".into(), "MISSING_FIELD", Some("event_type")),
        (r#"{"event_type":null}"#.into(), "MISSING_FIELD", Some("event_type")),
        (r#"{"event_type":""}"#.into(), "EMPTY", Some("event_type")),
        (r#"{"event_type":"  "}"#.into(), "EMPTY", Some("event_type")),
        (r#"{"event_type":7}"#.into(), "WRONG_TYPE", Some("event_type")),
        (r#"{"event_type":["x"]}"#.into(), "WRONG_TYPE", Some("event_type")),
        (format!(r#"{{"event_type":"{}"}}"#, "x".repeat(101)), "TOO_LONG", Some("event_type")),
        (r#"{"event_type":"a\u0000b"}"#.into(), "NUL_CHARACTER", Some("event_type")),
        (r#"{"event_type":"\ud800"}"#.into(), "INVALID_JSON", Some("event_type")),
        (r#"{"event_type":"x","eventType":"y"}"#.into(), "DUPLICATE_FIELD", Some("event_type")),
        (event(r#""user_id":"a","user_id":"b""#), "DUPLICATE_FIELD", Some("user_id")),
        (event(r#""user_id":42"#), "WRONG_TYPE", Some("user_id")),
        (event(r#""user_id":"a\u0000""#), "NUL_CHARACTER", Some("user_id")),
        (event(&format!(r#""session_id":"{}""#, "é".repeat(101))), "TOO_LONG", Some("session_id")),
        (event(&format!(r#""id":"{}""#, "i".repeat(101))), "TOO_LONG", Some("id")),
        (event(r#""id":12"#), "WRONG_TYPE", Some("id")),
        (event(&format!(r#""url":"https://example.com/{}""#, "u".repeat(2_048))), "TOO_LONG", Some("url")),
        (event(r#""referrer":{}"#), "WRONG_TYPE", Some("referrer")),
        (event(r#""screen_width":"wide""#), "WRONG_TYPE", Some("screen_width")),
        (event(r#""screen_width":-1"#), "NUMBER_OUT_OF_RANGE", Some("screen_width")),
        (event(r#""screen_height":65536"#), "NUMBER_OUT_OF_RANGE", Some("screen_height")),
        (event(r#""screen_height":1e400"#), "NUMBER_OUT_OF_RANGE", Some("screen_height")),
        (event(r#""timestamp":"-000001-01-01T00:00:00Z""#), "TIMESTAMP_OUT_OF_RANGE", Some("timestamp")),
        (event(r#""timestamp":"99999-01-01T00:00:00Z""#), "TIMESTAMP_INVALID", Some("timestamp")),
        (event(r#""timestamp":"2026-11-22T12:00:00""#), "TIMESTAMP_INVALID", Some("timestamp")),
        (event(r#""timestamp":"2026-13-22T12:00:00Z""#), "TIMESTAMP_INVALID", Some("timestamp")),
        (event(r#""timestamp":"yesterday""#), "TIMESTAMP_INVALID", Some("timestamp")),
        (event(r#""timestamp":true"#), "WRONG_TYPE", Some("timestamp")),
        (event(r#""timestamp":1e400"#), "NUMBER_OUT_OF_RANGE", Some("timestamp")),
        (event(r#""timestamp":1e300"#), "TIMESTAMP_INVALID", Some("timestamp")),
        (event(r#""timestamp":"2026-11-22T12:05:01Z""#), "TIMESTAMP_OUT_OF_RANGE", Some("timestamp")),
        (event(r#""timestamp":"2000-01-01T00:00:00Z""#), "TIMESTAMP_OUT_OF_RANGE", Some("timestamp")),
        (event(r#""timestamp":0"#), "TIMESTAMP_OUT_OF_RANGE", Some("timestamp")),
        (event(r#""sent_at":"soon""#), "TIMESTAMP_INVALID", Some("sent_at")),
        (event(r#""metadata":[1]"#), "WRONG_TYPE", Some("metadata")),
        (event(r#""metadata":"text""#), "WRONG_TYPE", Some("metadata")),
        (event(r#""metadata":{"n":1e400}"#), "NUMBER_OUT_OF_RANGE", Some("metadata")),
        (event(r#""metadata":{"s":"\udc00"}"#), "INVALID_JSON", Some("metadata")),
        (event(r#""metadata":{"a":{"b":["x\u0000"]}}"#), "NUL_CHARACTER", Some("metadata.a.b")),
        (event(r#""metadata":{"a\u0000":1}"#), "NUL_CHARACTER", Some("metadata.a\u{fffd}")),
        (event(&format!(r#""metadata":{}"#, nested(9))), "TOO_DEEP", Some("metadata")),
        (event(&format!(r#""metadata":{}"#, nested(1_000))), "TOO_DEEP", Some("metadata")),
        (event(&format!(r#""metadata":{{{many}"z":1}}"#)), "TOO_MANY_PROPERTIES", Some("metadata")),
        (event(&format!(r#""metadata":{{"{}":1}}"#, "k".repeat(1_000_000))), "EVENT_TOO_LARGE", None),
        (event(&format!(r#""metadata":{{"a":"{}"}}"#, "v".repeat(33 * 1_024))), "EVENT_TOO_LARGE", None),
        (event(r#""ip":"1.2.3""#), "INVALID_VALUE", Some("ip")),
        (event(r#""country":"Germany""#), "INVALID_VALUE", Some("country")),
        ("null".into(), "WRONG_TYPE", None),
        ("[]".into(), "WRONG_TYPE", None),
        ("\"event\"".into(), "WRONG_TYPE", None),
        ("1e999".into(), "WRONG_TYPE", None),
        (r#"{"\ud800":1,"event_type":"x"}"#.into(), "INVALID_JSON", None),
        (format!("{}{}", "[".repeat(1_000), "]".repeat(1_000)), "WRONG_TYPE", None),
    ]
}

type BadBody = (&'static str, Vec<u8>, u16, &'static str, Option<&'static str>);

/// Bodies that are refused as a whole.
fn bad_bodies() -> Vec<BadBody> {
    let array = |events: usize| format!("[{}]", vec![r#"{"event_type":"x"}"#; events].join(","));
    let bad = "BAD_USER_INPUT";
    vec![
        ("no body", Vec::new(), 400, bad, Some("body")),
        ("only space", b" \r\n\t ".to_vec(), 400, bad, Some("body")),
        ("not JSON", b"event_type=x".to_vec(), 400, bad, Some("body")),
        ("half of it", br#"{"event_type":"x""#.to_vec(), 400, bad, Some("body")),
        ("half an array", br#"[{"event_type":"x"}"#.to_vec(), 400, bad, Some("body")),
        ("something behind", br#"{"event_type":"x"} tail"#.to_vec(), 400, bad, Some("body")),
        ("something behind an array", br#"[{"event_type":"x"}] tail"#.to_vec(), 400, bad, Some("body")),
        ("invalid UTF-8", b"{\"event_type\":\"\xff\xfe\"}".to_vec(), 400, bad, Some("body")),
        ("a number", b"7".to_vec(), 400, bad, Some("body")),
        ("a string", b"\"x\"".to_vec(), 400, bad, Some("body")),
        ("no events", b"[]".to_vec(), 400, bad, Some("body")),
        ("an empty envelope", br#"{"events":[]}"#.to_vec(), 400, bad, Some("body")),
        ("events of a wrong type", br#"{"events":{}}"#.to_vec(), 400, bad, Some("events")),
        ("a bad sent_at", br#"{"events":[{"event_type":"x"}],"sent_at":"now"}"#.to_vec(), 400, bad, Some("sent_at")),
        ("2,501 events", array(2_501).into_bytes(), 413, "TOO_LARGE", Some("body")),
        (
            "2,501 in an envelope",
            format!(r#"{{"events":{}}}"#, array(2_501)).into_bytes(),
            413,
            "TOO_LARGE",
            Some("events"),
        ),
        ("more than 5 MiB", vec![b' '; 5 * 1_024 * 1_024 + 1], 413, "TOO_LARGE", Some("body")),
        ("an object that ends too late", br#"{"event_type":"x"}}"#.to_vec(), 400, bad, Some("body")),
        ("brackets without end", vec![b'['; 1_000_000], 400, bad, Some("body")),
    ]
}

both_stores! {
    async fn a_bad_event_is_refused_with_code_and_field(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        for (event, code, field) in bad_events() {
            let what = &event[..event.len().min(80)];
            let array = send(&site, "application/json", format!("[{event}]")).await;
            assert_error(&array, what, (422, code, field));
            assert_eq!(counts(array.at("/data")), (0, 0, 1), "{what}");
            if event.starts_with('{') {
                assert_error(&send(&site, "application/json", event.clone()).await, what, (422, code, field));
            }
        }
        assert_eq!(rows(&app, &site).await, [], "nothing is kept of what is refused");
    }

    async fn a_bad_event_does_not_harm_its_neighbours(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let bad = bad_events();
        let mut events = vec![r#"{"event_type":"first"}"#.to_owned()];
        for (event, _, _) in &bad {
            events.extend([event.clone(), r#"{"event_type":"good"}"#.to_owned()]);
        }
        let data = send(&site, "application/json", format!("[{}]", events.join(","))).await.ok();
        assert_eq!(counts(&data), (bad.len() as u64 + 1, 0, bad.len() as u64));
        let items = data["items"].as_array().unwrap();
        for (place, (item, (event, code, field))) in items.iter().zip(&bad).enumerate() {
            assert_eq!(item["index"], 2 * place + 1, "{event}");
            assert_eq!((item["code"].as_str(), item["field"].as_str()), (Some(*code), *field), "{event}");
        }
        assert_eq!(rows(&app, &site).await.len(), bad.len() + 1);
        // A line is a unit of its own, even when it is no JSON at all.
        let lines = "{\"event_type\":\"a\"}\nnot json\n{\"event_type\":\"b\"}\n{\"half\":";
        let data = send(&site, "application/x-ndjson", lines).await.ok();
        assert_eq!(counts(&data), (2, 0, 2));
        assert_eq!(data["items"][0]["code"], "INVALID_JSON");
    }

    async fn a_bad_body_is_refused_whole(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        for (what, body, status, code, field) in bad_bodies() {
            assert_error(&send(&site, "application/json", body).await, what, (status, code, field));
        }
        let lines = r#"{"event_type":"x"}"#.to_owned() + "\n";
        let reply = send(&site, "application/x-ndjson", lines.repeat(2_501)).await;
        assert_error(&reply, "2,501 lines", (413, "TOO_LARGE", Some("body")));
        assert_eq!(rows(&app, &site).await, []);
        let full = json!(vec![json!({"event_type": "x"}); 2_500]);
        assert_eq!(counts(&site.post(full).await.ok()), (2_500, 0, 0));
    }

    async fn requests_that_are_no_requests(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let json = r#"{"event_type":"x"}"#;
        for content_type in ["application/x-www-form-urlencoded", "text/html", "multipart/form-data", "nonsense", "application/jsonx"] {
            let reply = send(&site, content_type, json).await;
            assert_error(&reply, content_type, (415, "UNSUPPORTED_MEDIA_TYPE", Some("content-type")));
        }
        let reply = Reply::of(site.events().header("content-encoding", "gzip, br").body(json)).await;
        assert_error(&reply, "two encodings", (415, "UNSUPPORTED_ENCODING", Some("content-encoding")));
        assert!(reply.header("accept-encoding").contains("zstd"));
        for (method, path) in [(Method::GET, "events"), (Method::PUT, "events/batch"), (Method::DELETE, "events"), (Method::PATCH, "events")] {
            let request = app.http.request(method.clone(), format!("{}/api/v1/{path}", app.url));
            let reply = Reply::of(request).await;
            assert_error(&reply, method.as_str(), (405, "METHOD_NOT_ALLOWED", None));
            assert!(reply.header("allow").contains("POST"));
        }
        assert_eq!(Reply::of(app.http.post(format!("{}/api/v1/limits", app.url))).await.expect(405).header("allow"), "GET, HEAD, OPTIONS");
        for path in ["", "/", "/event", "/events/1", "/%00"] {
            let reply = Reply::of(app.http.post(format!("{}/api/v1{path}", app.url))).await;
            assert_error(&reply, path, (404, "NOT_FOUND", None));
        }
        assert_eq!(rows(&app, &site).await, []);
    }

    async fn keys_that_open_nothing(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let without = |key: &str| Site { key: key.to_owned(), ..site.clone() };
        let unknown = format!("{}{}", &site.key[..site.key.len() - 4], "0000");
        for key in ["", "x", "Bearer", &unknown, &"k".repeat(5_000), &site.key.to_uppercase()] {
            let reply = without(key).post(json!({"event_type": "x"})).await;
            assert_error(&reply, key, (401, "UNAUTHENTICATED", None));
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
        let missing = app.http.post(format!("{}/api/v1/events", app.url)).json(&json!({"event_type": "x"}));
        assert_error(&Reply::of(missing).await, "no key", (401, "UNAUTHENTICATED", None));
        // Whether the key is good is told before the body is looked at.
        assert_error(&send(&without("x"), "text/html", "junk").await, "both wrong", (401, "UNAUTHENTICATED", None));
        assert_eq!(rows(&app, &site).await, []);
    }
}

/// The server knows after the first bytes, and yet lets the client finish, so that it can read why.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_client_that_still_sends() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let stranger = Site { key: "unknown".into(), ..site.clone() };
    for _ in 0..10 {
        send(&stranger, "application/json", vec![b' '; 4 << 20]).await.expect(401);
        send(&site, "text/html", vec![b' '; 4 << 20]).await.expect(415);
        send(&site, "application/json", vec![b' '; 12 << 20]).await.expect(413);
    }
}

/// What was not said above: a value that breaks in a place of its own must break nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_property_is_no_fault() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    send(&site, "application/json", r#"{"event_type":"x","metadata":{"a":1,"a":2}}"#).await.ok();
    assert_eq!(super::row(&app, &site).await.metadata, Some(json!({"a": 2})));
    let exact: Value = json!({"event_type": "x", "metadata": {"a": "v".repeat(32_000)}});
    site.post(exact).await.ok();
}
