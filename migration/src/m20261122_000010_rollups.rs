//! What the events of a segment sum up to, hour by hour.
//!
//! A row of `event_aggregations` is made of one segment and says nothing that its columns do not; it
//! is stored with the segment and goes with it. Segments that are there already get theirs in the
//! background.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        let (uuid, bytes) = if postgres { ("uuid", "bytea") } else { ("uuid_text", "blob") };
        let db = manager.get_connection();
        db.execute_unprepared(&format!(
            "CREATE TABLE event_aggregations (app_id {uuid} NOT NULL, segment_id bigint NOT NULL, \
             revision bigint NOT NULL, \
             hours bigint NOT NULL, bytes bigint NOT NULL, data {bytes} NOT NULL, PRIMARY KEY (app_id, segment_id))"
        ))
        .await?;
        if postgres {
            // They are compressed already.
            db.execute_unprepared("ALTER TABLE event_aggregations ALTER COLUMN data SET STORAGE EXTERNAL").await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE event_aggregations").await.map(drop)
    }
}
