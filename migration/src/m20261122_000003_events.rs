//! Events and the head of each app's log.
//!
//! Three indexes, each for one kind of access: the key keeps an id from being counted twice, one
//! serves ranges of time and the newest-first list, one serves a single visitor. No foreign key:
//! the row of `event_heads` that every writer locks says whether the app still exists.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(EventHeads::Table)
                    .col(ColumnDef::new(EventHeads::AppId).uuid().not_null().primary_key())
                    .col(ColumnDef::new(EventHeads::Seq).big_integer().not_null())
                    .to_owned(),
            )
            .await?;
        let mut events = Table::create();
        events
            .table(Events::Table)
            .col(ColumnDef::new(Events::AppId).uuid().not_null())
            .col(ColumnDef::new(Events::Id).uuid().not_null())
            .col(ColumnDef::new(Events::ClientId).text())
            .col(ColumnDef::new(Events::Seq).big_integer().not_null())
            .col(ColumnDef::new(Events::Timestamp).big_integer().not_null())
            .col(ColumnDef::new(Events::ReceivedAt).big_integer().not_null())
            .col(ColumnDef::new(Events::EventType).text().not_null());
        for text in [
            Events::UserId,
            Events::AnonymousId,
            Events::SessionId,
            Events::Url,
            Events::Hostname,
            Events::Path,
            Events::Referrer,
            Events::ReferrerDomain,
            Events::UtmSource,
            Events::UtmMedium,
            Events::UtmCampaign,
            Events::UtmTerm,
            Events::UtmContent,
            Events::IpAddress,
            Events::Country,
            Events::UserAgent,
            Events::Browser,
            Events::Os,
            Events::Device,
        ] {
            let mut column = ColumnDef::new(text);
            column.text();
            // Byte order, as SQLite has it and as the server itself sorts: a locale's order costs
            // more and can change under an index when the system is upgraded.
            if manager.get_database_backend() == sea_orm_migration::sea_orm::DbBackend::Postgres {
                column.extra(r#"COLLATE "C""#);
            }
            events.col(column);
        }
        events
            .col(ColumnDef::new(Events::ScreenWidth).integer())
            .col(ColumnDef::new(Events::ScreenHeight).integer())
            .col(ColumnDef::new(Events::Metadata).json())
            .primary_key(Index::create().col(Events::AppId).col(Events::Id));
        manager.create_table(events).await?;
        manager
            .create_index(
                Index::create()
                    .name("events_by_time")
                    .table(Events::Table)
                    .col(Events::AppId)
                    .col(Events::Timestamp)
                    .col(Events::Id)
                    .to_owned(),
            )
            .await?;
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE INDEX events_by_visitor ON events (app_id, (COALESCE(user_id, anonymous_id)), timestamp)",
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Events::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(EventHeads::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum EventHeads {
    Table,
    AppId,
    Seq,
}

#[derive(DeriveIden)]
enum Events {
    Table,
    AppId,
    Id,
    ClientId,
    Seq,
    Timestamp,
    ReceivedAt,
    EventType,
    UserId,
    AnonymousId,
    SessionId,
    Url,
    Hostname,
    Path,
    Referrer,
    ReferrerDomain,
    UtmSource,
    UtmMedium,
    UtmCampaign,
    UtmTerm,
    UtmContent,
    IpAddress,
    Country,
    UserAgent,
    Browser,
    Os,
    Device,
    ScreenWidth,
    ScreenHeight,
    Metadata,
}
