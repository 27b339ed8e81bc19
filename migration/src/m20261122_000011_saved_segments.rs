//! Filters that an app keeps under a name.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(SavedSegments::Table)
                    .col(ColumnDef::new(SavedSegments::AppId).uuid().not_null())
                    .col(ColumnDef::new(SavedSegments::Id).uuid().not_null())
                    .col(ColumnDef::new(SavedSegments::Name).text().not_null())
                    .col(ColumnDef::new(SavedSegments::Description).text())
                    .col(ColumnDef::new(SavedSegments::Filter).text().not_null())
                    .col(ColumnDef::new(SavedSegments::CreatedAt).big_integer().not_null())
                    .col(ColumnDef::new(SavedSegments::UpdatedAt).big_integer().not_null())
                    .primary_key(Index::create().col(SavedSegments::AppId).col(SavedSegments::Id))
                    .foreign_key(
                        ForeignKey::create()
                            .from(SavedSegments::Table, SavedSegments::AppId)
                            .to(Apps::Table, Apps::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("saved_segments_by_name")
                    .table(SavedSegments::Table)
                    .col(SavedSegments::AppId)
                    .col(SavedSegments::Name)
                    .unique()
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(SavedSegments::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum SavedSegments {
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
