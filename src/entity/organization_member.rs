//! Who belongs to an organization, and as what.

use sea_orm::{QueryOrder, entity::prelude::*};

use super::role::Role;

/// A row of `organization_members`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization_members")]
pub struct Model {
    /// To which organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    /// Who.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// May do what with it and with each of its apps.
    pub role: Role,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// A membership is of somebody, in an organization.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The organization.
    #[sea_orm(
        belongs_to = "super::organization::Entity",
        from = "Column::OrganizationId",
        to = "super::organization::Column::Id"
    )]
    Organization,
    /// The account.
    #[sea_orm(belongs_to = "super::user::Entity", from = "Column::UserId", to = "super::user::Column::Id")]
    User,
}

impl Related<super::organization::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Organization.def()
    }
}

impl Related<super::user::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::User.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The members of an organization, those longest with it first.
    pub fn of_organization(organization: Uuid) -> Select<Self> {
        Self::find()
            .filter(Column::OrganizationId.eq(organization))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::UserId)
    }
}
