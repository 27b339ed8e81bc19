//! Why events of an app were not kept, by day.

use sea_orm::{QueryOrder, entity::prelude::*};

/// A row of `refusals`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refusals")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// Days since 1970-01-01, in UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i32,
    /// Stable, such as `TIMESTAMP_OUT_OF_RANGE`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    /// The native field at fault; empty where there is none.
    #[sea_orm(primary_key, auto_increment = false)]
    pub field: String,
    /// How many events; at most some seconds behind.
    pub events: i64,
    /// When the last of them arrived.
    pub last_at: i64,
    /// What was said of it, in a sentence.
    pub message: String,
}

/// Goes with its app.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Those of an app since a day, the latest first.
    pub fn of_app(app: Uuid, first_day: i32) -> Select<Self> {
        let own = Self::find().filter(Column::AppId.eq(app)).filter(Column::Day.gte(first_day));
        own.order_by_desc(Column::LastAt).order_by_asc(Column::Code).order_by_asc(Column::Field)
    }
}
