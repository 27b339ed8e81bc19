//! Events that could not be stored: tried again, or given up.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::visible;
use crate::{
    analytics::BigInt,
    auth::AppScope,
    error::Error,
    graphql::{context::ContextExt, error::Result, guard::REPORT, id::NodeId, page::MAX_FIRST, types::app::App},
    ingest::dead_letter,
};

/// Which dead letters to try again.
#[derive(InputObject)]
struct ReplayDeadLettersInput {
    /// Id of their app, such as `app_0199…`.
    app_id: ID,
    /// The `eventId` of each, at most 100; without it the 1,000 that have waited longest.
    event_ids: Option<Vec<ID>>,
}

/// Which dead letters to give up.
#[derive(InputObject)]
struct DiscardDeadLettersInput {
    /// Id of their app, such as `app_0199…`.
    app_id: ID,
    /// The `eventId` of each, at most 100; without it all of the app's.
    event_ids: Option<Vec<ID>>,
}

/// Dead letters were tried again.
#[derive(SimpleObject)]
struct ReplayDeadLettersPayload {
    /// Their app.
    app: App,
    /// How many events are stored now.
    stored: BigInt,
    /// How many were stored before, by another request with the same id.
    duplicates: BigInt,
    /// How many were refused again, and still are dead letters.
    rejected: BigInt,
}

/// Dead letters were given up.
#[derive(SimpleObject)]
struct DiscardDeadLettersPayload {
    /// Their app.
    app: App,
    /// How many there were. They are gone for good.
    discarded: BigInt,
}

#[derive(Default)]
pub(super) struct DeadLetterMutations;

#[Object]
impl DeadLetterMutations {
    /// Tries to store events again that the database had refused. Takes the role `ADMIN`.
    #[graphql(complexity = "REPORT + child_complexity")]
    async fn replay_dead_letters(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dead letters to try again.")] input: ReplayDeadLettersInput,
    ) -> Result<ReplayDeadLettersPayload> {
        let (app, scope, ids) = way_to(ctx, &input.app_id, input.event_ids).await?;
        let server = ctx.app();
        let replayed =
            dead_letter::replay(&server.db, &server.writer, server.clock.now_ms(), scope.may()?, ids).await?;
        let [stored, duplicates, rejected] = [replayed.stored, replayed.duplicates, replayed.rejected].map(BigInt);
        Ok(ReplayDeadLettersPayload { app, stored, duplicates, rejected })
    }

    /// Gives events up that the database had refused. This cannot be undone. Takes the role `ADMIN`.
    #[graphql(complexity = "REPORT + child_complexity")]
    async fn discard_dead_letters(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dead letters to give up.")] input: DiscardDeadLettersInput,
    ) -> Result<DiscardDeadLettersPayload> {
        let (app, scope, ids) = way_to(ctx, &input.app_id, input.event_ids).await?;
        let server = ctx.app();
        let discarded = dead_letter::discard(&server.db, server.clock.now_ms(), scope.may()?, ids).await?;
        Ok(DiscardDeadLettersPayload { app, discarded: BigInt(discarded) })
    }
}

/// The viewer's way to the app, and the ids of its events; other events are none of it.
async fn way_to(ctx: &Context<'_>, app: &ID, events: Option<Vec<ID>>) -> Result<(App, AppScope, Option<Vec<Uuid>>)> {
    let (model, scope) = visible(ctx, app).await?;
    if events.as_ref().is_some_and(|events| events.len() > usize::try_from(MAX_FIRST).unwrap_or_default()) {
        return Err(Error::invalid("input.eventIds", format!("Expected at most {MAX_FIRST} ids.")).into());
    }
    let of_app = |id: &ID| match id.parse() {
        Ok(NodeId::Event { app, event }) if app == scope.app_id() => Some(event),
        _ => None,
    };
    let ids = events.map(|events| events.iter().filter_map(of_app).collect());
    Ok((App::new(model, scope), scope, ids))
}
