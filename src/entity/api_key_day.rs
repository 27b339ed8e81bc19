//! How much an API key was used in a day.

use sea_orm::{QueryOrder, entity::prelude::*};

/// A row of `api_key_days`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key_days")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// Row of `api_keys`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_id: Uuid,
    /// Days since 1970-01-01, in UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i32,
    /// Events it let in, or questions it asked; at most some seconds behind.
    pub uses: i64,
}

/// Goes with its key.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Those of a key of an app, the latest first.
    pub fn of_key(app: Uuid, key: Uuid) -> Select<Self> {
        Self::find().filter(Column::AppId.eq(app)).filter(Column::KeyId.eq(key)).order_by_desc(Column::Day)
    }
}
