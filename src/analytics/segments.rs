//! Filters that an app keeps under a name, to be used in others.

use jiff::tz::TimeZone;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QuerySelect,
};
use uuid::Uuid;

use super::{
    filter::{EventFilter, MAX_TEXT},
    stored,
};
use crate::{
    auth::{
        AppScope, Granted,
        audit::{Action, Entry, fact},
        checked_name,
        permission::EditDefinitions,
    },
    clock::Clock,
    db::Db,
    entity::saved_segment::{ActiveModel, Column, Entity, Model},
    error::{Error, Result},
};

/// How many an app may keep.
const PER_APP: u64 = 200;

/// What to save. What is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// What it is called.
    pub name: Option<String>,
    /// What it is for; empty is none.
    pub description: Option<String>,
    /// Which events.
    pub filter: Option<EventFilter>,
}

impl Changes {
    fn apply(self, row: &mut ActiveModel, now_ms: i64) -> Result<()> {
        if let Some(name) = self.name {
            row.name = Set(checked_name("input.name", &name)?);
        }
        if let Some(description) = self.description {
            row.description = Set(checked_description(&description)?);
        }
        if let Some(mut filter) = self.filter {
            filter.validate_saved("input.filter")?;
            // Ranges that can never be are refused now, and presets are kept as they are.
            filter.clone().settle("input.filter", now_ms, &TimeZone::UTC)?;
            row.filter = Set(stored::written(&filter)?);
        }
        row.updated_at = Set(now_ms);
        Ok(())
    }
}

fn checked_description(text: &str) -> Result<Option<String>> {
    let text = text.trim();
    if text.len() > MAX_TEXT || text.contains('\0') {
        let message = format!("A description may be at most {MAX_TEXT} bytes long and must not hold NUL.");
        return Err(Error::invalid("input.description", message));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// Saves a filter under a name that the app does not have yet.
pub async fn create(db: &Db, clock: &Clock, may: Granted<EditDefinitions>, new: Changes) -> Result<Model> {
    let app = may.scope().app_id();
    if Entity::of_app(app).count(db.writer()).await? >= PER_APP {
        let message = format!("The app has {PER_APP} saved segments already. Delete one first.");
        return Err(Error::Conflict { field: None, message });
    }
    let now = clock.now_ms();
    let (app_id, id, description) = (Set(app), Set(Uuid::now_v7()), Set(None));
    let mut row = ActiveModel { app_id, id, description, created_at: Set(now), ..Default::default() };
    new.apply(&mut row, now)?;
    let transaction = db.begin().await?;
    let row = row.insert(&transaction).await.map_err(refused)?;
    Entry::of(Action::SavedSegmentCreated, may.scope()).to(row.id, &row.name).record(&transaction, now).await?;
    transaction.commit().await?;
    Ok(row)
}

/// Changes what is given and leaves the rest. It holds from the next request on.
pub async fn update(
    db: &Db,
    clock: &Clock,
    may: Granted<EditDefinitions>,
    id: Uuid,
    changes: Changes,
) -> Result<Model> {
    let key = (may.scope().app_id(), id);
    let (now, transaction) = (clock.now_ms(), db.begin().await?);
    let found = Entity::find_by_id(key).lock_exclusive().one(&transaction).await?;
    let before = found.ok_or(Error::NotFound("saved segment"))?;
    let mut row = before.clone().into_active_model();
    changes.apply(&mut row, now)?;
    let after = row.update(&transaction).await.map_err(refused)?;
    Entry::of(Action::SavedSegmentUpdated, may.scope())
        .to(id, &after.name)
        .from_to(vec![fact("name", before.name)], vec![fact("name", &after.name)])
        .untold("description", before.description != after.description)
        .untold("filter", before.filter != after.filter)
        .record(&transaction, now)
        .await?;
    transaction.commit().await?;
    Ok(after)
}

/// Deletes one.
pub async fn delete(db: &Db, clock: &Clock, may: Granted<EditDefinitions>, id: Uuid) -> Result<()> {
    let (key, transaction) = ((may.scope().app_id(), id), db.begin().await?);
    let found = Entity::find_by_id(key).lock_exclusive().one(&transaction).await?;
    let found = found.ok_or(Error::NotFound("saved segment"))?;
    Entity::delete_by_id(key).exec(&transaction).await?;
    let entry = Entry::of(Action::SavedSegmentDeleted, may.scope()).to(id, &found.name);
    entry.record(&transaction, clock.now_ms()).await?;
    Ok(transaction.commit().await?)
}

/// Those of an app that have these ids.
pub async fn of_app(db: &Db, scope: AppScope, ids: impl IntoIterator<Item = Uuid>) -> Result<Vec<Model>> {
    Ok(Entity::of_app(scope.app_id()).filter(Column::Id.is_in(ids)).all(&**db).await?)
}

fn refused(error: DbErr) -> Error {
    stored::refused(error, "saved segment")
}

/// The filter of a saved segment.
pub fn filter(segment: &Model) -> Result<EventFilter> {
    stored::read(&segment.filter)
}

/// The same as a request writes it.
pub fn json(segment: &Model) -> Result<serde_json::Value> {
    serde_json::from_str(&segment.filter).map_err(Error::internal)
}
