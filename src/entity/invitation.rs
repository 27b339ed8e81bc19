//! Who was asked to join an organization, or to see one of its apps.

use sea_orm::{QueryOrder, entity::prelude::*};

use super::role::Role;

/// A row of `invitations`; gone once it is accepted or withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invitations")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// To which organization.
    pub organization_id: Uuid,
    /// To which of its apps alone; to all of it where there is none.
    pub app_id: Option<Uuid>,
    /// Whose account may accept it; as addresses of accounts are stored.
    pub email: String,
    /// As what.
    pub role: Role,
    /// Of the token.
    #[sea_orm(unique)]
    pub digest: Vec<u8>,
    /// The account that invited.
    pub invited_by: Uuid,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// From when on it can not be accepted.
    pub expires_at: i64,
}

/// Goes with its organization and its app.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Those of an address, as accounts have it, that can be accepted at `now_ms`.
    pub fn open_to(email: &str, now_ms: i64) -> Select<Self> {
        Self::find().filter(Column::Email.eq(email)).filter(Column::ExpiresAt.gt(now_ms))
    }

    /// Those of an organization that can be accepted at `now_ms`, the latest first.
    pub fn open_of(organization: Uuid, now_ms: i64) -> Select<Self> {
        Self::find()
            .filter(Column::OrganizationId.eq(organization))
            .filter(Column::ExpiresAt.gt(now_ms))
            .order_by_desc(Column::Id)
    }
}
