//! How fast events get in: through HTTP, acknowledged after commit, beside a bare COPY of the same
//! rows into the same table on the same machine in the same run.
//!
//! `cargo bench --bench ingest -- --help`

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "ingest/bare.rs"]
mod bare;
#[path = "ingest/copy.rs"]
mod copy;
#[path = "ingest/disk.rs"]
mod disk;
#[path = "ingest/http.rs"]
mod http;
#[path = "ingest/live.rs"]
mod live;
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

use event_analytics::{auth::api_key::ApiKeys, clock::Clock, config::Config, db::Db, entity::event};
use sea_orm::{EntityTrait, PaginatorTrait};

use self::{
    load::Load,
    report::Figure,
    support::{binary::Binary, people::Site, postgres},
};

/// The server's own allocator, so that the bare server is not measured by its lack.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
Measures ingestion (W1, W2, W3, W4 and M1), and how soon it is shown to whoever follows (LIVE). Starts a Postgres of its own from installed binaries, unless
DATABASE_URL names an empty database (which it fills), and the server of the same build profile.

  --seconds N            how long each measurement lasts (12)
  --batch-seconds N      how long that of batches on Postgres lasts (60)
  --connections N        connections that send single events (512)
  --batch-connections N  connections that send batches of 100 (32)
  --no-sqlite            leaves out the embedded store";

/// Events of a batch.
const BATCH: usize = 100;
/// Times a known key is checked.
const KEY_CHECKS: u32 = 200_000;
const JWT_SECRET: &str = "a benchmark has no secret to keep, one";
const API_KEY_SECRET: &str = "a benchmark has no secret to keep, two";

struct Options {
    seconds: Duration,
    batch_seconds: Duration,
    connections: usize,
    batch_connections: usize,
    sqlite: bool,
}

impl Options {
    /// Out of the arguments; `None` when help was asked for, or needed.
    fn read() -> Option<Self> {
        let [seconds, batch_seconds] = [12, 60].map(Duration::from_secs);
        let mut options = Self { seconds, batch_seconds, connections: 512, batch_connections: 32, sqlite: true };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number = || arguments.next()?.parse::<usize>().ok().filter(|number| (1..=10_000).contains(number));
            match argument.as_str() {
                // Cargo says so to every benchmark.
                "--bench" => {}
                "--seconds" => options.seconds = Duration::from_secs(number()?.min(600) as u64),
                "--batch-seconds" => options.batch_seconds = Duration::from_secs(number()?.min(600) as u64),
                "--connections" => options.connections = number()?.min(1_000),
                "--batch-connections" => options.batch_connections = number()?.min(1_000),
                "--no-sqlite" => options.sqlite = false,
                _ => return None,
            }
        }
        Some(options)
    }

    /// Single events, and batches.
    fn loads<'a>(&self, url: &'a str, key: &'a str) -> [Load<'a>; 2] {
        let load = |connections, batch| Load { url, key, connections, batch };
        [load(self.connections, 1), load(self.batch_connections, BATCH)]
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [bare::ARGUMENT, address, database] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return bare::serve(address, database).await;
    }
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
    let database = postgres::connect(&url).await.unwrap();
    let site = open_site(&server).await;
    let [singly, by_batches] = options.loads(&server.url, &site.key);
    let (bare_url, bare_server) = bare::start(&url).await;
    let [bare, _] = options.loads(&bare_url, &site.key);
    let mut log = 0.0;
    // Half of a baseline before and half after: a machine whose speed changes weighs on both.
    let bare_before = bare.run_warm(options.seconds / 2).await;
    let single = disk::logged(&database, &mut log, singly.run_warm(options.seconds)).await;
    let bare_group = bare_before.and(bare.run_warm(options.seconds / 2).await);
    drop(bare_server);
    let copied_before = copy::run(&url, &database, options.seconds / 2).await;
    let batches = disk::logged(&database, &mut log, by_batches.run_warm(options.batch_seconds)).await;
    let copied = (copied_before + copy::run(&url, &database, options.seconds / 2).await) / 2.0;
    let shown = disk::logged(&database, &mut log, live::freshness(&site, &singly, options.seconds)).await;
    let busy = resident_mb(&server);
    let stored = event::Entity::find().count(&database).await.unwrap();
    assert_eq!(stored, single.events + batches.events + shown.events, "acknowledged is not what is stored");
    let table = disk::table(&database).await / stored as f64;
    let check = key_check(&url, &site.key).await;
    vec![
        Figure::of_load("W1", "single events, Postgres", &single, Some(("bare group commit", bare_group.per_second))),
        Figure::of_load("W2", "batches of 100, Postgres", &batches, Some(("COPY BINARY, 2 connections", copied))),
        Figure::of_load("BARE", "bare group commit, single events", &bare_group, None),
        Figure::plain("COPY", "bare COPY BINARY of the same rows", copied, "events/s"),
        Figure::of_load("LIVE", "acknowledged to shown, under single", &shown, None),
        Figure::plain("W4", "check of a known key", check, "ns"),
        Figure::plain("M1", "start to ready", started.as_secs_f64() * 1e3, "ms"),
        Figure::plain("M1", "resident, idle", idle, "MB"),
        Figure::plain("M1", "resident, after the load", busy, "MB"),
        Figure::plain("DISK", "write-ahead log of an event", log / stored as f64, "bytes"),
        Figure::plain("DISK", "tables and indexes of an event", table, "bytes"),
    ]
}

async fn on_sqlite(options: &Options) -> Vec<Figure> {
    let (server, _) = serve(&[]).await;
    let site = open_site(&server).await;
    let [single, batches] = options.loads(&server.url, &site.key);
    vec![
        Figure::of_load("W3", "single events, SQLite", &single.run_warm(options.seconds).await, None),
        Figure::of_load("W3", "batches of 100, SQLite", &batches.run_warm(options.seconds).await, None),
    ]
}

/// Starts the server with limits that the load does not meet.
async fn serve(vars: &[(&str, &str)]) -> (Binary, Duration) {
    let mut all = vec![("JWT_SECRET", JWT_SECRET), ("API_KEY_SECRET", API_KEY_SECRET)];
    all.push(("RATE_LIMIT_INGEST_PER_MINUTE", "10000000"));
    all.extend(vars);
    let start = Instant::now();
    let server = Binary::serve(&all).await;
    (server, start.elapsed())
}

/// An app to send to, and its key.
async fn open_site(server: &Binary) -> Site {
    let mut owner = server.anonymous();
    owner.email = "bench@example.com".into();
    owner.register().await;
    Site::of(owner, "Bench").await
}

/// How long it takes to recognise a key that was met before, in nanoseconds.
async fn key_check(url: &str, key: &str) -> f64 {
    let vars = [("DATABASE_URL", url), ("JWT_SECRET", JWT_SECRET), ("API_KEY_SECRET", API_KEY_SECRET)];
    let config = Config::from_vars(vars.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
    let db = Db::connect(&config).await.unwrap();
    let keys = ApiKeys::new(db, Clock::System, &config.api_key_secret, None);
    keys.authenticate(key).await.unwrap();
    let start = Instant::now();
    for _ in 0..KEY_CHECKS {
        keys.authenticate(key).await.unwrap();
    }
    start.elapsed().as_nanos() as f64 / f64::from(KEY_CHECKS)
}

/// Memory of the server's process.
fn resident_mb(server: &Binary) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.daemon.pid())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1_024.0
}
