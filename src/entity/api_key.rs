//! What an event must carry to be let in, and a server to ask. Only a keyed digest of the key is kept.

use sea_orm::{QueryOrder, entity::prelude::*};

/// What a key is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Scope {
    /// Lets events in.
    #[default]
    Ingest,
    /// Asks about its app.
    Read,
}

/// A row of `api_keys`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose events it lets in or asks about.
    pub app_id: Uuid,
    /// What it is good for.
    pub scope: Scope,
    /// What its owner calls it.
    pub name: String,
    /// The first 12 characters of the key, for telling keys apart.
    pub prefix: String,
    /// HMAC-SHA256 of the key, lower-case hex, unique.
    #[sea_orm(unique)]
    pub digest: String,
    /// The same of the key that this one took the place of and that still works.
    #[sea_orm(unique)]
    pub previous_digest: Option<String>,
    /// Its first 12 characters.
    pub previous_prefix: Option<String>,
    /// When it stops working.
    pub previous_until: Option<i64>,
    /// Who made it.
    pub created_by: Option<Uuid>,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// When it stops working by itself.
    pub expires_at: Option<i64>,
    /// When it was told to stop.
    pub revoked_at: Option<i64>,
    /// Last event it let in or question it asked; at most some seconds behind.
    pub last_used_at: Option<i64>,
    /// Events it let in or questions it asked; at most some seconds behind.
    pub usage_count: i64,
    /// Requests a minute, where it differs from the server's default.
    pub requests_per_minute: Option<i32>,
    /// Events a minute, where there is a budget.
    pub events_per_minute: Option<i32>,
    /// Origins whose pages may use it, an array of texts; anybody may, where it is absent.
    #[sea_orm(column_type = "Json")]
    pub allowed_origins: Option<Json>,
}

/// A key belongs to an app.
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

impl Entity {
    /// Every key of `app`, newest first.
    pub fn of_app(app: Uuid) -> Select<Self> {
        Self::find().filter(Column::AppId.eq(app)).order_by_desc(Column::CreatedAt).order_by_desc(Column::Id)
    }
}
