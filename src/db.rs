//! The store: readers beside writers, on Postgres so that neither waits for the other's connections,
//! on SQLite because it allows one writer.

mod partition;

use std::{ops::Deref, sync::Arc, thread, time::Duration};

use migration::{MigrationStatus, Migrator, MigratorTrait};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, IsolationLevel, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sqlx::{AssertSqlSafe, Executor as _, PgPool, SqlitePool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    config::{Config, create_private_dir},
    error::{Error, Result},
};

/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections of Postgres that write: two groups of events under way, and changes by owners.
const WRITING_CONNECTIONS: u32 = 6;

/// The number of the lock that whoever migrates holds; any number no other program uses.
const MIGRATION_LOCK: i64 = 0x7565_615f_6d69_6772;

/// The pool of connections that write, below the entities: groups of events are too large for
/// values that are copied one by one.
#[derive(Debug, Clone, Copy)]
pub enum WritePool<'a> {
    /// Of the server.
    Postgres(&'a PgPool),
    /// Of the file.
    Sqlite(&'a SqlitePool),
}

/// A handle to the database. Reads go through it directly; writes start at [`Db::begin`] or use
/// [`Db::writer`].
#[derive(Debug, Clone)]
pub struct Db {
    readers: DatabaseConnection,
    writer: DatabaseConnection,
    long_reads: Arc<Semaphore>,
}

impl Deref for Db {
    type Target = DatabaseConnection;

    fn deref(&self) -> &DatabaseConnection {
        &self.readers
    }
}

impl Db {
    /// Opens the pool or pools. SQLite files are created where they are missing.
    pub async fn connect(config: &Config) -> Result<Self> {
        let url = config.database_url.expose();
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(config.database_max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_timeout(ACQUIRE_TIMEOUT)
            .sqlx_logging(false)
            .record_stmt_in_spans(false);
        if !url.starts_with("sqlite:") {
            let (readers, writers) = postgres_pools(options, config);
            return Self::open(readers, writers).await;
        }
        create_private_dir(&config.data_dir).map_err(Error::internal)?;
        options.map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .create_if_missing(true)
                .foreign_keys(true)
                .busy_timeout(ACQUIRE_TIMEOUT)
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("mmap_size", "268435456")
        });
        let mut writer = options.clone();
        writer.min_connections(1).max_connections(1).acquire_timeout(Duration::from_secs(30));
        Self::open(options, writer).await
    }

    async fn open(readers: ConnectOptions, writer: ConnectOptions) -> Result<Self> {
        // Long reads are bound by the processor, and leave half of the connections to short ones.
        let cores = thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
        let most = readers.get_max_connections().map_or(cores, |readers| readers as usize / 2);
        let long_reads = Arc::new(Semaphore::new(cores.min(most).max(1)));
        let writer = measured(Database::connect(writer).await?);
        Ok(Self { writer, readers: measured(Database::connect(readers).await?), long_reads })
    }

    /// Waits for its turn to read for long; others wait in their order until it is dropped.
    pub async fn long_read(&self) -> Result<OwnedSemaphorePermit> {
        self.long_reads.clone().acquire_owned().await.map_err(Error::internal)
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self) -> Result<()> {
        let transaction = self.begin_migration().await?;
        Migrator::up(&transaction, None).await?;
        Ok(transaction.commit().await?)
    }

    /// Undoes the last `steps` migrations, and whatever is stored in what they had made.
    pub async fn migrate_down(&self, steps: u32) -> Result<()> {
        let transaction = self.begin_migration().await?;
        Migrator::down(&transaction, Some(steps)).await?;
        Ok(transaction.commit().await?)
    }

    /// Every migration by name and whether it has been applied, in their order.
    pub async fn migrations(&self) -> Result<Vec<(String, bool)>> {
        let all = Migrator::get_migration_with_status_read_only(&self.readers).await?;
        let applied = |status| matches!(status, MigrationStatus::Applied);
        Ok(all.iter().map(|migration| (migration.name().to_owned(), applied(migration.status()))).collect())
    }

    /// A transaction of which there is one at a time over all instances, so that several may start
    /// at once on an empty store.
    async fn begin_migration(&self) -> Result<DatabaseTransaction, DbErr> {
        let transaction = self.begin().await?;
        if self.is_postgres() {
            // Another instance may be at it for as long as it takes.
            let wait = format!("SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
            transaction.execute_unprepared(&wait).await?;
        }
        Ok(transaction)
    }

    /// The connection for a single writing statement.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// The connections behind [`Db::writer`].
    pub fn write_pool(&self) -> WritePool<'_> {
        if self.is_postgres() {
            WritePool::Postgres(self.writer.get_postgres_connection_pool())
        } else {
            WritePool::Sqlite(self.writer.get_sqlite_connection_pool())
        }
    }

    /// A transaction that will write. On SQLite it takes the write lock at once, so that it can
    /// not fail half-way for want of it.
    ///
    /// It begins in a task of its own: were a caller to go away between BEGIN and its answer, the
    /// driver would not know of the transaction and hand its connection, still inside it, to the next.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let writer = self.writer.clone();
        let begun = tokio::spawn(async move {
            let sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
            writer.begin_with_options(TransactionOptions { sqlite_transaction_mode, ..Default::default() }).await
        });
        begun.await.unwrap_or_else(|lost| Err(DbErr::Custom(lost.to_string())))
    }

    /// A transaction that reads, all of it in one snapshot of the store. Begun like one that writes.
    pub async fn begin_read(&self) -> Result<DatabaseTransaction, DbErr> {
        let (readers, is_postgres) = (self.readers.clone(), self.is_postgres());
        let begun = tokio::spawn(async move {
            let mut options = TransactionOptions::default();
            // SQLite reads in a snapshot whatever it is told.
            if is_postgres {
                options.isolation_level = Some(IsolationLevel::RepeatableRead);
                options.access_mode = Some(AccessMode::ReadOnly);
            }
            readers.begin_with_options(options).await
        });
        begun.await.unwrap_or_else(|lost| Err(DbErr::Custom(lost.to_string())))
    }

    /// Whether this is Postgres, where statements may use arrays.
    pub fn is_postgres(&self) -> bool {
        self.readers.get_database_backend() == DbBackend::Postgres
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.readers.ping().await?)
    }

    /// Closes every connection, after the last write.
    pub async fn close(&self) {
        for pool in [&self.writer, &self.readers] {
            let _ = pool.clone().close().await;
        }
    }
}

/// The connections of Postgres in two pools, so that questions can never keep events waiting. A
/// question whose asker is gone must not be read to its end before its connection is used again,
/// so Postgres ends it by itself.
fn postgres_pools(options: ConnectOptions, config: &Config) -> (ConnectOptions, ConnectOptions) {
    let most = config.database_max_connections;
    let for_writers = (most / 3).clamp(1, WRITING_CONNECTIONS);
    let mut writers = options.clone();
    writers.max_connections(for_writers);
    writers.map_sqlx_postgres_pool_opts(|pool| {
        pool.after_connect(|connection, _| {
            Box::pin(async move { connection.execute(partition::WRITING).await.map(drop) })
        })
    });
    let mut readers = options;
    readers.max_connections((most - for_writers).max(1));
    let limit = format!("SET statement_timeout = {}", config.limits.query_timeout.as_millis());
    readers.map_sqlx_postgres_pool_opts(move |pool| {
        let limit = limit.clone();
        pool.after_connect(move |connection, _| {
            let limit = AssertSqlSafe(limit.clone());
            Box::pin(async move { connection.execute(limit).await.map(drop) })
        })
    });
    (readers, writers)
}

/// Measures every statement of a pool, by kind.
fn measured(mut pool: DatabaseConnection) -> DatabaseConnection {
    pool.set_metric_callback(|info| {
        let word = info.statement.sql.split_whitespace().next().unwrap_or_default();
        let kinds = ["select", "insert", "update", "delete", "with"];
        let kind = kinds.into_iter().find(|kind| word.eq_ignore_ascii_case(kind)).unwrap_or("other");
        let result = if info.failed { "failed" } else { "ok" };
        metrics::histogram!("uea_db_seconds", "kind" => kind, "result" => result).record(info.elapsed.as_secs_f64());
    });
    pool
}
