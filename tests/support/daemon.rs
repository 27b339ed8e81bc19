//! Processes that never outlive the test run, however it ends.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

/// Starts the process, tells its id, and later its exit code; when the pipe from the tests closes
/// (they finished, panicked or were killed) ends the process and removes its folder.
const WATCHDOG: &str = r#"
folder=$1 signal=$2; shift 2
exec 3<&0
"$@" </dev/null >"$folder/log" 2>&1 3<&- &
process=$!
echo "$process"
( read -r _ <&3; [ -e "$folder/ended" ] || kill -s "$signal" "$process" ) &
trap '' PIPE
wait "$process" 2>/dev/null; code=$?
: >"$folder/ended"
echo "$code" 2>/dev/null
wait
rm -rf "$folder"
"#;

/// A running process with a folder of its own. Dropping it ends the process and removes the folder.
pub struct Daemon {
    watchdog: Child,
    says: BufReader<ChildStdout>,
    pid: u32,
    folder: PathBuf,
}

/// A fresh folder, to be handed to [`Daemon::spawn`], which sees to its end.
pub fn folder(name: &str) -> PathBuf {
    tempfile::Builder::new().prefix(&format!("event-analytics-{name}-")).tempdir().unwrap().keep()
}

impl Daemon {
    /// Runs `command` with its output in `folder/log`; `signal` is how it is ended.
    pub fn spawn(folder: PathBuf, signal: &str, command: &Command) -> Self {
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", WATCHDOG, "sh"]).arg(&folder).arg(signal);
        watchdog.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => watchdog.env(name, value),
                None => watchdog.env_remove(name),
            };
        }
        // A group of its own: Ctrl-C at the terminal reaches the tests only, and they take care of it.
        watchdog.current_dir(&folder).process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut watchdog = watchdog.spawn().expect("sh starts");
        let mut says = BufReader::new(watchdog.stdout.take().unwrap());
        let pid = line(&mut says).expect("the watchdog tells the process id");
        Self { watchdog, says, pid, folder }
    }

    /// Sends a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        Command::new("sh").args(["-c", &format!("kill -s {name} {}", self.pid)]).status().unwrap();
    }

    /// Waits for the process to end by itself and tells its exit code (128 + n after signal n).
    pub fn wait(&mut self) -> u32 {
        line(&mut self.says).expect("the watchdog tells the exit code")
    }

    /// Whether the process has ended.
    pub fn ended(&self) -> bool {
        self.folder.join("ended").exists()
    }

    /// What the process has written so far, both streams.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap_or_default()).into_owned()
    }

    /// Its process id.
    #[allow(dead_code)] // read by benches/ingest.rs
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn line(says: &mut impl BufRead) -> Option<u32> {
    let mut line = String::new();
    says.read_line(&mut line).ok()?;
    line.trim().parse().ok()
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// A port of this machine that nobody uses at the moment.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The program `name` in one of `folders` or on the path.
pub fn program(name: &str, folders: impl IntoIterator<Item = PathBuf>, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = folders.into_iter().chain(std::env::split_paths(&path)).map(|folder| folder.join(name));
    let mut found = found.filter(|program| program.is_file());
    found.next().unwrap_or_else(|| panic!("{name} is not installed; `sudo apt install {package}` brings it"))
}
