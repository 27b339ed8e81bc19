//! Panels that an app keeps together under a name.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Dashboards::Table)
                    .col(ColumnDef::new(Dashboards::AppId).uuid().not_null())
                    .col(ColumnDef::new(Dashboards::Id).uuid().not_null())
                    .col(ColumnDef::new(Dashboards::Name).text().not_null())
                    .col(ColumnDef::new(Dashboards::Revision).integer().not_null())
                    .col(ColumnDef::new(Dashboards::Panels).text().not_null())
                    .col(ColumnDef::new(Dashboards::CreatedAt).big_integer().not_null())
                    .col(ColumnDef::new(Dashboards::UpdatedAt).big_integer().not_null())
                    .primary_key(Index::create().col(Dashboards::AppId).col(Dashboards::Id))
                    .foreign_key(
                        ForeignKey::create()
                            .from(Dashboards::Table, Dashboards::AppId)
                            .to(Apps::Table, Apps::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("dashboards_by_name")
                    .table(Dashboards::Table)
                    .col(Dashboards::AppId)
                    .col(Dashboards::Name)
                    .unique()
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Dashboards::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Dashboards {
    Table,
    AppId,
    Id,
    Name,
    Revision,
    Panels,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Apps {
    Table,
    Id,
}
