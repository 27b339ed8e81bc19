//! Some 10^5 events of one app as columns; never changed, only replaced.

use sea_orm::entity::prelude::*;

/// A row of `event_segments`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_segments")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// Its number within the app.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// How many events.
    pub events: i64,
    /// It holds the events of the commits from this one
    pub first_seq: i64,
    /// to this one, and all of them.
    pub last_seq: i64,
    /// What it takes, header and columns together.
    pub bytes: i64,
    /// What is known of its columns: `columnar::header`.
    pub header: Vec<u8>,
}

/// Joins nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
