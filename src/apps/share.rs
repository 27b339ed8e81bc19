//! Links by which a dashboard is shown to whoever has one: made and revoked.

use std::time::Duration;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QuerySelect,
};
use uuid::Uuid;

use crate::{
    auth::{
        Granted,
        audit::{Action, Entry, fact},
        checked_name, link, password,
        permission::ShareDashboards,
    },
    clock::{Clock, Moment},
    config::Secret,
    db::Db,
    entity::{
        dashboard,
        dashboard_share::{Column, Entity, Model},
    },
    error::{Error, Result},
    limiter::{Limiter, Quota},
};

/// How many links a dashboard may have.
const PER_DASHBOARD: u64 = 20;

/// Passwords of links that an account may set: each takes the work of a hash.
const PASSWORDS: Quota = Quota { permits: 60, period: Duration::from_secs(60 * 60) };

/// A link to be.
pub struct NewShare {
    /// What tells it from others.
    pub name: String,
    /// What it takes to open it; nothing where the link is enough.
    pub password: Option<Secret>,
    /// From when on it shows nothing.
    pub expires_at: Option<i64>,
}

/// Makes a link to a dashboard, and gives the token that it holds.
pub async fn create(
    db: &Db,
    clock: &Clock,
    limiter: &Limiter,
    may: Granted<ShareDashboards>,
    shown: Uuid,
    new: NewShare,
) -> Result<(Model, Secret)> {
    let (app, now) = (may.scope().app_id(), clock.now_ms());
    let name = checked_name("input.name", &new.name)?;
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::invalid("input.expiresAt", "Expected a moment that is yet to come."));
    }
    // Before the work of a hash, and again in the transaction that makes the link.
    dashboard::Entity::find_by_id((app, shown)).one(&**db).await?.ok_or(Error::NotFound("dashboard"))?;
    check_room(&**db, app, shown).await?;
    let password_hash = match new.password {
        Some(password) => {
            let by = may.scope().viewer().map(|viewer| viewer.user_id).unwrap_or_default();
            limiter.check(&format!("share-password:{}", by.simple()), PASSWORDS, 1).await.into_result()?;
            Some(password::accept("input.password", password, [&name, ""]).await?)
        }
        None => None,
    };
    let (token, digest) = link::generate(app);
    let expires_at = new.expires_at;
    let row = Model {
        app_id: app,
        id: Uuid::now_v7(),
        dashboard_id: shown,
        name,
        digest,
        password_hash,
        expires_at,
        created_at: now,
    };
    let transaction = db.begin().await?;
    // Held, so that it is not deleted meanwhile, and two links at a time are counted one after the other.
    let board = dashboard::Entity::find_by_id((app, shown)).lock_exclusive().one(&transaction).await?;
    let board = board.ok_or(Error::NotFound("dashboard"))?;
    check_room(&transaction, app, shown).await?;
    let row = row.into_active_model().insert(&transaction).await?;
    let facts = vec![
        fact("link", &row.name),
        fact("password", row.password_hash.is_some()),
        fact("expiresAt", row.expires_at.map(Moment)),
    ];
    let entry = Entry::of(Action::DashboardShared, may.scope()).to(shown, &board.name).with(facts);
    entry.record(&transaction, now).await?;
    transaction.commit().await?;
    Ok((row, token))
}

/// `Conflict` where a dashboard has as many links as it may.
async fn check_room(db: &impl ConnectionTrait, app: Uuid, shown: Uuid) -> Result<()> {
    let links = Entity::of_app(app).filter(Column::DashboardId.eq(shown)).count(db).await?;
    if links >= PER_DASHBOARD {
        let message = format!("The dashboard has {PER_DASHBOARD} links already. Revoke one first.");
        return Err(Error::Conflict { field: None, message });
    }
    Ok(())
}

/// Revokes a link: it shows nothing from now on, on no instance.
pub async fn revoke(db: &Db, clock: &Clock, may: Granted<ShareDashboards>, id: Uuid) -> Result<()> {
    let (key, transaction) = ((may.scope().app_id(), id), db.begin().await?);
    let row = Entity::find_by_id(key).lock_exclusive().one(&transaction).await?.ok_or(Error::NotFound("link"))?;
    let board = dashboard::Entity::find_by_id((key.0, row.dashboard_id)).one(&transaction).await?;
    Entity::delete_by_id(key).exec(&transaction).await?;
    let called = board.map(|board| board.name).unwrap_or_default();
    let entry = Entry::of(Action::DashboardUnshared, may.scope()).to(row.dashboard_id, &called);
    entry.with(vec![fact("link", row.name)]).record(&transaction, clock.now_ms()).await?;
    Ok(transaction.commit().await?)
}
