//! The audit log: what was changed, by whom, from where and when.
//!
//! Entries about an app stay when the app goes, so that who deleted it can be told; those of an organization
//! go with it.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(audit_events()).await?;
        for (name, columns) in [
            ("audit_events_by_organization", vec![AuditEvents::OrganizationId, AuditEvents::At, AuditEvents::Id]),
            ("audit_events_by_account", vec![AuditEvents::AccountId, AuditEvents::At, AuditEvents::Id]),
            ("audit_events_by_time", vec![AuditEvents::At]),
        ] {
            let mut index = Index::create();
            index.name(name).table(AuditEvents::Table);
            for column in columns {
                index.col(column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(AuditEvents::Table).to_owned()).await
    }
}

fn audit_events() -> TableCreateStatement {
    let mut organization = ForeignKey::create();
    organization
        .from(AuditEvents::Table, AuditEvents::OrganizationId)
        .to(Organizations::Table, Organizations::Id)
        .on_delete(ForeignKeyAction::Cascade);
    let mut account = ForeignKey::create();
    account
        .from(AuditEvents::Table, AuditEvents::AccountId)
        .to(Users::Table, Users::Id)
        .on_delete(ForeignKeyAction::Cascade);
    Table::create()
        .table(AuditEvents::Table)
        .col(ColumnDef::new(AuditEvents::Id).uuid().not_null().primary_key())
        .col(ColumnDef::new(AuditEvents::At).big_integer().not_null())
        .col(ColumnDef::new(AuditEvents::Action).text().not_null())
        .col(ColumnDef::new(AuditEvents::OrganizationId).uuid())
        .col(ColumnDef::new(AuditEvents::AccountId).uuid())
        .col(ColumnDef::new(AuditEvents::OfApp).uuid())
        .col(ColumnDef::new(AuditEvents::ActorId).uuid())
        .col(ColumnDef::new(AuditEvents::Network).text())
        .col(ColumnDef::new(AuditEvents::TargetId).uuid())
        .col(ColumnDef::new(AuditEvents::TargetName).text())
        .col(ColumnDef::new(AuditEvents::Changes).text())
        .foreign_key(&mut organization)
        .foreign_key(&mut account)
        .to_owned()
}

#[derive(DeriveIden)]
enum AuditEvents {
    Table,
    Id,
    At,
    Action,
    OrganizationId,
    AccountId,
    OfApp,
    ActorId,
    Network,
    TargetId,
    TargetName,
    Changes,
}

#[derive(DeriveIden)]
enum Organizations {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
}
