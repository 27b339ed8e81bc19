//! What an event must carry to be let in.

use async_graphql::{Context, Description, ID, Object};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::{
    analytics::BigInt,
    auth::{AppScope, api_key::Status, settings::entries},
    clock::Moment,
    entity::api_key::{self, Column},
    graphql::{
        context::ContextExt,
        error::Result,
        id::NodeId,
        page::{Page, Paginator},
    },
};

/// What an event must carry to be let in. The key itself is shown once, when it is made; the
/// server keeps only a digest of it.
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

    /// Whether it lets events in right now.
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

    /// When it last let an event in, a few seconds behind; null when it never did.
    async fn last_used_at(&self) -> Option<Moment> {
        self.0.last_used_at.map(Moment)
    }

    /// How many events it has let in, a few seconds behind.
    async fn usage_count(&self) -> BigInt {
        BigInt(u64::try_from(self.0.usage_count).unwrap_or_default())
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
