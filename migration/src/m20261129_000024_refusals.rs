//! Why events of an app were not kept, by day: counts, and nothing of the events themselves.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut key = Index::create();
        key.col(Refusals::AppId).col(Refusals::Day).col(Refusals::Code).col(Refusals::Field);
        manager
            .create_table(
                Table::create()
                    .table(Refusals::Table)
                    .col(ColumnDef::new(Refusals::AppId).uuid().not_null())
                    .col(ColumnDef::new(Refusals::Day).integer().not_null())
                    .col(ColumnDef::new(Refusals::Code).text().not_null())
                    .col(ColumnDef::new(Refusals::Field).text().not_null())
                    .col(ColumnDef::new(Refusals::Events).big_integer().not_null())
                    .col(ColumnDef::new(Refusals::LastAt).big_integer().not_null())
                    .col(ColumnDef::new(Refusals::Message).text().not_null())
                    .primary_key(&mut key)
                    .foreign_key(
                        ForeignKey::create()
                            .from(Refusals::Table, Refusals::AppId)
                            .to(Apps::Table, Apps::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Refusals::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Refusals {
    Table,
    AppId,
    Day,
    Code,
    Field,
    Events,
    LastAt,
    Message,
}

#[derive(DeriveIden)]
enum Apps {
    Table,
    Id,
}
