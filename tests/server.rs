//! What surrounds every answer, and connections that misbehave.

use std::time::{Duration, Instant};

use event_analytics::server::{Patience, serve_patiently};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::support::{
    app::{Store, TestApp},
    http2,
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
async fn what_people_see_is_answered_only_under_our_names() {
    let vars = [("PUBLIC_URL", "https://events.example"), ("ALLOWED_HOSTS", "figures.example, *.shop.example")];
    let server = TestApp::with(Store::Sqlite, &vars).await;
    let ask = async |path: &str, host: &str| {
        let reply = Reply::of(server.anonymous().request("GET", path).header("host", host)).await;
        (reply.status.as_u16(), reply.body["error"]["code"].clone())
    };
    for path in ["/", "/playground", "/graphql?query=%7B__typename%7D"] {
        for host in [
            "events.example",
            "EVENTS.example:443",
            "figures.example.",
            "a.b.shop.example",
            "localhost:1",
            "10.1.2.3",
            "[::1]:80",
        ] {
            assert_ne!(ask(path, host).await.0, 421, "{path} of {host}");
        }
        for host in ["evil.example", "events.example.evil.example", "shop.example", "evilshop.example", "", "a b"] {
            let (status, code) = ask(path, host).await;
            assert!(status == 421 && code == "WRONG_HOST" || status == 400, "{path} of {host}: {status}");
        }
    }
    for path in ["/health", "/ready", "/api/v1/limits"] {
        assert_eq!(ask(path, "whatever.example").await.0, 200, "{path}");
    }
    let all = TestApp::with(Store::Sqlite, &[("ALLOWED_HOSTS", "*")]).await;
    let reply = Reply::of(all.anonymous().request("GET", "/playground").header("host", "whatever.example")).await;
    assert_ne!(reply.status, 421);
}

/// A server that loses patience soon, with what its tests say to it.
async fn impatient() -> (TestApp, String) {
    let patience = Patience { head: Duration::from_secs(1), idle: Duration::from_secs(3) };
    let server = TestApp::start(Store::Sqlite).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(serve_patiently(server.app.clone(), listener, patience, std::future::pending()));
    (server, address)
}

const ASK: &str = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";

/// What a connection answers until it ends, and when that is.
async fn until_its_end(connection: &mut TcpStream) -> (String, Duration) {
    let (start, mut answer) = (Instant::now(), Vec::new());
    let _ = tokio::time::timeout(Duration::from_secs(25), connection.read_to_end(&mut answer)).await;
    (String::from_utf8_lossy(&answer).into_owned(), start.elapsed())
}

#[tokio::test]
async fn whoever_sends_nothing_or_half_a_head_is_let_go() {
    let (_server, address) = impatient().await;
    // After how many whole requests each of these is said, and how many seconds it is waited for.
    let waits = [
        (0, "", 1),
        (0, "P", 1),
        (0, "PRI * HTTP/2.0", 1),
        (0, "GET /health HTTP/1.1\r\nHost: a\r\n", 1),
        (1, "GET /health HTTP/1.1\r\nHost: a\r\n", 1),
        (3, "G", 1),
        (1, "", 3),
        (3, "", 3),
    ];
    let waits = waits.map(|(before, said, expected)| {
        let address = address.clone();
        tokio::spawn(async move {
            let mut connection = TcpStream::connect(address).await.unwrap();
            let mut answer = [0; 4_096];
            for _ in 0..before {
                connection.write_all(ASK.as_bytes()).await.unwrap();
                assert!(connection.read(&mut answer).await.unwrap() > 100);
            }
            connection.write_all(said.as_bytes()).await.unwrap();
            let (_, waited) = until_its_end(&mut connection).await;
            let (least, most) = (Duration::from_millis(900 * expected), Duration::from_secs(expected + 2));
            assert!((least..most).contains(&waited), "{said:?} after {before} was let go after {waited:?}");
        })
    });
    for wait in waits {
        wait.await.unwrap();
    }
}

#[tokio::test]
async fn a_head_that_dribbles_is_not_waited_for_longer_than_one_that_stops() {
    let (_server, address) = impatient().await;
    let mut connection = TcpStream::connect(&address).await.unwrap();
    connection.write_all(ASK.as_bytes()).await.unwrap();
    let mut answer = [0; 4_096];
    assert!(connection.read(&mut answer).await.unwrap() > 100);
    let (mut reading, mut writing) = connection.into_split();
    let dribble = tokio::spawn(async move {
        for byte in "GET /health HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".bytes() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if writing.write_all(&[byte]).await.is_err() {
                break;
            }
        }
    });
    let (start, mut rest) = (Instant::now(), Vec::new());
    let _ = reading.read_to_end(&mut rest).await;
    assert!((1..3).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    dribble.abort();
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let (server, address) = impatient().await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut connection = socket.connect(address.parse().unwrap()).await.unwrap();
    // So many answers, each of some hundred KiB, that no buffer between us holds them.
    let ask = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200);
    connection.write_all(ask.as_bytes()).await.unwrap();
    let start = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        // The end of the connection shows in what can be written to it.
        if connection.write_all(b" ").await.is_err() {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "it is still held");
    }
    assert!(start.elapsed() >= Duration::from_millis(2_900), "{:?}", start.elapsed());
    drop(server);
}

#[tokio::test]
async fn http2_rests_no_longer_than_others_whatever_frames_come_and_goes_on_while_it_is_answered() {
    let (server, address) = impatient().await;
    let mut resting = TcpStream::connect(&address).await.unwrap();
    http2::greet(&mut resting).await;
    resting.write_all(&http2::get(1, "/health", &[])).await.unwrap();
    let (mut hearing, mut asking) = resting.into_split();
    let pings = tokio::spawn(async move {
        while asking.write_all(&http2::ping()).await.is_ok() {
            sleep(Duration::from_millis(200)).await
        }
    });
    let (start, mut heard) = (Instant::now(), Vec::new());
    let _ = timeout(Duration::from_secs(20), hearing.read_to_end(&mut heard)).await;
    let waited = start.elapsed();
    assert!((Duration::from_millis(2_900)..Duration::from_secs(8)).contains(&waited), "{waited:?}");
    pings.abort();

    let site = server.site().await;
    let token = format!("Bearer {}", site.owner.token.as_ref().unwrap());
    let query = format!("subscription {{ live(appId: \"{}\") {{ app {{ name }} }} }}", site.app_id);
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let mut following = TcpStream::connect(&address).await.unwrap();
    http2::greet(&mut following).await;
    let headers = [("accept", "text/event-stream"), ("authorization", &*token)];
    following.write_all(&http2::get(1, &format!("/graphql?query={query}"), &headers)).await.unwrap();
    let mut heard = Vec::new();
    let ended = timeout(Duration::from_secs(6), following.read_to_end(&mut heard)).await;
    let heard = String::from_utf8_lossy(&heard).into_owned();
    assert!(heard.contains("Alice's site"), "{heard}");
    assert!(ended.is_err(), "it goes on: {heard}");
}

#[tokio::test]
async fn heads_are_bounded() {
    let server = TestApp::start(Store::Sqlite).await;
    let send = async |head: String| {
        let mut connection = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
        let _ = connection
            .write_all(format!("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{head}\r\n").as_bytes())
            .await;
        let mut answer = [0; 64];
        let read = connection.read(&mut answer).await.unwrap_or_default();
        String::from_utf8_lossy(&answer[..read]).get(9..12).map(str::to_owned)
    };
    let lines = |count: usize| "X-A: b\r\n".repeat(count);
    let long = |bytes: usize| format!("X-Long: {}\r\n", "x".repeat(bytes));
    assert_eq!(send(lines(90)).await.as_deref(), Some("200"));
    assert_eq!(send(lines(110)).await.as_deref(), Some("431"));
    assert_eq!(send(long(60 << 10)).await.as_deref(), Some("200"));
    assert_eq!(send(long(200 << 10)).await.as_deref(), Some("431"));
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
