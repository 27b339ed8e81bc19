//! The keys that let events in, and those that ask.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use crate::{
    auth::{
        AppScope,
        api_key::{KeyChanges, NewKey},
    },
    clock::Moment,
    graphql::{
        context::ContextExt,
        error::Result,
        id,
        types::api_key::{ApiKey, ApiKeyScope},
    },
};

/// A new API key.
#[derive(InputObject)]
struct CreateApiKeyInput {
    /// Id of the app whose events it shall let in, or about which it shall ask, such as `app_0199…`.
    app_id: ID,
    /// What it shall be good for.
    #[graphql(default_with = "ApiKeyScope::Ingest")]
    scope: ApiKeyScope,
    /// What to call it, in 1 to 100 characters.
    name: String,
    /// When it shall stop working by itself; never when absent.
    expires_at: Option<Moment>,
    /// How many requests a minute it may make; as many as the server allows by default when absent. A key that reads
    /// never gets more than that.
    requests_per_minute: Option<i32>,
    /// How many events a minute it may let in; no limit of its own when absent. Not for keys that read.
    events_per_minute: Option<i32>,
    /// Origins whose pages may use it, such as `https://shop.example` or `https://*.shop.example`:
    /// for a key that lies open in those pages. It is refused elsewhere and without an origin.
    /// Whoever has the key may use it when the list is absent or empty. At most 100. Not for keys that read.
    allowed_origins: Option<Vec<String>>,
}

/// What to change of an API key. What is absent or null stays as it is.
#[derive(InputObject)]
struct UpdateApiKeyInput {
    /// Id of the key, such as `key_0199…`.
    id: ID,
    /// What to call it, in 1 to 100 characters.
    name: Option<String>,
    /// Origins whose pages may use it; whoever has the key may when the list is empty. At most 100.
    allowed_origins: Option<Vec<String>>,
}

/// Which API key to revoke.
#[derive(InputObject)]
struct RevokeApiKeyInput {
    /// Id of the key, such as `key_0199…`.
    id: ID,
}

/// Which API key to give a new secret.
#[derive(InputObject)]
struct RegenerateApiKeyInput {
    /// Id of the key, such as `key_0199…`.
    id: ID,
    /// Until when the old secret works beside the new one: a moment in the next seven days. It stops at
    /// once when absent.
    previous_works_until: Option<Moment>,
}

/// An API key was created.
#[derive(SimpleObject)]
struct CreateApiKeyPayload {
    /// The new key.
    api_key: ApiKey,
    /// The key itself, to be sent as `X-API-Key` with events, or as `Authorization: Bearer` with questions.
    /// It is shown only here.
    key: String,
}

/// An API key was changed.
#[derive(SimpleObject)]
struct UpdateApiKeyPayload {
    /// The key as it is now.
    api_key: ApiKey,
}

/// An API key was revoked.
#[derive(SimpleObject)]
struct RevokeApiKeyPayload {
    /// The key that lets nothing in any more.
    api_key: ApiKey,
}

/// An API key has a new secret.
#[derive(SimpleObject)]
struct RegenerateApiKeyPayload {
    /// The key, the same but for its prefix.
    api_key: ApiKey,
    /// The new key itself, to be sent as the old one was. It is shown only here.
    key: String,
}

#[derive(Default)]
pub(super) struct ApiKeyMutations;

#[Object]
impl ApiKeyMutations {
    /// Makes a key that lets events into an app, or asks about it. Takes the role `ADMIN`, like all changes of keys.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new key.")] input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let scope = AppScope::of_member(&server.db, viewer, id::app(&input.app_id)?).await?;
        let new = NewKey {
            name: input.name,
            expires_at: input.expires_at.map(|Moment(at)| at),
            requests_per_minute: input.requests_per_minute,
            events_per_minute: input.events_per_minute,
            allowed_origins: input.allowed_origins.unwrap_or_default(),
            scope: input.scope.into(),
        };
        let (key, raw) = server.api_keys.create(scope.may()?, viewer, new).await?;
        Ok(CreateApiKeyPayload { api_key: ApiKey(key), key: raw.expose().to_owned() })
    }

    /// Changes a key's name or the origins whose pages may use it. On this instance that holds at
    /// once, on others within five seconds.
    async fn update_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key, and what to change.")] input: UpdateApiKeyInput,
    ) -> Result<UpdateApiKeyPayload> {
        let (scope, key) = way_to(ctx, &input.id).await?;
        let changes = KeyChanges { name: input.name, allowed_origins: input.allowed_origins };
        let key = ctx.app().api_keys.update(scope.may()?, key, changes).await?;
        Ok(UpdateApiKeyPayload { api_key: ApiKey(key) })
    }

    /// Ends a key for good. On this instance it stops working at once, on others within five
    /// seconds.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key to revoke.")] input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload> {
        let (scope, key) = way_to(ctx, &input.id).await?;
        let key = ctx.app().api_keys.revoke(scope.may()?, key).await?;
        Ok(RevokeApiKeyPayload { api_key: ApiKey(key) })
    }

    /// Gives a key a new secret and keeps its name, limits, expiry and counts. The old secret works on
    /// for as long as `previousWorksUntil` says, and stops without it: on this instance at once, on others
    /// within five seconds. So does one that still worked from an earlier replacement. A revoked key is
    /// answered with the code `CONFLICT`.
    async fn regenerate_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which key to replace.")] input: RegenerateApiKeyInput,
    ) -> Result<RegenerateApiKeyPayload> {
        let (scope, key) = way_to(ctx, &input.id).await?;
        let until = input.previous_works_until.map(|Moment(until)| until);
        let (key, raw) = ctx.app().api_keys.regenerate(scope.may()?, key, until).await?;
        Ok(RegenerateApiKeyPayload { api_key: ApiKey(key), key: raw.expose().to_owned() })
    }
}

/// The key that `id` names and the viewer's way to it; `NOT_FOUND` unless its app is theirs.
async fn way_to(ctx: &Context<'_>, id: &ID) -> Result<(AppScope, Uuid)> {
    let viewer = ctx.viewer()?;
    let key = id::api_key(id)?;
    Ok((ctx.app().api_keys.scope_of(viewer, key).await?, key))
}
