//! How fast events get in: through HTTP, acknowledged after commit, beside a bare COPY of the same
//! rows into the same table on the same machine in the same run.
//!
//! `cargo bench --bench ingest -- --help`

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "ingest/copy.rs"]
mod copy;
#[path = "ingest/http.rs"]
mod http;
#[path = "ingest/load.rs"]
mod load;
#[path = "ingest/report.rs"]
mod report;
#[path = "ingest/sample.rs"]
mod sample;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, unused_macros)]
mod support;

use std::time::{Duration, Instant};

use event_analytics::entity::event;
use sea_orm::{EntityTrait, PaginatorTrait};

use self::{
    load::{Load, Outcome},
    report::Figure,
    support::{binary::Binary, people::Site, postgres},
};

const HELP: &str = "\
Measures ingestion (W1, W2, W3 and M1). Starts a Postgres of its own from installed binaries, unless
DATABASE_URL names an empty database (which it fills), and the server of the same build profile.

  --seconds N            how long each measurement lasts (10)
  --connections N        connections that send single events (512)
  --batch-connections N  connections that send batches of 100 (16)
  --no-sqlite            leaves out the embedded store";

/// Events of a batch.
const BATCH: usize = 100;

struct Options {
    seconds: Duration,
    connections: usize,
    batch_connections: usize,
    sqlite: bool,
}

impl Options {
    /// Out of the arguments; `None` when help was asked for, or needed.
    fn read() -> Option<Self> {
        let mut options =
            Self { seconds: Duration::from_secs(10), connections: 512, batch_connections: 16, sqlite: true };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number = || arguments.next()?.parse::<usize>().ok().filter(|number| (1..=10_000).contains(number));
            match argument.as_str() {
                // Cargo says so to every benchmark.
                "--bench" => {}
                "--seconds" => options.seconds = Duration::from_secs(number()?.min(600) as u64),
                "--connections" => options.connections = number()?.min(1_000),
                "--batch-connections" => options.batch_connections = number()?.min(1_000),
                "--no-sqlite" => options.sqlite = false,
                _ => return None,
            }
        }
        Some(options)
    }
}

#[tokio::main]
async fn main() {
    let Some(options) = Options::read() else { return println!("{HELP}") };
    let mut figures = on_postgres(&options).await;
    if options.sqlite {
        figures.extend(on_sqlite(&options).await);
    }
    report::print(&figures);
}

async fn on_postgres(options: &Options) -> Vec<Figure> {
    let own = match std::env::var("DATABASE_URL") {
        Ok(_) => None,
        Err(_) => Some(postgres::TestDatabase::new().await),
    };
    let url = own.as_ref().map_or_else(|| std::env::var("DATABASE_URL").unwrap(), |own| own.url().to_owned());
    let (server, started) = serve(&[("DATABASE_URL", &url)]).await;
    let idle = resident_mb(&server);
    let (single, batches) = measure(&server, options).await;
    let busy = resident_mb(&server);
    let database = postgres::connect(&url).await.unwrap();
    let stored = event::Entity::find().count(&database).await.unwrap();
    assert_eq!(stored, single.events + batches.events, "acknowledged is not what is stored");
    let copied = copy::run(&url, &database, options.seconds).await;
    let beside = ("COPY BINARY, 2 connections", copied);
    vec![
        Figure::of_load("W1", "single events, Postgres", &single, Some(beside)),
        Figure::of_load("W2", "batches of 100, Postgres", &batches, Some(beside)),
        Figure::plain("COPY", "bare COPY BINARY of the same rows", copied, "events/s"),
        Figure::plain("M1", "start to ready", started.as_secs_f64() * 1e3, "ms"),
        Figure::plain("M1", "resident, idle", idle, "MB"),
        Figure::plain("M1", "resident, after the load", busy, "MB"),
    ]
}

async fn on_sqlite(options: &Options) -> Vec<Figure> {
    let (server, _) = serve(&[]).await;
    let (single, batches) = measure(&server, options).await;
    vec![
        Figure::of_load("W3", "single events, SQLite", &single, None),
        Figure::of_load("W3", "batches of 100, SQLite", &batches, None),
    ]
}

/// Starts the server with limits that the load does not meet.
async fn serve(vars: &[(&str, &str)]) -> (Binary, Duration) {
    let (jwt, keys) = ("j".repeat(64), "k".repeat(64));
    let mut all = vec![("JWT_SECRET", jwt.as_str()), ("API_KEY_SECRET", keys.as_str())];
    all.extend([("RATE_LIMIT_INGEST_PER_MINUTE", "10000000"), ("RUST_LOG", "warn")]);
    all.extend(vars);
    let start = Instant::now();
    let server = Binary::serve(&all).await;
    (server, start.elapsed())
}

/// Single events, then batches, each after a second to warm up.
async fn measure(server: &Binary, options: &Options) -> (Outcome, Outcome) {
    let mut owner = server.anonymous();
    owner.email = "bench@example.com".into();
    owner.register().await;
    let site = Site::of(owner, "Bench").await;
    let load = |connections, batch| Load { url: &server.url, key: &site.key, connections, batch };
    let warm_up = Duration::from_secs(1);
    let mut outcomes = Vec::new();
    for load in [load(options.connections, 1), load(options.batch_connections, BATCH)] {
        let cold = load.run(warm_up).await;
        let measured = load.run(options.seconds).await;
        outcomes.push(Outcome { events: measured.events + cold.events, ..measured });
    }
    let batches = outcomes.pop().unwrap();
    (outcomes.pop().unwrap(), batches)
}

/// Memory of the server's process.
fn resident_mb(server: &Binary) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.daemon.pid())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1_024.0
}
