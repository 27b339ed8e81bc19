//! Numbers of visitors and sessions: what segments hold in place of their ids.

use sea_orm::entity::prelude::*;

/// A row of `event_codes`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_codes")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// 0 for visitors, 1 for sessions.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: i16,
    /// The id: of a user (or the anonymous one), or of a session.
    #[sea_orm(primary_key, auto_increment = false)]
    pub value: String,
    /// Its number within app and kind, from 1.
    pub code: i64,
}

/// Joins nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
