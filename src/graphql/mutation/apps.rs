//! Apps.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::{
    analytics::BigInt,
    apps::{self, organization},
    auth::{AppScope, OrganizationScope},
    cache,
    error::Error,
    graphql::{
        context::ContextExt,
        error::Result,
        id,
        types::{
            app::App,
            settings::{BotPolicy, IpMode},
        },
    },
};

/// A new app.
#[derive(InputObject)]
struct CreateAppInput {
    /// What to call it, in 1 to 100 characters.
    name: String,
    /// The IANA time zone of its days, such as `Europe/Berlin`; UTC when absent.
    timezone: Option<String>,
    /// Id of the organization it shall belong to, such as `org_0199…`; by default the oldest that the viewer
    /// owns, which is made where there is none.
    organization_id: Option<ID>,
}

/// What to change of an app. What is absent or null stays as it is.
#[derive(InputObject)]
struct UpdateAppInput {
    /// Id of the app, such as `app_0199…`.
    id: ID,
    /// What to call it, in 1 to 100 characters.
    name: Option<String>,
    /// The IANA time zone of its days, such as `Europe/Berlin`.
    timezone: Option<String>,
    /// What to keep of visitors' addresses, of events that arrive from now on.
    ip_mode: Option<IpMode>,
    /// What becomes of bots' events that arrive from now on.
    bot_policy: Option<BotPolicy>,
    /// Origins whose pages may send events, such as `https://shop.example` or
    /// `https://*.shop.example`; any may when the list is empty. Servers, which name no origin, are
    /// not concerned. At most 100.
    allowed_origins: Option<Vec<String>>,
    /// Addresses and networks whose events are left out, such as `203.0.113.0/24`. At most 100.
    excluded_ips: Option<Vec<String>>,
    /// Paths of pages whose events are left out, such as `/admin/*`, where `*` stands for any
    /// characters. At most 100.
    excluded_paths: Option<Vec<String>>,
    /// For how many days to keep events, from 1 to 36500; 0 keeps them for ever. Older ones are removed for
    /// good within the hour, those that are there already as well. Only the owner may say so.
    retention_days: Option<i32>,
}

/// Which app to delete.
#[derive(InputObject)]
struct DeleteAppInput {
    /// Id of the app, such as `app_0199…`.
    id: ID,
}

/// An app was created.
#[derive(SimpleObject)]
struct CreateAppPayload {
    /// The new app.
    app: App,
}

/// An app was changed.
#[derive(SimpleObject)]
struct UpdateAppPayload {
    /// The app as it is now.
    app: App,
}

/// An app was deleted.
#[derive(SimpleObject)]
struct DeleteAppPayload {
    /// Its id, which names nothing any more.
    deleted_app_id: ID,
    /// How many events went with it.
    deleted_events: BigInt,
}

#[derive(Default)]
pub(super) struct AppMutations;

#[Object]
impl AppMutations {
    /// Creates an app in an organization. Takes the role `ADMIN` there.
    async fn create_app(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new app.")] input: CreateAppInput,
    ) -> Result<CreateAppPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let organization = match &input.organization_id {
            Some(id) => OrganizationScope::of_member(&*server.db, viewer, id::organization(id)?).await?,
            None => organization::own(&server.db, &server.clock, viewer).await?,
        };
        let (may, timezone) = (organization.may()?, input.timezone.as_deref());
        let app = apps::create(&server.db, &server.clock, may, &input.name, timezone).await?;
        let scope = AppScope::of_member(&server.db, viewer, app.id).await?;
        Ok(CreateAppPayload { app: App::new(app, scope) })
    }

    /// Takes the role `ADMIN`, and for `retentionDays` the role `OWNER`. Changes an app's name, time zone or
    /// settings. Its events stay as they are (but for `retentionDays`, which removes old ones): a time zone only
    /// says where days begin, and settings hold for events that arrive from now on; on other instances of the
    /// server they hold within five seconds.
    async fn update_app(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which app, and what to change.")] input: UpdateAppInput,
    ) -> Result<UpdateAppPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let scope = AppScope::of_member(&server.db, viewer, id::app(&input.id)?).await?;
        let changes = apps::Changes {
            name: input.name,
            timezone: input.timezone,
            ip_mode: input.ip_mode.map(IpMode::stored),
            bot_policy: input.bot_policy.map(Into::into),
            allowed_origins: input.allowed_origins,
            excluded_ips: input.excluded_ips,
            excluded_paths: input.excluded_paths,
            retention_days: input.retention_days.map(|days| Ok::<_, Error>((scope.may()?, days))).transpose()?,
        };
        let app = apps::update(&server.db, &server.clock, &server.api_keys, scope.may()?, changes).await?;
        Ok(UpdateAppPayload { app: App::new(app, scope) })
    }

    /// Deletes an app with all its events, keys and goals. This cannot be undone.
    async fn delete_app(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which app to delete.")] input: DeleteAppInput,
    ) -> Result<DeleteAppPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let scope = AppScope::of_member(&server.db, viewer, id::app(&input.id)?).await?;
        let events = apps::delete(&server.db, &server.clock, &server.api_keys, scope.may()?).await?;
        server.columnar.forget_app(scope.app_id());
        server.cache.forget(&cache::answers_of(scope.app_id())).await;
        Ok(DeleteAppPayload { deleted_app_id: input.id, deleted_events: BigInt(events) })
    }
}
