//! What the anonymous ids of a day are made with. Once it is gone, nobody can tell whose they were.

use sea_orm::entity::prelude::*;

/// A row of `visitor_salts`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "visitor_salts")]
pub struct Model {
    /// Days since the epoch, in UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i64,
    /// 32 random bytes.
    pub salt: Vec<u8>,
}

/// Joins nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
