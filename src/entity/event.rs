//! Something that happened, as it is kept.

use sea_orm::{DbBackend, Statement, entity::prelude::*};
use serde::{Deserialize, Serialize};

/// A row of `events`. Text is bounded at acceptance, so every index entry fits its page.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Default, Serialize, Deserialize)]
// The spool of an earlier version lacks what was added since.
#[serde(default)]
#[sea_orm(table_name = "events")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub app_id: Uuid,
    /// The client's id when it is a UUID, else one derived from it, else a fresh UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The client's id where it is not a UUID in its usual spelling; at most 100 bytes.
    pub client_id: Option<String>,
    /// Number of the commit that stored it, rising by one a commit within the app.
    pub seq: i64,
    /// When it happened, in milliseconds since the epoch, corrected for the client's clock.
    pub timestamp: i64,
    /// When it arrived, in milliseconds since the epoch.
    pub received_at: i64,
    /// What happened, such as `page_view`.
    pub event_type: String,
    /// Who did it, once known.
    pub user_id: Option<String>,
    /// Who did it, before it is known.
    pub anonymous_id: Option<String>,
    /// The visit it belongs to, as the client says.
    pub session_id: Option<String>,
    /// The page's whole address.
    pub url: Option<String>,
    /// Its host, lower case.
    pub hostname: Option<String>,
    /// Its path, without query and fragment.
    pub path: Option<String>,
    /// The page's title.
    pub title: Option<String>,
    /// Where the visitor came from, whole.
    pub referrer: Option<String>,
    /// Its host without `www.`; absent when it is the page's own.
    pub referrer_domain: Option<String>,
    /// `utm_source` of the address.
    pub utm_source: Option<String>,
    /// `utm_medium` of the address.
    pub utm_medium: Option<String>,
    /// `utm_campaign` of the address.
    pub utm_campaign: Option<String>,
    /// `utm_term` of the address.
    pub utm_term: Option<String>,
    /// `utm_content` of the address.
    pub utm_content: Option<String>,
    /// Anonymised unless the server is told otherwise.
    pub ip_address: Option<String>,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: Option<String>,
    /// A part of the country, as the sender or the geo database names it.
    pub region: Option<String>,
    /// A town, as the sender or the geo database names it.
    pub city: Option<String>,
    /// The visitor's first language: a BCP 47 tag.
    pub language: Option<String>,
    /// As the client sent it.
    pub user_agent: Option<String>,
    /// Its browser, such as `Firefox`.
    pub browser: Option<String>,
    /// Major version of the browser.
    pub browser_version: Option<String>,
    /// Its operating system, such as `Android`.
    pub os: Option<String>,
    /// Version of the operating system.
    pub os_version: Option<String>,
    /// `desktop`, `mobile`, `tablet`, `tv`, `console` or `bot`.
    pub device: Option<String>,
    /// Whether nobody is behind it. Questions leave such events out unless asked for them.
    pub is_bot: bool,
    /// What it brought in, in millionths of the unit of `currency`: whole numbers add up exactly.
    pub revenue: Option<i64>,
    /// ISO 4217, upper case.
    pub currency: Option<String>,
    /// In CSS pixels.
    pub screen_width: Option<i32>,
    /// In CSS pixels.
    pub screen_height: Option<i32>,
    /// Custom properties: a JSON object.
    #[sea_orm(column_type = "Json")]
    pub metadata: Option<Json>,
}

/// Joins nothing: a foreign key would cost a third of the write rate.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// Events of `app` among the first `seq` commits: the same set for ever, whatever arrives later.
    pub fn as_of(app: Uuid, seq: i64) -> Select<Self> {
        Self::find().filter(Column::AppId.eq(app)).filter(Column::Seq.lte(seq))
    }

    /// Those of them with these ids, in no order.
    pub async fn among(
        db: &impl ConnectionTrait,
        app: Uuid,
        seq: i64,
        ids: &[Uuid],
    ) -> std::result::Result<Vec<Model>, DbErr> {
        let backend = db.get_database_backend();
        if backend != DbBackend::Postgres {
            return Self::as_of(app, seq).filter(Column::Id.is_in(ids.iter().copied())).all(db).await;
        }
        // Of an app that is new to its statistics Postgres would rather read all events, by their commits. What it
        // takes out of another query it knows nothing about, and commits are compared afterwards: then the key is best.
        // The order is that of the key, and of no other index: for a month that is empty any would do.
        let sql = "SELECT e.* FROM (SELECT $1::uuid AS app_id, unnest($2::uuid[]) AS id OFFSET 0) AS k \
                   CROSS JOIN LATERAL \
                   (SELECT * FROM events WHERE app_id = k.app_id AND id = k.id ORDER BY received_at OFFSET 0) AS e \
                   WHERE e.seq <= $3";
        let values = [app.into(), ids.to_vec().into(), seq.into()];
        Self::find().from_raw_sql(Statement::from_sql_and_values(backend, sql, values)).all(db).await
    }
}
