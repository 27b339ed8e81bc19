//! Filters that an app keeps under a name.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::scope_of;
use crate::{
    analytics::{
        filter::EventFilter,
        segments::{self, Changes},
    },
    auth::AppScope,
    graphql::{context::ContextExt, error::Result, id, types::saved_segment::SavedSegment},
};

/// A new saved segment.
#[derive(InputObject)]
struct CreateSavedSegmentInput {
    /// Id of the app that shall keep it, such as `app_0199…`.
    app_id: ID,
    /// What to call it, in 1 to 100 characters, as no other saved segment of the app is called.
    name: String,
    /// What it is for; nothing is said when absent.
    description: Option<String>,
    /// Which events it lets through. It must not refer to a saved segment itself.
    filter: EventFilter,
}

/// What to change of a saved segment. What is absent or null stays as it is.
#[derive(InputObject)]
struct UpdateSavedSegmentInput {
    /// Id of the saved segment, such as `seg_0199…_0199…`.
    id: ID,
    /// What to call it, in 1 to 100 characters, as no other saved segment of the app is called.
    name: Option<String>,
    /// What it is for; an empty text takes away what was said.
    description: Option<String>,
    /// Which events it lets through. It must not refer to a saved segment itself.
    filter: Option<EventFilter>,
}

/// Which saved segment to delete.
#[derive(InputObject)]
struct DeleteSavedSegmentInput {
    /// Id of the saved segment, such as `seg_0199…_0199…`.
    id: ID,
}

/// A filter was saved.
#[derive(SimpleObject)]
struct CreateSavedSegmentPayload {
    /// The new saved segment.
    saved_segment: SavedSegment,
}

/// A saved segment was changed.
#[derive(SimpleObject)]
struct UpdateSavedSegmentPayload {
    /// The saved segment as it is now.
    saved_segment: SavedSegment,
}

/// A saved segment was deleted.
#[derive(SimpleObject)]
struct DeleteSavedSegmentPayload {
    /// Its id, which names nothing any more.
    deleted_saved_segment_id: ID,
}

#[derive(Default)]
pub(super) struct SavedSegmentMutations;

#[Object]
impl SavedSegmentMutations {
    /// Saves a filter under a name, so that every filter of a question about the app can refer to it.
    async fn create_saved_segment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new saved segment.")] input: CreateSavedSegmentInput,
    ) -> Result<CreateSavedSegmentPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let scope = AppScope::of_member(&server.db, viewer, id::app(&input.app_id)?).await?;
        let new = Changes { name: Some(input.name), description: input.description, filter: Some(input.filter) };
        let saved_segment = segments::create(&server.db, &server.clock, scope.may()?, new).await?;
        Ok(CreateSavedSegmentPayload { saved_segment: SavedSegment(saved_segment) })
    }

    /// Changes a saved segment. Questions that are asked from then on meet it as it is then.
    async fn update_saved_segment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which saved segment, and what to change.")] input: UpdateSavedSegmentInput,
    ) -> Result<UpdateSavedSegmentPayload> {
        let (scope, segment) = way_to(ctx, &input.id).await?;
        let changes = Changes { name: input.name, description: input.description, filter: input.filter };
        let (db, clock) = (&ctx.app().db, &ctx.app().clock);
        let saved_segment = segments::update(db, clock, scope.may()?, segment, changes).await?;
        Ok(UpdateSavedSegmentPayload { saved_segment: SavedSegment(saved_segment) })
    }

    /// Deletes a saved segment. Questions that refer to it are refused from then on.
    async fn delete_saved_segment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which saved segment to delete.")] input: DeleteSavedSegmentInput,
    ) -> Result<DeleteSavedSegmentPayload> {
        let (scope, segment) = way_to(ctx, &input.id).await?;
        segments::delete(&ctx.app().db, &ctx.app().clock, scope.may()?, segment).await?;
        Ok(DeleteSavedSegmentPayload { deleted_saved_segment_id: input.id })
    }
}

/// The saved segment that `id` names and the viewer's way to it.
async fn way_to(ctx: &Context<'_>, id: &ID) -> Result<(AppScope, Uuid)> {
    ctx.viewer()?;
    let (app, segment) = id::saved_segment(id)?;
    Ok((scope_of(ctx, app, "saved segment").await?, segment))
}
