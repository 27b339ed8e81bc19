//! Events that were acknowledged and then refused by the database: their owners look at them, try
//! again, or discard them.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(DeadLetters::Table)
                    .col(ColumnDef::new(DeadLetters::AppId).uuid().not_null())
                    .col(ColumnDef::new(DeadLetters::Id).uuid().not_null())
                    .col(ColumnDef::new(DeadLetters::ReceivedAt).big_integer().not_null())
                    .col(ColumnDef::new(DeadLetters::FailedAt).big_integer().not_null())
                    .col(ColumnDef::new(DeadLetters::Code).text().not_null())
                    .col(ColumnDef::new(DeadLetters::Reason).text().not_null())
                    .col(ColumnDef::new(DeadLetters::Event).text().not_null())
                    .primary_key(Index::create().col(DeadLetters::AppId).col(DeadLetters::Id))
                    .foreign_key(
                        ForeignKey::create()
                            .from(DeadLetters::Table, DeadLetters::AppId)
                            .to(Apps::Table, Apps::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("dead_letters_by_failure")
                    .table(DeadLetters::Table)
                    .col(DeadLetters::AppId)
                    .col(DeadLetters::FailedAt)
                    .col(DeadLetters::Id)
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(DeadLetters::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum DeadLetters {
    Table,
    AppId,
    Id,
    ReceivedAt,
    FailedAt,
    Code,
    Reason,
    Event,
}

#[derive(DeriveIden)]
enum Apps {
    Table,
    Id,
}
