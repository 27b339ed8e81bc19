//! Whoever runs apps together.

use async_graphql::{Context, Description, ID, Object, SimpleObject};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::{
    app::{self, App, Role},
    audit::{self, AuditEvent},
    invitation::{self, Invitation},
};
use crate::{
    auth::{OrganizationScope, Viewer, permission::ReadAuditLog},
    clock::Moment,
    entity::{
        audit_event,
        organization::{Column, Entity, Model},
        organization_member, user,
    },
    graphql::{
        context::ContextExt,
        error::Result,
        guard::LOOKUP,
        id::NodeId,
        page::{self, Page, Paginator},
    },
};

/// Whoever runs apps together. Its members have their role in each of its apps; only they see it.
#[derive(Description)]
pub struct Organization {
    model: Model,
    scope: OrganizationScope,
}

/// Somebody who belongs to an organization.
#[derive(SimpleObject)]
pub struct OrganizationMember {
    /// Id of the account.
    user_id: ID,
    /// The address they sign in with.
    email: String,
    /// What to call them.
    name: String,
    /// What they may do.
    role: Role,
    /// Since when they have belonged to it.
    created_at: Moment,
}

/// A page of the organizations the viewer belongs to, oldest first.
pub async fn page(ctx: &Context<'_>, viewer: Viewer, first: i32, after: Option<String>) -> Result<Page<Organization>> {
    let page = Paginator::<(i64, Uuid)>::new(("organizations", viewer.user_id), first, after)?;
    let mut rows = Entity::of_member(viewer.user_id).limit(page.first() as u64 + 1);
    if let Some((created_at, id)) = page.after() {
        let same = Column::CreatedAt.eq(*created_at).and(Column::Id.gt(*id));
        rows = rows.filter(Column::CreatedAt.gt(*created_at).or(same));
    }
    let rows = rows.all(&*ctx.app().db).await?;
    let more = rows.len() > page.first();
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let scopes = OrganizationScope::of_member_many(&ctx.app().db, viewer, &ids).await?;
    // Whoever left one since the list was read does not see it.
    let items = rows.into_iter().take(page.first()).filter_map(|model| {
        let scope = *scopes.iter().find(|scope| scope.organization_id() == model.id)?;
        Some(((model.created_at, model.id), Organization { model, scope }))
    });
    Ok(page.page(items.collect(), more)?)
}

impl Organization {
    /// The organization as the holder of `scope` sees it.
    pub fn new(model: Model, scope: OrganizationScope) -> Self {
        Self { model, scope }
    }

    /// The organization of this id, if the viewer belongs to it; none for an API key.
    pub async fn find(ctx: &Context<'_>, id: Uuid) -> Result<Option<Self>> {
        let Some(viewer) = ctx.maybe_viewer() else { return Ok(None) };
        let db = &ctx.app().db;
        let Some(scope) = OrganizationScope::of_member_many(db, viewer, &[id]).await?.pop() else { return Ok(None) };
        Ok(Entity::find_by_id(id).one(&**db).await?.map(|model| Self { model, scope }))
    }
}

#[Object(use_type_description)]
impl Organization {
    /// Identifies the organization everywhere.
    pub async fn id(&self) -> ID {
        NodeId::Organization(self.model.id).into()
    }

    /// What its members call it.
    async fn name(&self) -> &str {
        &self.model.name
    }

    /// When it was made.
    async fn created_at(&self) -> Moment {
        Moment(self.model.created_at)
    }

    /// When its name last changed.
    async fn updated_at(&self) -> Moment {
        Moment(self.model.updated_at)
    }

    /// What the viewer may do in it and in each of its apps.
    async fn my_role(&self) -> Role {
        self.scope.role().into()
    }

    /// Its apps, oldest first.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn apps(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<App>> {
        app::page(ctx, ctx.viewer()?, Some(self.model.id), first, after).await
    }

    /// Its members, those longest with it first.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<OrganizationMember>> {
        use organization_member::Column;
        let id = self.scope.organization_id();
        let page = Paginator::<(i64, Uuid)>::new(("members", id), first, after)?;
        let rows = organization_member::Entity::of_organization(id).find_also_related(user::Entity);
        let mut rows = rows.limit(page.first() as u64 + 1);
        if let Some((created_at, user)) = page.after() {
            let same = Column::CreatedAt.eq(*created_at).and(Column::UserId.gt(*user));
            rows = rows.filter(Column::CreatedAt.gt(*created_at).or(same));
        }
        let rows = rows.all(&*ctx.app().db).await?;
        Ok(page.probed(rows, |(member, _)| (member.created_at, member.user_id), OrganizationMember::from)?)
    }

    /// What was changed in it and in its apps: by whom, from where, when and what, the latest first. Entries
    /// are kept for as long as the server is told, a year unless told otherwise. Takes the role `ADMIN`.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<AuditEvent>> {
        let id = self.scope.may::<ReadAuditLog>()?.scope().organization_id();
        audit::page(ctx, ("audit", id), audit_event::Entity::of_organization(id), first, after).await
    }

    /// Invitations to it and to its apps that can be accepted, the latest first. Takes the role `ADMIN`.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<Invitation>> {
        invitation::page(ctx, self.scope.may()?, first, after).await
    }
}

impl From<(organization_member::Model, Option<user::Model>)> for OrganizationMember {
    fn from((member, account): (organization_member::Model, Option<user::Model>)) -> Self {
        let (email, name) = account.map(|account| (account.email, account.name)).unwrap_or_default();
        Self {
            user_id: NodeId::User(member.user_id).into(),
            email,
            name,
            role: member.role.into(),
            created_at: Moment(member.created_at),
        }
    }
}

/// To whom an app belongs.
pub struct Belonging {
    /// The organization.
    pub organization_id: Uuid,
}

#[Object]
impl Belonging {
    /// The organization it belongs to; null for a viewer of the app alone and for an API key, who do not see it.
    #[graphql(complexity = "LOOKUP + child_complexity")]
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        Organization::find(ctx, self.organization_id).await
    }
}
