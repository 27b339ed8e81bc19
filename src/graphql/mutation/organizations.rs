//! Organizations.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::{
    apps::organization,
    auth::OrganizationScope,
    graphql::{context::ContextExt, error::Result, id, types::organization::Organization},
};

/// A new organization.
#[derive(InputObject)]
struct CreateOrganizationInput {
    /// What to call it, in 1 to 100 characters.
    name: String,
}

/// What to change of an organization. What is absent or null stays as it is.
#[derive(InputObject)]
struct UpdateOrganizationInput {
    /// Id of the organization, such as `org_0199…`.
    id: ID,
    /// What to call it, in 1 to 100 characters.
    name: Option<String>,
}

/// Which organization to delete.
#[derive(InputObject)]
struct DeleteOrganizationInput {
    /// Id of the organization, such as `org_0199…`.
    id: ID,
}

/// An organization was made.
#[derive(SimpleObject)]
struct CreateOrganizationPayload {
    /// The new organization.
    organization: Organization,
}

/// An organization was changed.
#[derive(SimpleObject)]
struct UpdateOrganizationPayload {
    /// The organization as it is now.
    organization: Organization,
}

/// An organization was deleted.
#[derive(SimpleObject)]
struct DeleteOrganizationPayload {
    /// Its id, which names nothing any more.
    deleted_organization_id: ID,
}

#[derive(Default)]
pub(super) struct OrganizationMutations;

#[Object]
impl OrganizationMutations {
    /// Makes an organization that the viewer owns.
    async fn create_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new organization.")] input: CreateOrganizationInput,
    ) -> Result<CreateOrganizationPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let made = organization::create(&server.db, &server.clock, viewer, &input.name).await?;
        let scope = OrganizationScope::of_member(server.db.writer(), viewer, made.id).await?;
        Ok(CreateOrganizationPayload { organization: Organization::new(made, scope) })
    }

    /// Renames an organization. Takes the role `ADMIN`.
    async fn update_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which organization, and what to change.")] input: UpdateOrganizationInput,
    ) -> Result<UpdateOrganizationPayload> {
        let (server, scope) = (ctx.app(), way_to(ctx, &input.id).await?);
        let model = organization::update(&server.db, &server.clock, scope.may()?, input.name.as_deref()).await?;
        Ok(UpdateOrganizationPayload { organization: Organization::new(model, scope) })
    }

    /// Deletes an organization, which must have no apps any more: otherwise the code is `CONFLICT`. Takes
    /// the role `OWNER`.
    async fn delete_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which organization to delete.")] input: DeleteOrganizationInput,
    ) -> Result<DeleteOrganizationPayload> {
        let (server, scope) = (ctx.app(), way_to(ctx, &input.id).await?);
        organization::delete(&server.db, &server.clock, scope.may()?).await?;
        Ok(DeleteOrganizationPayload { deleted_organization_id: input.id })
    }
}

/// The viewer's way into the organization that `id` names; `NOT_FOUND` unless they belong to it.
pub(super) async fn way_to(ctx: &Context<'_>, id: &ID) -> Result<OrganizationScope> {
    let viewer = ctx.viewer()?;
    Ok(OrganizationScope::of_member(ctx.app().db.writer(), viewer, id::organization(id)?).await?)
}
