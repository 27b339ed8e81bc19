//! A sign-in.

use async_graphql::{Context, Description, ID, Object};

use crate::{
    clock::Moment,
    entity::user_session,
    graphql::{context::ContextExt, id::NodeId},
};

/// A sign-in. Its token works until the session ends or is revoked.
#[derive(Description)]
pub struct Session(pub user_session::Model);

#[Object(use_type_description)]
impl Session {
    /// Identifies the session everywhere.
    pub async fn id(&self) -> ID {
        NodeId::Session(self.0.id).into()
    }

    /// When it began.
    async fn created_at(&self) -> Moment {
        Moment(self.0.created_at)
    }

    /// When it ends by itself.
    async fn expires_at(&self) -> Moment {
        Moment(self.0.expires_at)
    }

    /// When it was ended before its time; null when it was not.
    async fn revoked_at(&self) -> Option<Moment> {
        self.0.revoked_at.map(Moment)
    }

    /// What signed in, as it named itself.
    async fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    /// The network it came from: of the address the last part is not kept.
    async fn ip_address(&self) -> Option<&str> {
        self.0.ip_address.as_deref()
    }

    /// Whether this request was made with it.
    async fn current(&self, ctx: &Context<'_>) -> bool {
        ctx.maybe_viewer().is_some_and(|viewer| viewer.session_id == self.0.id)
    }
}
