//! Erasure and retention.
//!
//! `erasures` holds a receipt for each erased person, and while the erasure is under way what it needs
//! to be finished after a crash. `erased_ids` holds keyed digests of their ids: whoever has an id can
//! find out whether it was erased, and nobody can read one out. `event_heads` says when an app's last
//! erasure was, so that no writer has to look while there was none, and under which commit events last
//! went. `segment_heads` counts how often numbers of visitors and sessions lost their texts.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const ADDED: [(&str, &str); 4] = [
    ("event_heads", "erased_at bigint NOT NULL DEFAULT 0"),
    ("event_heads", "erased_seq bigint NOT NULL DEFAULT 0"),
    ("segment_heads", "forgotten bigint NOT NULL DEFAULT 0"),
    ("apps", "retention_days integer"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        let (uuid, bytes) = if postgres { ("uuid", "bytea") } else { ("uuid_text", "blob") };
        let db = manager.get_connection();
        for sql in [
            format!(
                "CREATE TABLE erasures (app_id {uuid} NOT NULL REFERENCES apps (id) ON DELETE CASCADE, \
                 id {uuid} NOT NULL, requested_at bigint NOT NULL, requested_by {uuid} NOT NULL, \
                 finished_at bigint, until_seq bigint NOT NULL, events bigint NOT NULL, sessions bigint NOT NULL, \
                 segments bigint NOT NULL, spooled bigint NOT NULL, dead_letters bigint NOT NULL, pending text, \
                 PRIMARY KEY (app_id, id))"
            ),
            format!(
                "CREATE TABLE erased_ids (app_id {uuid} NOT NULL REFERENCES apps (id) ON DELETE CASCADE, \
                 digest {bytes} NOT NULL, erasure_id {uuid} NOT NULL, erased_at bigint NOT NULL, \
                 PRIMARY KEY (app_id, digest, erasure_id))"
            ),
            "CREATE INDEX erasures_pending ON erasures (app_id, id) WHERE finished_at IS NULL".to_owned(),
        ] {
            db.execute_unprepared(&sql).await?;
        }
        for (table, column) in ADDED {
            db.execute_unprepared(&format!("ALTER TABLE {table} ADD COLUMN {column}")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for table in ["erased_ids", "erasures"] {
            db.execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        for (table, column) in ADDED.into_iter().rev() {
            let name = column.split(' ').next().unwrap_or_default();
            db.execute_unprepared(&format!("ALTER TABLE {table} DROP COLUMN {name}")).await?;
        }
        Ok(())
    }
}
