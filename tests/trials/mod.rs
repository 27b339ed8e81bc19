//! Trials: real processes are killed, stopped, flooded and filled up under load. In each, whatever
//! was acknowledged is stored, every id once, and the answers say so.

mod away;
mod erasing;
mod fairness;
mod faults;
mod kills;
mod load;
mod outages;
mod sealing;
mod spool;

use std::{
    collections::HashSet,
    path::PathBuf,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use event_analytics::{config::Config, db::Db, entity::event};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::load::Load;
use crate::support::{binary::Binary, daemon, people::Site};

/// A server that comes back at the same address with the same folder.
pub struct Trial {
    vars: Vec<(String, String)>,
    pub server: Binary,
    pub site: Site,
    folder: TempDir,
}

impl Trial {
    /// A server with an owner, an app and a key. Without `DATABASE_URL` it is embedded.
    pub async fn start(vars: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").to_str().unwrap().to_owned();
        let address = format!("127.0.0.1:{}", daemon::free_port());
        let mut all: Vec<_> = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for (name, value) in [
            ("DATA_DIR", data.as_str()),
            ("LISTEN_ADDR", &address),
            ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
            ("API_KEY_SECRET", "0123456789abcdef0123456789abcdef"),
            ("RATE_LIMIT_INGEST_PER_MINUTE", "10000000"),
            ("RATE_LIMIT_ANALYTICS_PER_MINUTE", "1000000"),
            ("RUST_LOG", "warn"),
        ] {
            all.push((name.to_owned(), value.to_owned()));
        }
        let server = serve(&all).await;
        let mut owner = server.anonymous();
        owner.email = "alice@example.com".to_owned();
        owner.register().await;
        let site = Site::of(owner, "Site").await;
        Self { vars: all, server, site, folder }
    }

    /// Ends the server as a power cut would.
    pub fn kill(&mut self) {
        tokio::task::block_in_place(|| self.server.kill());
    }

    /// Starts it again.
    pub async fn restart(&mut self) {
        self.server = serve(&self.vars).await;
    }

    /// Starts it again, where no file may grow beyond so many KiB.
    pub async fn restart_within(&mut self, kib: u32) {
        let vars: Vec<_> = self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.server = Binary::serve_within(kib, &vars).await;
    }

    /// Another process on the same store, with the same folder.
    pub async fn sibling(&self) -> (Binary, Site) {
        let mut vars = self.vars.clone();
        vars.retain(|(name, _)| name != "LISTEN_ADDR");
        let server = serve(&vars).await;
        let mut site = self.site.clone();
        site.owner.url.clone_from(&server.url);
        (server, site)
    }

    /// The variables it runs with.
    pub fn vars(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The folder of the spool.
    pub fn spool(&self) -> PathBuf {
        self.folder.path().join("data/spool")
    }

    /// The embedded store.
    pub fn sqlite(&self) -> PathBuf {
        self.folder.path().join("data/event-analytics.db")
    }

    /// A measurement, summed over its labels; nothing when it was never made.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let text = self.server.anonymous().get("/metrics").await.expect(200).text;
        let of_name = |line: &&str| line.split(['{', ' ']).next() == Some(name);
        let values = text.lines().filter(of_name).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.reduce(|sum, value| sum + value)
    }

    /// Waits until the database has all that the spool holds.
    pub async fn wait_until_drained(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.metric("uea_spool_events").await != Some(0.0) {
            assert!(Instant::now() < until, "the spool is not drained:\n{}", self.server.daemon.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The client's id of every row.
    pub async fn stored(&self) -> Vec<String> {
        self.rows().await.into_iter().filter_map(|event| event.client_id).collect()
    }

    /// Every row.
    pub async fn rows(&self) -> Vec<event::Model> {
        let db = Db::connect(&Config::from_vars(self.vars.clone()).unwrap()).await.unwrap();
        let events = event::Entity::find().all(&*db).await.unwrap();
        db.close().await;
        events
    }

    /// How many events the answers speak of.
    pub async fn counted(&self) -> u64 {
        let overview = self.site.ask("summary(range: {preset: LAST_7_DAYS}) { events }").await;
        overview["summary"]["events"].as_u64().unwrap()
    }

    /// The promise: what was acknowledged is stored, every id once, and GraphQL counts the same.
    pub async fn holds(&self, acknowledged: &HashSet<String>) {
        self.wait_until_drained().await;
        let stored = self.stored().await;
        let distinct: HashSet<_> = stored.iter().cloned().collect();
        assert_eq!(stored.len(), distinct.len(), "an id is stored twice");
        let lost: Vec<_> = acknowledged.difference(&distinct).take(5).collect();
        assert!(lost.is_empty(), "lost of {}: {lost:?}\n{}", acknowledged.len(), self.server.daemon.log());
        // A server that was killed may have sent a commit that Postgres is only now at.
        let counted = self.counted().await as usize;
        let last = self.stored().await.len();
        assert!((stored.len()..=last).contains(&counted), "{} rows, then {last}; {counted} counted", stored.len());
        let log = self.server.daemon.log();
        assert!(!log.contains("panicked"), "{log}");
    }

    /// Senders that repeat whatever is not acknowledged.
    pub fn load(&self, senders: usize) -> Load {
        Load::start(&self.site, senders)
    }
}

async fn serve(vars: &[(String, String)]) -> Binary {
    let vars: Vec<_> = vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Binary::serve(&vars).await
}

/// Events with ids of their own.
fn events(name: &str, count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({"id": format!("{name}-{n}"), "event_type": "x"})).collect()
}

fn ids(events: &[Value]) -> impl Iterator<Item = String> {
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned())
}

/// An event that can not be compressed.
fn noisy(id: &str) -> Value {
    let noise: Vec<u8> = (0..3_000).map(|_| rand::random()).collect();
    json!({"id": id, "event_type": "x", "metadata": {"noise": BASE64_STANDARD.encode(noise)}})
}
