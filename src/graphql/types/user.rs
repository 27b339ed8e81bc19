//! Somebody with an account.

use async_graphql::{Context, Description, ID, Object};

use super::{
    app::{self, App},
    audit::{self, AuditEvent},
    organization::{self, Organization},
    session::Session,
};
use crate::{
    clock::Moment,
    entity::{audit_event, user},
    graphql::{
        context::ContextExt,
        error::Result,
        id::NodeId,
        page::{self, Page},
    },
};

/// Somebody with an account.
#[derive(Description)]
pub struct User(pub user::Model);

#[Object(use_type_description)]
impl User {
    /// Identifies the account everywhere.
    pub async fn id(&self) -> ID {
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
    /// The apps they may see, oldest first. Only they themselves may see them; for anybody
    /// else the list is empty.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn apps(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<App>> {
        let viewer = ctx.viewer()?;
        if viewer.user_id != self.0.id {
            return Ok(Page::empty());
        }
        app::page(ctx, viewer, None, first, after).await
    }

    /// What was done to their account: sign-ins, sign-outs and whatever else, from where and when, the
    /// latest first. Only they themselves may see it; for anybody else the list is empty.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<AuditEvent>> {
        let id = ctx.viewer()?.user_id;
        if id != self.0.id {
            return Ok(Page::empty());
        }
        audit::page(ctx, ("account audit", id), audit_event::Entity::of_account(id), first, after).await
    }

    /// The organizations they belong to, oldest first. Only they themselves may see them; for anybody
    /// else the list is empty.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<Organization>> {
        let viewer = ctx.viewer()?;
        if viewer.user_id != self.0.id {
            return Ok(Page::empty());
        }
        organization::page(ctx, viewer, first, after).await
    }
}
