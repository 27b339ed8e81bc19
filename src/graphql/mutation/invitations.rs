//! Invitations, and the guests of apps.

use std::time::Duration;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{
    letters::{self, Letter},
    organizations::way_to,
};
use crate::{
    apps::{guest, invitation},
    auth::{AppScope, registration},
    config::Secret,
    entity::{self, role},
    error::Error,
    graphql::{
        context::ContextExt,
        error::Result,
        id,
        loader::VisibleApp,
        types::{
            app::{App, Role},
            invitation::Invitation,
            organization::Organization,
        },
    },
    limiter::Quota,
};

/// Letters that one account may have sent, so that nobody writes to strangers in our name.
const PER_INVITER: Quota = Quota { permits: 50, period: Duration::from_secs(24 * 60 * 60) };

/// Whom to invite to an organization.
#[derive(InputObject)]
struct InviteMemberInput {
    /// Id of the organization, such as `org_0199…`.
    organization_id: ID,
    /// The address of the account that may accept; case does not matter. There need not be one yet.
    email: String,
    /// What they shall be: any role but `OWNER`.
    #[graphql(default_with = "Role::Viewer")]
    role: Role,
}

/// Whom to invite to see an app.
#[derive(InputObject)]
struct InviteGuestInput {
    /// Id of the app, such as `app_0199…`.
    app_id: ID,
    /// The address of the account that may accept; case does not matter. There need not be one yet.
    email: String,
}

/// Which invitation to accept.
#[derive(InputObject)]
struct AcceptInvitationInput {
    /// The token that whoever was invited was given.
    token: String,
}

/// Which invitation to revoke.
#[derive(InputObject)]
struct RevokeInvitationInput {
    /// Id of the invitation, such as `inv_0199…`.
    id: ID,
}

/// Whom to remove from an app.
#[derive(InputObject)]
struct RemoveGuestInput {
    /// Id of the app, such as `app_0199…`.
    app_id: ID,
    /// Id of the guest's account, such as `usr_0199…`.
    user_id: ID,
}

/// Which app to leave.
#[derive(InputObject)]
struct LeaveAppInput {
    /// Id of the app, such as `app_0199…`.
    app_id: ID,
}

/// Somebody was invited to an organization.
#[derive(SimpleObject)]
struct InviteMemberPayload {
    /// The invitation.
    invitation: Invitation,
    /// What accepts it. It is shown only here: give it to nobody but whom you have invited.
    token: String,
    /// Whether a letter with it is on its way to them. An address gets three an hour, and who invites has fifty
    /// a day.
    is_mailed: bool,
}

/// Somebody was invited to see an app.
#[derive(SimpleObject)]
struct InviteGuestPayload {
    /// The invitation.
    invitation: Invitation,
    /// What accepts it. It is shown only here: give it to nobody but whom you have invited.
    token: String,
    /// Whether a letter with it is on its way to them. An address gets three an hour, and who invites has fifty
    /// a day.
    is_mailed: bool,
}

/// An invitation was accepted.
#[derive(SimpleObject)]
struct AcceptInvitationPayload {
    /// The organization the viewer belongs to now; null when they were invited to one app.
    organization: Option<Organization>,
    /// The app the viewer sees now; null when they were invited to an organization.
    app: Option<App>,
}

/// An invitation was revoked.
#[derive(SimpleObject)]
struct RevokeInvitationPayload {
    /// Its id, which names nothing any more.
    revoked_invitation_id: ID,
}

/// A guest was removed from an app.
#[derive(SimpleObject)]
struct RemoveGuestPayload {
    /// The app.
    app: App,
    /// Id of the account that is not its guest any more.
    removed_user_id: ID,
}

/// The viewer is not a guest of an app any more.
#[derive(SimpleObject)]
struct LeaveAppPayload {
    /// The app, for whoever sees it as a member of its organization; else null.
    app: Option<App>,
}

#[derive(Default)]
pub(super) struct InvitationMutations;

#[Object]
impl InvitationMutations {
    /// Invites somebody to an organization: the token in the answer lets the account with this address
    /// become a member within seven days, once. Where the server sends mail, they get a link. An earlier invitation of the same address stops working.
    /// At most 100 are open at a time. Takes the role `ADMIN`.
    async fn invite_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to invite, and as what.")] input: InviteMemberInput,
    ) -> Result<InviteMemberPayload> {
        let (server, scope) = (ctx.app(), way_to(ctx, &input.organization_id).await?);
        let (may, role) = (scope.may()?, role::Role::from(input.role));
        let (made, token) = invitation::to_organization(&server.db, &server.clock, may, &input.email, role).await?;
        let is_mailed = mail(ctx, &made, &token).await;
        Ok(InviteMemberPayload { invitation: Invitation(made), token: token.expose().to_owned(), is_mailed })
    }

    /// Invites somebody to see one app as its guest, and neither its organization nor its other apps. The
    /// token works like that of a member. Takes the role `ADMIN`.
    async fn invite_guest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to invite to which app.")] input: InviteGuestInput,
    ) -> Result<InviteGuestPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let may = AppScope::of_member(&server.db, viewer, id::app(&input.app_id)?).await?.may()?;
        let (made, token) = invitation::to_app(&server.db, &server.clock, may, &input.email).await?;
        let is_mailed = mail(ctx, &made, &token).await;
        Ok(InviteGuestPayload { invitation: Invitation(made), token: token.expose().to_owned(), is_mailed })
    }

    /// Accepts an invitation. The viewer's account must have the address that was invited: otherwise the
    /// code is `FORBIDDEN`. A token that was used or revoked, or is older than seven days, is answered with
    /// the code `NOT_FOUND`. Whoever belongs there already keeps the role they have.
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which invitation to accept.")] input: AcceptInvitationInput,
    ) -> Result<AcceptInvitationPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let accepted = invitation::accept(&server.db, &server.clock, viewer, &input.token).await?;
        match accepted.app_id {
            Some(app) => {
                let (model, scope) = ctx.loader().load_one(VisibleApp(app)).await?.ok_or(Error::NotFound("app"))?;
                Ok(AcceptInvitationPayload { organization: None, app: Some(App::new(model, scope)) })
            }
            None => {
                let organization = Organization::find(ctx, accepted.organization_id).await?;
                Ok(AcceptInvitationPayload { organization, app: None })
            }
        }
    }

    /// Withdraws an invitation; its token stops working at once. Takes the role `ADMIN` in the organization,
    /// or in the app of a guest.
    async fn revoke_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which invitation to revoke.")] input: RevokeInvitationInput,
    ) -> Result<RevokeInvitationPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        invitation::revoke(&server.db, &server.clock, viewer, id::invitation(&input.id)?).await?;
        Ok(RevokeInvitationPayload { revoked_invitation_id: input.id })
    }

    /// Removes a guest from an app, who does not see it any more from their next request on. Takes the role
    /// `ADMIN`.
    async fn remove_guest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to remove from which app.")] input: RemoveGuestInput,
    ) -> Result<RemoveGuestPayload> {
        ctx.viewer()?;
        let (server, app) = (ctx.app(), id::app(&input.app_id)?);
        let (model, scope) = ctx.loader().load_one(VisibleApp(app)).await?.ok_or(Error::NotFound("app"))?;
        guest::remove(&server.db, &server.clock, scope.may()?, id::user(&input.user_id)?).await?;
        Ok(RemoveGuestPayload { app: App::new(model, scope), removed_user_id: input.user_id })
    }

    /// Ends what the viewer sees of an app as its guest. Whoever belongs to its organization goes on seeing it.
    async fn leave_app(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which app to leave.")] input: LeaveAppInput,
    ) -> Result<LeaveAppPayload> {
        let (server, viewer, app) = (ctx.app(), ctx.viewer()?, id::app(&input.app_id)?);
        let scope = AppScope::of_member(&server.db, viewer, app).await?;
        guest::leave(&server.db, &server.clock, scope).await?;
        let left = ctx.loader().load_one(VisibleApp(app)).await?;
        Ok(LeaveAppPayload { app: left.map(|(model, scope)| App::new(model, scope)) })
    }
}

/// Sends an invitation to whom it is for, unless whoever made it has sent too many.
async fn mail(ctx: &Context<'_>, made: &entity::invitation::Model, token: &Secret) -> bool {
    let app = ctx.app();
    if app.mailer.is_none()
        || app.limiter.check(&format!("invite:{}", made.invited_by), PER_INVITER, 1).await.into_result().is_err()
    {
        return false;
    }
    let server = letters::name(app);
    let text = format!(
        "You were invited to see figures at {server}.\n\n\
         This link accepts the invitation within a week, once you have signed in or made an account with this \
         address:\n\n{}\n\n\
         If you do not know what this is about, do nothing.\n",
        invitation::link(&registration::mailed(&app.invitations, made, token), &app.config.public_url).expose(),
    );
    let letter = Letter { subject: "You were invited", text };
    let posted = letters::post(app, "invitation", made.email.clone(), async move { Ok(Some(letter)) });
    posted.unwrap_or_else(|error| {
        error.log();
        false
    })
}
