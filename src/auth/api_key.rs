//! API keys: made, recognised from a cache, revoked, and their use counted without a write a request.

mod changes;
mod manage;
mod raw;

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::future::Cache;
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, SelectTwo,
    sea_query::{CaseStatement, Expr},
};
use subtle::ConstantTimeEq;
use tokio::time::timeout;
use uuid::Uuid;

pub use self::manage::{KeyChanges, NewKey, Status};
use self::{changes::Changes, raw::Digester};
use crate::{
    auth::{
        AppScope,
        settings::{Origins, Settings},
    },
    clock::Clock,
    config::{Secret, network},
    db::Db,
    entity::{api_key, app, role::Role},
    error::{Error, Result},
    limiter::{Limiter, Quota},
};

/// How long an instance trusts what it has read about a key. A key that is revoked here stops at
/// once; on other instances it may work for this much longer.
const TRUST: Duration = Duration::from_secs(5);

/// How many keys, known and unknown, an instance remembers.
const REMEMBERED_KEYS: u64 = 20_000;

/// How long a key that was found is still known when the database can not be asked. Nobody can revoke
/// a key without the database, so what was true when it went away still is.
const ACQUAINTED: Duration = Duration::from_secs(24 * 60 * 60);

/// How many of these are read anew by one statement.
const READ_AT_ONCE: usize = 1_000;

/// How long the database is waited for while a key is known already.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many unknown keys may be looked up for the senders of one network.
const UNKNOWN_KEYS: Quota = Quota { permits: 60, period: Duration::from_secs(60) };

/// A key that may let events in right now.
#[derive(Debug, Clone)]
pub struct ActiveKey {
    /// Row of `api_keys`.
    pub id: Uuid,
    /// The app it opens.
    pub scope: AppScope,
    /// Requests a minute, where it differs from the server's default.
    pub requests_per_minute: Option<u32>,
    /// Events a minute, where there is a budget.
    pub events_per_minute: Option<u32>,
    /// Origins whose pages may use it; anybody may, where there is none.
    pub allowed_origins: Origins,
    /// What its app's owner has decided.
    pub settings: Arc<Settings>,
}

impl ActiveKey {
    /// `Forbidden` unless events may come from here. `origin` is that of the page, as the browser
    /// says; a server says nothing. A key with a list of its own lies open in those pages, and is
    /// good for nothing elsewhere.
    pub fn admit(&self, origin: Option<&str>) -> Result<()> {
        let of_key = self.allowed_origins.is_empty() || origin.is_some_and(|origin| self.allowed_origins.admit(origin));
        let of_app = origin.is_none_or(|origin| self.settings.allowed_origins.admit(origin));
        if of_key && of_app {
            return Ok(());
        }
        Err(Error::Forbidden("Events may not be sent from this origin."))
    }
}

/// What is remembered of a key; `None` for one that opens nothing.
type Known = Option<Found>;

/// A key and when it expires.
type Found = (Arc<ActiveKey>, Option<i64>);

/// Knows the keys.
#[derive(Clone)]
pub struct ApiKeys {
    db: Db,
    clock: Clock,
    digester: Digester,
    /// By digest, and by the latest change when it was read: what was read before a change is never found
    /// again, not even when the reading was still under way.
    known: Cache<(u64, String), Known>,
    /// Keys that were found in the last day, with the latest change when they were.
    found: Cache<String, (u64, Found)>,
    changes: Arc<Changes>,
    usage: Arc<Mutex<HashMap<Uuid, Usage>>>,
}

/// Use of a key that is not written yet.
#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    events: u64,
    last_used_at: i64,
}

impl ApiKeys {
    /// Digests keys with `secret`.
    pub fn new(db: Db, clock: Clock, secret: &Secret) -> Self {
        Self {
            db,
            clock,
            digester: Digester::new(secret),
            found: Cache::builder().max_capacity(REMEMBERED_KEYS).time_to_live(ACQUAINTED).build(),
            known: Cache::builder().max_capacity(REMEMBERED_KEYS).time_to_live(TRUST).build(),
            changes: Arc::default(),
            usage: Arc::default(),
        }
    }

    /// The key behind `raw`; `Unauthenticated` when it is malformed, unknown, expired or revoked.
    pub async fn authenticate(&self, raw: &str) -> Result<Arc<ActiveKey>> {
        if !raw::is_well_formed(raw) {
            return Err(Error::Unauthenticated("The API key is malformed."));
        }
        self.read(self.digester.digest(raw)).await
    }

    /// The same for a sender at `ip`. A network that has sent too many unknown keys is refused
    /// before another is looked up for it; keys that were found before are never affected.
    pub async fn authenticate_from(&self, raw: &str, limiter: &Limiter, ip: Option<IpAddr>) -> Result<Arc<ActiveKey>> {
        if !raw::is_well_formed(raw) {
            return self.authenticate(raw).await;
        }
        let digest = self.digester.digest(raw);
        let slot = (self.changes.latest(), digest);
        if self.known.contains_key(&slot) || self.found.contains_key(&slot.1) {
            return self.read(slot.1).await;
        }
        let network = format!("unknown-key:{}", network(ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), 32, 64));
        // A look at what is left takes nothing, for the key may be a good one.
        if limiter.check(&network, UNKNOWN_KEYS, 0).await.remaining == 0 {
            limiter.check(&network, UNKNOWN_KEYS, 1).await.into_result()?;
        }
        let key = self.read(slot.1).await;
        if matches!(key, Err(Error::Unauthenticated(_))) {
            limiter.check(&network, UNKNOWN_KEYS, 1).await;
        }
        key
    }

    async fn read(&self, digest: String) -> Result<Arc<ActiveKey>> {
        let slot = (self.changes.latest(), digest);
        let looked_up = self.look_up_or_remember(slot.0, &slot.1);
        // Requests that ask for the same unknown key at the same time share one lookup.
        let known = self.known.try_get_with_by_ref(&slot, looked_up).await.map_err(|error| Error::clone(&error))?;
        let (key, expires_at) = known.ok_or(Error::Unauthenticated("The API key is unknown or revoked."))?;
        if expires_at.is_some_and(|at| at <= self.clock.now_ms()) {
            return Err(Error::Unauthenticated("The API key has expired."));
        }
        Ok(key)
    }

    /// What the database says; while it is away, what it last said since something of the app was changed here.
    async fn look_up_or_remember(&self, latest: u64, digest: &str) -> Result<Known> {
        let still_so = |(then, (key, _)): &(u64, Found)| self.changes.is_current(key.scope.app_id(), *then);
        let before = self.found.get(digest).await.filter(still_so);
        let looked_up = match &before {
            Some(_) => timeout(PATIENCE, self.look_up(digest)).await.unwrap_or(Err(Error::Timeout)),
            None => self.look_up(digest).await,
        };
        match (looked_up, before) {
            (Err(Error::Unavailable { .. } | Error::Timeout), Some((_, key))) => Ok(Some(key)),
            (Ok(Some(key)), _) => {
                self.found.insert(digest.to_owned(), (latest, key.clone())).await;
                Ok(Some(key))
            }
            (Ok(None), _) => {
                self.found.invalidate(digest).await;
                Ok(None)
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn look_up(&self, digest: &str) -> Result<Known> {
        let row = in_force().filter(api_key::Column::Digest.eq(digest)).one(&*self.db).await?;
        // The index has compared byte by byte; the last word has a comparison that tells nothing by its time.
        let row = row.filter(|(row, _)| bool::from(row.digest.as_bytes().ct_eq(digest.as_bytes())));
        Ok(row.and_then(found))
    }

    /// Reads the keys that are remembered for outages anew, so that one that was revoked or changed on
    /// another instance is not believed any more, although nobody has used it since. Called every half a minute.
    pub async fn read_again(&self) -> Result<()> {
        let remembered: Vec<String> = self.found.iter().map(|(digest, _)| digest.as_ref().clone()).collect();
        for digests in remembered.chunks(READ_AT_ONCE) {
            let latest = self.changes.latest();
            let rows = in_force().filter(api_key::Column::Digest.is_in(digests)).all(&*self.db).await?;
            let mut in_force: HashMap<_, _> =
                rows.into_iter().filter_map(|row| Some((row.0.digest.clone(), found(row)?))).collect();
            for digest in digests {
                match in_force.remove(digest) {
                    Some(key) => self.found.insert(digest.clone(), (latest, key)).await,
                    None => self.found.invalidate(digest).await,
                }
            }
        }
        Ok(())
    }

    /// Forgets what was read about the keys of an app, because it or some of them have changed.
    pub fn forget(&self, app: Uuid) {
        self.changes.add(app);
    }

    /// Counts `events` let in by the key, in memory.
    pub fn used(&self, key: Uuid, events: u64) {
        self.add(key, Usage { events, last_used_at: self.clock.now_ms() });
    }

    fn add(&self, key: Uuid, more: Usage) {
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = usage.entry(key).or_default();
        entry.events = entry.events.saturating_add(more.events);
        entry.last_used_at = Ord::max(entry.last_used_at, more.last_used_at);
    }

    /// Writes the counts, in one transaction with one statement a key; called every few seconds
    /// and at shutdown. What could not be written is counted again the next time.
    pub async fn flush_usage(&self) -> Result<()> {
        let taken = std::mem::take(&mut *self.usage.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return Ok(());
        }
        let mut taken: Vec<_> = taken.into_iter().collect();
        // In one order on every instance, so that two of them cannot wait for each other.
        taken.sort_unstable_by_key(|(key, _)| *key);
        let written = self.write_usage(&taken).await;
        if written.is_err() {
            taken.into_iter().for_each(|(key, usage)| self.add(key, usage));
        }
        written
    }

    async fn write_usage(&self, usage: &[(Uuid, Usage)]) -> Result<()> {
        use api_key::Column::{Id, LastUsedAt, UsageCount};
        let transaction = self.db.begin().await?;
        for (key, usage) in usage {
            let later = CaseStatement::new()
                .case(LastUsedAt.gt(usage.last_used_at), Expr::col(LastUsedAt))
                .finally(usage.last_used_at);
            let events = i64::try_from(usage.events).unwrap_or(i64::MAX);
            api_key::Entity::update_many()
                .col_expr(UsageCount, Expr::col(UsageCount).add(events))
                .col_expr(LastUsedAt, later.into())
                .filter(Id.eq(*key))
                .exec(&transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}

/// Keys that were not revoked, with their apps.
fn in_force() -> SelectTwo<api_key::Entity, app::Entity> {
    api_key::Entity::find().filter(api_key::Column::RevokedAt.is_null()).find_also_related(app::Entity)
}

fn found((row, app): (api_key::Model, Option<app::Model>)) -> Option<Found> {
    let key = ActiveKey {
        id: row.id,
        scope: AppScope { app_id: row.app_id, role: Role::Viewer },
        requests_per_minute: row.requests_per_minute.and_then(|n| u32::try_from(n).ok()),
        events_per_minute: row.events_per_minute.and_then(|n| u32::try_from(n).ok()),
        allowed_origins: Origins::of(row.allowed_origins.as_ref()),
        settings: Arc::new(Settings::of(&app?)),
    };
    Some((Arc::new(key), row.expires_at))
}
