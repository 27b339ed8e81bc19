//! Redis for the tests: one for all, a database for each, and private ones that may be stopped.

use std::{
    process::Command,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use super::daemon::{self, Daemon};

static SHARED: LazyLock<Redis> = LazyLock::new(Redis::start);
static NEXT_DATABASE: AtomicU32 = AtomicU32::new(0);
const DATABASES: u32 = 4096;

/// The address of an empty database on the Redis that all tests share.
pub fn database() -> String {
    let number = NEXT_DATABASE.fetch_add(1, Ordering::Relaxed);
    assert!(number < DATABASES, "more tests than databases");
    format!("{}/{number}", SHARED.url())
}

/// A running Redis without persistence.
pub struct Redis {
    port: u16,
    daemon: Option<Daemon>,
}

impl Redis {
    /// A private instance.
    pub fn start() -> Self {
        let mut redis = Self { port: daemon::free_port(), daemon: None };
        redis.restart();
        redis
    }

    /// `redis://…`, the same after a restart.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it and forgets what it held, as if the machine was switched off.
    pub fn stop(&mut self) {
        self.daemon = None;
    }

    /// Holds it still: connections stay open, nothing answers until [`Redis::resume`].
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`Redis::pause`].
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Starts it again on the same port, empty.
    pub fn restart(&mut self) {
        self.daemon = None;
        let mut command = Command::new(daemon::program("redis-server", [], "redis-server"));
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(["--port", &self.port.to_string(), "--databases", &DATABASES.to_string()]);
        let daemon = Daemon::spawn(daemon::folder("redis"), "KILL", &command);
        let until = Instant::now() + Duration::from_secs(20);
        while !daemon.log().contains("Ready to accept connections") {
            assert!(!daemon.ended() && Instant::now() < until, "Redis did not start:\n{}", daemon.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.daemon = Some(daemon);
    }

    fn signal(&self, name: &str) {
        self.daemon.as_ref().expect("Redis was stopped").signal(name);
    }
}
