//! Dashboards: panels that an app keeps together under a name, each with what it asks and its place on a grid.
//!
//! A dashboard is replaced as a whole, by whoever has seen it as it is: every change counts its revision up, and
//! one that was made from an older revision is refused.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, ExprTrait,
    IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect, SqlErr,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    auth::{
        Granted,
        audit::{Action, Entry, fact},
        checked_name,
        permission::{EditDashboards, ShareDashboards},
    },
    clock::Clock,
    db::Db,
    entity::{
        dashboard::{ActiveModel, Entity, Model},
        dashboard_share,
    },
    error::{Error, Result},
};

/// How many dashboards an app may keep.
const PER_APP: u64 = 100;
/// Panels of a dashboard.
pub const MAX_PANELS: usize = 30;
/// Bytes of what a panel asks.
const MAX_DOCUMENT: usize = 16 << 10;
/// Bytes of the variables of a panel.
const MAX_VARIABLES: usize = 8 << 10;
/// Columns of the grid.
const COLUMNS: i32 = 12;
/// Rows of the grid.
const ROWS: i32 = 1_000;
/// Rows that a panel may be high.
const MAX_HEIGHT: i32 = 24;

/// How a panel shows its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // each is described where clients read it
pub enum Display {
    Headline,
    Timeline,
    Ranking,
    Table,
    Map,
    Funnel,
    Retention,
    Paths,
}

/// Something that is asked, and where its answer stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panel {
    /// Its own.
    pub id: Uuid,
    /// What it is headed.
    pub title: String,
    /// How it shows its answer.
    pub display: Display,
    /// The column it begins in.
    pub x: i32,
    /// The row it begins in.
    pub y: i32,
    /// Columns it takes.
    pub width: i32,
    /// Rows it takes.
    pub height: i32,
    /// What it asks, a GraphQL document of one query.
    pub document: String,
    /// With these variables, an object.
    pub variables: serde_json::Value,
}

impl Panel {
    /// The same with its title trimmed, unless it is out of bounds. `path` is where it stands in the request.
    pub fn checked(mut self, path: &str) -> Result<Self> {
        self.title = checked_name(&format!("{path}.title"), &self.title)?;
        let refuse = |field: &str, expected: String| Err(Error::invalid(format!("{path}.{field}"), expected));
        if !(1..=COLUMNS).contains(&self.width) {
            return refuse("width", format!("Expected 1 to {COLUMNS} columns."));
        }
        if !(1..=MAX_HEIGHT).contains(&self.height) {
            return refuse("height", format!("Expected 1 to {MAX_HEIGHT} rows."));
        }
        if !(0..=COLUMNS - self.width).contains(&self.x) {
            return refuse("x", format!("Expected a column from which it ends within the {COLUMNS} of the grid."));
        }
        if !(0..ROWS).contains(&self.y) {
            return refuse("y", format!("Expected a row from 0 to {}.", ROWS - 1));
        }
        if self.document.len() > MAX_DOCUMENT || self.document.contains('\0') {
            return refuse("document", format!("Expected at most {MAX_DOCUMENT} bytes without NUL."));
        }
        if !self.variables.is_object() || self.variables.to_string().len() > MAX_VARIABLES {
            return refuse("variables", format!("Expected an object of at most {MAX_VARIABLES} bytes."));
        }
        Ok(self)
    }
}

fn written(panels: &[Panel]) -> Result<String> {
    if panels.len() > MAX_PANELS {
        return Err(Error::invalid("input.panels", format!("Expected at most {MAX_PANELS} panels.")));
    }
    serde_json::to_string(&panels).map_err(Error::internal)
}

/// The panels of a dashboard.
pub fn panels(dashboard: &Model) -> Result<Vec<Panel>> {
    serde_json::from_str(&dashboard.panels).map_err(Error::internal)
}

/// Makes a dashboard of a name that the app does not have yet, of panels that have been checked.
pub async fn create(
    db: &Db,
    clock: &Clock,
    may: Granted<EditDashboards>,
    name: &str,
    panels: Vec<Panel>,
) -> Result<Model> {
    let (app, now) = (may.scope().app_id(), clock.now_ms());
    let (name, panels) = (checked_name("input.name", name)?, written(&panels)?);
    if Entity::of_app(app).count(db.writer()).await? >= PER_APP {
        let message = format!("The app has {PER_APP} dashboards already. Delete one first.");
        return Err(Error::Conflict { field: None, message });
    }
    let id = Uuid::now_v7();
    let row = Model { app_id: app, id, name, revision: 1, panels, created_at: now, updated_at: now };
    let transaction = db.begin().await?;
    let row = ActiveModel::from(row).insert(&transaction).await.map_err(refused)?;
    Entry::of(Action::DashboardCreated, may.scope()).to(id, &row.name).record(&transaction, now).await?;
    transaction.commit().await?;
    Ok(row)
}

/// Changes what is given of the dashboard as it was at `revision`; `Conflict` where it is another one by now. Panels
/// have been checked.
pub async fn update(
    db: &Db,
    clock: &Clock,
    may: Granted<EditDashboards>,
    (id, revision): (Uuid, i32),
    name: Option<String>,
    panels: Option<Vec<Panel>>,
) -> Result<Model> {
    let name = name.map(|name| checked_name("input.name", &name)).transpose()?;
    let panels = panels.as_deref().map(written).transpose()?;
    let (key, now, transaction) = ((may.scope().app_id(), id), clock.now_ms(), db.begin().await?);
    let found = Entity::find_by_id(key).lock_exclusive().one(&transaction).await?;
    let before = found.ok_or(Error::NotFound("dashboard"))?;
    check_shown(&transaction, may, id, now).await?;
    if before.revision != revision {
        let message = "The dashboard was changed meanwhile. Read it again, and make the change to what it is now.";
        return Err(Error::conflict("input.revision", message));
    }
    let mut row = before.clone().into_active_model();
    row.name = Set(name.unwrap_or_else(|| before.name.clone()));
    row.panels = Set(panels.unwrap_or_else(|| before.panels.clone()));
    row.revision = Set(revision.saturating_add(1));
    row.updated_at = Set(now);
    let after = row.update(&transaction).await.map_err(refused)?;
    Entry::of(Action::DashboardUpdated, may.scope())
        .to(id, &after.name)
        .from_to(vec![fact("name", before.name)], vec![fact("name", &after.name)])
        // What panels ask may name a person.
        .untold("panels", before.panels != after.panels)
        .record(&transaction, now)
        .await?;
    transaction.commit().await?;
    Ok(after)
}

/// Deletes one.
pub async fn delete(db: &Db, clock: &Clock, may: Granted<EditDashboards>, id: Uuid) -> Result<()> {
    let (key, now, transaction) = ((may.scope().app_id(), id), clock.now_ms(), db.begin().await?);
    let found = Entity::find_by_id(key).lock_exclusive().one(&transaction).await?;
    let found = found.ok_or(Error::NotFound("dashboard"))?;
    check_shown(&transaction, may, id, now).await?;
    Entity::delete_by_id(key).exec(&transaction).await?;
    let entry = Entry::of(Action::DashboardDeleted, may.scope()).to(id, &found.name);
    entry.record(&transaction, now).await?;
    Ok(transaction.commit().await?)
}

/// `Forbidden` for whoever may not decide what links show, where there are any.
async fn check_shown(db: &DatabaseTransaction, may: Granted<EditDashboards>, id: Uuid, now: i64) -> Result<()> {
    use dashboard_share::{Column, Entity};
    let good = Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(now));
    let links = Entity::of_app(may.scope().app_id()).filter(Column::DashboardId.eq(id).and(good));
    if links.one(db).await?.is_some() {
        may.scope().may::<ShareDashboards>()?;
    }
    Ok(())
}

fn refused(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict("input.name", "The app has a dashboard of this name already.")
        }
        // Deleted a moment ago, after the scope was found.
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => Error::NotFound("app"),
        _ => error.into(),
    }
}
