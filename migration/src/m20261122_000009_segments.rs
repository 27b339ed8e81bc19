//! Columnar segments beside the rows.
//!
//! `segment_heads` says up to which commit of an app its events are in segments; `event_segments`
//! lists them; `segment_columns` holds their columns, one row each, so that a question fetches only
//! what it looks at; `event_codes` numbers visitors and sessions. The rows' index by time gives way
//! to one by commit: ranges of time are read from segments, and what is not yet in one is found by
//! its commit.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        let collated = if postgres { r#"text COLLATE "C""# } else { "text" };
        let (uuid, bytes) = if postgres { ("uuid", "bytea") } else { ("uuid_text", "blob") };
        let db = manager.get_connection();
        for sql in [
            format!(
                "CREATE TABLE segment_heads (app_id {uuid} NOT NULL PRIMARY KEY, sealed_seq bigint NOT NULL, \
                 revision bigint NOT NULL, next_segment bigint NOT NULL, visitors bigint NOT NULL, \
                 sessions bigint NOT NULL)"
            ),
            "INSERT INTO segment_heads SELECT app_id, 0, 0, 1, 0, 0 FROM event_heads".to_owned(),
            format!(
                "CREATE TABLE event_segments (app_id {uuid} NOT NULL, id bigint NOT NULL, events bigint NOT NULL, \
                 first_seq bigint NOT NULL, last_seq bigint NOT NULL, bytes bigint NOT NULL, header {bytes} NOT NULL, \
                 PRIMARY KEY (app_id, id))"
            ),
            format!(
                "CREATE TABLE segment_columns (app_id {uuid} NOT NULL, segment_id bigint NOT NULL, \
                 name {collated} NOT NULL, data {bytes} NOT NULL, PRIMARY KEY (app_id, segment_id, name))"
            ),
            format!(
                "CREATE TABLE event_codes (app_id {uuid} NOT NULL, kind smallint NOT NULL, value {collated} NOT NULL, \
                 code bigint NOT NULL, PRIMARY KEY (app_id, kind, value))"
            ),
            "CREATE UNIQUE INDEX event_codes_by_code ON event_codes (app_id, code) WHERE kind = 0".to_owned(),
            "DROP INDEX events_by_time".to_owned(),
            "CREATE INDEX events_by_seq ON events (app_id, seq)".to_owned(),
        ] {
            db.execute_unprepared(&sql).await?;
        }
        if postgres {
            // They are compressed already.
            db.execute_unprepared("ALTER TABLE segment_columns ALTER COLUMN data SET STORAGE EXTERNAL").await?;
            db.execute_unprepared("ALTER TABLE event_segments ALTER COLUMN header SET STORAGE EXTERNAL").await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ids = if manager.get_database_backend() == DbBackend::Postgres { "" } else { ", id" };
        let db = manager.get_connection();
        db.execute_unprepared("DROP INDEX events_by_seq").await?;
        db.execute_unprepared(&format!("CREATE INDEX events_by_time ON events (app_id, timestamp{ids})")).await?;
        for table in ["event_codes", "segment_columns", "event_segments", "segment_heads"] {
            db.execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }
}
