//! A connection that stores groups, of either store.

use std::ops::RangeInclusive;

use sqlx::{Acquire as _, Error, Postgres, Sqlite, pool::PoolConnection};
use uuid::Uuid;

use super::{
    Key, Stored,
    postgres::{self, Encoded},
    row::Row,
    sqlite,
    transaction::Head,
};
use crate::db::{Db, WritePool};

/// Taken from the pool of those that write, and given back when dropped.
pub(super) enum Connection {
    Postgres(PoolConnection<Postgres>),
    Sqlite(PoolConnection<Sqlite>),
}

impl Connection {
    /// Waits for one.
    pub(super) async fn acquire(db: &Db) -> Result<Self, Error> {
        Ok(match db.write_pool() {
            WritePool::Postgres(pool) => Self::Postgres(pool.acquire().await?),
            WritePool::Sqlite(pool) => Self::Sqlite(pool.acquire().await?),
        })
    }

    /// Begins a transaction. On SQLite it takes the write lock at once, so that it can not fail
    /// half-way for want of it.
    pub(super) async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        use sqlx::Connection as _;
        Ok(match self {
            Self::Postgres(connection) => Transaction::Postgres(connection.begin().await?),
            Self::Sqlite(connection) => Transaction::Sqlite(connection.begin_with("BEGIN IMMEDIATE").await?),
        })
    }

    /// What can be done for [`Transaction::insert`] before the transaction begins.
    pub(super) fn encode(&self, rows: &[Row<'_>]) -> Result<Option<Encoded>, Error> {
        match self {
            Self::Postgres(_) => postgres::encode(rows).map(Some),
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// Has it closed rather than given back.
    pub(super) fn close(&mut self) {
        match self {
            Self::Postgres(connection) => connection.close_on_drop(),
            Self::Sqlite(connection) => connection.close_on_drop(),
        }
    }
}

/// A transaction or a savepoint, undone when dropped.
pub(super) enum Transaction<'c> {
    Postgres(sqlx::Transaction<'c, Postgres>),
    Sqlite(sqlx::Transaction<'c, Sqlite>),
}

impl Transaction<'_> {
    /// Moves the heads of `apps` (sorted) on by one and holds them to the end. The answer lacks apps
    /// that are gone.
    pub(super) async fn lock_heads(&mut self, apps: &[Uuid]) -> Result<Vec<(Uuid, Head)>, Error> {
        match self {
            Self::Postgres(transaction) => postgres::lock_heads(transaction, apps).await,
            Self::Sqlite(transaction) => sqlite::lock_heads(transaction, apps).await,
        }
    }

    /// The numbers of the last commits of `apps`. Nothing on SQLite, where whoever began has all heads.
    pub(super) async fn heads(&mut self, apps: &[Uuid]) -> Result<Option<Vec<(Uuid, i64)>>, Error> {
        match self {
            Self::Postgres(transaction) => postgres::heads(transaction, apps).await.map(Some),
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// Which of these keys of events that arrived at `arrived` are stored. On Postgres only the
    /// partitions of the last month before that are looked into.
    pub(super) async fn stored(&mut self, keys: &[Key], arrived: RangeInclusive<i64>) -> Result<Stored, Error> {
        if keys.is_empty() {
            return Ok(Stored::new());
        }
        match self {
            Self::Postgres(transaction) => postgres::stored(transaction, keys, arrived).await,
            Self::Sqlite(transaction) => sqlite::stored(transaction, keys).await,
        }
    }

    /// Inserts rows whose keys are not stored. `encoded` may be given when nothing about them has
    /// changed since.
    pub(super) async fn insert(&mut self, rows: &[Row<'_>], encoded: Option<Encoded>) -> Result<(), Error> {
        match self {
            Self::Postgres(transaction) => {
                let encoded = encoded.map_or_else(|| postgres::encode(rows), Ok)?;
                postgres::insert(transaction, rows, encoded).await
            }
            Self::Sqlite(transaction) => sqlite::insert(transaction, rows).await,
        }
    }

    /// A part that can be undone by itself.
    pub(super) async fn savepoint(&mut self) -> Result<Transaction<'_>, Error> {
        Ok(match self {
            Self::Postgres(transaction) => Transaction::Postgres(transaction.begin().await?),
            Self::Sqlite(transaction) => Transaction::Sqlite(transaction.begin().await?),
        })
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Postgres(transaction) => transaction.commit().await,
            Self::Sqlite(transaction) => transaction.commit().await,
        }
    }

    pub(super) async fn rollback(self) -> Result<(), Error> {
        match self {
            Self::Postgres(transaction) => transaction.rollback().await,
            Self::Sqlite(transaction) => transaction.rollback().await,
        }
    }
}
