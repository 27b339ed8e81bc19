//! How many commits an app's events have seen.
//!
//! A writer locks the row first and holds it to its commit. Commits of one app therefore happen
//! one after the other and in the order of their numbers: whoever reads `seq = n` sees every
//! event of the commits up to n and may forget none. Answers are cached under this number, and
//! a deleted app has no row, so that no event can slip in behind its deletion.

use sea_orm::entity::prelude::*;

/// A row of `event_heads`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_heads")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// The number of the last commit.
    pub seq: i64,
    /// How many identities were linked to users. While it is zero, nobody has to look for any.
    pub links: i64,
    /// When a person was last erased from the app. What arrived later concerns no erasure.
    pub erased_at: i64,
    /// The number of the last commit that removed events. Answers as of an earlier one are history.
    pub erased_seq: i64,
}

/// Joins nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
