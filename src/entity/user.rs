//! Somebody with an account.

use sea_orm::entity::prelude::*;

/// A row of `users`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Lower case, unique.
    #[sea_orm(unique)]
    pub email: String,
    /// What to call them.
    pub name: String,
    /// Argon2id in PHC form; absent for an account that only signs in elsewhere.
    pub password_hash: Option<String>,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub updated_at: i64,
}

/// Joins nothing: a membership is read by its own finders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The account with this address, given in any case.
    pub fn by_email(email: &str) -> Select<Self> {
        Self::find().filter(Column::Email.eq(email.trim().to_lowercase()))
    }
}
