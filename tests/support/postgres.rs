//! Postgres for the tests: one server for all, a copy of a migrated database for each.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use tokio::sync::OnceCell;

use super::daemon::{self, Daemon};

static SHARED: OnceCell<Postgres> = OnceCell::const_new();
static NEXT_DATABASE: AtomicU32 = AtomicU32::new(0);
static DONE_WITH: Mutex<Vec<String>> = Mutex::new(Vec::new());
const TEMPLATE: &str = "migrated";

/// A database of one's own; dropped some time after this handle is.
pub struct TestDatabase {
    name: String,
    url: String,
}

impl TestDatabase {
    /// Migrated and empty (about 40 ms).
    pub async fn new() -> Self {
        Self::copy_of(TEMPLATE).await
    }

    /// Without any table.
    pub async fn bare() -> Self {
        Self::copy_of("template1").await
    }

    /// `postgres://…`
    pub fn url(&self) -> &str {
        &self.url
    }

    async fn copy_of(template: &str) -> Self {
        let postgres = SHARED.get_or_init(Postgres::start).await;
        // Here, because a test's own end can not wait for it; so only a few are kept at a time.
        let done_with = std::mem::take(&mut *DONE_WITH.lock().unwrap());
        for name in done_with {
            postgres.execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        let name = format!("test_{}", NEXT_DATABASE.fetch_add(1, Ordering::Relaxed));
        postgres.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Self { url: postgres.url(&name), name }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        DONE_WITH.lock().unwrap().push(std::mem::take(&mut self.name));
    }
}

struct Postgres {
    port: u16,
    daemon: Daemon,
}

impl Postgres {
    async fn start() -> Self {
        let postgres = tokio::task::spawn_blocking(Self::spawn).await.unwrap();
        postgres.wait_until_ready().await;
        postgres.execute(&format!("CREATE DATABASE {TEMPLATE}")).await;
        let template = connect(&postgres.url(TEMPLATE)).await.unwrap();
        Migrator::up(&template, None).await.unwrap();
        template.close().await.unwrap();
        postgres
    }

    fn spawn() -> Self {
        let folder = daemon::folder("postgres");
        initdb(&folder);
        let port = daemon::free_port();
        let server = server(&folder, port, &["autovacuum=off", "max_wal_size=4GB"]);
        // QUIT is Postgres's immediate end: there is nothing to save.
        Self { port, daemon: Daemon::spawn(folder, "QUIT", &server) }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    async fn wait_until_ready(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while connect(&self.url("postgres")).await.is_err() {
            let log = self.daemon.log();
            assert!(!self.daemon.ended() && Instant::now() < until, "Postgres did not start:\n{log}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One statement over a connection of its own: every test has its own runtime, which a pool
    /// would not survive.
    async fn execute(&self, sql: &str) {
        let connection = connect(&self.url("postgres")).await.unwrap();
        connection.execute_unprepared(sql).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// A cluster in `folder/data`, which its server may then use.
fn initdb(folder: &Path) {
    let user = unprivileged_user();
    if let Some(user) = &user {
        run(Command::new("chown").arg(user).arg(folder));
    }
    run(as_user(&user, &binary("initdb")).current_dir(folder).arg("--pgdata").arg(folder.join("data")).args([
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]));
}

fn server(folder: &Path, port: u16, settings: &[&str]) -> Command {
    let mut server = as_user(&unprivileged_user(), &binary("postgres"));
    server.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    server.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    for setting in settings.iter().chain(&["max_connections=300", "log_min_messages=fatal"]) {
        server.args(["-c", setting]);
    }
    server
}

/// A server of one's own, to be treated badly. What it holds outlives its processes.
pub struct OwnPostgres {
    folder: PathBuf,
    postgres: Option<Postgres>,
    port: u16,
}

impl OwnPostgres {
    /// With an empty database `postgres`.
    pub async fn start() -> Self {
        let folder = daemon::folder("own-postgres");
        let own = folder.clone();
        tokio::task::spawn_blocking(move || initdb(&own)).await.unwrap();
        let mut own = Self { folder, postgres: None, port: daemon::free_port() };
        own.restart().await;
        own
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it after it was ended, and waits until it has recovered.
    pub async fn restart(&mut self) {
        let server = server(&self.folder, self.port, &["max_wal_size=4GB"]);
        let daemon = Daemon::spawn(daemon::folder("own-postgres-log"), "QUIT", &server);
        let postgres = Postgres { port: self.port, daemon };
        postgres.wait_until_ready().await;
        self.postgres = Some(postgres);
    }

    /// Ends all of its processes at once, as a power cut would.
    pub fn kill(&mut self) {
        let Some(mut postgres) = self.postgres.take() else { return };
        // Held still first, so that it starts no others meanwhile.
        postgres.daemon.signal("STOP");
        signal(&self.processes(&postgres), "KILL");
        postgres.daemon.wait();
    }

    /// Ends it in order: connections are cut, what is committed is written.
    pub fn stop(&mut self) {
        let Some(mut postgres) = self.postgres.take() else { return };
        postgres.daemon.signal("INT");
        postgres.daemon.wait();
    }

    /// Holds all of its processes still: connections stay open, nothing answers.
    pub fn pause(&self) {
        let postgres = self.postgres.as_ref().expect("it runs");
        postgres.daemon.signal("STOP");
        signal(&self.processes(postgres), "STOP");
    }

    /// Lets them go on.
    pub fn resume(&self) {
        let Some(postgres) = &self.postgres else { return };
        signal(&self.processes(postgres), "CONT");
    }

    /// Its first process and the children of that.
    fn processes(&self, postgres: &Postgres) -> Vec<u32> {
        let pid = postgres.daemon.pid();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children.split_whitespace().filter_map(|child| child.parse().ok()).chain([pid]).collect()
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        self.resume();
        self.postgres = None;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn signal(processes: &[u32], name: &str) {
    let processes: Vec<_> = processes.iter().map(u32::to_string).collect();
    // One that has just ended by itself is no failure.
    Command::new("sh").args(["-c", &format!("kill -s {name} {} 2>/dev/null", processes.join(" "))]).status().unwrap();
}

/// One connection.
pub async fn connect(url: &str) -> Result<DatabaseConnection, sea_orm::DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).connect_timeout(Duration::from_secs(5)).sqlx_logging(false);
    Database::connect(options).await
}

/// Postgres refuses to run as root: then whom to run it as.
fn unprivileged_user() -> Option<String> {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if id(&["-u"])? != "0" {
        return None;
    }
    ["postgres", "nobody"].into_iter().find(|user| id(&["-u", user]).is_some()).map(str::to_owned)
}

fn as_user(user: &Option<String>, program: &Path) -> Command {
    let Some(user) = user else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={user}")).args(["--regid=nogroup", "--clear-groups", "--"]).arg(program);
    command
}

/// Debian keeps the server's programs off the path, one folder a version; the newest wins.
fn binary(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort_by_key(|path| std::cmp::Reverse(version(path)));
    daemon::program(name, versions, "postgresql")
}

fn version(bin: &Path) -> Option<u32> {
    bin.parent()?.file_name()?.to_str()?.parse().ok()
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
