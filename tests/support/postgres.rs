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
        let user = unprivileged_user();
        let folder = daemon::folder("postgres");
        if let Some(user) = &user {
            run(Command::new("chown").arg(user).arg(&folder));
        }
        let data = folder.join("data");
        run(as_user(&user, &binary("initdb")).current_dir(&folder).arg("--pgdata").arg(&data).args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]));
        let port = daemon::free_port();
        let mut server = as_user(&user, &binary("postgres"));
        server.arg("-D").arg(&data).arg("-k").arg(&folder).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        for setting in ["max_connections=300", "autovacuum=off", "max_wal_size=4GB", "log_min_messages=fatal"] {
            server.args(["-c", setting]);
        }
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
