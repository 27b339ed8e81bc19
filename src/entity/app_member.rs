//! Who may do what with an app.

use sea_orm::entity::prelude::*;

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Role {
    /// Reads every figure.
    Viewer,
    /// Reads, changes and deletes.
    Owner,
}

/// A row of `app_members`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "app_members")]
pub struct Model {
    /// Of which app.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// Who.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// May do what.
    pub role: Role,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// A membership belongs to an app.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The app.
    #[sea_orm(belongs_to = "super::app::Entity", from = "Column::AppId", to = "super::app::Column::Id")]
    App,
}

impl Related<super::app::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::App.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
