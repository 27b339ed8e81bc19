//! Bodies of events in every dialect, as text and over the wire, and what stands in the head of a request.

use std::net::IpAddr;

use event_analytics::{
    config::{Config, Limits, client_ip},
    ingest::wire::{Call, Dialect, Format},
};
use proptest::sample::select;
use tokio::runtime::Handle;

use super::{bent, fuzz};
use crate::support::{
    app::{NOW, Store, TestApp},
    reply::Reply,
};

const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    ",",
    ":",
    "null",
    "true",
    "1e400",
    "-0",
    "0.1",
    "\\u0000",
    "\\ud800",
    "é",
    "\u{feff}",
    "\n",
    "{\"a\":",
    "[[",
    "\"timestamp\":",
    "\"event_type\":",
    "\"metadata\":",
    "\"batch\":[",
    "99999999999999999999",
    "2026-02-30T25:61:61Z",
    "-9999-01-01T00:00:00Z",
    "data=",
    "%7B",
    "+",
];

fn seeds() -> Vec<String> {
    [
        r#"{"event_type":"a","id":"1","timestamp":"2026-11-22T11:00:00Z","user_id":"ada","metadata":{"a":[1,{"b":null}]}}"#,
        r#"{"events":[{"eventType":"a","revenue":"24.50","currency":"EUR"},{"event_type":"identify"}],"sent_at":"2026-11-22T12:00:00Z"}"#,
        "{\"event_type\":\"a\"}\n{\"event_type\":\"b\",\"screen_width\":100}\n",
        r#"{"batch":[{"type":"track","event":"a","messageId":"m","context":{"page":{"url":"https://a.example/?utm_source=x"}},"properties":{"price":"1.5"}}],"writeKey":"k"}"#,
        r#"{"api_key":"k","batch":[{"event":"$pageview","distinct_id":"d","properties":{"$current_url":"https://a.example"},"offset":100}]}"#,
        r#"{"type":"event","payload":{"website":"k","name":"a","url":"/","data":{"x":1}}}"#,
        r#"{"n":"pageview","d":"a.example","u":"https://a.example/","p":{"a":"b"},"revenue":{"amount":"1","currency":"EUR"}}"#,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn limits() -> Limits {
    let secret = |name: &str| (name.to_owned(), "s".repeat(64));
    Config::from_vars([secret("JWT_SECRET"), secret("API_KEY_SECRET")]).unwrap().limits
}

#[test]
fn bodies_of_events() {
    let limits = limits();
    let mut dialects = vec![Dialect::PostHog, Dialect::Umami, Dialect::Plausible];
    dialects.extend([Format::Json, Format::Ndjson].map(Dialect::Native));
    dialects.extend([Call::Track, Call::Identify, Call::Page, Call::Alias, Call::Batch].map(Dialect::Segment));
    fuzz(&bent(seeds(), WORDS, 20_000), |body| {
        for dialect in &dialects {
            let Ok(events) = dialect.split(&body, &limits) else { continue };
            for (_, event) in events.parse(NOW, &limits) {
                let refused = event.as_ref().is_err_and(|refusal| refusal.code.is_empty());
                assert!(!refused, "a refusal says why");
            }
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_with_events() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let paths = [
        "/api/v1/events",
        "/api/v1/events/batch",
        "/v1/batch",
        "/v1/track",
        "/batch",
        "/e",
        "/e?compression=gzip-js",
        "/capture",
        "/i/v0/e?compression=lz64",
        "/api/send",
        "/api/event",
    ];
    let types = ["application/json", "application/x-ndjson", "text/plain", "application/x-www-form-urlencoded"];
    let encodings = ["identity", "gzip", "deflate", "br", "zstd", "gzip, br"];
    let requests =
        (select(paths.to_vec()), select(types.to_vec()), select(encodings.to_vec()), bent(seeds(), WORDS, 500));
    tokio::task::block_in_place(|| {
        fuzz(&requests, |(path, content_type, encoding, body)| {
            let request = app.anonymous().request("POST", path).header("x-api-key", &site.key).body(body);
            let request = request.header("content-type", content_type).header("content-encoding", encoding);
            let reply = Handle::current().block_on(Reply::of(request));
            assert!(reply.status.as_u16() < 500, "{path} {content_type} {encoding}: {}", reply.text);
        });
    });
}

#[test]
fn addresses_of_proxies() {
    let seeds = ["203.0.113.9, 10.0.0.1", "[2001:db8::1]:443,10.0.0.2:80", "::ffff:10.0.0.1", "unknown"];
    let words = &[",", ":", "[", "]", ".", "0", "255", "::", " ", "é", "%"];
    let trusted = ["10.0.0.0/8".parse().unwrap(), "::/0".parse().unwrap()];
    fuzz(&bent(seeds.map(str::to_owned).to_vec(), words, 100), |header| {
        let header = String::from_utf8_lossy(&header);
        let stranger: IpAddr = "198.51.100.7".parse().unwrap();
        assert_eq!(client_ip(stranger, [&*header], &trusted[..1]), stranger, "nobody believes a stranger");
        client_ip("10.0.0.1".parse().unwrap(), [&*header, &*header], &trusted);
    });
}
