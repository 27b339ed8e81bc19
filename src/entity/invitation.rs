//! A link by which somebody becomes a member.

use sea_orm::{QueryOrder, entity::prelude::*};

use super::role::Role;

/// A row of `invitations`. Whoever follows it, or takes it back, takes the row away.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invitations")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Into which organization.
    pub organization_id: Uuid,
    /// The one app it is for; the whole organization, where it is absent.
    pub only_app: Option<Uuid>,
    /// Whom it is for, in lower case.
    pub email: String,
    /// As what.
    pub role: Role,
    /// SHA-256 of the token, in hexadecimal; the token itself is kept nowhere.
    #[sea_orm(unique)]
    pub digest: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub expires_at: i64,
}

/// Joins nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The invitations of an organization that can still be followed at `now_ms`, the latest first.
    pub fn open_of(organization: Uuid, now_ms: i64) -> Select<Self> {
        Self::find()
            .filter(Column::OrganizationId.eq(organization))
            .filter(Column::ExpiresAt.gt(now_ms))
            .order_by_desc(Column::Id)
    }
}
