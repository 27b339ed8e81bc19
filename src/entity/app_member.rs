//! Who may see one app without being of its organization.

use sea_orm::{QueryOrder, entity::prelude::*};

use super::role::Role;

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
    /// May do what with this app, where that is more than as a member of its organization.
    pub role: Role,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// A membership belongs to an app, and to somebody.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The app.
    #[sea_orm(belongs_to = "super::app::Entity", from = "Column::AppId", to = "super::app::Column::Id")]
    App,
    /// The account.
    #[sea_orm(belongs_to = "super::user::Entity", from = "Column::UserId", to = "super::user::Column::Id")]
    User,
}

impl Related<super::app::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::App.def()
    }
}

impl Related<super::user::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::User.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Those of an app, the earliest first.
    pub fn of_app(app: Uuid) -> Select<Self> {
        Self::find().filter(Column::AppId.eq(app)).order_by_asc(Column::CreatedAt).order_by_asc(Column::UserId)
    }
}
