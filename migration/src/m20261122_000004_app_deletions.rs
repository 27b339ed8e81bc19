//! Apps that are gone and whose events are still being deleted.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(AppDeletions::Table)
                    .col(ColumnDef::new(AppDeletions::AppId).uuid().not_null().primary_key())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(AppDeletions::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum AppDeletions {
    Table,
    AppId,
}
