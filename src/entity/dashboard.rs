//! Panels that an app keeps together under a name.

use sea_orm::{QueryOrder, entity::prelude::*};

/// A row of `dashboards`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "dashboards")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// Its own.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What it is called, by which it is alone in its app.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// How often it was changed, which tells whoever changes it that nobody else did meanwhile.
    pub revision: i32,
    /// The panels as JSON, which `apps::dashboard` writes and reads.
    #[sea_orm(column_type = "Text")]
    pub panels: String,
    /// When it was made.
    pub created_at: i64,
    /// When it was last changed.
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
