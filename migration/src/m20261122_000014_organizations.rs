//! Organizations: who runs apps together. Every app gets one, that of its owner.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The owner whose membership of an app is the oldest; others keep theirs, of that app alone.
const FIRST_OWNER: &str = "(SELECT m.user_id FROM app_members m WHERE m.app_id = a.id AND m.role = 'owner' \
    ORDER BY m.created_at, m.user_id LIMIT 1)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(organizations()).await?;
        manager.create_table(members()).await?;
        let by_user = Index::create()
            .name("organization_members_by_user")
            .table(OrganizationMembers::Table)
            .col(OrganizationMembers::UserId)
            .to_owned();
        manager.create_index(by_user).await?;
        // Without a constraint, which SQLite could not drop again; an organization with apps is not deleted.
        let column = ColumnDef::new(Apps::OrganizationId).uuid().to_owned();
        manager.alter_table(Table::alter().table(Apps::Table).add_column(column).to_owned()).await?;
        let by_organization =
            Index::create().name("apps_by_organization").table(Apps::Table).col(Apps::OrganizationId).to_owned();
        manager.create_index(by_organization).await?;
        let db = manager.get_connection();
        // An owner's organization has the owner's UUID, one of an app that nobody owns that of the app.
        for statement in [
            format!(
                "INSERT INTO organizations (id, name, created_at, updated_at) \
                 SELECT u.id, u.name, u.created_at, u.created_at FROM users u \
                 WHERE u.id IN (SELECT {FIRST_OWNER} FROM apps a)"
            ),
            "INSERT INTO organization_members (organization_id, user_id, role, created_at) \
             SELECT id, id, 'owner', created_at FROM organizations"
                .into(),
            format!(
                "INSERT INTO organizations (id, name, created_at, updated_at) \
                 SELECT a.id, a.name, a.created_at, a.created_at FROM apps a WHERE {FIRST_OWNER} IS NULL"
            ),
            format!("UPDATE apps AS a SET organization_id = COALESCE({FIRST_OWNER}, a.id)"),
            "DELETE FROM app_members WHERE role = 'owner' \
             AND user_id = (SELECT a.organization_id FROM apps a WHERE a.id = app_members.app_id)"
                .into(),
        ] {
            db.execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        // Whoever owns the organization owned the app, whatever they may be in the app alone.
        db.execute_unprepared(
            "UPDATE app_members SET role = 'owner' WHERE EXISTS (SELECT 1 FROM apps a \
             JOIN organization_members m ON m.organization_id = a.organization_id \
             WHERE a.id = app_members.app_id AND m.user_id = app_members.user_id AND m.role = 'owner')",
        )
        .await?;
        db.execute_unprepared("UPDATE app_members SET role = 'viewer' WHERE role NOT IN ('owner', 'viewer')").await?;
        db.execute_unprepared(
            "INSERT INTO app_members (app_id, user_id, role, created_at) \
             SELECT a.id, m.user_id, CASE WHEN m.role = 'owner' THEN 'owner' ELSE 'viewer' END, m.created_at \
             FROM apps a JOIN organization_members m ON m.organization_id = a.organization_id \
             WHERE NOT EXISTS (SELECT 1 FROM app_members k WHERE k.app_id = a.id AND k.user_id = m.user_id)",
        )
        .await?;
        manager.drop_index(Index::drop().name("apps_by_organization").table(Apps::Table).to_owned()).await?;
        let column = Table::alter().table(Apps::Table).drop_column(Apps::OrganizationId).to_owned();
        manager.alter_table(column).await?;
        manager.drop_table(Table::drop().table(OrganizationMembers::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(Organizations::Table).to_owned()).await
    }
}

fn organizations() -> TableCreateStatement {
    Table::create()
        .table(Organizations::Table)
        .col(ColumnDef::new(Organizations::Id).uuid().not_null().primary_key())
        .col(ColumnDef::new(Organizations::Name).text().not_null())
        .col(ColumnDef::new(Organizations::CreatedAt).big_integer().not_null())
        .col(ColumnDef::new(Organizations::UpdatedAt).big_integer().not_null())
        .to_owned()
}

fn members() -> TableCreateStatement {
    let mut organization = ForeignKey::create();
    organization
        .from(OrganizationMembers::Table, OrganizationMembers::OrganizationId)
        .to(Organizations::Table, Organizations::Id)
        .on_delete(ForeignKeyAction::Cascade);
    let mut user = ForeignKey::create();
    user.from(OrganizationMembers::Table, OrganizationMembers::UserId)
        .to(Users::Table, Users::Id)
        .on_delete(ForeignKeyAction::Cascade);
    Table::create()
        .table(OrganizationMembers::Table)
        .col(ColumnDef::new(OrganizationMembers::OrganizationId).uuid().not_null())
        .col(ColumnDef::new(OrganizationMembers::UserId).uuid().not_null())
        .col(ColumnDef::new(OrganizationMembers::Role).text().not_null())
        .col(ColumnDef::new(OrganizationMembers::CreatedAt).big_integer().not_null())
        .primary_key(Index::create().col(OrganizationMembers::OrganizationId).col(OrganizationMembers::UserId))
        .foreign_key(&mut organization)
        .foreign_key(&mut user)
        .to_owned()
}

#[derive(DeriveIden)]
enum Organizations {
    Table,
    Id,
    Name,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum OrganizationMembers {
    Table,
    OrganizationId,
    UserId,
    Role,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum Apps {
    Table,
    OrganizationId,
}
