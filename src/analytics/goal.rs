//! Goals: filters with a name that an app keeps, each letting through the events that reach it.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, EntityTrait, PaginatorTrait, QueryFilter, entity::prelude::*,
    sea_query::SimpleExpr,
};
use uuid::Uuid;

use super::{filter::EventFilter, stored};
use crate::{
    auth::{Granted, checked_name, permission::EditDefinitions},
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
    goal.insert(db.writer()).await.map_err(|error| stored::refused(error, "goal"))
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
    if !columns.is_empty() {
        columns.push((Column::UpdatedAt, Expr::value(clock.now_ms())));
        let own = Entity::update_many().filter(Column::AppId.eq(scope.app_id())).filter(Column::Id.eq(goal));
        let update = columns.into_iter().fold(own, |update, (column, value)| update.col_expr(column, value));
        update.exec(db.writer()).await.map_err(|error| stored::refused(error, "goal"))?;
    }
    Entity::find_by_id((scope.app_id(), goal)).one(db.writer()).await?.ok_or(Error::NotFound("goal"))
}

/// Forgets a goal. The events that reached it stay.
pub async fn delete(db: &Db, may: Granted<EditDefinitions>, goal: Uuid) -> Result<()> {
    let scope = may.scope();
    match Entity::delete_by_id((scope.app_id(), goal)).exec(db.writer()).await?.rows_affected {
        0 => Err(Error::NotFound("goal")),
        _ => Ok(()),
    }
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
