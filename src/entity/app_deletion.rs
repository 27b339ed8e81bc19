//! Apps that are gone and whose events are not yet: what a server that stopped in between goes on with.

use sea_orm::entity::prelude::*;

/// A row of `app_deletions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "app_deletions")]
pub struct Model {
    /// Whose events are to go. There is no such app any more.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
}

/// Joins nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
