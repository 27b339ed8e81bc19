//! What events cost on disk.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

/// Bytes of write-ahead log written since the server's beginning.
pub(super) async fn wal(database: &DatabaseConnection) -> f64 {
    number(database, "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8").await
}

/// Bytes of all partitions of `events` with their indexes.
pub(super) async fn table(database: &DatabaseConnection) -> f64 {
    number(database, "SELECT sum(pg_total_relation_size(relid))::float8 FROM pg_partition_tree('events')").await
}

async fn number(database: &DatabaseConnection, sql: &str) -> f64 {
    let row = database.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}
