//! The real server in this process, on a port of its own and a store of its own.

use std::sync::Arc;

use event_analytics::{clock::Clock, config::Config, server, state::App};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    leaks,
    people::{Person, Site},
    postgres::TestDatabase,
    redis,
};

/// 2026-11-22T12:00:00Z, a Sunday: when every test begins.
pub const NOW: i64 = 1_795_348_800_000;

/// What holds the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// A SQLite file, all shared state in the process.
    Sqlite,
    /// Postgres and Redis.
    Postgres,
}

/// What a server needs to come back after a stop, or to have a sibling.
#[derive(Clone)]
struct Ground {
    vars: Vec<(String, String)>,
    _folder: Arc<TempDir>,
    _database: Option<Arc<TestDatabase>>,
}

/// A running server.
pub struct TestApp {
    pub app: App,
    /// Stands at [`NOW`] until told to move, unless the test chose the machine's clock.
    pub clock: Clock,
    pub url: String,
    pub http: reqwest::Client,
    ground: Ground,
    shutdown: CancellationToken,
    server: JoinHandle<event_analytics::error::Result<()>>,
}

impl TestApp {
    /// A server whose clock stands at [`NOW`], with limits no ordinary test meets.
    pub async fn start(store: Store) -> Self {
        Self::with(store, &[]).await
    }

    /// With these variables beside (or instead of) the usual ones.
    pub async fn with(store: Store, vars: &[(&str, &str)]) -> Self {
        Self::with_clock(store, vars, Clock::manual(NOW)).await
    }

    /// With a clock of the test's choice.
    pub async fn with_clock(store: Store, vars: &[(&str, &str)], clock: Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut all = vec![
            ("DATA_DIR".to_owned(), folder.path().to_str().unwrap().to_owned()),
            ("JWT_SECRET".to_owned(), "j".repeat(64)),
            ("API_KEY_SECRET".to_owned(), "k".repeat(64)),
            // A store that is merely slow to a busy machine must not change what a test sees.
            ("SPOOL_MAX_BYTES".to_owned(), "0".to_owned()),
        ];
        for limit in ["INGEST_PER_MINUTE", "ANALYTICS_PER_MINUTE", "ANALYTICS_POINTS_PER_MINUTE", "AUTH_PER_15_MINUTES"]
        {
            all.push((format!("RATE_LIMIT_{limit}"), "1000000".to_owned()));
        }
        let mut database = None;
        if store == Store::Postgres {
            let own = TestDatabase::new().await;
            all.push(("DATABASE_URL".to_owned(), own.url().to_owned()));
            all.push(("DATABASE_MAX_CONNECTIONS".to_owned(), "8".to_owned()));
            all.push(("REDIS_URL".to_owned(), tokio::task::spawn_blocking(redis::database).await.unwrap()));
            database = Some(Arc::new(own));
        }
        for (name, value) in vars {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        Self::on(Ground { vars: all, _folder: Arc::new(folder), _database: database }, clock).await
    }

    async fn on(ground: Ground, clock: Clock) -> Self {
        leaks::watch_logs();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut vars = ground.vars.clone();
        if !vars.iter().any(|(name, _)| name == "PUBLIC_URL") {
            vars.push(("PUBLIC_URL".to_owned(), url.clone()));
        }
        let config = Config::from_vars(vars).unwrap();
        let app = App::start(config, clock.clone()).await.unwrap();
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(server::serve(app.clone(), listener, shutdown.clone().cancelled_owned()));
        let redirects = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().no_proxy().redirect(redirects).build().unwrap();
        Self { app, clock, url, http, ground, shutdown, server }
    }

    /// Another instance on the same store and the same clock.
    pub async fn sibling(&self) -> Self {
        Self::on(self.ground.clone(), self.clock.clone()).await
    }

    /// Stops as SIGTERM does and waits until all is drained.
    pub async fn stop(self) -> Stopped {
        self.shutdown.cancel();
        self.server.await.unwrap().unwrap();
        Stopped { ground: self.ground, clock: self.clock }
    }

    /// Someone who has not signed in.
    pub fn anonymous(&self) -> Person {
        Person { url: self.url.clone(), http: self.http.clone(), email: String::new(), token: None }
    }

    /// A user, just registered as `name@example.com`.
    pub async fn user(&self, name: &str) -> Person {
        let mut person = Person { email: format!("{name}@example.com"), ..self.anonymous() };
        person.register().await;
        person
    }

    /// Alice, her app and its key.
    pub async fn site(&self) -> Site {
        Site::of(self.user("alice").await, "Alice's site").await
    }
}

/// A server that was stopped.
pub struct Stopped {
    ground: Ground,
    clock: Clock,
}

impl Stopped {
    /// Starts it again on the same store (and on another port).
    pub async fn start(self) -> TestApp {
        self.start_with(&[]).await
    }

    /// The same with these variables instead of those of before; empty ones count as unset.
    pub async fn start_with(mut self, vars: &[(&str, &str)]) -> TestApp {
        for (name, value) in vars {
            self.ground.vars.retain(|(known, _)| known != name);
            self.ground.vars.push(((*name).to_owned(), (*value).to_owned()));
        }
        TestApp::on(self.ground, self.clock).await
    }
}
