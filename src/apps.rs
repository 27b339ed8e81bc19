//! Apps: created, renamed, deleted with all their data; and the organizations they belong to.

pub mod dashboard;
pub mod guest;
pub mod invitation;
pub mod member;
pub mod organization;
pub mod share;

use std::{future::Future, time::Duration};

use sea_orm::{
    ActiveEnum, ActiveModelTrait, ActiveValue::Set, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, entity::prelude::*, sea_query::SimpleExpr,
};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    auth::{
        Granted,
        api_key::ApiKeys,
        audit::{Action, Entry, Fact, Place, fact},
        checked_name,
        permission::{ChangeApp, CreateApp, DeleteApp},
        settings,
    },
    clock::Clock,
    db::Db,
    entity::{
        api_key,
        app::{self, BotPolicy, IpMode, Model},
        app_deletion, app_member, dashboard as dashboards, event, event_aggregation, event_code, event_head,
        event_segment, goal, identity, saved_segment, segment_column, segment_head,
    },
    error::{Error, Result, is_retryable},
};

/// How many apps an organization may have.
const APPS_PER_ORGANIZATION: u64 = 1_000;

/// The longest time after which events may be set to go, in days.
const MAX_RETENTION_DAYS: i32 = 36_500;

/// How many events of a deleted app are deleted by one statement: what others wait for is short.
const DELETED_AT_ONCE: u64 = 5_000;

/// Creates an app of an organization. Without a time zone its days are those of UTC.
pub async fn create(
    db: &Db,
    clock: &Clock,
    may: Granted<CreateApp>,
    name: &str,
    timezone: Option<&str>,
) -> Result<Model> {
    let organization = may.scope().organization_id();
    let name = checked_name("input.name", name)?;
    let timezone = timezone.map_or(Ok("UTC".to_owned()), checked_timezone)?;
    let now = clock.now_ms();
    let id = Uuid::now_v7();
    let transaction = db.begin().await?;
    // Held to the commit: an organization that is about to be deleted gets no more apps.
    organization::lock(&transaction, organization).await?;
    let apps = app::Entity::find().filter(app::Column::OrganizationId.eq(organization));
    if apps.count(&transaction).await? >= APPS_PER_ORGANIZATION {
        let message = format!("The organization has {APPS_PER_ORGANIZATION} apps already. Delete one first.");
        return Err(Error::Conflict { field: None, message });
    }
    let app = app::ActiveModel {
        id: Set(id),
        name: Set(name),
        timezone: Set(timezone),
        created_at: Set(now),
        updated_at: Set(now),
        bot_policy: Set(BotPolicy::Mark),
        organization_id: Set(organization),
        ..Default::default()
    };
    let app = app.insert(&transaction).await?;
    event_head::ActiveModel { app_id: Set(id), seq: Set(0), links: Set(0), ..Default::default() }
        .insert(&transaction)
        .await?;
    segment_head::ActiveModel::from(segment_head::Model { app_id: id, next_segment: 1, ..Default::default() })
        .insert(&transaction)
        .await?;
    let place = Place::from(may.scope()).app(Some(id));
    let entry = Entry::of(Action::AppCreated, place).to(id, &app.name).with(facts(&app));
    entry.record(&transaction, now).await?;
    transaction.commit().await?;
    Ok(app)
}

/// What to change of an app. What is absent stays as it is; an empty list is no list.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// What its owner calls it.
    pub name: Option<String>,
    /// IANA name.
    pub timezone: Option<String>,
    /// What is kept of addresses; `Some(None)` is what the server is told.
    pub ip_mode: Option<Option<IpMode>>,
    /// What becomes of bots.
    pub bot_policy: Option<BotPolicy>,
    /// Origins whose pages may send events.
    pub allowed_origins: Option<Vec<String>>,
    /// Networks whose events are left out.
    pub excluded_ips: Option<Vec<String>>,
    /// Patterns of paths whose events are left out.
    pub excluded_paths: Option<Vec<String>>,
    /// For how many days events are kept; 0 is for ever. It removes events, so it takes what deletion takes.
    pub retention_days: Option<(Granted<DeleteApp>, i32)>,
}

impl Changes {
    /// Each column with its new value, once all of them are found good.
    fn checked(self) -> Result<Vec<(app::Column, SimpleExpr)>> {
        use app::Column as C;
        let mut changes = Vec::new();
        if let Some(name) = self.name {
            changes.push((C::Name, Expr::value(checked_name("input.name", &name)?)));
        }
        if let Some(timezone) = self.timezone {
            changes.push((C::Timezone, Expr::value(checked_timezone(&timezone)?)));
        }
        if let Some(mode) = self.ip_mode {
            changes.push((C::IpMode, Expr::value(mode)));
        }
        if let Some(policy) = self.bot_policy {
            changes.push((C::BotPolicy, Expr::value(policy)));
        }
        if let Some(origins) = self.allowed_origins {
            changes
                .push((C::AllowedOrigins, Expr::value(settings::checked_origins("input.allowedOrigins", &origins)?)));
        }
        if let Some(networks) = self.excluded_ips {
            changes.push((C::ExcludedIps, Expr::value(settings::checked_networks("input.excludedIps", &networks)?)));
        }
        if let Some(paths) = self.excluded_paths {
            changes.push((C::ExcludedPaths, Expr::value(settings::checked_paths("input.excludedPaths", &paths)?)));
        }
        if let Some((_, days)) = self.retention_days {
            changes.push((C::RetentionDays, Expr::value(checked_days(days)?)));
        }
        Ok(changes)
    }
}

/// Changes what is given and leaves the rest. On this instance events meet new settings at once, on
/// others within five seconds.
pub async fn update(
    db: &Db,
    clock: &Clock,
    keys: &ApiKeys,
    may: Granted<ChangeApp>,
    changes: Changes,
) -> Result<Model> {
    let (scope, now) = (may.scope(), clock.now_ms());
    let changes = changes.checked()?;
    let transaction = db.begin().await?;
    let own = || app::Entity::find_by_id(scope.app_id());
    let before = own().lock_exclusive().one(&transaction).await?.ok_or(Error::NotFound("app"))?;
    if changes.is_empty() {
        return Ok(before);
    }
    let update = app::Entity::update_many().filter(app::Column::Id.eq(scope.app_id()));
    let update = changes.into_iter().fold(update, |update, (column, value)| update.col_expr(column, value));
    update.col_expr(app::Column::UpdatedAt, Expr::value(now)).exec(&transaction).await?;
    let after = own().one(&transaction).await?.ok_or(Error::NotFound("app"))?;
    let entry = Entry::of(Action::AppUpdated, scope).to(after.id, &after.name);
    entry.from_to(facts(&before), facts(&after)).record(&transaction, now).await?;
    transaction.commit().await?;
    keys.forget(scope.app_id());
    Ok(after)
}

/// What the log says of an app.
fn facts(app: &Model) -> Vec<Fact> {
    vec![
        fact("name", &app.name),
        fact("timezone", &app.timezone),
        fact("ipMode", app.ip_mode.map(|mode| mode.to_value())),
        fact("botPolicy", app.bot_policy.to_value()),
        fact("allowedOrigins", &app.allowed_origins),
        fact("excludedIps", &app.excluded_ips),
        fact("excludedPaths", &app.excluded_paths),
        fact("retentionDays", app.retention_days),
    ]
}

/// Deletes an app with its events, keys, goals, saved segments, dashboards and memberships; says how many events there were.
///
/// First, in one short transaction, the app itself, so that nobody can write or ask any more; then
/// its events, some at a time, so that writers of other apps never wait for long.
pub async fn delete(db: &Db, clock: &Clock, keys: &ApiKeys, may: Granted<DeleteApp>) -> Result<u64> {
    let (app, now) = (may.scope().app_id(), clock.now_ms());
    let (db, keys) = (db.clone(), keys.clone());
    // In a task of its own: an app of many events takes longer than a request may, and must not
    // begin anew whenever its owner has waited long enough.
    let deleted = tokio::spawn(async move {
        if !retried(|| delete_app(&db, may, now)).await? {
            return Err(Error::NotFound("app"));
        }
        keys.forget(app);
        Ok(delete_events(&db, app).await?)
    });
    deleted.await.map_err(Error::internal)?
}

/// Deletes the events of apps whose deletion was interrupted. Where one is still under way, here or
/// on another instance, the two share the work.
pub async fn finish_deletions(db: &Db) -> Result<()> {
    for interrupted in app_deletion::Entity::find().all(db.writer()).await? {
        let events = delete_events(db, interrupted.app_id).await?;
        tracing::info!(app = %interrupted.app_id, events, "finished the deletion of an app");
    }
    Ok(())
}

/// Deletes all of an app but its events, and notes that these must follow; `false` when there is no
/// such app.
///
/// Every writer of events locks the head row and holds it to its commit. So whoever came before
/// this has committed, and those events are seen by the deletion that follows; whoever comes after
/// finds no head and stores nothing. From the commit on the app's events can only become fewer.
async fn delete_app(db: &Db, may: Granted<DeleteApp>, now: i64) -> Result<bool, DbErr> {
    let app = may.scope().app_id();
    let transaction = db.begin().await?;
    event_head::Entity::delete_by_id(app).exec(&transaction).await?;
    // Whoever seals events holds it to the commit, and stores nothing without it.
    segment_head::Entity::delete_by_id(app).exec(&transaction).await?;
    api_key::Entity::delete_many().filter(api_key::Column::AppId.eq(app)).exec(&transaction).await?;
    identity::Entity::delete_many().filter(identity::Column::AppId.eq(app)).exec(&transaction).await?;
    saved_segment::Entity::delete_many().filter(saved_segment::Column::AppId.eq(app)).exec(&transaction).await?;
    dashboards::Entity::delete_many().filter(dashboards::Column::AppId.eq(app)).exec(&transaction).await?;
    goal::Entity::delete_many().filter(goal::Column::AppId.eq(app)).exec(&transaction).await?;
    app_member::Entity::delete_many().filter(app_member::Column::AppId.eq(app)).exec(&transaction).await?;
    let found = app::Entity::find_by_id(app).lock_exclusive().one(&transaction).await?;
    let Some(found) = found else {
        transaction.rollback().await?;
        return Ok(false);
    };
    // Before it goes: the log of its organization keeps that it was there.
    Entry::of(Action::AppDeleted, may.scope()).to(app, &found.name).record(&transaction, now).await?;
    app::Entity::delete_by_id(app).exec(&transaction).await?;
    app_deletion::ActiveModel { app_id: Set(app) }.insert(&transaction).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Deletes the events of an app that is gone, then the note that they must be; says how many.
///
/// One walk along the key is enough even if another walks at the same time: a row that the other is
/// about to delete is waited for, and deleted here should the other fail. Steps over the key also
/// keep each batch from reading again past all that earlier ones have deleted.
async fn delete_events(db: &Db, app: Uuid) -> Result<u64, DbErr> {
    retried(|| delete_segments(db, app)).await?;
    let (mut deleted, mut from) = (0, Uuid::nil());
    loop {
        let rest = Condition::all().add(event::Column::AppId.eq(app)).add(event::Column::Id.gte(from));
        let next = event::Entity::find().select_only().column(event::Column::Id).filter(rest.clone());
        let next = next.order_by_asc(event::Column::Id).offset(DELETED_AT_ONCE).into_tuple::<Uuid>();
        let next = next.one(db.writer()).await?;
        let batch = rest.add_option(next.map(|next| event::Column::Id.lt(next)));
        let batch = || event::Entity::delete_many().filter(batch.clone()).exec(db.writer());
        deleted += retried(batch).await?.rows_affected;
        let Some(next) = next else { break };
        from = next;
    }
    retried(|| app_deletion::Entity::delete_by_id(app).exec(db.writer())).await?;
    Ok(deleted)
}

/// Deletes the columns of an app that is gone.
async fn delete_segments(db: &Db, app: Uuid) -> Result<(), DbErr> {
    let db = db.writer();
    segment_column::Entity::delete_many().filter(segment_column::Column::AppId.eq(app)).exec(db).await?;
    event_aggregation::Entity::delete_many().filter(event_aggregation::Column::AppId.eq(app)).exec(db).await?;
    event_segment::Entity::delete_many().filter(event_segment::Column::AppId.eq(app)).exec(db).await?;
    event_code::Entity::delete_many().filter(event_code::Column::AppId.eq(app)).exec(db).await?;
    segment_head::Entity::delete_by_id(app).exec(db).await?;
    Ok(())
}

/// Does it again, a few times, after a deadlock or a locked file.
async fn retried<T, F: Future<Output = Result<T, DbErr>>>(attempt: impl Fn() -> F) -> Result<T, DbErr> {
    for pause in [10, 50, 250] {
        match attempt().await {
            Err(failure) if is_retryable(&failure) => sleep(Duration::from_millis(pause)).await,
            done => return done,
        }
    }
    attempt().await
}

/// A time zone by its IANA name, in the spelling of the tz database.
fn checked_timezone(name: &str) -> Result<String> {
    let zone = jiff::tz::TimeZone::get(name).ok();
    zone.as_ref().and_then(|zone| zone.iana_name()).map(str::to_owned).ok_or_else(|| {
        Error::invalid("input.timezone", "Expected the IANA name of a time zone, such as Europe/Berlin.")
    })
}

/// For how many days to keep events; nothing for ever.
fn checked_days(days: i32) -> Result<Option<i32>> {
    match days {
        0 => Ok(None),
        1..=MAX_RETENTION_DAYS => Ok(Some(days)),
        _ => {
            let message = format!("Expected 1 to {MAX_RETENTION_DAYS} days, or 0 to keep events for ever.");
            Err(Error::invalid("input.retentionDays", message))
        }
    }
}
