//! Links by which a dashboard is shown to whoever has one.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::scope_of;
use crate::{
    apps::share::{self, NewShare},
    auth::link,
    clock::Moment,
    config::Secret,
    graphql::{context::ContextExt, error::Result, id, types::share::DashboardShare},
};

/// A new link to a dashboard.
#[derive(InputObject)]
struct ShareDashboardInput {
    /// Id of the dashboard to show, such as `dsh_0199…_0199…`.
    dashboard_id: ID,
    /// What shall tell the link from others, in 1 to 100 characters. Whoever has the link does not see it.
    name: String,
    /// A password that opening it shall take, in 12 to 128 characters; by default the link is enough.
    password: Option<String>,
    /// From when on it shall show nothing; by default it works until it is revoked.
    expires_at: Option<Moment>,
}

/// Which link to revoke.
#[derive(InputObject)]
struct RevokeDashboardShareInput {
    /// Id of the link, such as `shr_0199…_0199…`.
    id: ID,
}

/// A link that somebody has.
#[derive(InputObject)]
struct OpenSharedDashboardInput {
    /// What stands behind the `#` of the link.
    token: String,
    /// The password, where the link takes one.
    password: Option<String>,
}

/// A link was made.
#[derive(SimpleObject)]
struct ShareDashboardPayload {
    /// What is kept of it.
    share: DashboardShare,
    /// The link itself. It is shown now and never again; to show it on a page of one's own, put `/embed` in the place of
    /// `/shared`.
    url: String,
}

/// A link was revoked.
#[derive(SimpleObject)]
struct RevokeDashboardSharePayload {
    /// Its id, which names nothing any more.
    revoked_share_id: ID,
}

/// A link was opened.
#[derive(SimpleObject)]
struct OpenSharedDashboardPayload {
    /// What to send as `Authorization: Bearer` to ask `sharedDashboard`, and then its panels. It works until the link
    /// expires, is revoked or is given another password.
    bearer: String,
    /// From when on the link shows nothing; null where it does so until it is revoked.
    expires_at: Option<Moment>,
}

#[derive(Default)]
pub(super) struct ShareMutations;

#[Object]
impl ShareMutations {
    /// Makes a link by which whoever has it sees a dashboard, without an account. They see what its panels answer, as
    /// the dashboard is at the time, and can ask nothing else; panels that list single people are left out. A
    /// dashboard has at most 20 links; an account sets 60 passwords an hour. Takes the role `ADMIN`.
    async fn share_dashboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dashboard, and how.")] input: ShareDashboardInput,
    ) -> Result<ShareDashboardPayload> {
        ctx.viewer()?;
        let (app, dashboard) = id::dashboard(&input.dashboard_id)?;
        let may = scope_of(ctx, app, "dashboard").await?.may()?;
        let new = NewShare {
            name: input.name,
            password: input.password.map(Secret::new),
            expires_at: input.expires_at.map(|Moment(at)| at),
        };
        let server = ctx.app();
        let (share, token) = share::create(&server.db, &server.clock, &server.limiter, may, dashboard, new).await?;
        let url = link::address(&token, &server.config.public_url);
        Ok(ShareDashboardPayload { share: DashboardShare(share), url: url.expose().to_owned() })
    }

    /// Revokes a link: it shows nothing from now on. Takes the role `ADMIN`.
    async fn revoke_dashboard_share(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which link to revoke.")] input: RevokeDashboardShareInput,
    ) -> Result<RevokeDashboardSharePayload> {
        ctx.viewer()?;
        let (app, share) = id::dashboard_share(&input.id)?;
        let may = scope_of(ctx, app, "link").await?.may()?;
        share::revoke(&ctx.app().db, &ctx.app().clock, may, share).await?;
        Ok(RevokeDashboardSharePayload { revoked_share_id: input.id })
    }

    /// Opens a link. One that is unknown, has expired or was revoked is answered with the code `UNAUTHENTICATED`, and
    /// so is a wrong password; a missing one with `BAD_USER_INPUT` and the field `input.password`. Attempts at
    /// passwords are limited by client address, together with sign-ins.
    async fn open_shared_dashboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link's token, and its password.")] input: OpenSharedDashboardInput,
    ) -> Result<OpenSharedDashboardPayload> {
        let (server, password) = (ctx.app(), input.password.map(Secret::new));
        let (limiter, limits) = (&server.limiter, &server.config.limits);
        let (bearer, opened) = server.links.unlock(limiter, limits, &input.token, password, ctx.client().ip).await?;
        Ok(OpenSharedDashboardPayload { bearer: bearer.expose().to_owned(), expires_at: opened.expires_at.map(Moment) })
    }
}
