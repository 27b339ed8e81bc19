//! What events cost on disk.

use std::{future::Future, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tokio::time::sleep;

/// How long what the server does after a load may take: the last events are sealed.
const REST: Duration = Duration::from_secs(2);

/// What comes of `load`. The write-ahead log of it, and of what the server does with its events afterwards, is added to
/// `bytes`.
pub(super) async fn logged<T>(database: &DatabaseConnection, bytes: &mut f64, load: impl Future<Output = T>) -> T {
    let wal = || number(database, "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8");
    let before = wal().await;
    let done = load.await;
    sleep(REST).await;
    *bytes += wal().await - before;
    done
}

/// Bytes of all partitions of `events`, of what is made of them, and of all their indexes.
pub(super) async fn table(database: &DatabaseConnection) -> f64 {
    let sql = "SELECT sum(pg_total_relation_size(relid))::float8 FROM (SELECT relid FROM pg_partition_tree('events') \
               UNION ALL SELECT unnest(ARRAY['event_segments', 'segment_columns', 'event_codes']::regclass[])) AS all_of_them";
    number(database, sql).await
}

async fn number(database: &DatabaseConnection, sql: &str) -> f64 {
    let row = database.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}
