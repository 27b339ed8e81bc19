//! One column of a segment.

use sea_orm::entity::prelude::*;

/// A row of `segment_columns`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "segment_columns")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// Of which segment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub segment_id: i64,
    /// Which column: `columnar::part`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Its values: `columnar::codec`.
    pub data: Vec<u8>,
}

/// Joins nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
