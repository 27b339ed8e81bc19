//! Goals: what visitors of an app are meant to do.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Goals::Table)
                    .col(ColumnDef::new(Goals::AppId).uuid().not_null())
                    .col(ColumnDef::new(Goals::Id).uuid().not_null())
                    .col(ColumnDef::new(Goals::Name).text().not_null())
                    .col(ColumnDef::new(Goals::Description).text().not_null())
                    .col(ColumnDef::new(Goals::Filter).text().not_null())
                    .col(ColumnDef::new(Goals::CreatedAt).big_integer().not_null())
                    .col(ColumnDef::new(Goals::UpdatedAt).big_integer().not_null())
                    .primary_key(Index::create().col(Goals::AppId).col(Goals::Id))
                    .foreign_key(
                        ForeignKey::create()
                            .from(Goals::Table, Goals::AppId)
                            .to(Apps::Table, Apps::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("goals_by_name")
                    .table(Goals::Table)
                    .col(Goals::AppId)
                    .col(Goals::Name)
                    .unique()
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Goals::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Goals {
    Table,
    AppId,
    Id,
    Name,
    Description,
    Filter,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Apps {
    Table,
    Id,
}
