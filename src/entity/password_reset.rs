//! Links by which a forgotten password is replaced.

use sea_orm::entity::prelude::*;

/// A row of `password_resets`; gone once it is used. An account has one at most.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "password_resets")]
pub struct Model {
    /// Whose password.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// Of the link's token.
    #[sea_orm(unique)]
    pub digest: Vec<u8>,
    /// From when on it sets nothing.
    pub expires_at: i64,
}

/// Goes with its account.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
