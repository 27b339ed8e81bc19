//! Registrations: links that prove an address before an account is made for it.
//!
//! What is kept of a link is a digest of it: whoever reads the table can register nobody.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Registrations::Table)
                    .col(ColumnDef::new(Registrations::Email).text().not_null().primary_key())
                    .col(ColumnDef::new(Registrations::Digest).binary().not_null().unique_key())
                    .col(ColumnDef::new(Registrations::ExpiresAt).big_integer().not_null())
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Registrations::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum Registrations {
    Table,
    Email,
    Digest,
    ExpiresAt,
}
