//! Apps, who may see them, and the keys that let events in.

use sea_orm_migration::prelude::*;

use crate::m20261122_000001_accounts::Users;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Apps::Table)
                    .col(ColumnDef::new(Apps::Id).uuid().not_null().primary_key())
                    .col(ColumnDef::new(Apps::Name).text().not_null())
                    .col(ColumnDef::new(Apps::Timezone).text().not_null())
                    .col(ColumnDef::new(Apps::CreatedAt).big_integer().not_null())
                    .col(ColumnDef::new(Apps::UpdatedAt).big_integer().not_null())
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(AppMembers::Table)
                    .col(ColumnDef::new(AppMembers::AppId).uuid().not_null())
                    .col(ColumnDef::new(AppMembers::UserId).uuid().not_null())
                    .col(ColumnDef::new(AppMembers::Role).text().not_null())
                    .col(ColumnDef::new(AppMembers::CreatedAt).big_integer().not_null())
                    .primary_key(Index::create().col(AppMembers::AppId).col(AppMembers::UserId))
                    .foreign_key(
                        ForeignKey::create()
                            .from(AppMembers::Table, AppMembers::AppId)
                            .to(Apps::Table, Apps::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from(AppMembers::Table, AppMembers::UserId)
                            .to(Users::Table, Users::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("app_members_by_user").table(AppMembers::Table).col(AppMembers::UserId).to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(ApiKeys::Table)
                    .col(ColumnDef::new(ApiKeys::Id).uuid().not_null().primary_key())
                    .col(ColumnDef::new(ApiKeys::AppId).uuid().not_null())
                    .col(ColumnDef::new(ApiKeys::Name).text().not_null())
                    .col(ColumnDef::new(ApiKeys::Prefix).text().not_null())
                    .col(ColumnDef::new(ApiKeys::Digest).text().not_null().unique_key())
                    .col(ColumnDef::new(ApiKeys::CreatedBy).uuid())
                    .col(ColumnDef::new(ApiKeys::CreatedAt).big_integer().not_null())
                    .col(ColumnDef::new(ApiKeys::ExpiresAt).big_integer())
                    .col(ColumnDef::new(ApiKeys::RevokedAt).big_integer())
                    .col(ColumnDef::new(ApiKeys::LastUsedAt).big_integer())
                    .col(ColumnDef::new(ApiKeys::UsageCount).big_integer().not_null().default(0))
                    .col(ColumnDef::new(ApiKeys::RequestsPerMinute).integer())
                    .col(ColumnDef::new(ApiKeys::EventsPerMinute).integer())
                    .foreign_key(
                        ForeignKey::create()
                            .from(ApiKeys::Table, ApiKeys::AppId)
                            .to(Apps::Table, Apps::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from(ApiKeys::Table, ApiKeys::CreatedBy)
                            .to(Users::Table, Users::Id)
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("api_keys_by_app")
                    .table(ApiKeys::Table)
                    .col(ApiKeys::AppId)
                    .col(ApiKeys::CreatedAt)
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(ApiKeys::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(AppMembers::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Apps::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Apps {
    Table,
    Id,
    Name,
    Timezone,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum AppMembers {
    Table,
    AppId,
    UserId,
    Role,
    CreatedAt,
}

#[derive(DeriveIden)]
enum ApiKeys {
    Table,
    Id,
    AppId,
    Name,
    Prefix,
    Digest,
    CreatedBy,
    CreatedAt,
    ExpiresAt,
    RevokedAt,
    LastUsedAt,
    UsageCount,
    RequestsPerMinute,
    EventsPerMinute,
}
