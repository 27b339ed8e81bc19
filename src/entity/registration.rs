//! Links by which somebody makes an account.

use sea_orm::entity::prelude::*;

/// A row of `registrations`; gone once it is used. An address has one at most.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "registrations")]
pub struct Model {
    /// For whom; as addresses of accounts are stored.
    #[sea_orm(primary_key, auto_increment = false)]
    pub email: String,
    /// Of the link's token.
    #[sea_orm(unique)]
    pub digest: Vec<u8>,
    /// From when on it is good for nothing.
    pub expires_at: i64,
}

/// Belongs to nobody yet.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
