//! API keys that read, keys that are replaced with some overlap, and their use by day.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What a lookup by the former secret goes along.
const BY_PREVIOUS: &str = "api_keys_by_previous_digest";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut scope = ColumnDef::new(ApiKeys::Scope);
        scope.text().not_null().default("ingest");
        let texts = [ApiKeys::PreviousDigest, ApiKeys::PreviousPrefix].map(|text| {
            let mut column = ColumnDef::new(text);
            column.text();
            column
        });
        let mut until = ColumnDef::new(ApiKeys::PreviousUntil);
        until.big_integer();
        // One at a time, because SQLite cannot do more.
        for column in [scope].into_iter().chain(texts).chain([until]) {
            manager.alter_table(Table::alter().table(ApiKeys::Table).add_column(column).to_owned()).await?;
        }
        let mut index = Index::create();
        index.name(BY_PREVIOUS).table(ApiKeys::Table).col(ApiKeys::PreviousDigest).unique();
        manager.create_index(index).await?;
        manager
            .create_table(
                Table::create()
                    .table(ApiKeyDays::Table)
                    .col(ColumnDef::new(ApiKeyDays::AppId).uuid().not_null())
                    .col(ColumnDef::new(ApiKeyDays::KeyId).uuid().not_null())
                    .col(ColumnDef::new(ApiKeyDays::Day).integer().not_null())
                    .col(ColumnDef::new(ApiKeyDays::Uses).big_integer().not_null())
                    .primary_key(Index::create().col(ApiKeyDays::AppId).col(ApiKeyDays::KeyId).col(ApiKeyDays::Day))
                    .foreign_key(
                        ForeignKey::create()
                            .from(ApiKeyDays::Table, ApiKeyDays::KeyId)
                            .to(ApiKeys::Table, ApiKeys::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(ApiKeyDays::Table).to_owned()).await?;
        manager.drop_index(Index::drop().name(BY_PREVIOUS).table(ApiKeys::Table).to_owned()).await?;
        for column in [ApiKeys::Scope, ApiKeys::PreviousDigest, ApiKeys::PreviousPrefix, ApiKeys::PreviousUntil] {
            manager.alter_table(Table::alter().table(ApiKeys::Table).drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}

#[derive(DeriveIden)]
enum ApiKeys {
    Table,
    Id,
    Scope,
    PreviousDigest,
    PreviousPrefix,
    PreviousUntil,
}

#[derive(DeriveIden)]
enum ApiKeyDays {
    Table,
    AppId,
    KeyId,
    Day,
    Uses,
}
