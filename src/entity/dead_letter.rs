//! Events that were acknowledged and that the database then refused.

use sea_orm::{QueryOrder, entity::prelude::*};

/// A row of `dead_letters`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "dead_letters")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// The event's.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it arrived.
    pub received_at: i64,
    /// When it was refused last.
    pub failed_at: i64,
    /// Why: stable, such as `NOT_STORABLE`.
    pub code: String,
    /// Why, in a sentence.
    pub reason: String,
    /// The event as it was accepted, as JSON.
    #[sea_orm(column_type = "Text")]
    pub event: String,
}

/// Goes with its app.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Those of an app, the latest first.
    pub fn of_app(app: Uuid) -> Select<Self> {
        Self::find().filter(Column::AppId.eq(app)).order_by_desc(Column::FailedAt).order_by_desc(Column::Id)
    }
}
