//! A site, product or service whose events are kept apart from all others.

use sea_orm::{JoinType, QueryOrder, QuerySelect, entity::prelude::*};

use super::app_member;

/// What is kept of a visitor's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum IpMode {
    /// All of it.
    Full,
    /// The network: 24 bits of an IPv4 address, 48 of an IPv6 one.
    Network,
    /// Nothing.
    None,
}

/// What becomes of events that nobody is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum BotPolicy {
    /// They are kept and marked.
    #[default]
    Mark,
    /// They are not kept.
    Drop,
    /// They count like those of people.
    Count,
}

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
    /// What is kept of addresses; what the server is told, where it is absent.
    pub ip_mode: Option<IpMode>,
    /// What becomes of bots.
    pub bot_policy: BotPolicy,
    /// Origins whose pages may send events, an array of texts; any, where it is absent.
    #[sea_orm(column_type = "Json")]
    pub allowed_origins: Option<Json>,
    /// Networks whose events are left out, an array of texts.
    #[sea_orm(column_type = "Json")]
    pub excluded_ips: Option<Json>,
    /// Patterns of paths whose events are left out, an array of texts.
    #[sea_orm(column_type = "Json")]
    pub excluded_paths: Option<Json>,
    /// For how many days events are kept, by when they happened; for ever, where it is absent.
    pub retention_days: Option<i32>,
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
