//! Goals of apps.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::scope_of;
use crate::{
    analytics::{
        filter::EventFilter,
        goal::{self, GoalChanges, NewGoal},
    },
    auth::AppScope,
    graphql::{context::ContextExt, error::Result, id, types::goal::Goal},
};

/// A new goal.
#[derive(InputObject)]
struct CreateGoalInput {
    /// Id of its app, such as `app_0199…`.
    app_id: ID,
    /// What to call it, in 1 to 100 characters; no other goal of the app may have the same name.
    name: String,
    /// What it is good for, in at most 1,000 characters.
    description: Option<String>,
    /// Which events reach it. At least one condition.
    filter: EventFilter,
}

/// What to change of a goal. What is absent or null stays as it is.
#[derive(InputObject)]
struct UpdateGoalInput {
    /// Id of the goal, such as `goal_0199…_0199…`.
    id: ID,
    /// What to call it, in 1 to 100 characters; no other goal of the app may have the same name.
    name: Option<String>,
    /// What it is good for, in at most 1,000 characters.
    description: Option<String>,
    /// Which events reach it, instead of those until now. At least one condition.
    filter: Option<EventFilter>,
}

/// Which goal to delete.
#[derive(InputObject)]
struct DeleteGoalInput {
    /// Id of the goal, such as `goal_0199…_0199…`.
    id: ID,
}

/// A goal was created.
#[derive(SimpleObject)]
struct CreateGoalPayload {
    /// The new goal.
    goal: Goal,
}

/// A goal was changed.
#[derive(SimpleObject)]
struct UpdateGoalPayload {
    /// The goal as it is now.
    goal: Goal,
}

/// A goal was deleted.
#[derive(SimpleObject)]
struct DeleteGoalPayload {
    /// Its id, which names nothing any more.
    deleted_goal_id: ID,
}

#[derive(Default)]
pub(super) struct GoalMutations;

#[Object]
impl GoalMutations {
    /// Makes a goal of an app, at most 100. It counts events of all time, those already there among
    /// them. Takes the role `EDITOR`.
    async fn create_goal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new goal.")] input: CreateGoalInput,
    ) -> Result<CreateGoalPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let scope = AppScope::of_member(&server.db, viewer, id::app(&input.app_id)?).await?;
        let description = input.description.unwrap_or_default();
        let new = NewGoal { name: input.name, description, filter: input.filter };
        let goal = goal::create(&server.db, &server.clock, scope.may()?, new).await?;
        Ok(CreateGoalPayload { goal: Goal::new(ctx, goal).await? })
    }

    /// Changes a goal's name, description or filter. Takes the role `EDITOR`.
    async fn update_goal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which goal, and what to change.")] input: UpdateGoalInput,
    ) -> Result<UpdateGoalPayload> {
        let (scope, goal) = way_to(ctx, &input.id).await?;
        let changes = GoalChanges { name: input.name, description: input.description, filter: input.filter };
        let goal = goal::update(&ctx.app().db, &ctx.app().clock, scope.may()?, goal, changes).await?;
        Ok(UpdateGoalPayload { goal: Goal::new(ctx, goal).await? })
    }

    /// Deletes a goal. The events that reached it stay. Takes the role `EDITOR`.
    async fn delete_goal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which goal to delete.")] input: DeleteGoalInput,
    ) -> Result<DeleteGoalPayload> {
        let (scope, goal) = way_to(ctx, &input.id).await?;
        goal::delete(&ctx.app().db, &ctx.app().clock, scope.may()?, goal).await?;
        Ok(DeleteGoalPayload { deleted_goal_id: input.id })
    }
}

/// The goal that `id` names and the viewer's way to it.
async fn way_to(ctx: &Context<'_>, id: &ID) -> Result<(AppScope, Uuid)> {
    ctx.viewer()?;
    let (app, goal) = id::goal(id)?;
    Ok((scope_of(ctx, app, "goal").await?, goal))
}
