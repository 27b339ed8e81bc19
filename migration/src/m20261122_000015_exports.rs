//! Exports: links by which a person's events can be downloaded, for a quarter of an hour.
//!
//! What is kept of a link is a digest of it: whoever reads the table can download nothing.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Exports::Table)
                    .col(ColumnDef::new(Exports::AppId).uuid().not_null())
                    .col(ColumnDef::new(Exports::Digest).binary().not_null())
                    .col(ColumnDef::new(Exports::PersonId).text().not_null())
                    .col(ColumnDef::new(Exports::Seq).big_integer().not_null())
                    .col(ColumnDef::new(Exports::AsOf).big_integer().not_null())
                    .col(ColumnDef::new(Exports::ExpiresAt).big_integer().not_null())
                    .col(ColumnDef::new(Exports::RequestedBy).uuid().not_null())
                    .primary_key(Index::create().col(Exports::AppId).col(Exports::Digest))
                    .foreign_key(
                        ForeignKey::create()
                            .from(Exports::Table, Exports::AppId)
                            .to(Apps::Table, Apps::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Exports::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Exports {
    Table,
    AppId,
    Digest,
    PersonId,
    Seq,
    AsOf,
    ExpiresAt,
    RequestedBy,
}

#[derive(DeriveIden)]
enum Apps {
    Table,
    Id,
}
