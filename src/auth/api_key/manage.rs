//! What owners do with keys.

use sea_orm::{
    ActiveEnum, ActiveModelTrait, ActiveValue::Set, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, SqlErr,
    entity::prelude::*,
};
use uuid::Uuid;

use super::{ApiKeys, raw};
use crate::{
    auth::{
        AppScope, Granted, Viewer,
        audit::{Action, Entry, Fact, fact},
        checked_name,
        permission::ManageKeys,
        settings::checked_origins,
    },
    clock::Moment,
    config::Secret,
    entity::api_key::{self, Column, Model, Scope},
    error::{Error, Result},
};

/// How many keys of an app may be in force at a time.
const KEYS_PER_APP: u64 = 100;

/// The highest rate a key may be given.
const MAX_PER_MINUTE: i32 = 100_000_000;

/// How long a key that was replaced may work on.
const LONGEST_OVERLAP_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// What a key can be told at its making.
#[derive(Debug, Clone, Default)]
pub struct NewKey {
    /// What its owner calls it.
    pub name: String,
    /// When it stops working by itself, in milliseconds since the epoch.
    pub expires_at: Option<i64>,
    /// Requests a minute, where it shall differ from the server's default.
    pub requests_per_minute: Option<i32>,
    /// Events a minute, where there shall be a budget.
    pub events_per_minute: Option<i32>,
    /// Origins whose pages may use it; anybody may, where there is none.
    pub allowed_origins: Vec<String>,
    /// What it shall be good for.
    pub scope: Scope,
}

/// What to change of a key. What is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct KeyChanges {
    /// What its owner calls it.
    pub name: Option<String>,
    /// Origins whose pages may use it; anybody may, where the list is empty.
    pub allowed_origins: Option<Vec<String>>,
}

/// Whether a key is good for anything.
#[derive(async_graphql::Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(name = "ApiKeyStatus")]
pub enum Status {
    /// It does what it is for.
    Active,
    /// Its time is over.
    Expired,
    /// It was told to stop.
    Revoked,
}

impl Status {
    /// The status of `key` at `now_ms`. Nothing is stored, so nothing can be late.
    pub fn of(key: &Model, now_ms: i64) -> Self {
        if key.revoked_at.is_some() {
            Self::Revoked
        } else if key.expires_at.is_some_and(|at| at <= now_ms) {
            Self::Expired
        } else {
            Self::Active
        }
    }
}

impl ApiKeys {
    /// Makes a key. The raw key is returned here and never again.
    pub async fn create(&self, may: Granted<ManageKeys>, by: Viewer, new: NewKey) -> Result<(Model, Secret)> {
        let scope = may.scope();
        let now = self.clock.now_ms();
        let name = checked_name("input.name", &new.name)?;
        if new.expires_at.is_some_and(|at| at <= now) {
            return Err(Error::invalid("input.expiresAt", "Expected a moment in the future."));
        }
        let requests_per_minute = rate("input.requestsPerMinute", new.requests_per_minute)?;
        let events_per_minute = rate("input.eventsPerMinute", new.events_per_minute)?;
        let allowed_origins = checked_origins("input.allowedOrigins", &new.allowed_origins)?;
        if new.scope == Scope::Read {
            reads(events_per_minute.map(|_| "input.eventsPerMinute"))?;
            reads(allowed_origins.as_ref().map(|_| "input.allowedOrigins"))?;
        }
        let in_force = api_key::Entity::of_app(scope.app_id()).filter(Column::RevokedAt.is_null());
        if in_force.count(&*self.db).await? >= KEYS_PER_APP {
            let message = format!("The app has {KEYS_PER_APP} keys that are not revoked. Revoke one first.");
            return Err(Error::Conflict { field: None, message });
        }
        let raw = raw::generate();
        let key = api_key::ActiveModel {
            id: Set(Uuid::now_v7()),
            app_id: Set(scope.app_id()),
            scope: Set(new.scope),
            name: Set(name),
            prefix: Set(raw::prefix(&raw)),
            digest: Set(self.digester.digest(raw.expose())),
            previous_digest: Set(None),
            previous_prefix: Set(None),
            previous_until: Set(None),
            created_by: Set(Some(by.user_id)),
            created_at: Set(now),
            expires_at: Set(new.expires_at),
            revoked_at: Set(None),
            last_used_at: Set(None),
            usage_count: Set(0),
            requests_per_minute: Set(requests_per_minute),
            events_per_minute: Set(events_per_minute),
            allowed_origins: Set(allowed_origins),
        };
        let transaction = self.db.begin().await?;
        let key = key.insert(&transaction).await.map_err(|error| match error.sql_err() {
            // Deleted a moment ago, after the scope was found.
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => Error::NotFound("app"),
            _ => error.into(),
        })?;
        let entry = Entry::of(Action::ApiKeyCreated, scope).to(key.id, &key.name).with(facts(&key));
        entry.record(&transaction, now).await?;
        transaction.commit().await?;
        Ok((key, raw))
    }

    /// Every key of the app, newest first.
    pub async fn list(&self, scope: AppScope) -> Result<Vec<Model>> {
        Ok(api_key::Entity::of_app(scope.app_id()).all(&*self.db).await?)
    }

    /// The viewer's way to a key they name by its id alone; `NotFound` unless its app is theirs.
    pub async fn scope_of(&self, viewer: Viewer, key: Uuid) -> Result<AppScope> {
        let unknown = Error::NotFound("API key");
        let Some(key) = api_key::Entity::find_by_id(key).one(&*self.db).await? else { return Err(unknown) };
        AppScope::of_member(&self.db, viewer, key.app_id).await.map_err(|error| match error {
            Error::NotFound(_) => unknown,
            other => other,
        })
    }

    /// Changes what is given and leaves the rest.
    pub async fn update(&self, may: Granted<ManageKeys>, key: Uuid, changes: KeyChanges) -> Result<Model> {
        let (scope, now) = (may.scope(), self.clock.now_ms());
        let mut update = api_key::Entity::update_many();
        let transaction = self.db.begin().await?;
        let before = held(&transaction, scope, key).await?;
        if changes.name.is_none() && changes.allowed_origins.is_none() {
            return Ok(before);
        }
        if let Some(name) = &changes.name {
            update = update.col_expr(Column::Name, Expr::value(checked_name("input.name", name)?));
        }
        if let Some(origins) = &changes.allowed_origins {
            let origins = checked_origins("input.allowedOrigins", origins)?;
            if before.scope == Scope::Read {
                reads(origins.as_ref().map(|_| "input.allowedOrigins"))?;
            }
            update = update.col_expr(Column::AllowedOrigins, Expr::value(origins));
        }
        update.filter(Column::Id.eq(key)).filter(Column::AppId.eq(scope.app_id())).exec(&transaction).await?;
        let after = held(&transaction, scope, key).await?;
        let entry = Entry::of(Action::ApiKeyUpdated, scope).to(key, &after.name);
        entry.from_to(facts(&before), facts(&after)).record(&transaction, now).await?;
        transaction.commit().await?;
        self.forget(scope.app_id());
        Ok(after)
    }

    /// Ends a key for good. Ending it twice changes nothing.
    pub async fn revoke(&self, may: Granted<ManageKeys>, key: Uuid) -> Result<Model> {
        let (scope, now) = (may.scope(), self.clock.now_ms());
        let transaction = self.db.begin().await?;
        let ended = api_key::Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(now))
            .filter(Column::Id.eq(key))
            .filter(Column::AppId.eq(scope.app_id()))
            .filter(Column::RevokedAt.is_null())
            .exec(&transaction)
            .await?;
        let row = held(&transaction, scope, key).await?;
        if ended.rows_affected > 0 {
            Entry::of(Action::ApiKeyRevoked, scope).to(key, &row.name).record(&transaction, now).await?;
        }
        transaction.commit().await?;
        self.forget(scope.app_id());
        Ok(row)
    }

    /// Gives a key in force a new raw key. The old one works on until `until`, where that is given, and
    /// stops at once otherwise; one from before it stops at once. Name, limits, expiry and counts stay.
    pub async fn regenerate(&self, may: Granted<ManageKeys>, key: Uuid, until: Option<i64>) -> Result<(Model, Secret)> {
        let (scope, now) = (may.scope(), self.clock.now_ms());
        if until.is_some_and(|until| until <= now || until > now.saturating_add(LONGEST_OVERLAP_MS)) {
            let message = "Expected a moment in the next seven days.";
            return Err(Error::invalid("input.previousWorksUntil", message));
        }
        let raw = raw::generate();
        // Of a row as it is now the old values are read by the same statement that writes the new ones.
        let kept = |column: Column| match until {
            Some(_) => Expr::col(column),
            None => Expr::value(None::<String>),
        };
        let transaction = self.db.begin().await?;
        let changed = api_key::Entity::update_many()
            .col_expr(Column::PreviousDigest, kept(Column::Digest))
            .col_expr(Column::PreviousPrefix, kept(Column::Prefix))
            .col_expr(Column::PreviousUntil, Expr::value(until))
            .col_expr(Column::Prefix, Expr::value(raw::prefix(&raw)))
            .col_expr(Column::Digest, Expr::value(self.digester.digest(raw.expose())))
            .filter(Column::Id.eq(key))
            .filter(Column::AppId.eq(scope.app_id()))
            .filter(Column::RevokedAt.is_null())
            .exec(&transaction)
            .await?;
        let row = held(&transaction, scope, key).await?;
        if changed.rows_affected == 0 {
            return Err(Error::conflict("input.id", "The key is revoked. Create a new one."));
        }
        let entry = Entry::of(Action::ApiKeyRegenerated, scope).to(key, &row.name);
        entry
            .with(vec![fact("previousWorksUntil", until.map(|at| Moment(at).to_string()))])
            .record(&transaction, now)
            .await?;
        transaction.commit().await?;
        self.forget(scope.app_id());
        Ok((row, raw))
    }
}

/// A key of the app, held to the commit.
async fn held(transaction: &impl ConnectionTrait, scope: AppScope, key: Uuid) -> Result<Model> {
    let found = api_key::Entity::of_app(scope.app_id()).filter(Column::Id.eq(key)).lock_exclusive();
    found.one(transaction).await?.ok_or(Error::NotFound("API key"))
}

/// What the log says of a key.
fn facts(key: &Model) -> Vec<Fact> {
    vec![
        fact("scope", key.scope.to_value()),
        fact("name", &key.name),
        fact("expiresAt", key.expires_at.map(|at| Moment(at).to_string())),
        fact("requestsPerMinute", key.requests_per_minute),
        fact("eventsPerMinute", key.events_per_minute),
        fact("allowedOrigins", &key.allowed_origins),
    ]
}

/// Refuses what makes sense only for events.
fn reads(given: Option<&str>) -> Result<()> {
    given.map_or(Ok(()), |field| Err(Error::invalid(field, "A key that reads lets no events in.")))
}

fn rate(field: &str, per_minute: Option<i32>) -> Result<Option<i32>> {
    match per_minute {
        Some(n) if !(1..=MAX_PER_MINUTE).contains(&n) => {
            Err(Error::invalid(field, format!("Expected a whole number from 1 to {MAX_PER_MINUTE}.")))
        }
        other => Ok(other),
    }
}
