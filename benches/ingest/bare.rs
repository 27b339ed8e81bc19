//! What the machine allows: a server that parses events as ours does and commits them in groups,
//! and does nothing else. No enrichment, no look-up of repeated ids, no limits, no log, and a table
//! of a dozen columns with two indexes. A process of its own, as ours is.

use std::{env, process::Command, sync::Arc, time::Duration};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post, serve::ListenerExt as _};
use event_analytics::{
    clock::Clock,
    config::{Config, Limits},
    ingest::wire::{Dialect, Format, Incoming},
    server,
};
use sqlx::{Executor, PgPool, postgres::PgPoolOptions};
use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

use super::support::daemon::{self, Daemon};

/// The argument that makes the benchmark this server.
pub(super) const ARGUMENT: &str = "--bare-server";

const TABLE: &str = "
    DROP TABLE IF EXISTS bare_group;
    CREATE TABLE bare_group (id uuid PRIMARY KEY, app_id uuid, timestamp bigint, event_type text, user_id text,
        session_id text, url text, referrer text, user_agent text, screen_width int, screen_height int, metadata json);
    CREATE INDEX ON bare_group (app_id, timestamp)";
const INSERT: &str = "
    INSERT INTO bare_group SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[],
        $6::text[], $7::text[], $8::text[], $9::text[], $10::int[], $11::int[], $12::text[]::json[])";
const GROUP: usize = 1_000;
const WRITERS: u32 = 2;

/// Runs it beside the benchmark; ended when dropped.
pub(super) async fn start(database: &str) -> (String, Daemon) {
    let address = format!("127.0.0.1:{}", daemon::free_port());
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([ARGUMENT, &address, database]);
    let server = Daemon::spawn(daemon::folder("bare"), "KILL", &command);
    while tokio::net::TcpStream::connect(&address).await.is_err() {
        assert!(!server.ended(), "the bare server did not start:\n{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (format!("http://{address}"), server)
}

type Job = (Vec<Event>, oneshot::Sender<()>);

struct Event {
    id: Uuid,
    incoming: Incoming,
    metadata: Option<String>,
}

#[derive(Clone)]
struct Bare {
    jobs: mpsc::UnboundedSender<Job>,
    limits: Arc<Limits>,
}

/// The server itself, until it is killed.
pub(super) async fn serve(address: &str, database: &str) {
    let pool = PgPoolOptions::new().max_connections(WRITERS).connect(database).await.unwrap();
    pool.execute(TABLE).await.unwrap();
    let (jobs, waiting) = mpsc::unbounded_channel();
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..WRITERS {
        tokio::spawn(write(pool.clone(), waiting.clone()));
    }
    let config = Config::from_vars([]).unwrap();
    let bare = Bare { jobs, limits: Arc::new(config.limits) };
    let router = Router::new().route("/api/v1/events", post(take)).with_state(bare);
    let listener = server::listen(address.parse().unwrap()).unwrap();
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router).await.unwrap();
}

async fn take(State(bare): State<Bare>, headers: HeaderMap, body: Bytes) -> &'static str {
    assert!(headers.contains_key("x-api-key"));
    let now = Clock::System.now_ms();
    let body = Dialect::Native(Format::Json).split(&body, &bare.limits).unwrap();
    let events = body.parse(now, &bare.limits).map(|(id, incoming)| {
        let incoming = incoming.unwrap();
        let metadata = incoming.metadata.as_ref().map(ToString::to_string);
        Event { id: id.unwrap().parse().unwrap(), incoming, metadata }
    });
    let (done, committed) = oneshot::channel();
    bare.jobs.send((events.collect(), done)).unwrap();
    committed.await.unwrap();
    r#"{"success":true}"#
}

async fn write(pool: PgPool, waiting: Arc<Mutex<mpsc::UnboundedReceiver<Job>>>) {
    loop {
        let mut jobs = Vec::new();
        {
            let mut waiting = waiting.lock().await;
            jobs.extend(waiting.recv().await);
            let mut events = 0;
            while events < GROUP
                && let Ok(job) = waiting.try_recv()
            {
                events += job.0.len();
                jobs.push(job);
            }
        }
        let events: Vec<&Event> = jobs.iter().flat_map(|(events, _)| events).collect();
        macro_rules! column {
            ($event:ident => $value:expr) => {
                events.iter().map(|$event| $value).collect::<Vec<_>>()
            };
        }
        sqlx::query(INSERT)
            .bind(column!(event => event.id))
            .bind(column!(_event => Uuid::nil()))
            .bind(column!(event => event.incoming.timestamp))
            .bind(column!(event => event.incoming.event_type.as_str()))
            .bind(column!(event => event.incoming.user_id.as_deref()))
            .bind(column!(event => event.incoming.session_id.as_deref()))
            .bind(column!(event => event.incoming.url.as_deref()))
            .bind(column!(event => event.incoming.referrer.as_deref()))
            .bind(column!(event => event.incoming.user_agent.as_deref()))
            .bind(column!(event => event.incoming.screen_width))
            .bind(column!(event => event.incoming.screen_height))
            .bind(column!(event => event.metadata.as_deref()))
            .execute(&pool)
            .await
            .unwrap();
        for (_, done) in jobs {
            let _ = done.send(());
        }
    }
}
