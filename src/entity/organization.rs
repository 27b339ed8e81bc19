//! Whoever runs apps together.

use sea_orm::{JoinType, QueryOrder, QuerySelect, entity::prelude::*};

use super::organization_member;

/// A row of `organizations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organizations")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What its members call it.
    pub name: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub updated_at: i64,
}

/// An organization has members.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Who belongs to it.
    #[sea_orm(has_many = "super::organization_member::Entity")]
    Members,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The organizations `user` is a member of, oldest first.
    pub fn of_member(user: Uuid) -> Select<Self> {
        Self::find()
            .join(JoinType::InnerJoin, Relation::Members.def())
            .filter(organization_member::Column::UserId.eq(user))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
    }
}
