//! One file of the spool: an SQLite database that one process at a time has for itself.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::TryStreamExt as _;
use sqlx::{
    ConnectOptions as _, Connection as _, Error, Row as _, SqliteConnection,
    sqlite::{
        SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteRow, SqliteSynchronous,
    },
};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::record::Record;
use crate::clock::Clock;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS spooled (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        app_id BLOB NOT NULL, events INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS aside (
        id INTEGER PRIMARY KEY, at INTEGER NOT NULL, reason TEXT NOT NULL,
        app_id BLOB NOT NULL, events INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL)";

const SELECT: &str = "SELECT id, app_id, events, crc, body FROM spooled";

/// Bytes of a page; the largest size of the file is told in pages.
const PAGE: u64 = 4_096;

/// What SQLite calls the files of one database.
const SUFFIXES: [&str; 3] = ["", "-wal", "-journal"];

/// Records of one INSERT: few sizes, so that each statement is prepared once.
const ROWS: [usize; 2] = [64, 1];

/// Bytes of an empty file that are left to it.
const WORTH_SHRINKING: u64 = 16 << 20;

/// How much of the file is read at once.
const BATCH_EVENTS: u64 = 4_000;
const BATCH_BYTES: usize = 4 << 20;

/// A file, open and locked against other processes.
pub(super) struct SpoolFile {
    path: PathBuf,
    max_bytes: u64,
    clock: Clock,
    /// One connection, which has the file for itself; none until it is needed, or after a failure.
    connection: Mutex<Option<SqliteConnection>>,
    /// Held while the file is ours; the system gives it back when the process ends, however it does.
    lock: Option<File>,
}

/// A record and its place in the file.
pub(super) struct Kept {
    pub id: i64,
    pub record: Record,
}

impl SpoolFile {
    /// Takes the file for this process; none when another has it. It is made when it is needed.
    pub(super) fn lock(path: PathBuf, max_bytes: u64, clock: Clock) -> io::Result<Option<Self>> {
        let lock = File::options().create(true).truncate(false).write(true).open(path.with_extension("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { path, max_bytes, clock, connection: Mutex::new(None), lock: Some(lock) })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// A file beside this one that nobody else knows of.
    pub(super) fn unlocked(&self, path: PathBuf) -> Self {
        Self { path, max_bytes: u64::MAX, clock: self.clock.clone(), connection: Mutex::new(None), lock: None }
    }

    /// Whether there is a file.
    pub(super) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds records; when this returns they are on the disk, all of them, or none where it fails.
    pub(super) async fn insert(&self, records: &[&Record]) -> Result<(), Error> {
        self.with(async |connection| {
            let mut transaction = connection.begin().await?;
            let mut rest = records;
            for size in ROWS {
                let chunks = rest.chunks_exact(size);
                rest = chunks.remainder();
                let rows = vec!["(?,?,?,?)"; size].join(",");
                let sql = format!("INSERT INTO spooled (app_id, events, crc, body) VALUES {rows}");
                for chunk in chunks {
                    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
                    for record in chunk {
                        query = query.bind(record.app.as_bytes().as_slice()).bind(i64::from(record.events));
                        query = query.bind(i64::from(record.crc)).bind(record.body.as_slice());
                    }
                    query.execute(&mut *transaction).await?;
                }
            }
            transaction.commit().await
        })
        .await
    }

    /// The oldest records behind `after`, as many as fit a group.
    pub(super) async fn oldest(&self, after: i64) -> Result<Vec<Kept>, Error> {
        self.with(async |connection| {
            let sql = format!("{SELECT} WHERE id > ? ORDER BY id");
            let mut rows = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(after).fetch(connection);
            let (mut batch, mut events, mut bytes) = (Vec::new(), 0, 0);
            while events < BATCH_EVENTS
                && bytes < BATCH_BYTES
                && let Some(row) = rows.try_next().await?
            {
                let kept = kept(&row)?;
                events += u64::from(kept.record.events).max(1);
                bytes += kept.record.body.len();
                batch.push(kept);
            }
            Ok(batch)
        })
        .await
    }

    /// The next record in either direction, alone, for a file that may break at any of them.
    pub(super) async fn next(&self, after: i64, before: i64, newest_first: bool) -> Result<Option<Kept>, Error> {
        let order = if newest_first { "DESC" } else { "ASC" };
        let sql = format!("{SELECT} WHERE id > ? AND id < ? ORDER BY id {order} LIMIT 1");
        self.with(async |connection| {
            let query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(after).bind(before);
            query.fetch_optional(connection).await?.as_ref().map(kept).transpose()
        })
        .await
    }

    /// Puts records back where they were.
    pub(super) async fn restore(&self, records: &[(i64, &Record)]) -> Result<(), Error> {
        self.with(async |connection| {
            let mut transaction = connection.begin().await?;
            for (id, record) in records {
                let sql = "INSERT OR IGNORE INTO spooled (id, app_id, events, crc, body) VALUES (?,?,?,?,?)";
                sqlx::query(sql)
                    .bind(id)
                    .bind(record.app.as_bytes().as_slice())
                    .bind(i64::from(record.events))
                    .bind(i64::from(record.crc))
                    .bind(record.body.as_slice())
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await
        })
        .await
    }

    /// Writes a record anew in its place.
    pub(super) async fn rewrite(&self, id: i64, record: &Record) -> Result<(), Error> {
        self.with(async |connection| {
            let sql = "UPDATE spooled SET events = ?, crc = ?, body = ? WHERE id = ?";
            let query = sqlx::query(sql).bind(i64::from(record.events)).bind(i64::from(record.crc));
            query.bind(record.body.as_slice()).bind(id).execute(connection).await.map(drop)
        })
        .await
    }

    /// Removes records.
    pub(super) async fn delete(&self, ids: &[i64]) -> Result<(), Error> {
        let ids = list(ids);
        self.with(async |connection| {
            let sql = "DELETE FROM spooled WHERE id IN (SELECT value FROM json_each(?))";
            sqlx::query(sql).bind(&ids).execute(connection).await.map(drop)
        })
        .await
    }

    /// Moves records where they keep nobody up and can be looked at.
    pub(super) async fn set_aside(&self, ids: &[i64], reason: &str) -> Result<(), Error> {
        let ids = list(ids);
        self.with(async |connection| {
            let mut transaction = connection.begin().await?;
            let copy = "INSERT OR IGNORE INTO aside (id, at, reason, app_id, events, crc, body) \
                        SELECT id, ?, ?, app_id, events, crc, body FROM spooled \
                        WHERE id IN (SELECT value FROM json_each(?))";
            sqlx::query(copy).bind(self.clock.now_ms()).bind(reason).bind(&ids).execute(&mut *transaction).await?;
            let remove = "DELETE FROM spooled WHERE id IN (SELECT value FROM json_each(?))";
            sqlx::query(remove).bind(&ids).execute(&mut *transaction).await?;
            transaction.commit().await
        })
        .await
    }

    /// Events and bytes of each app.
    pub(super) async fn held(&self) -> Result<HashMap<Uuid, (u64, usize)>, Error> {
        self.with(async |connection| {
            let sql = "SELECT app_id, sum(events), sum(length(body) + 64) FROM spooled GROUP BY app_id";
            let rows: Vec<(Vec<u8>, i64, i64)> = sqlx::query_as(sql).fetch_all(connection).await?;
            let of_app = |(app, events, bytes): (Vec<u8>, i64, i64)| {
                let held = (events.try_into().unwrap_or_default(), bytes.try_into().unwrap_or_default());
                (Uuid::from_slice(&app).unwrap_or_default(), held)
            };
            Ok(rows.into_iter().map(of_app).collect())
        })
        .await
    }

    /// How many records were set aside.
    pub(super) async fn aside(&self) -> Result<u64, Error> {
        self.with(async |connection| {
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM aside").fetch_one(connection).await?;
            Ok(count.try_into().unwrap_or_default())
        })
        .await
    }

    /// Gives the disk back what an outage has taken, once nothing is left.
    pub(super) async fn shrink(&self) {
        if fs::metadata(&self.path).is_ok_and(|file| file.len() < WORTH_SHRINKING) {
            return;
        }
        let shrunk = self.with(async |connection| {
            sqlx::raw_sql("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)").execute(connection).await.map(drop)
        });
        if let Err(error) = shrunk.await {
            tracing::debug!(%error, "the spool keeps its size");
        }
    }

    /// Removes the file, which holds nothing any more.
    pub(super) async fn remove(self) {
        self.close().await;
        self.delete_files();
    }

    /// Removes the file, which nobody has open.
    pub(super) fn delete_files(&self) {
        for path in self.files() {
            let _ = fs::remove_file(path);
        }
    }

    /// Closes the file and lets another process have it.
    pub(super) async fn release(&self) {
        self.close().await;
        if let Some(lock) = &self.lock {
            let _ = lock.unlock();
        }
    }

    /// Closes the file for now.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            let _ = connection.close().await;
        }
    }

    /// Gives the file another name, for it is damaged or no spool at all; says which.
    pub(super) async fn rename_aside(&self) -> io::Result<PathBuf> {
        self.close().await;
        self.rename_leftovers()
    }

    /// The same for whatever is there of a file that nobody has open.
    pub(super) fn rename_leftovers(&self) -> io::Result<PathBuf> {
        let renamed = format!("{}.damaged-{}", self.path.display(), self.clock.now_ms());
        for (path, suffix) in self.files().into_iter().zip(SUFFIXES) {
            match fs::rename(&path, format!("{renamed}{suffix}")) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                done => done?,
            }
        }
        Ok(renamed.into())
    }

    fn files(&self) -> [PathBuf; 3] {
        SUFFIXES.map(|suffix| PathBuf::from(format!("{}{suffix}", self.path.display())))
    }

    /// Does something with the connection. After a failure the next caller opens the file anew.
    async fn with<T>(&self, work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Error>) -> Result<T, Error> {
        let mut slot = self.connection.lock().await;
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => open(&self.path, self.max_bytes).await?,
        };
        // Taken out of its place: when the caller goes away half-way, nobody finds a connection that is
        // still at something.
        match work(&mut connection).await {
            Ok(done) => {
                *slot = Some(connection);
                Ok(done)
            }
            Err(error) => {
                let _ = connection.close().await;
                Err(error)
            }
        }
    }
}

/// Opens or makes a file, which no other connection may use.
async fn open(path: &Path, max_bytes: u64) -> Result<SqliteConnection, Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .locking_mode(SqliteLockingMode::Exclusive)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .auto_vacuum(SqliteAutoVacuum::None)
        .busy_timeout(Duration::from_secs(5))
        .pragma("max_page_count", (max_bytes / PAGE).clamp(16, u64::from(u32::MAX - 2)).to_string())
        .pragma("journal_size_limit", "8388608")
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
    Ok(connection)
}

/// Whether the file is damaged, or no database at all.
pub(super) fn is_damage(error: &Error) -> bool {
    primary_code(error).is_some_and(|code| matches!(code, 11 | 26))
}

/// Whether there is no room for more.
pub(super) fn is_full(error: &Error) -> bool {
    primary_code(error) == Some(13)
}

fn primary_code(error: &Error) -> Option<u32> {
    let Error::Database(error) = error else { return None };
    Some(error.code()?.parse::<u32>().ok()? & 0xff)
}

fn kept(row: &SqliteRow) -> Result<Kept, Error> {
    let app: &[u8] = row.try_get(1)?;
    let record = Record {
        // What is no id fails the checksum.
        app: Uuid::from_slice(app).unwrap_or_default(),
        events: row.try_get::<i64, _>(2)?.try_into().unwrap_or_default(),
        crc: row.try_get::<i64, _>(3)?.try_into().unwrap_or_default(),
        body: row.try_get(4)?,
    };
    Ok(Kept { id: row.try_get(0)?, record })
}

fn list(ids: &[i64]) -> String {
    format!("[{}]", ids.iter().map(i64::to_string).collect::<Vec<_>>().join(","))
}
