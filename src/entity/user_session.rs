//! A sign-in. A token is worth something only while its session is.

use sea_orm::{QueryOrder, entity::prelude::*};

/// A row of `user_sessions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_sessions")]
pub struct Model {
    /// UUIDv7; the token's `sid`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub user_id: Uuid,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub expires_at: i64,
    /// Set when it was ended before its time.
    pub revoked_at: Option<i64>,
    /// What signed in, as it named itself; at most 512 bytes.
    pub user_agent: Option<String>,
    /// From where, anonymised.
    pub ip_address: Option<String>,
}

/// Joins nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Sessions of `user` that still open doors at `now_ms`, newest first.
    pub fn live_of(user: Uuid, now_ms: i64) -> Select<Self> {
        Self::find()
            .filter(Column::UserId.eq(user))
            .filter(Column::RevokedAt.is_null())
            .filter(Column::ExpiresAt.gt(now_ms))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
    }
}
