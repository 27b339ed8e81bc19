//! Where every question starts.

use async_graphql::{Context, Description, ID, Object};
use sea_orm::EntityTrait;

use super::{
    context::ContextExt,
    error::Result,
    guard::LOOKUP,
    id::{self, NodeId},
    loader::{self, VisibleApp},
    types::{
        app::App, node::Node, organization::Organization, rate_limit::RateLimit, registration::Registration,
        share::SharedDashboard, sign_in_provider::SignInProvider, user::User,
    },
};
use crate::{entity::user, error::Error};

/// Where every question starts.
#[derive(Default, Description)]
pub struct Query;

#[Object(use_type_description)]
impl Query {
    /// Whoever is signed in; null for a stranger, and for an API key.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(viewer) = ctx.maybe_viewer() else { return Ok(None) };
        Ok(user::Entity::find_by_id(viewer.user_id).one(&*ctx.app().db).await?.map(User))
    }

    /// An app the viewer may see: as a member of its organization, or of the app alone; to an API key that
    /// reads, its own. Any other id is answered with null and an error with the code `NOT_FOUND`, whether the
    /// app exists or not.
    #[graphql(complexity = "LOOKUP + child_complexity")]
    async fn app(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the app, such as `app_0199…`.")] id: ID,
    ) -> Option<Result<App>> {
        Some(find_app(ctx, &id).await)
    }

    /// An organization the viewer belongs to. Any other id is answered with null and an error with the
    /// code `NOT_FOUND`, whether the organization exists or not.
    #[graphql(complexity = "LOOKUP + child_complexity")]
    async fn organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the organization, such as `org_0199…`.")] id: ID,
    ) -> Option<Result<Organization>> {
        Some(find_organization(ctx, &id).await)
    }

    /// Whatever has this id, if the viewer may see it. Any other id is answered with null and an
    /// error with the code `NOT_FOUND`, whether it exists or not.
    #[graphql(complexity = "LOOKUP + child_complexity")]
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of anything that has one, such as `app_0199…`.")] id: ID,
    ) -> Option<Result<Node>> {
        Some(find_node(ctx, &id).await)
    }

    /// With whom people can sign in besides their password; empty when none is configured.
    async fn sign_in_providers(&self, ctx: &Context<'_>) -> Vec<SignInProvider> {
        ctx.app().providers.iter().cloned().map(SignInProvider).collect()
    }

    /// Who may make an account here.
    async fn registration(&self, ctx: &Context<'_>) -> Registration {
        ctx.app().config.registration.into()
    }

    /// What the link shows that the request was sent with, as `Authorization: Bearer` and what `openSharedDashboard`
    /// gave. Its panels are asked one at a time, with their documents and variables as they are here; nothing else
    /// is answered to whoever has but a link.
    #[graphql(complexity = "LOOKUP + child_complexity")]
    async fn shared_dashboard(&self, ctx: &Context<'_>) -> Option<Result<SharedDashboard>> {
        Some(SharedDashboard::of(ctx).await)
    }

    /// What whoever asks may still ask this minute, and what this request costs of it.
    async fn rate_limit(&self, ctx: &Context<'_>) -> Result<RateLimit> {
        RateLimit::of(ctx)
    }
}

// An error inside an `Option` leaves its field null; around it, it would take the whole answer along.

async fn find_app(ctx: &Context<'_>, id: &ID) -> Result<App> {
    ctx.no_stranger()?;
    let (model, scope) = loader::load(ctx, VisibleApp(id::app(id)?)).await?.ok_or(Error::NotFound("app"))?;
    Ok(App::new(model, scope))
}

async fn find_organization(ctx: &Context<'_>, id: &ID) -> Result<Organization> {
    ctx.viewer()?;
    let found = Organization::find(ctx, id::organization(id)?).await?;
    Ok(found.ok_or(Error::NotFound("organization"))?)
}

async fn find_node(ctx: &Context<'_>, id: &ID) -> Result<Node> {
    ctx.no_stranger()?;
    let id: NodeId = id.parse().map_err(|_| Error::NotFound("node"))?;
    Ok(Node::find(ctx, id).await?.ok_or(Error::NotFound("node"))?)
}
