//! Identities: with whom an account signs in, of any number of providers.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut user = ForeignKey::create();
        user.from(UserIdentities::Table, UserIdentities::UserId)
            .to(Users::Table, Users::Id)
            .on_delete(ForeignKeyAction::Cascade);
        let table = Table::create()
            .table(UserIdentities::Table)
            .col(ColumnDef::new(UserIdentities::Provider).text().not_null())
            .col(ColumnDef::new(UserIdentities::Subject).text().not_null())
            .col(ColumnDef::new(UserIdentities::UserId).uuid().not_null())
            .col(ColumnDef::new(UserIdentities::CreatedAt).big_integer().not_null())
            .primary_key(Index::create().col(UserIdentities::Provider).col(UserIdentities::Subject))
            .foreign_key(&mut user)
            .to_owned();
        manager.create_table(table).await?;
        let by_user = Index::create()
            .name("user_identities_by_user")
            .table(UserIdentities::Table)
            .col(UserIdentities::UserId)
            .to_owned();
        manager.create_index(by_user).await?;
        let db = manager.get_connection();
        db.execute_unprepared(
            "INSERT INTO user_identities (provider, subject, user_id, created_at) \
             SELECT 'google', google_subject, id, created_at FROM users WHERE google_subject IS NOT NULL",
        )
        .await?;
        // SQLite drops no column that is unique; there it stays, empty.
        db.execute_unprepared(match manager.get_database_backend() {
            DbBackend::Postgres => "ALTER TABLE users DROP COLUMN google_subject",
            _ => "UPDATE users SET google_subject = NULL",
        })
        .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        if manager.get_database_backend() == DbBackend::Postgres {
            db.execute_unprepared("ALTER TABLE users ADD COLUMN google_subject text UNIQUE").await?;
        }
        db.execute_unprepared(
            "UPDATE users SET google_subject = (SELECT min(i.subject) FROM user_identities i \
             WHERE i.user_id = users.id AND i.provider = 'google')",
        )
        .await?;
        manager.drop_table(Table::drop().table(UserIdentities::Table).to_owned()).await
    }
}

#[derive(DeriveIden)]
enum UserIdentities {
    Table,
    Provider,
    Subject,
    UserId,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
}
