//! Apps.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::{
    analytics::BigInt,
    apps,
    auth::AppScope,
    graphql::{context::ContextExt, error::Result, id, types::app::App},
};

/// A new app.
#[derive(InputObject)]
struct CreateAppInput {
    /// What to call it, in 1 to 100 characters.
    name: String,
    /// The IANA time zone of its days, such as `Europe/Berlin`; UTC when absent.
    timezone: Option<String>,
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
    /// Creates an app that belongs to the viewer.
    async fn create_app(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new app.")] input: CreateAppInput,
    ) -> Result<CreateAppPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let app = apps::create(&server.db, &server.clock, viewer, &input.name, input.timezone.as_deref()).await?;
        let scope = AppScope::of_member(&server.db, viewer, app.id).await?;
        Ok(CreateAppPayload { app: App::new(app, scope) })
    }

    /// Renames an app, or moves it to another time zone. Its events stay as they are: a time zone
    /// only says where days begin.
    async fn update_app(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which app, and what to change.")] input: UpdateAppInput,
    ) -> Result<UpdateAppPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let scope = AppScope::of_member(&server.db, viewer, id::app(&input.id)?).await?;
        let (name, timezone) = (input.name.as_deref(), input.timezone.as_deref());
        let app = apps::update(&server.db, &server.clock, scope, name, timezone).await?;
        Ok(UpdateAppPayload { app: App::new(app, scope) })
    }

    /// Deletes an app with all its events and keys. This cannot be undone.
    async fn delete_app(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which app to delete.")] input: DeleteAppInput,
    ) -> Result<DeleteAppPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let scope = AppScope::of_member(&server.db, viewer, id::app(&input.id)?).await?;
        let events = apps::delete(&server.db, &server.api_keys, scope).await?;
        Ok(DeleteAppPayload { deleted_app_id: input.id, deleted_events: BigInt(events) })
    }
}
