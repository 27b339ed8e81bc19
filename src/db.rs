//! The store: one pool on Postgres; on SQLite many readers beside the one writer it allows.

use std::{ops::Deref, time::Duration};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use crate::{config::Config, error::Result};

/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A handle to the database. Reads go through it directly; writes start at [`Db::begin`] or use
/// [`Db::writer`].
#[derive(Debug, Clone)]
pub struct Db {
    readers: DatabaseConnection,
    writer: DatabaseConnection,
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
            let pool = Database::connect(options).await?;
            return Ok(Self { readers: pool.clone(), writer: pool });
        }
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
        Ok(Self { writer: Database::connect(writer).await?, readers: Database::connect(options).await? })
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self) -> Result<()> {
        Ok(Migrator::up(&self.writer, None).await?)
    }

    /// The connection for a single writing statement.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// A transaction that will write. On SQLite it takes the write lock at once, so that it can
    /// not fail half-way for want of it.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.writer
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..Default::default()
            })
            .await
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
