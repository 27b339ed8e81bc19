//! What is left for others where one network or one app takes all it can get.

use std::{net::SocketAddr, time::Duration};

use event_analytics::state::INGESTING;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use uuid::Uuid;

use crate::support::{
    app::{Store, TestApp},
    binary::Binary,
    http2,
    people::{Person, Site},
    reply::Reply,
};

/// Another network on this machine.
const ELSEWHERE: &str = "127.0.0.2";

/// Requests that one HTTP/2 connection may hold.
const STREAMS: usize = 100;

async fn connect_from_elsewhere(app: &TestApp) -> TcpStream {
    let server: SocketAddr = app.url.strip_prefix("http://").unwrap().parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{ELSEWHERE}:0").parse().unwrap()).unwrap();
    socket.connect(server).await.unwrap()
}

/// The same person, asking from the other network.
fn elsewhere(person: &Person) -> Person {
    let http = reqwest::Client::builder().no_proxy().local_address(ELSEWHERE.parse::<std::net::IpAddr>().unwrap());
    Person { http: http.build().unwrap(), ..person.clone() }
}

/// Begins as many requests as one HTTP/2 connection may hold, whose bodies never come.
async fn hold(connection: &mut TcpStream, path: &str) {
    http2::greet(connection).await;
    let heads = (0..STREAMS).flat_map(|stream| http2::post(u32::try_from(stream).unwrap() * 2 + 1, path));
    connection.write_all(&heads.collect::<Vec<_>>()).await.unwrap();
}

/// Asks until an answer has this status.
async fn until(status: u16, ask: impl AsyncFn() -> Reply) -> Reply {
    for _ in 0..200 {
        let reply = ask().await;
        if reply.status == status {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no answer had the status {status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_never_come_keep_no_other_network_out() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let there = Site { owner: elsewhere(&site.owner), ..site.clone() };
    let mut connections = Vec::new();
    for _ in 0..=INGESTING / STREAMS {
        let mut connection = connect_from_elsewhere(&app).await;
        hold(&mut connection, "/capture").await;
        connections.push(connection);
    }
    let full = until(503, async || there.post(json!({ "event_type": "a" })).await).await;
    assert_eq!((full.header("retry-after"), &full.body["error"]["code"]), ("1", &json!("UNAVAILABLE")));
    for _ in 0..3 {
        site.post(json!({ "event_type": "a" })).await.ok();
    }
    let in_body = json!({ "api_key": site.key, "event": "a", "distinct_id": "ada" });
    Reply::of(site.owner.http.post(format!("{}/capture", app.url)).json(&in_body)).await.expect(200);
    there.ask("name").await;
    drop(connections);
    until(200, async || there.post(json!({ "event_type": "a" })).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_never_come_keep_no_other_network_out() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let there = Site { owner: elsewhere(&site.owner), ..site.clone() };
    let mut connections = Vec::new();
    for _ in 0..11 {
        let mut connection = connect_from_elsewhere(&app).await;
        hold(&mut connection, "/graphql").await;
        connections.push(connection);
    }
    until(503, async || there.try_ask("name").await).await;
    site.ask("name").await;
    there.post(json!({ "event_type": "a" })).await.ok();
}

#[tokio::test]
async fn one_connection_holds_a_hundred_requests() {
    let app = TestApp::start(Store::Sqlite).await;
    let mut connection = connect_from_elsewhere(&app).await;
    hold(&mut connection, "/capture").await;
    // One more is refused by itself, in a frame that says so (RST_STREAM, REFUSED_STREAM).
    connection.write_all(&http2::post(201, "/capture")).await.unwrap();
    let (mut heard, refused) = (Vec::new(), http2::frame(3, 0, 201, &[0, 0, 0, 7]));
    let heard_it = timeout(Duration::from_secs(5), async {
        while !heard.windows(refused.len()).any(|part| part == refused) {
            assert_ne!(connection.read_buf(&mut heard).await.unwrap(), 0);
        }
    });
    heard_it.await.expect("the stream is refused");
}

#[tokio::test]
async fn one_app_leaves_half_of_the_requests_to_others() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let other = Site::of(site.owner.clone(), "Another").await;
    let id: Uuid = site.app_id.trim_start_matches("app_").parse().unwrap();
    let held: Vec<_> = std::iter::from_fn(|| app.app.at_work.take(id, 1)).collect();
    assert_eq!(held.len(), INGESTING / 2 + 1);
    for path in ["/api/v1/events", "/capture"] {
        let body = json!({ "api_key": site.key, "event_type": "a", "event": "a", "distinct_id": "ada" });
        let request = site.owner.http.post(format!("{}{path}", app.url)).bearer_auth(&site.key).json(&body);
        assert_eq!(Reply::of(request).await.expect(503).header("retry-after"), "1");
    }
    other.post(json!({ "event_type": "a" })).await.ok();
    drop(held);
    site.post(json!({ "event_type": "a" })).await.ok();
    assert_eq!(app.app.at_work.held(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_without_a_good_key_are_read_for_a_network_only_so_often() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let text = "x".repeat(5_000_000);
    // There is none, or it is malformed, or nothing can be read.
    let bodies = [json!({ "event": text }).to_string(), json!({ "api_key": "mine", "event": text }).to_string(), text];
    let mut statuses = Vec::new();
    for body in bodies.iter().cycle().take(60) {
        let reply = Reply::of(site.owner.http.post(format!("{}/capture", app.url)).body(body.clone())).await;
        statuses.push(reply.status.as_u16());
        if reply.status == 429 {
            assert!(!reply.header("retry-after").is_empty());
            break;
        }
    }
    assert!(statuses.len() > 5 && statuses.last() == Some(&429), "{statuses:?}");
    assert!(statuses[..3].iter().all(|status| [400, 401].contains(status)), "{statuses:?}");
    // A key in the head is known before, and other networks are not concerned.
    site.post(json!({ "event_type": "a" })).await.ok();
    let in_body = json!({ "api_key": site.key, "event": "a", "distinct_id": "ada" });
    let there = elsewhere(&site.owner);
    Reply::of(there.http.post(format!("{}/capture", app.url)).json(&in_body)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_runs_the_server_is_told_what_leaves_it_open() {
    let mut server = Binary::serve(&[("PUBLIC_URL", "https://events.example"), ("ANONYMIZE_IP", "true")]).await;
    let stranger = server.anonymous();
    for _ in 0..2 {
        let forwarded = stranger.request("GET", "/api/v1/limits").header("x-forwarded-for", "203.0.113.7");
        Reply::of(forwarded).await.expect(200);
    }
    let guess = json!({ "email": "ada@example.com", "password": "wrong horse battery" });
    assert_eq!(stranger.mutate("signIn", guess, "token").await.error_code(), "UNAUTHENTICATED");
    server.terminate();
    let log = server.daemon.log();
    for said in ["TRUSTED_PROXIES names the proxy", "REGISTRATION=invited", "a sign-in failed"] {
        assert_eq!(log.matches(said).count(), 1, "{said} in\n{log}");
    }
    assert!(log.contains("127.0.0.0") && !log.contains("203.0.113.7"), "of addresses the network alone:\n{log}");
}

/// More connections than a listener has room for by itself come at once, while nobody accepts any.
#[tokio::test(flavor = "multi_thread")]
async fn a_rush_of_connections_waits_to_be_accepted() {
    let server = Binary::serve(&[]).await;
    let address: SocketAddr = server.url.strip_prefix("http://").unwrap().parse().unwrap();
    server.daemon.signal("STOP");
    let mut rush = Vec::new();
    for _ in 0..400 {
        let connected = timeout(Duration::from_secs(5), TcpStream::connect(address)).await;
        rush.push(connected.expect("it waits").unwrap());
    }
    server.daemon.signal("CONT");
    for mut connection in rush {
        let request = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(Duration::from_secs(10), connection.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}
