//! Invitations: who was asked to join an organization, or to see one of its apps.
//!
//! What is kept of an invitation's token is a digest of it: whoever reads the table can accept nothing.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(invitations()).await?;
        let by_organization = Index::create()
            .name("invitations_by_organization")
            .table(Invitations::Table)
            .col(Invitations::OrganizationId)
            .col(Invitations::Id)
            .to_owned();
        manager.create_index(by_organization).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Invitations::Table).to_owned()).await
    }
}

fn invitations() -> TableCreateStatement {
    let mut organization = ForeignKey::create();
    organization
        .from(Invitations::Table, Invitations::OrganizationId)
        .to(Organizations::Table, Organizations::Id)
        .on_delete(ForeignKeyAction::Cascade);
    let mut app = ForeignKey::create();
    app.from(Invitations::Table, Invitations::AppId).to(Apps::Table, Apps::Id).on_delete(ForeignKeyAction::Cascade);
    Table::create()
        .table(Invitations::Table)
        .col(ColumnDef::new(Invitations::Id).uuid().not_null().primary_key())
        .col(ColumnDef::new(Invitations::OrganizationId).uuid().not_null())
        .col(ColumnDef::new(Invitations::AppId).uuid())
        .col(ColumnDef::new(Invitations::Email).text().not_null())
        .col(ColumnDef::new(Invitations::Role).text().not_null())
        .col(ColumnDef::new(Invitations::Digest).binary().not_null().unique_key())
        .col(ColumnDef::new(Invitations::InvitedBy).uuid().not_null())
        .col(ColumnDef::new(Invitations::CreatedAt).big_integer().not_null())
        .col(ColumnDef::new(Invitations::ExpiresAt).big_integer().not_null())
        .foreign_key(&mut organization)
        .foreign_key(&mut app)
        .to_owned()
}

#[derive(DeriveIden)]
enum Invitations {
    Table,
    Id,
    OrganizationId,
    AppId,
    Email,
    Role,
    Digest,
    InvitedBy,
    CreatedAt,
    ExpiresAt,
}

#[derive(DeriveIden)]
enum Organizations {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum Apps {
    Table,
    Id,
}
