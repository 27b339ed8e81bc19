//! An identity with a provider, and the account it opens.

use sea_orm::entity::prelude::*;

/// A row of `user_identities`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_identities")]
pub struct Model {
    /// `google`, or the address of another issuer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    /// The provider's own id of whoever signs in; never given to another.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// The account.
    pub user_id: Uuid,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// Goes with its account.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
