//! How far an app's events are in segments.
//!
//! Events of the commits up to `sealed_seq` are in exactly one segment each, later ones in none.
//! Whoever changes an app's segments holds this row and moves `revision` on, in the transaction that
//! changes them: readers see both or neither.

use sea_orm::entity::prelude::*;

/// A row of `segment_heads`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Default)]
#[sea_orm(table_name = "segment_heads")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// The last commit whose events are in segments.
    pub sealed_seq: i64,
    /// Rises with every change of the segments.
    pub revision: i64,
    /// The number the next segment gets. None is given twice, so a copy of a segment's column stays right.
    pub next_segment: i64,
    /// How many visitors have codes: those from 1 to this.
    pub visitors: i64,
    /// How many sessions have codes.
    pub sessions: i64,
    /// Rises when numbers lose their texts because nobody may know them any more.
    pub forgotten: i64,
}

/// Joins nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
