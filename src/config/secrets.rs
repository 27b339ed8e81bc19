//! Secrets: given by the owner, or made once and kept beside the embedded store.

use std::{
    fmt::Write as _,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, ErrorKind, Write as _},
    path::Path,
};

/// The least a secret may hold.
pub(super) const SECRET_BYTES: usize = 32;

/// The names under which secrets are kept, in the environment and in the file alike.
pub(super) const NAMES: [&str; 2] = ["JWT_SECRET", "API_KEY_SECRET"];

/// A text that never reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// The secrets kept in `dir`, made on the first call. Several processes may start at once: all
/// of them get the same ones.
pub(super) fn load_or_create(dir: &Path) -> io::Result<[Secret; 2]> {
    let path = dir.join("secrets");
    if !path.exists() {
        create_private_dir(dir)?;
        create(&path)?;
    }
    let text = fs::read_to_string(&path)?;
    let find = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?.trim();
        (value.len() >= SECRET_BYTES).then(|| Secret::new(value))
    };
    match NAMES.map(find) {
        [Some(jwt), Some(api_key)] => Ok([jwt, api_key]),
        _ => Err(io::Error::new(ErrorKind::InvalidData, format!("{} lacks a secret", path.display()))),
    }
}

/// Writes a new file in full and only then gives it its name, so that nobody ever reads half of
/// it; whoever comes second leaves the first one's standing.
fn create(path: &Path) -> io::Result<()> {
    let mut text = String::new();
    for name in NAMES {
        let hex =
            rand::random::<[u8; SECRET_BYTES]>().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let _ = writeln!(text, "{name}={hex}");
    }
    let draft = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    let written = write_private(&draft, &text).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let _ = fs::remove_file(&draft);
    written
}

/// Makes a folder that only its owner may enter, where there is none; one that is there stays as it is.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Writes a new file that only its owner may read, down to the disk.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
