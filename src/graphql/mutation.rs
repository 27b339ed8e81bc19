//! What owners change.

mod accounts;
mod api_keys;
mod apps;
mod dashboards;
mod dead_letters;
mod goals;
mod invitations;
mod letters;
mod members;
mod organizations;
mod passwords;
mod privacy;
mod saved_segments;
mod shares;

use async_graphql::{Context, ID, MergedObject};
use uuid::Uuid;

use super::{context::ContextExt, error::Result, id, loader::VisibleApp};
use crate::{auth::AppScope, entity::app, error::Error};

/// Changes, each with one `input` and a payload that holds what was changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    accounts::AccountMutations,
    apps::AppMutations,
    api_keys::ApiKeyMutations,
    dashboards::DashboardMutations,
    dead_letters::DeadLetterMutations,
    goals::GoalMutations,
    invitations::InvitationMutations,
    members::MemberMutations,
    organizations::OrganizationMutations,
    passwords::PasswordMutations,
    privacy::PrivacyMutations,
    saved_segments::SavedSegmentMutations,
    shares::ShareMutations,
);

/// The app that an id names, and the viewer's way to it.
async fn visible(ctx: &Context<'_>, app: &ID) -> Result<(app::Model, AppScope)> {
    ctx.viewer()?;
    Ok(ctx.loader().load_one(VisibleApp(id::app(app)?)).await?.ok_or(Error::NotFound("app"))?)
}

/// The viewer's way to the app of something; `NOT_FOUND` of that unless the app is theirs.
async fn scope_of(ctx: &Context<'_>, app: Uuid, what: &'static str) -> Result<AppScope> {
    let scope = AppScope::of_member(&ctx.app().db, ctx.viewer()?, app).await;
    Ok(scope.map_err(|error| match error {
        Error::NotFound(_) => Error::NotFound(what),
        other => other,
    })?)
}
