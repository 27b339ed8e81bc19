//! Apps: created, renamed, deleted with all their data.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, PaginatorTrait, QueryFilter, entity::prelude::*};
use uuid::Uuid;

use crate::{
    auth::{AppScope, Viewer, api_key::ApiKeys, checked_name},
    clock::Clock,
    db::Db,
    entity::{
        api_key,
        app::{self, Model},
        app_member::{self, Role},
        event, event_head,
    },
    error::{Error, Result},
};

/// How many apps one person may own or see.
const APPS_PER_USER: u64 = 1_000;

/// Creates an app that belongs to the viewer. Without a time zone its days are those of UTC.
pub async fn create(db: &Db, clock: &Clock, viewer: Viewer, name: &str, timezone: Option<&str>) -> Result<Model> {
    let name = checked_name("input.name", name)?;
    let timezone = timezone.map_or(Ok("UTC".to_owned()), checked_timezone)?;
    if app::Entity::of_member(viewer.user_id).count(&**db).await? >= APPS_PER_USER {
        let message = format!("You have {APPS_PER_USER} apps already. Delete one first.");
        return Err(Error::Conflict { field: None, message });
    }
    let now = clock.now_ms();
    let id = Uuid::now_v7();
    let transaction = db.begin().await?;
    let app = app::ActiveModel {
        id: Set(id),
        name: Set(name),
        timezone: Set(timezone),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let app = app.insert(&transaction).await?;
    let owner = app_member::ActiveModel {
        app_id: Set(id),
        user_id: Set(viewer.user_id),
        role: Set(Role::Owner),
        created_at: Set(now),
    };
    owner.insert(&transaction).await?;
    event_head::ActiveModel { app_id: Set(id), seq: Set(0) }.insert(&transaction).await?;
    transaction.commit().await?;
    Ok(app)
}

/// Changes what is given and leaves the rest.
pub async fn update(
    db: &Db,
    clock: &Clock,
    scope: AppScope,
    name: Option<&str>,
    timezone: Option<&str>,
) -> Result<Model> {
    let scope = scope.for_change()?;
    let mut changes = app::Entity::update_many().filter(app::Column::Id.eq(scope.app_id()));
    if let Some(name) = name {
        changes = changes.col_expr(app::Column::Name, Expr::value(checked_name("input.name", name)?));
    }
    if let Some(timezone) = timezone {
        changes = changes.col_expr(app::Column::Timezone, Expr::value(checked_timezone(timezone)?));
    }
    if name.is_some() || timezone.is_some() {
        changes.col_expr(app::Column::UpdatedAt, Expr::value(clock.now_ms())).exec(db.writer()).await?;
    }
    app::Entity::find_by_id(scope.app_id()).one(db.writer()).await?.ok_or(Error::NotFound("app"))
}

/// Deletes an app with its events, keys and memberships; says how many events there were.
///
/// The head row goes first: every writer of events locks it, so those who came before have
/// committed and are deleted too, and those who come after find no app.
pub async fn delete(db: &Db, keys: &ApiKeys, scope: AppScope) -> Result<u64> {
    let app = scope.for_change()?.app_id();
    let (db, keys) = (db.clone(), keys.clone());
    // In a task of its own: an app of many events takes longer than a request may, and must not
    // begin anew whenever its owner has waited long enough.
    tokio::spawn(async move { delete_all_of(&db, &keys, app).await }).await.map_err(Error::internal)?
}

async fn delete_all_of(db: &Db, keys: &ApiKeys, app: Uuid) -> Result<u64> {
    let transaction = db.begin().await?;
    event_head::Entity::delete_by_id(app).exec(&transaction).await?;
    let events = event::Entity::delete_many().filter(event::Column::AppId.eq(app)).exec(&transaction).await?;
    api_key::Entity::delete_many().filter(api_key::Column::AppId.eq(app)).exec(&transaction).await?;
    app_member::Entity::delete_many().filter(app_member::Column::AppId.eq(app)).exec(&transaction).await?;
    let gone = app::Entity::delete_by_id(app).exec(&transaction).await?;
    if gone.rows_affected == 0 {
        return Err(Error::NotFound("app"));
    }
    transaction.commit().await?;
    keys.forget();
    Ok(events.rows_affected)
}

/// A time zone by its IANA name, in the spelling of the tz database.
fn checked_timezone(name: &str) -> Result<String> {
    let zone = jiff::tz::TimeZone::get(name).ok();
    zone.as_ref().and_then(|zone| zone.iana_name()).map(str::to_owned).ok_or_else(|| {
        Error::invalid("input.timezone", "Expected the IANA name of a time zone, such as Europe/Berlin.")
    })
}
