//! Links by which a dashboard is shown to whoever has one.
//!
//! What is kept of a link is a digest of it: whoever reads the table can open none.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(DashboardShares::Table)
                    .col(ColumnDef::new(DashboardShares::AppId).uuid().not_null())
                    .col(ColumnDef::new(DashboardShares::Id).uuid().not_null())
                    .col(ColumnDef::new(DashboardShares::DashboardId).uuid().not_null())
                    .col(ColumnDef::new(DashboardShares::Name).text().not_null())
                    .col(ColumnDef::new(DashboardShares::Digest).binary().not_null())
                    .col(ColumnDef::new(DashboardShares::PasswordHash).text())
                    .col(ColumnDef::new(DashboardShares::ExpiresAt).big_integer())
                    .col(ColumnDef::new(DashboardShares::CreatedAt).big_integer().not_null())
                    .primary_key(Index::create().col(DashboardShares::AppId).col(DashboardShares::Id))
                    .foreign_key(
                        ForeignKey::create()
                            .from(DashboardShares::Table, (DashboardShares::AppId, DashboardShares::DashboardId))
                            .to(Dashboards::Table, (Dashboards::AppId, Dashboards::Id))
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("dashboard_shares_by_dashboard")
                    .table(DashboardShares::Table)
                    .col(DashboardShares::AppId)
                    .col(DashboardShares::DashboardId)
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("dashboard_shares_by_digest")
                    .table(DashboardShares::Table)
                    .col(DashboardShares::AppId)
                    .col(DashboardShares::Digest)
                    .unique()
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(DashboardShares::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum DashboardShares {
    Table,
    AppId,
    Id,
    DashboardId,
    Name,
    Digest,
    PasswordHash,
    ExpiresAt,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Dashboards {
    Table,
    AppId,
    Id,
}
