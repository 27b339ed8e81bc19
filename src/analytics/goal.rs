//! Goals: filters with a name that an app keeps, each letting through the events that reach it.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, entity::prelude::*,
    sea_query::SimpleExpr,
};
use uuid::Uuid;

use super::{filter::EventFilter, stored};
use crate::{
    auth::{
        Granted,
        audit::{Action, Entry, fact},
        checked_name,
        permission::EditDefinitions,
    },
    clock::Clock,
    db::Db,
    entity::goal::{ActiveModel, Column, Entity, Model},
    error::{Error, Result},
};

/// How many goals an app may have.
pub const GOALS_PER_APP: u64 = 100;

/// Characters of a description.
const MAX_DESCRIPTION: usize = 1_000;

/// A goal to be.
#[derive(Debug, Clone)]
pub struct NewGoal {
    /// What to call it.
    pub name: String,
    /// What it is good for; may be empty.
    pub description: String,
    /// Which events reach it.
    pub filter: EventFilter,
}

/// What to change of a goal. What is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct GoalChanges {
    /// What to call it.
    pub name: Option<String>,
    /// What it is good for; may be empty.
    pub description: Option<String>,
    /// Which events reach it.
    pub filter: Option<EventFilter>,
}

/// Keeps a new goal of the app.
pub async fn create(db: &Db, clock: &Clock, may: Granted<EditDefinitions>, new: NewGoal) -> Result<Model> {
    let scope = may.scope();
    let now = clock.now_ms();
    let goal = ActiveModel {
        app_id: Set(scope.app_id()),
        id: Set(Uuid::now_v7()),
        name: Set(checked_name("input.name", &new.name)?),
        description: Set(checked_description(&new.description)?),
        filter: Set(written(&new.filter)?),
        created_at: Set(now),
        updated_at: Set(now),
    };
    if Entity::of_app(scope.app_id()).count(db.writer()).await? >= GOALS_PER_APP {
        let message = format!("The app has {GOALS_PER_APP} goals already. Delete one first.");
        return Err(Error::Conflict { field: None, message });
    }
    let transaction = db.begin().await?;
    let goal = goal.insert(&transaction).await.map_err(|error| stored::refused(error, "goal"))?;
    Entry::of(Action::GoalCreated, scope).to(goal.id, &goal.name).record(&transaction, now).await?;
    transaction.commit().await?;
    Ok(goal)
}

/// Changes what is given and leaves the rest.
pub async fn update(
    db: &Db,
    clock: &Clock,
    may: Granted<EditDefinitions>,
    goal: Uuid,
    changes: GoalChanges,
) -> Result<Model> {
    let scope = may.scope();
    let mut columns: Vec<(Column, SimpleExpr)> = Vec::new();
    if let Some(name) = &changes.name {
        columns.push((Column::Name, Expr::value(checked_name("input.name", name)?)));
    }
    if let Some(description) = &changes.description {
        columns.push((Column::Description, Expr::value(checked_description(description)?)));
    }
    if let Some(filter) = &changes.filter {
        columns.push((Column::Filter, Expr::value(written(filter)?)));
    }
    let (now, transaction) = (clock.now_ms(), db.begin().await?);
    let found = Entity::find_by_id((scope.app_id(), goal)).lock_exclusive().one(&transaction).await?;
    let before = found.ok_or(Error::NotFound("goal"))?;
    if columns.is_empty() {
        return Ok(before);
    }
    columns.push((Column::UpdatedAt, Expr::value(now)));
    let own = Entity::update_many().filter(Column::AppId.eq(scope.app_id())).filter(Column::Id.eq(goal));
    let update = columns.into_iter().fold(own, |update, (column, value)| update.col_expr(column, value));
    update.exec(&transaction).await.map_err(|error| stored::refused(error, "goal"))?;
    let after = Entity::find_by_id((scope.app_id(), goal)).one(&transaction).await?.ok_or(Error::NotFound("goal"))?;
    Entry::of(Action::GoalUpdated, scope)
        .to(goal, &after.name)
        .from_to(vec![fact("name", before.name)], vec![fact("name", &after.name)])
        .untold("description", before.description != after.description)
        .untold("filter", before.filter != after.filter)
        .record(&transaction, now)
        .await?;
    transaction.commit().await?;
    Ok(after)
}

/// Forgets a goal. The events that reached it stay.
pub async fn delete(db: &Db, clock: &Clock, may: Granted<EditDefinitions>, goal: Uuid) -> Result<()> {
    let (scope, transaction) = (may.scope(), db.begin().await?);
    let found = Entity::find_by_id((scope.app_id(), goal)).lock_exclusive().one(&transaction).await?;
    let found = found.ok_or(Error::NotFound("goal"))?;
    Entity::delete_by_id((scope.app_id(), goal)).exec(&transaction).await?;
    Entry::of(Action::GoalDeleted, scope).to(goal, &found.name).record(&transaction, clock.now_ms()).await?;
    Ok(transaction.commit().await?)
}

/// Which events reach a goal.
pub fn filter(goal: &Model) -> Result<EventFilter> {
    stored::read(&goal.filter)
}

/// A filter as it is stored, once it is checked.
fn written(filter: &EventFilter) -> Result<String> {
    filter.validate("input.filter")?;
    if *filter == EventFilter::default() {
        return Err(Error::invalid("input.filter", "Expected at least one condition: not every event is a goal."));
    }
    stored::written(filter)
}

fn checked_description(text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > MAX_DESCRIPTION || text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        let expected = "Expected at most 1,000 characters, none of them a control character.";
        return Err(Error::invalid("input.description", expected));
    }
    Ok(text.to_owned())
}
