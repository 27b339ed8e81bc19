//! Members of organizations.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use sea_orm::EntityTrait;

use super::organizations::way_to;
use crate::{
    apps::member,
    entity::{organization_member, user},
    error::Error,
    graphql::{
        context::ContextExt,
        error::Result,
        id,
        types::{
            app::Role,
            organization::{Organization, OrganizationMember},
        },
    },
};

/// Who shall have another role.
#[derive(InputObject)]
struct ChangeMemberRoleInput {
    /// Id of the organization, such as `org_0199…`.
    organization_id: ID,
    /// Id of the member's account, such as `usr_0199…`.
    user_id: ID,
    /// What they shall be.
    role: Role,
}

/// Whom to remove from an organization.
#[derive(InputObject)]
struct RemoveMemberInput {
    /// Id of the organization, such as `org_0199…`.
    organization_id: ID,
    /// Id of the member's account, such as `usr_0199…`.
    user_id: ID,
}

/// Which organization to leave.
#[derive(InputObject)]
struct LeaveOrganizationInput {
    /// Id of the organization, such as `org_0199…`.
    organization_id: ID,
}

/// Whom to hand an organization to.
#[derive(InputObject)]
struct TransferOwnershipInput {
    /// Id of the organization, such as `org_0199…`.
    organization_id: ID,
    /// Id of the account of the member who shall own it, such as `usr_0199…`.
    user_id: ID,
}

/// A member has another role.
#[derive(SimpleObject)]
struct ChangeMemberRolePayload {
    /// The organization, as the viewer sees it now.
    organization: Organization,
    /// The member as they are now.
    member: OrganizationMember,
}

/// A member was removed.
#[derive(SimpleObject)]
struct RemoveMemberPayload {
    /// The organization; null for whoever has removed themselves.
    organization: Option<Organization>,
    /// Id of the account that does not belong to it any more.
    removed_user_id: ID,
}

/// The viewer has left an organization.
#[derive(SimpleObject)]
struct LeaveOrganizationPayload {
    /// Id of the organization, which the viewer does not see any more.
    left_organization_id: ID,
}

/// An organization was handed over.
#[derive(SimpleObject)]
struct TransferOwnershipPayload {
    /// The organization, of which the viewer is an admin now.
    organization: Organization,
    /// The new owner.
    owner: OrganizationMember,
}

#[derive(Default)]
pub(super) struct MemberMutations;

#[Object]
impl MemberMutations {
    /// Gives a member another role, from their next request on. Takes the role `ADMIN`, and `OWNER` to make
    /// somebody an owner or to change an owner. The last owner stays one: otherwise the code is `CONFLICT`.
    async fn change_member_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose role to change, and to what.")] input: ChangeMemberRoleInput,
    ) -> Result<ChangeMemberRolePayload> {
        let (server, scope) = (ctx.app(), way_to(ctx, &input.organization_id).await?);
        let user = id::user(&input.user_id)?;
        let changed = member::change_role(&server.db, &server.clock, scope.may()?, user, input.role.into()).await?;
        let organization = Organization::find(ctx, scope.organization_id()).await?;
        let organization = organization.ok_or(Error::NotFound("organization"))?;
        Ok(ChangeMemberRolePayload { organization, member: with_account(ctx, changed).await? })
    }

    /// Ends somebody's membership: from their next request on they see nothing of the organization and of its
    /// apps, those among them whose guests they were. Takes the role `ADMIN`, and `OWNER` to remove an owner.
    /// The last owner stays: otherwise the code is `CONFLICT`.
    async fn remove_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to remove from which organization.")] input: RemoveMemberInput,
    ) -> Result<RemoveMemberPayload> {
        let (server, scope) = (ctx.app(), way_to(ctx, &input.organization_id).await?);
        member::remove(&server.db, &server.clock, scope.may()?, id::user(&input.user_id)?).await?;
        let organization = Organization::find(ctx, scope.organization_id()).await?;
        Ok(RemoveMemberPayload { organization, removed_user_id: input.user_id })
    }

    /// Ends the viewer's own membership. The last owner can not leave: otherwise the code is `CONFLICT`.
    async fn leave_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which organization to leave.")] input: LeaveOrganizationInput,
    ) -> Result<LeaveOrganizationPayload> {
        let (server, scope) = (ctx.app(), way_to(ctx, &input.organization_id).await?);
        member::leave(&server.db, &server.clock, scope).await?;
        Ok(LeaveOrganizationPayload { left_organization_id: input.organization_id })
    }

    /// Makes another member an owner, and the viewer an admin. Takes the role `OWNER`.
    async fn transfer_ownership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which organization, and to whom.")] input: TransferOwnershipInput,
    ) -> Result<TransferOwnershipPayload> {
        let (server, scope) = (ctx.app(), way_to(ctx, &input.organization_id).await?);
        let owner = member::transfer(&server.db, &server.clock, scope.may()?, id::user(&input.user_id)?).await?;
        let organization = Organization::find(ctx, scope.organization_id()).await?;
        let organization = organization.ok_or(Error::NotFound("organization"))?;
        Ok(TransferOwnershipPayload { organization, owner: with_account(ctx, owner).await? })
    }
}

async fn with_account(ctx: &Context<'_>, member: organization_member::Model) -> Result<OrganizationMember> {
    let account = user::Entity::find_by_id(member.user_id).one(ctx.app().db.writer()).await?;
    Ok((member, account).into())
}
