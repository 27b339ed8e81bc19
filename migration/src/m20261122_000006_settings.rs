//! What owners decide about their events: origins, addresses, bots, exclusions.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut policy = ColumnDef::new(Apps::BotPolicy);
        policy.text().not_null().default("mark");
        let mut mode = ColumnDef::new(Apps::IpMode);
        mode.text();
        let lists = [Apps::AllowedOrigins, Apps::ExcludedIps, Apps::ExcludedPaths].map(|list| {
            let mut column = ColumnDef::new(list);
            column.json();
            column
        });
        // One at a time, because SQLite cannot do more.
        for column in [mode, policy].into_iter().chain(lists) {
            manager.alter_table(Table::alter().table(Apps::Table).add_column(column).to_owned()).await?;
        }
        let mut origins = ColumnDef::new(ApiKeys::AllowedOrigins);
        origins.json();
        manager.alter_table(Table::alter().table(ApiKeys::Table).add_column(origins).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let origins = Table::alter().table(ApiKeys::Table).drop_column(ApiKeys::AllowedOrigins).to_owned();
        manager.alter_table(origins).await?;
        for column in [Apps::IpMode, Apps::BotPolicy, Apps::AllowedOrigins, Apps::ExcludedIps, Apps::ExcludedPaths] {
            manager.alter_table(Table::alter().table(Apps::Table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}

#[derive(DeriveIden)]
enum Apps {
    Table,
    IpMode,
    BotPolicy,
    AllowedOrigins,
    ExcludedIps,
    ExcludedPaths,
}

#[derive(DeriveIden)]
enum ApiKeys {
    Table,
    AllowedOrigins,
}
