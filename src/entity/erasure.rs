//! That a person was erased from an app: the receipt, without the person.

use sea_orm::{QueryOrder, entity::prelude::*};

/// A row of `erasures`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "erasures")]
pub struct Model {
    /// Out of which app.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it was asked for; what arrived until then is gone.
    pub requested_at: i64,
    /// The account that asked.
    pub requested_by: Uuid,
    /// When nothing was left; none while it is under way.
    pub finished_at: Option<i64>,
    /// Events of the commits up to this one are concerned.
    pub until_seq: i64,
    /// Stored events that were removed.
    pub events: i64,
    /// Sessions they were of.
    pub sessions: i64,
    /// Segments that were rewritten or dropped.
    pub segments: i64,
    /// Events that waited in the spool of the instance that did it.
    pub spooled: i64,
    /// Dead letters that were removed.
    pub dead_letters: i64,
    /// While it is under way: what is to be erased, as JSON.
    #[sea_orm(column_type = "Text")]
    pub pending: Option<String>,
}

/// Goes with its app.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Those of an app, the latest first.
    pub fn of_app(app: Uuid) -> Select<Self> {
        Self::find().filter(Column::AppId.eq(app)).order_by_desc(Column::Id)
    }
}
