//! What the events of one segment sum up to, hour by hour.

use sea_orm::entity::prelude::*;

/// A row of `event_aggregations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_aggregations")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// Of which segment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub segment_id: i64,
    /// The revision of the app's segments that brought it: one made anew has another.
    pub revision: i64,
    /// How many hours hold events of it; none where a rollup is not worth its bytes.
    pub hours: i64,
    /// Bytes of `data`.
    pub bytes: i64,
    /// The sums: `columnar::rollup`.
    pub data: Vec<u8>,
}

/// Joins nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
