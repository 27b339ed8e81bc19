//! Anything that has an id.

use async_graphql::{Context, ID, Interface};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{
    api_key::ApiKey, app::App, dashboard::Dashboard, event::Event, goal::Goal, invitation::Invitation,
    organization::Organization, saved_segment::SavedSegment, session::Session, share::DashboardShare, user::User,
};
use crate::{
    entity::{api_key, user, user_session},
    graphql::{context::ContextExt, error::Result, id::NodeId, loader::VisibleApp},
};

/// Anything that has an id of its own.
#[derive(Interface)]
#[allow(clippy::large_enum_variant)] // one at a time, and async-graphql takes no boxes
#[graphql(field(name = "id", ty = "ID", desc = "Identifies it among everything on this server."))]
pub enum Node {
    /// Somebody with an account.
    User(User),
    /// A sign-in.
    Session(Session),
    /// An app.
    App(App),
    /// An organization.
    Organization(Organization),
    /// An invitation.
    Invitation(Invitation),
    /// An API key.
    ApiKey(ApiKey),
    /// An event.
    Event(Event),
    /// A goal.
    Goal(Goal),
    /// A filter that an app keeps under a name.
    SavedSegment(SavedSegment),
    /// Panels that an app keeps together under a name.
    Dashboard(Dashboard),
    /// A link to a dashboard.
    DashboardShare(DashboardShare),
}

impl Node {
    /// What `id` names, if the viewer may see it: themselves, their sign-ins, their organizations, their apps and what
    /// belongs to those. An API key sees its app, and of what belongs to it all but keys.
    pub async fn find(ctx: &Context<'_>, id: NodeId) -> Result<Option<Self>> {
        let (viewer, db) = (ctx.maybe_viewer(), &ctx.app().db);
        Ok(match id {
            NodeId::User(id) if viewer.is_some_and(|viewer| viewer.user_id == id) => {
                user::Entity::find_by_id(id).one(&**db).await?.map(User).map(Self::User)
            }
            NodeId::User(_) => None,
            NodeId::Session(id) => {
                let Some(viewer) = viewer else { return Ok(None) };
                let mine = user_session::Entity::live_of(viewer.user_id, ctx.app().clock.now_ms());
                let found = mine.filter(user_session::Column::Id.eq(id)).one(&**db).await?;
                found.map(Session).map(Self::Session)
            }
            NodeId::App(id) => {
                let found = ctx.loader().load_one(VisibleApp(id)).await?;
                found.map(|(model, scope)| Self::App(App::new(model, scope)))
            }
            NodeId::Invitation(_) | NodeId::ApiKey(_) | NodeId::DashboardShare { .. } if viewer.is_none() => None,
            NodeId::Organization(id) => Organization::find(ctx, id).await?.map(Self::Organization),
            NodeId::Invitation(id) => Invitation::find(ctx, id).await?.map(Self::Invitation),
            NodeId::ApiKey(id) => {
                let Some(key) = api_key::Entity::find_by_id(id).one(&**db).await? else { return Ok(None) };
                let visible = ctx.loader().load_one(VisibleApp(key.app_id)).await?.is_some();
                visible.then_some(Self::ApiKey(ApiKey(key)))
            }
            NodeId::Event { app, event } => Event::find(ctx, app, event).await?.map(Self::Event),
            NodeId::Goal { app, goal } => Goal::find(ctx, app, goal).await?.map(Self::Goal),
            NodeId::SavedSegment { app, segment } => {
                SavedSegment::find(ctx, app, segment).await?.map(Self::SavedSegment)
            }
            NodeId::Dashboard { app, dashboard } => Dashboard::find(ctx, app, dashboard).await?.map(Self::Dashboard),
            NodeId::DashboardShare { app, share } => {
                DashboardShare::find(ctx, app, share).await?.map(Self::DashboardShare)
            }
        })
    }
}
