//! Whom visitors are known as: the salts of a day's anonymous ids, and ids linked to users.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(VisitorSalts::Table)
                    .col(ColumnDef::new(VisitorSalts::Day).big_integer().not_null().primary_key())
                    .col(ColumnDef::new(VisitorSalts::Salt).binary_len(32).not_null())
                    .to_owned(),
            )
            .await?;
        let text = |name: Identities| {
            let mut column = ColumnDef::new(name);
            column.text().not_null();
            if manager.get_database_backend() == DbBackend::Postgres {
                column.extra(r#"COLLATE "C""#);
            }
            column
        };
        manager
            .create_table(
                Table::create()
                    .table(Identities::Table)
                    .col(ColumnDef::new(Identities::AppId).uuid().not_null())
                    .col(text(Identities::FromId))
                    .col(text(Identities::UserId))
                    .col(ColumnDef::new(Identities::CreatedAt).big_integer().not_null())
                    .primary_key(Index::create().col(Identities::AppId).col(Identities::FromId))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("identities_by_user")
                    .table(Identities::Table)
                    .col(Identities::AppId)
                    .col(Identities::UserId)
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Identities::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(VisitorSalts::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum VisitorSalts {
    Table,
    Day,
    Salt,
}

#[derive(DeriveIden)]
enum Identities {
    Table,
    AppId,
    FromId,
    UserId,
    CreatedAt,
}
