//! Ids that are known to belong to a user.
//!
//! `user_id` is never itself linked on: whoever links a user to another moves those who pointed
//! there. So one look finds whom an id counts for.

use sea_orm::entity::prelude::*;

/// A row of `identities`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identities")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// An anonymous id, or a user id that was given up.
    #[sea_orm(primary_key, auto_increment = false)]
    pub from_id: String,
    /// For whom its events count from the link on.
    pub user_id: String,
    /// When it was linked, in milliseconds since the epoch.
    pub created_at: i64,
}

/// Joins nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
