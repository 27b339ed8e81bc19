//! The monthly partitions of `events` on Postgres, made ahead of the time they are for.
//!
//! A partition is made as a table of its own and then attached, which neither waits for running
//! questions nor makes events wait.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::Db;
use crate::error::{Error, Result};

/// Months for which there is a partition beside the current one.
const AHEAD: i32 = 2;

/// The number of the lock that whoever makes partitions holds.
const LOCK: i64 = 0x7565_615f_7061_7274;

impl Db {
    /// Makes the partitions of this month and of the next ones, where they are missing.
    pub async fn create_partitions(&self, now: i64) -> Result<()> {
        let Some(this) = month(now) else { return Ok(()) };
        let months = (0..=AHEAD).filter_map(|ahead| this.checked_add(ahead.months()).ok());
        self.create(months.collect()).await?;
        Ok(())
    }

    /// Makes sure that events that arrived at these times find a partition; true when one was made.
    pub async fn cover(&self, arrivals: impl Iterator<Item = i64>) -> Result<bool> {
        self.create(arrivals.filter_map(month).collect()).await
    }

    async fn create(&self, months: BTreeSet<Date>) -> Result<bool> {
        if !self.is_postgres() {
            return Ok(false);
        }
        let mut created = false;
        for month in months {
            created |= self.create_partition(month).await?;
        }
        Ok(created)
    }

    async fn create_partition(&self, month: Date) -> Result<bool> {
        let name = format!("events_{:04}_{:02}", month.year(), month.month());
        let next = month.checked_add(1.month()).map_err(Error::internal)?;
        let [from, to] = [starts_at(month)?, starts_at(next)?];
        let transaction = self.begin().await?;
        let exists = format!("SELECT to_regclass('{name}') IS NOT NULL FROM pg_advisory_xact_lock({LOCK})");
        let exists = transaction.query_one_raw(Statement::from_string(DbBackend::Postgres, exists)).await?;
        if exists.is_some_and(|row| row.try_get_by_index::<bool>(0).unwrap_or(false)) {
            return Ok(transaction.rollback().await.map(|()| false)?);
        }
        transaction
            .execute_unprepared(&format!("CREATE TABLE {name} (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"))
            .await?;
        let attach = format!("ALTER TABLE events ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to})");
        transaction.execute_unprepared(&attach).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// The first day of the month of a time.
fn month(at: i64) -> Option<Date> {
    let at = Timestamp::from_millisecond(at).ok()?;
    Some(at.to_zoned(TimeZone::UTC).date().first_of_month())
}

fn starts_at(month: Date) -> Result<i64> {
    let start = month.to_zoned(TimeZone::UTC).map_err(Error::internal)?;
    Ok(start.timestamp().as_millisecond())
}

/// How connections that write begin. A group looks its ids up by the key, and visitors by theirs, whatever the
/// statistics of a table that grows as fast as this one say; what an index does not give in order is not sorted
/// where another one does. And an instance that died with an app's head in its hands must not stop the others for
/// as long as it takes TCP to notice.
pub(super) const WRITING: &str = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; \
    SET enable_sort = off; SET lock_timeout = '20s'; SET idle_in_transaction_session_timeout = '30s'";
