//! What an event must carry to be let in, and a server to ask.

use async_graphql::{Context, Description, Enum, ID, Object, SimpleObject};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::{
    analytics::BigInt,
    auth::{
        AppScope,
        api_key::{Day, KEPT_DAYS, Status},
        settings::entries,
    },
    clock::Moment,
    entity::api_key::{self, Column},
    error::Error,
    graphql::{
        context::ContextExt,
        error::Result,
        guard::LOOKUP,
        id::NodeId,
        page::{Page, Paginator},
    },
};

/// What a key is good for.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "api_key::Scope")]
pub enum ApiKeyScope {
    /// Lets events in and reads nothing, so it may lie open in a page.
    Ingest,
    /// Asks about its app as a viewer of it may, from a server: sent as `Authorization: Bearer` to this
    /// very endpoint. It sees neither keys, members, accounts nor other apps, changes nothing, lets no
    /// events in, and is refused when a browser sends it.
    Read,
}

/// How much a key was used in a day of UTC.
#[derive(SimpleObject)]
pub struct ApiKeyDay {
    /// When the day begins.
    start: Moment,
    /// How many events the key let in, or how many requests it asked with; of today, a few seconds behind.
    uses: BigInt,
    /// Whether that is far more than usual: more than 1,000, and more than ten times the median of the 14
    /// days before, of which the key must have been there for seven.
    is_unusual: bool,
}

/// What an event must carry to be let in, or a server to ask. The key itself is shown once, when it is
/// made; the server keeps only a digest of it.
#[derive(Description)]
pub struct ApiKey(pub api_key::Model);

/// A page of the keys of an app, newest first.
pub async fn page(ctx: &Context<'_>, scope: AppScope, first: i32, after: Option<String>) -> Result<Page<ApiKey>> {
    let page = Paginator::<(i64, Uuid)>::new(("apiKeys", scope.app_id()), first, after)?;
    let mut keys = api_key::Entity::of_app(scope.app_id()).limit(page.first() as u64 + 1);
    if let Some((created_at, id)) = page.after() {
        let same = Column::CreatedAt.eq(*created_at).and(Column::Id.lt(*id));
        keys = keys.filter(Column::CreatedAt.lt(*created_at).or(same));
    }
    let keys = keys.all(&*ctx.app().db).await?;
    Ok(page.probed(keys, |key| (key.created_at, key.id), ApiKey)?)
}

#[Object(use_type_description)]
impl ApiKey {
    /// Identifies the key everywhere. It is not the key.
    pub async fn id(&self) -> ID {
        NodeId::ApiKey(self.0.id).into()
    }

    /// What its owner calls it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The first 12 characters of the key, for telling keys apart.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// What it is good for.
    async fn scope(&self) -> ApiKeyScope {
        self.0.scope.into()
    }

    /// Whether it does what it is for right now.
    async fn status(&self, ctx: &Context<'_>) -> Status {
        Status::of(&self.0, ctx.app().clock.now_ms())
    }

    /// When it was made.
    async fn created_at(&self) -> Moment {
        Moment(self.0.created_at)
    }

    /// When it stops working by itself; null when it does not.
    async fn expires_at(&self) -> Option<Moment> {
        self.0.expires_at.map(Moment)
    }

    /// When it was revoked; null when it was not.
    async fn revoked_at(&self) -> Option<Moment> {
        self.0.revoked_at.map(Moment)
    }

    /// The first 12 characters of the key that this one took the place of, while that still works.
    async fn previous_prefix(&self, ctx: &Context<'_>) -> Option<&str> {
        self.previous(ctx).and(self.0.previous_prefix.as_deref())
    }

    /// When the key that this one took the place of stops working; null when it does not work any more.
    async fn previous_works_until(&self, ctx: &Context<'_>) -> Option<Moment> {
        self.previous(ctx).map(Moment)
    }

    /// When it last let an event in or asked something, a few seconds behind; null when it never did.
    async fn last_used_at(&self) -> Option<Moment> {
        self.0.last_used_at.map(Moment)
    }

    /// How many events it has let in, or with how many requests it has asked, a few seconds behind.
    async fn usage_count(&self) -> BigInt {
        BigInt(u64::try_from(self.0.usage_count).unwrap_or_default())
    }

    /// How much it was used day by day, today first, since it was made. Kept for 400 days.
    #[graphql(complexity = "LOOKUP + days.clamp(0, 400) as usize / 10 + child_complexity")]
    async fn usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many days, from 1 to 400.", default = 30)] days: i32,
    ) -> Result<Vec<ApiKeyDay>> {
        if !(1..=KEPT_DAYS).contains(&days) {
            return Err(Error::invalid("days", format!("days must be from 1 to {KEPT_DAYS}.")).into());
        }
        let days = ctx.app().api_keys.days(&self.0, days).await?;
        Ok(days.into_iter().map(ApiKeyDay::from).collect())
    }

    /// Whether it was used far more than usual today or yesterday, in UTC. `usage` says what that means.
    #[graphql(complexity = "LOOKUP")]
    async fn is_unusual(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(ctx.app().api_keys.days(&self.0, 2).await?.iter().any(|day| day.is_unusual))
    }

    /// How many requests a minute it may make; null when the server's default holds.
    async fn requests_per_minute(&self) -> Option<i32> {
        self.0.requests_per_minute
    }

    /// How many events a minute it may let in; null when it has no limit of its own.
    async fn events_per_minute(&self) -> Option<i32> {
        self.0.events_per_minute
    }

    /// Origins whose pages may use it; when the list is empty, whoever has the key may.
    async fn allowed_origins(&self) -> Vec<String> {
        entries(self.0.allowed_origins.as_ref())
    }
}

impl ApiKey {
    /// When the key that this one took the place of stops working, while it still works.
    fn previous(&self, ctx: &Context<'_>) -> Option<i64> {
        let now = ctx.app().clock.now_ms();
        self.0.previous_until.filter(|until| *until > now && self.0.revoked_at.is_none())
    }
}

impl From<Day> for ApiKeyDay {
    fn from(day: Day) -> Self {
        let uses = BigInt(u64::try_from(day.uses).unwrap_or_default());
        Self { start: Moment(day.starts_at()), uses, is_unusual: day.is_unusual }
    }
}
