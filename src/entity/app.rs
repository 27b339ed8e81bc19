//! A site, product or service whose events are kept apart from all others.

use sea_orm::{JoinType, QueryOrder, QuerySelect, entity::prelude::*};

use super::app_member;

/// A row of `apps`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "apps")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// IANA name; the zone of its days unless a question asks for another.
    pub timezone: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub updated_at: i64,
}

/// An app has members.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Who may see it.
    #[sea_orm(has_many = "super::app_member::Entity")]
    Members,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The apps `user` is a member of, oldest first.
    pub fn of_member(user: Uuid) -> Select<Self> {
        Self::find()
            .join(JoinType::InnerJoin, Relation::Members.def())
            .filter(app_member::Column::UserId.eq(user))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
    }
}
