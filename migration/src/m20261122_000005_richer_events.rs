//! More about each event, and on Postgres a partition a month.
//!
//! Partitions go by arrival, because that is what bounds where a repeated id can be found, and what
//! lets old events be dropped as a whole. A key that is unique over all of them must hold the
//! partitioning column, so exactness rests on the writer, who looks ids up while it holds the app's
//! head. SQLite has one table and its old key.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TEXTS: [&str; 7] = ["title", "language", "region", "city", "browser_version", "os_version", "currency"];

/// A partition for every month that has events, for this one and the two to come.
const PARTITIONS: &str = "
    DO $$
    DECLARE month timestamp := date_trunc('month', least(now() AT TIME ZONE 'UTC',
        (SELECT to_timestamp(min(received_at) / 1000.0) AT TIME ZONE 'UTC' FROM events_before)));
    BEGIN
        WHILE month <= (now() AT TIME ZONE 'UTC') + interval '2 months' LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%s) TO (%s)',
                'events_' || to_char(month, 'YYYY_MM'),
                (extract(epoch FROM month AT TIME ZONE 'UTC') * 1000)::bigint,
                (extract(epoch FROM (month + interval '1 month') AT TIME ZONE 'UTC') * 1000)::bigint);
            month := month + interval '1 month';
        END LOOP;
    END $$";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        for text in TEXTS {
            let collation = if postgres { r#" COLLATE "C""# } else { "" };
            db.execute_unprepared(&format!("ALTER TABLE events ADD COLUMN {text} text{collation}")).await?;
        }
        for column in ["revenue bigint", "is_bot boolean NOT NULL DEFAULT false"] {
            db.execute_unprepared(&format!("ALTER TABLE events ADD COLUMN {column}")).await?;
        }
        db.execute_unprepared("ALTER TABLE event_heads ADD COLUMN links bigint NOT NULL DEFAULT 0").await?;
        if postgres {
            replace_table(manager, "PARTITION BY RANGE (received_at)", PARTITIONS, "app_id, id, received_at", "")
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        if manager.get_database_backend() == DbBackend::Postgres {
            replace_table(manager, "", "", "app_id, id", ", id").await?;
        }
        for column in TEXTS.iter().chain(&["revenue", "is_bot"]) {
            db.execute_unprepared(&format!("ALTER TABLE events DROP COLUMN {column}")).await?;
        }
        db.execute_unprepared("ALTER TABLE event_heads DROP COLUMN links").await?;
        Ok(())
    }
}

/// Moves all events into a table of the same columns that is laid out otherwise. The index by time
/// does without ids: those of one millisecond are few, and Postgres sorts them as it reads.
async fn replace_table(
    manager: &SchemaManager<'_>,
    layout: &str,
    partitions: &str,
    key: &str,
    ids: &str,
) -> Result<(), DbErr> {
    let statements = [
        "ALTER TABLE events RENAME TO events_before".to_owned(),
        format!("CREATE TABLE events (LIKE events_before INCLUDING DEFAULTS) {layout}"),
        partitions.to_owned(),
        "INSERT INTO events SELECT * FROM events_before".to_owned(),
        "DROP TABLE events_before".to_owned(),
        format!("ALTER TABLE events ADD PRIMARY KEY ({key})"),
        format!("CREATE INDEX events_by_time ON events (app_id, timestamp{ids})"),
        "CREATE INDEX events_by_visitor ON events (app_id, (COALESCE(user_id, anonymous_id)), timestamp)".to_owned(),
    ];
    for sql in statements.iter().filter(|sql| !sql.is_empty()) {
        manager.get_connection().execute_unprepared(sql).await?;
    }
    Ok(())
}
