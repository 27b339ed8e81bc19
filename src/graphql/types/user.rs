//! Somebody with an account.

use async_graphql::{Context, ID, Object};

use super::session::Session;
use crate::{
    clock::Moment,
    entity::user,
    graphql::{context::ContextExt, error::Result, id::NodeId},
};

/// Somebody with an account.
pub struct User(pub user::Model);

#[Object]
impl User {
    /// Identifies the account everywhere.
    async fn id(&self) -> ID {
        NodeId::User(self.0.id).into()
    }

    /// The address they sign in with, in lower case.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// What to call them.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// When the account was made.
    async fn created_at(&self) -> Moment {
        Moment(self.0.created_at)
    }

    /// Their live sign-ins, newest first, at most 100. Only they themselves may see them; for
    /// anybody else the list is empty.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<Session>> {
        let viewer = ctx.viewer()?;
        if viewer.user_id != self.0.id {
            return Ok(Vec::new());
        }
        Ok(ctx.app().sessions.list(viewer).await?.into_iter().map(Session).collect())
    }
}
