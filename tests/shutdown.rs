//! The program itself: its commands, and that it stops without losing what it acknowledged.

use std::{
    collections::HashSet,
    process::{Command, Output},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use event_analytics::{config::Config, db::Db, entity::event};
use sea_orm::EntityTrait as _;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{
    app::Store,
    binary::{Binary, command},
    people::Site,
    postgres::TestDatabase,
    until,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// The client's ids of all events of a store.
async fn stored(vars: Vec<(String, String)>) -> HashSet<String> {
    let db = Db::connect(&Config::from_vars(vars).unwrap()).await.unwrap();
    let events = event::Entity::find().all(&*db).await.unwrap();
    db.close().await;
    events.into_iter().filter_map(|event| event.client_id).collect()
}

both_stores! {
    async fn sigterm_under_load_loses_nothing_acknowledged(store: Store) {
        let database = if store == Store::Postgres { Some(TestDatabase::new().await) } else { None };
        let mut vars = vec![("JWT_SECRET", SECRET), ("API_KEY_SECRET", SECRET)];
        vars.extend([("RATE_LIMIT_INGEST_PER_MINUTE", "1000000"), ("SPOOL_MAX_BYTES", "0")]);
        vars.extend(database.as_ref().map(|database| ("DATABASE_URL", database.url())));
        let mut server = Binary::serve(&vars).await;
        let site = site_of(&server).await;

        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let senders: Vec<_> = (0..16)
            .map(|sender| {
                let (site, acknowledged) = (site.clone(), acknowledged.clone());
                tokio::spawn(async move {
                    for n in 0.. {
                        let ids = [0, 1, 2].map(|part| format!("event-{sender}-{n}-{part}"));
                        let events: Vec<_> = ids.iter().map(|id| json!({"id": id, "event_type": "click"})).collect();
                        match site.events().json(&events).send().await {
                            Ok(reply) if reply.status() == 200 => acknowledged.lock().unwrap().extend(ids),
                            Ok(reply) => assert_eq!(reply.status(), 503),
                            Err(_) => break,
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let code = tokio::task::block_in_place(|| server.terminate());
        for sender in senders {
            sender.await.unwrap();
        }
        let log = server.daemon.log();
        assert_eq!(code, 0, "{log}");
        assert!(log.contains("everything accepted is stored") && !log.contains("panicked"), "{log}");
        assert!(!log.contains(&site.key) && !log.contains(SECRET), "a secret in the log:\n{log}");

        let mut vars: Vec<_> = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        vars.push(("DATA_DIR".to_owned(), server.daemon.folder().join("data").to_str().unwrap().to_owned()));
        let stored = stored(vars).await;
        let acknowledged = acknowledged.lock().unwrap();
        assert!(acknowledged.len() > 100, "only {} were acknowledged", acknowledged.len());
        let lost: Vec<_> = acknowledged.iter().filter(|id| !stored.contains(*id)).collect();
        assert!(lost.is_empty(), "{} of {} are lost", lost.len(), acknowledged.len());
    }

    async fn the_schema_goes_down_and_up_again(store: Store) {
        let database = if store == Store::Postgres { Some(TestDatabase::new().await) } else { None };
        let folder = tempfile::tempdir().unwrap();
        let migrate = |arguments: &[&str]| {
            let mut migrate = command(&[&["migrate"], arguments].concat());
            migrate.env("DATA_DIR", folder.path()).env("JWT_SECRET", SECRET).env("API_KEY_SECRET", SECRET);
            migrate.envs(database.as_ref().map(|database| ("DATABASE_URL", database.url())));
            let (code, told, wrong) = output(&mut migrate);
            assert_eq!(code, Some(0), "{wrong}");
            let count = |word| told.lines().filter(|line| line.starts_with(word)).count();
            (count("applied"), count("missing"))
        };
        let (all, none) = migrate(&["up"]);
        assert!(all >= 3 && none == 0);
        assert_eq!(migrate(&["up"]), (all, 0), "a second time changes nothing");
        assert_eq!(migrate(&["down"]), (all - 1, 1));
        assert_eq!(migrate(&["status"]), (all - 1, 1));
        assert_eq!(migrate(&["down", "--steps", "100"]), (0, all));
        assert_eq!(migrate(&["up"]), (all, 0));
    }
}

#[test]
fn what_is_wrong_is_told_on_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], name: &str, value: &str| {
        output(command(arguments).env("DATA_DIR", folder.path()).env(name, value))
    };
    let (code, told, wrong) = run(&["serve"], "LISTEN_ADDR", "nowhere");
    assert_eq!((code, told.as_str()), (Some(1), ""));
    assert!(wrong.starts_with("error: ") && wrong.contains("LISTEN_ADDR: expected"), "{wrong}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _taken = std::net::TcpListener::bind(taken).unwrap();
    let (code, _, wrong) = run(&[], "LISTEN_ADDR", &taken.to_string());
    assert!(code == Some(1) && wrong.contains("cannot be used") && !wrong.contains("backtrace"), "{wrong}");

    let url = format!("postgres://user:{SECRET}@127.0.0.1:1/none");
    let mut away = command(&["migrate", "status"]);
    let away = away.env("DATABASE_URL", &url).env("JWT_SECRET", SECRET).env("API_KEY_SECRET", SECRET);
    let (code, _, wrong) = output(away);
    assert!(code == Some(1) && wrong.starts_with("error: ") && !wrong.contains(SECRET), "{wrong}");

    let (code, _, wrong) = run(&["health"], "LISTEN_ADDR", "127.0.0.1:1");
    assert!(code == Some(1) && wrong.starts_with("error: "), "{wrong}");
    let (code, _, wrong) = run(&["dance"], "LISTEN_ADDR", "");
    assert!(code == Some(2) && wrong.contains("unrecognized subcommand"), "{wrong}");
}

#[test]
fn commands_print_what_they_promise() {
    let (code, schema, _) = output(&mut command(&["schema"]));
    assert!(code == Some(0) && schema.contains("type Query"));
    let (code, openapi, _) = output(&mut command(&["openapi"]));
    assert!(code == Some(0) && openapi.contains("\"/api/v1/events\""));
    let (code, help, _) = output(&mut command(&["help"]));
    assert_eq!(code, Some(0));
    for word in ["serve", "demo", "migrate", "schema", "openapi", "health"] {
        assert!(help.lines().any(|line| line.trim().starts_with(word)), "{word} is missing from: {help}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_tells_whether_it_is_ready() {
    let mut server = Binary::serve(&[]).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let folder = server.daemon.folder().join("data");
    let mut health = command(&["health"]);
    health.env("LISTEN_ADDR", address).env("DATA_DIR", folder);
    let (code, told, _) = output(&mut health);
    assert!(code == Some(0) && told.contains("\"ready\""), "{told}");
    assert_eq!(tokio::task::block_in_place(|| server.terminate()), 0);
    assert_eq!(output(&mut health).0, Some(1));
}

/// A request whose body is only half sent, and which the server is at.
async fn half_sent(site: &Site, body: &str) -> TcpStream {
    let address = site.owner.url.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.unwrap();
    let (key, length) = (&site.key, body.len());
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nHost: {address}\r\nX-API-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(&body.as_bytes()[..length / 2]).await.unwrap();
    // This one and the one that asks.
    until("the request was begun", async || {
        site.owner.get("/metrics").await.expect(200).text.contains("uea_http_requests_in_flight 2\n")
    })
    .await;
    connection
}

async fn site_of(server: &Binary) -> Site {
    let mut owner = server.anonymous();
    owner.email = "alice@example.com".to_owned();
    owner.register().await;
    Site::of(owner, "Site").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_flight_is_finished_and_nobody_new_let_in() {
    let mut server = Binary::serve(&[]).await;
    let site = site_of(&server).await;
    let body = r#"{"event_type": "checkout", "id": "last"}"#;
    let mut connection = half_sent(&site, body).await;
    server.daemon.signal("TERM");
    let address = server.url.trim_start_matches("http://");
    until("nobody new is let in", async || TcpStream::connect(address).await.is_err()).await;
    connection.write_all(&body.as_bytes()[body.len() / 2..]).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""accepted":1"#), "{answer}");
    assert_eq!(tokio::task::block_in_place(|| server.daemon.wait()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let mut server = Binary::serve(&[]).await;
    let site = site_of(&server).await;
    let _connection = half_sent(&site, r#"{"event_type": "never finished"}"#).await;
    let start = Instant::now();
    server.daemon.signal("TERM");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!server.daemon.ended());
    assert_eq!(tokio::task::block_in_place(|| server.terminate()), 143);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
