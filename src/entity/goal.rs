//! What visitors of an app are meant to do.

use sea_orm::{QueryOrder, entity::prelude::*};

/// A row of `goals`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "goals")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What its owner calls it; no other goal of the app has the same name.
    pub name: String,
    /// What it is good for; may be empty.
    #[sea_orm(column_type = "Text")]
    pub description: String,
    /// Which events reach it: a filter, as JSON in the spelling of GraphQL.
    #[sea_orm(column_type = "Text")]
    pub filter: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub updated_at: i64,
}

/// Goes with its app.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Those of an app, newest first.
    pub fn of_app(app: Uuid) -> Select<Self> {
        Self::find().filter(Column::AppId.eq(app)).order_by_desc(Column::CreatedAt).order_by_desc(Column::Id)
    }
}
