//! Links by which a dashboard is shown to whoever has one.

use sea_orm::{QueryOrder, entity::prelude::*};

/// A row of `dashboard_shares`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "dashboard_shares")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// Its own.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What it shows.
    pub dashboard_id: Uuid,
    /// What tells it from other links.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Of the link's token, by which it is alone in its app.
    pub digest: Vec<u8>,
    /// Of the password that it takes, in PHC form; none where the link is enough.
    #[sea_orm(column_type = "Text")]
    pub password_hash: Option<String>,
    /// From when on it shows nothing.
    pub expires_at: Option<i64>,
    /// When it was made.
    pub created_at: i64,
}

/// Goes with its dashboard.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Those of an app, newest first.
    pub fn of_app(app: Uuid) -> Select<Self> {
        Self::find().filter(Column::AppId.eq(app)).order_by_desc(Column::Id)
    }
}
