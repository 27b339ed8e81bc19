//! Links by which a person's events can be downloaded.

use sea_orm::entity::prelude::*;

/// A row of `exports`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "exports")]
pub struct Model {
    /// Out of which app.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// Of the link's secret part.
    #[sea_orm(primary_key, auto_increment = false)]
    pub digest: Vec<u8>,
    /// Whose events: any id of theirs.
    pub person_id: String,
    /// Those of the commits up to this one.
    pub seq: i64,
    /// When it was asked for.
    pub as_of: i64,
    /// From when on the link opens nothing.
    pub expires_at: i64,
    /// The account that asked. The link works while it may export people.
    pub requested_by: Uuid,
}

/// Goes with its app.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
