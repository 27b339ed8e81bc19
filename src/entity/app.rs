//! A site, product or service whose events are kept apart from all others.

use sea_orm::{Condition, QueryOrder, QuerySelect, QueryTrait, entity::prelude::*};

use super::{app_member, organization_member};

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
    /// To which organization it belongs.
    pub organization_id: Uuid,
}

/// An app has members.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// Who may see it.
    #[sea_orm(has_many = "super::app_member::Entity")]
    Members,
    /// Who belongs to its organization.
    #[sea_orm(
        belongs_to = "super::organization_member::Entity",
        from = "Column::OrganizationId",
        to = "super::organization_member::Column::OrganizationId"
    )]
    OrganizationMembers,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The apps that `user` may see, as a member of their organization or of them alone, oldest first.
    pub fn of_member(user: Uuid) -> Select<Self> {
        use {app_member::Column as Alone, organization_member::Column as Whole};
        let alone = app_member::Entity::find().select_only().column(Alone::AppId).filter(Alone::UserId.eq(user));
        let whole = organization_member::Entity::find().select_only().column(Whole::OrganizationId);
        let whole = whole.filter(Whole::UserId.eq(user));
        let visible = Condition::any()
            .add(Column::Id.in_subquery(alone.into_query()))
            .add(Column::OrganizationId.in_subquery(whole.into_query()));
        Self::find().filter(visible).order_by_asc(Column::CreatedAt).order_by_asc(Column::Id)
    }
}
