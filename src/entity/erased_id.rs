//! Keyed digests of the ids of people who were erased.

use sea_orm::entity::prelude::*;

/// A row of `erased_ids`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "erased_ids")]
pub struct Model {
    /// Out of which app.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// What `auth::digest` makes of app and id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: Vec<u8>,
    /// By which erasure.
    #[sea_orm(primary_key, auto_increment = false)]
    pub erasure_id: Uuid,
    /// Events that arrived until then, in milliseconds since the epoch, are not to be stored any more.
    pub erased_at: i64,
}

/// Goes with its app.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
