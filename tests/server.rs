//! What surrounds every answer, and connections that misbehave.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{
    app::{Store, TestApp},
    reply::Reply,
};

#[tokio::test]
async fn a_request_has_an_id_of_its_clients_or_of_ours() {
    let server = TestApp::start(Store::Sqlite).await;
    let stranger = server.anonymous();
    let send = async |id: &str| Reply::of(stranger.request("GET", "/health").header("x-request-id", id)).await;
    assert_eq!(send("trace-1.a_B").await.header("x-request-id"), "trace-1.a_B");
    let too_long = "x".repeat(65);
    for odd in ["", "a b", "a\"b", "{}", &too_long] {
        let given = send(odd).await.header("x-request-id").to_owned();
        assert!(given != odd && given.len() == 32, "{odd:?} became {given:?}");
    }
    let answer = stranger.graphql("{ __typename }", json!({})).await;
    assert_eq!(answer.at("/extensions/requestId").as_str().unwrap(), answer.header("x-request-id"));
}

#[tokio::test]
async fn every_answer_is_guarded_against_browsers() {
    let server = TestApp::with(Store::Sqlite, &[("PUBLIC_URL", "https://events.example")]).await;
    for path in ["/health", "/graphql", "/api/v1/limits", "/api/v1/none", "/none", "/"] {
        let reply = server.anonymous().get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(reply.header("referrer-policy"), "strict-origin-when-cross-origin", "{path}");
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert!(!reply.header("cache-control").is_empty(), "{path}");
        assert_eq!(reply.header("strict-transport-security"), "max-age=31536000", "{path}");
    }
    let plain = TestApp::start(Store::Sqlite).await;
    let plain = plain.anonymous();
    assert_eq!(plain.get("/health").await.header("strict-transport-security"), "");
    assert_eq!(plain.get("/none").await.refused(404), "NOT_FOUND");
}

#[tokio::test]
async fn pages_of_others_may_send_events_and_only_listed_ones_ask() {
    let server = TestApp::with(Store::Sqlite, &[("CORS_ALLOWED_ORIGINS", "https://board.example")]).await;
    let preflight = async |path: &str, origin: &str, headers: &str| {
        let request = server.anonymous().request("OPTIONS", path).header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        Reply::of(request.header("access-control-request-headers", headers)).await.expect(200)
    };
    let events = preflight("/api/v1/events", "https://anyone.example", "x-api-key,content-type").await;
    assert_eq!(events.header("access-control-allow-origin"), "*");
    assert_eq!(events.header("access-control-allow-credentials"), "");
    assert!(events.header("access-control-allow-headers").contains("x-api-key"));
    assert_eq!(events.header("access-control-max-age"), "86400");

    let listed = preflight("/graphql", "https://board.example", "authorization,content-type").await;
    assert_eq!(listed.header("access-control-allow-origin"), "https://board.example");
    assert_eq!(listed.header("access-control-allow-credentials"), "true");
    let stranger = preflight("/graphql", "https://anyone.example", "content-type").await;
    assert_eq!(stranger.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn whoever_sends_nothing_or_half_a_head_is_let_go() {
    let server = TestApp::start(Store::Sqlite).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let waits = ["", "P", "PRI * HTTP/2.0", "GET /health HTTP/1.1\r\nHost: a\r\n"].map(|said| {
        let address = address.clone();
        tokio::spawn(async move {
            let mut connection = TcpStream::connect(address).await.unwrap();
            connection.write_all(said.as_bytes()).await.unwrap();
            let start = Instant::now();
            let mut answer = Vec::new();
            let _ = tokio::time::timeout(Duration::from_secs(25), connection.read_to_end(&mut answer)).await;
            (said, start.elapsed())
        })
    });
    for wait in waits {
        let (said, waited) = wait.await.unwrap();
        assert!((14..20).contains(&waited.as_secs()), "{said:?} was let go after {waited:?}");
    }
}

#[tokio::test]
async fn both_versions_of_http_are_spoken() {
    let server = TestApp::start(Store::Sqlite).await;
    let mut http2 = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    http2.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat()).await.unwrap();
    let mut frame = [0; 9];
    http2.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "the server greets with its settings");
    let reply = server.http.get(format!("{}/health", server.url)).send().await.unwrap();
    assert_eq!(reply.version(), reqwest::Version::HTTP_11);
}

#[tokio::test]
async fn postgres_ends_a_question_that_takes_too_long_by_itself() {
    use sea_orm::ConnectionTrait as _;
    let server = TestApp::with(Store::Postgres, &[("QUERY_TIMEOUT_SECONDS", "1")]).await;
    let started = Instant::now();
    let failure = server.app.db.execute_unprepared("SELECT pg_sleep(30)").await.unwrap_err();
    assert_eq!(event_analytics::error::Error::from(failure).code(), "TIMEOUT");
    assert!(started.elapsed() < Duration::from_secs(10));
}
