//! The program itself, as an owner runs it.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use super::{
    daemon::{self, Daemon},
    leaks,
    people::Person,
};

/// A running `event-analytics`; killed, and its folder removed, when dropped.
pub struct Binary {
    pub url: String,
    pub daemon: Daemon,
    /// The demo tells its password and its key.
    tells_secrets: bool,
}

impl Drop for Binary {
    fn drop(&mut self) {
        let log = self.daemon.log();
        if !std::thread::panicking() && !self.tells_secrets {
            assert_eq!(leaks::find(&log), None, "no log tells secrets:\n{log}");
        }
    }
}

impl Binary {
    /// `event-analytics serve` in a folder of its own, ready to answer.
    pub async fn serve(vars: &[(&str, &str)]) -> Self {
        Self::run(&["serve"], vars).await
    }

    /// The same, where no file may grow beyond so many KiB: what is written beyond that fails, as on a disk
    /// that is full.
    pub async fn serve_within(kib: u32, vars: &[(&str, &str)]) -> Self {
        let serve = command(&["serve"]);
        let mut limited = Command::new("sh");
        // In blocks of 512 bytes. The signal that would end the process instead is ignored.
        limited.args(["-c", "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"", "sh", &(2 * kib).to_string()]);
        limited.arg(serve.get_program()).args(serve.get_args());
        for (name, _) in serve.get_envs() {
            limited.env_remove(name);
        }
        Self::start(limited, vars).await
    }

    /// A command that ends up serving, such as `demo`.
    pub async fn run(arguments: &[&str], vars: &[(&str, &str)]) -> Self {
        Self::start(command(arguments), vars).await
    }

    async fn start(mut command: Command, vars: &[(&str, &str)]) -> Self {
        let folder = daemon::folder("binary");
        let given = vars.iter().find(|(name, _)| *name == "LISTEN_ADDR").map(|(_, address)| (*address).to_owned());
        let address = given.unwrap_or_else(|| format!("127.0.0.1:{}", daemon::free_port()));
        command.env("LISTEN_ADDR", &address).env("DATA_DIR", folder.join("data")).envs(vars.iter().copied());
        let tells_secrets = command.get_args().any(|argument| argument == "demo");
        let daemon = Daemon::spawn(folder, "KILL", &command);
        let binary = Self { url: format!("http://{address}"), daemon, tells_secrets };
        binary.wait_until_ready().await;
        binary
    }

    async fn wait_until_ready(&self) {
        let http = self.anonymous().http;
        let until = Instant::now() + Duration::from_secs(120);
        let ready = || http.get(format!("{}/ready", self.url)).send();
        while !ready().await.is_ok_and(|response| response.status().is_success()) {
            let log = self.daemon.log();
            assert!(!self.daemon.ended() && Instant::now() < until, "the server did not start:\n{log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Someone who has not signed in.
    pub fn anonymous(&self) -> Person {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Person { url: self.url.clone(), http, email: String::new(), token: None }
    }

    /// Ends it as a power cut would, and waits until it is gone.
    pub fn kill(&mut self) {
        self.daemon.signal("KILL");
        self.daemon.wait();
    }

    /// SIGTERM, then the exit code.
    pub fn terminate(&mut self) -> u32 {
        self.daemon.signal("TERM");
        self.daemon.wait()
    }
}

/// The program with arguments and none of this process's variables but `PATH`, for commands that end by themselves.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_event-analytics"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name != "PATH") {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}
