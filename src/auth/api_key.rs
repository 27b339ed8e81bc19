//! API keys: made, recognised from a cache, replaced, revoked.

mod changes;
mod manage;
mod raw;
mod usage;

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use moka::future::Cache;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, SelectTwo, sea_query::Expr};
use subtle::ConstantTimeEq;
use tokio::time::timeout;
use uuid::Uuid;

use self::{changes::Changes, raw::Digester, usage::Usage};
pub use self::{
    manage::{KeyChanges, NewKey, Status},
    raw::is_key,
    usage::{Day, KEPT_DAYS},
};
use crate::{
    auth::{
        AppScope,
        settings::{Origins, Settings},
    },
    clock::Clock,
    config::{Secret, network},
    db::Db,
    entity::{
        api_key::{self, Scope},
        app,
        role::Role,
    },
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

/// A key that is good for something right now.
#[derive(Debug, Clone)]
pub struct ActiveKey {
    /// Row of `api_keys`.
    pub id: Uuid,
    /// What it is good for.
    pub good_for: Scope,
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
        if self.good_for != Scope::Ingest {
            return Err(Error::Forbidden("This API key only asks. Events need one that lets them in."));
        }
        let of_key = self.allowed_origins.is_empty() || origin.is_some_and(|origin| self.allowed_origins.admit(origin));
        let of_app = origin.is_none_or(|origin| self.settings.allowed_origins.admit(origin));
        if of_key && of_app {
            return Ok(());
        }
        Err(Error::Forbidden("Events may not be sent from this origin."))
    }

    /// `Forbidden` unless it may ask. What it opens must not lie open in a page, so nothing is answered that
    /// a browser sends.
    pub fn admit_question(&self, from_browser: bool) -> Result<()> {
        if self.good_for != Scope::Read {
            return Err(Error::Forbidden("This API key only lets events in. Questions need one that reads."));
        }
        if from_browser {
            return Err(Error::Forbidden("An API key that reads is for servers, and never for a page. Replace it."));
        }
        Ok(())
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
    /// That of the secret before.
    previous: Option<Digester>,
    /// By digest, and by the latest change when it was read: what was read before a change is never found
    /// again, not even when the reading was still under way.
    known: Cache<(u64, String), Known>,
    /// Keys that were found in the last day, with the latest change when they were.
    found: Cache<String, (u64, Found)>,
    changes: Arc<Changes>,
    usage: Usage,
}

impl ApiKeys {
    /// Digests keys with `secret`, and finds those digested with `previous` as well.
    pub fn new(db: Db, clock: Clock, secret: &Secret, previous: Option<&Secret>) -> Self {
        Self {
            db,
            clock,
            digester: Digester::new(secret),
            previous: previous.map(Digester::new),
            found: Cache::builder().max_capacity(REMEMBERED_KEYS).time_to_live(ACQUAINTED).build(),
            known: Cache::builder().max_capacity(REMEMBERED_KEYS).time_to_live(TRUST).build(),
            changes: Arc::default(),
            usage: Usage::default(),
        }
    }

    /// The key behind `raw`; `Unauthenticated` when it is malformed, unknown, expired or revoked.
    pub async fn authenticate(&self, raw: &str) -> Result<Arc<ActiveKey>> {
        if !raw::is_well_formed(raw) {
            return Err(Error::Unauthenticated("The API key is malformed."));
        }
        self.read(raw, self.slot(raw)).await
    }

    /// The same for a sender at `ip`. A network that has sent too many unknown keys is refused
    /// before another is looked up for it; keys that were found before are never affected.
    pub async fn authenticate_from(&self, raw: &str, limiter: &Limiter, ip: Option<IpAddr>) -> Result<Arc<ActiveKey>> {
        if !raw::is_well_formed(raw) {
            return self.authenticate(raw).await;
        }
        let slot = self.slot(raw);
        match self.known.get(&slot).await {
            Some(known) => self.in_time(known),
            // In a box, for every request would have to have room for it.
            None => Box::pin(self.meet(raw, slot, limiter, ip)).await,
        }
    }

    fn slot(&self, raw: &str) -> (u64, String) {
        (self.changes.latest(), self.digester.digest(raw))
    }

    async fn meet(
        &self,
        raw: &str,
        slot: (u64, String),
        limiter: &Limiter,
        ip: Option<IpAddr>,
    ) -> Result<Arc<ActiveKey>> {
        if self.found.contains_key(&slot.1) {
            return self.read(raw, slot).await;
        }
        let network = format!("unknown-key:{}", network(ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), 32, 64));
        // A look at what is left takes nothing, for the key may be a good one.
        if limiter.check(&network, UNKNOWN_KEYS, 0).await.remaining == 0 {
            limiter.check(&network, UNKNOWN_KEYS, 1).await.into_result()?;
        }
        let key = self.read(raw, slot).await;
        if matches!(key, Err(Error::Unauthenticated(_))) {
            limiter.check(&network, UNKNOWN_KEYS, 1).await;
        }
        key
    }

    async fn read(&self, raw: &str, slot: (u64, String)) -> Result<Arc<ActiveKey>> {
        let looked_up = self.look_up_or_remember(slot.0, raw, &slot.1);
        // Requests that ask for the same unknown key at the same time share one lookup.
        let known = self.known.try_get_with_by_ref(&slot, looked_up).await.map_err(|error| Error::clone(&error))?;
        self.in_time(known)
    }

    fn in_time(&self, known: Known) -> Result<Arc<ActiveKey>> {
        let (key, expires_at) = known.ok_or(Error::Unauthenticated("The API key is unknown or revoked."))?;
        if expires_at.is_some_and(|at| at <= self.clock.now_ms()) {
            return Err(Error::Unauthenticated("The API key has expired."));
        }
        Ok(key)
    }

    /// What the database says; while it is away, what it last said since something of the app was changed here.
    async fn look_up_or_remember(&self, latest: u64, raw: &str, digest: &str) -> Result<Known> {
        let still_so = |(then, (key, _)): &(u64, Found)| self.changes.is_current(key.scope.app_id(), *then);
        let before = self.found.get(digest).await.filter(still_so);
        let looked_up = match &before {
            Some(_) => timeout(PATIENCE, self.look_up(raw, digest)).await.unwrap_or(Err(Error::Timeout)),
            None => self.look_up(raw, digest).await,
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

    async fn look_up(&self, raw: &str, digest: &str) -> Result<Known> {
        let own = self.look_up_digest(digest).await?;
        let Some(previous) = self.previous.as_ref().filter(|_| own.is_none()) else { return Ok(own) };
        let before = previous.digest(raw);
        if self.look_up_digest(&before).await?.is_none() {
            return Ok(None);
        }
        // From now on under the secret of now, so that the one before can go.
        for column in [api_key::Column::Digest, api_key::Column::PreviousDigest] {
            let moved = api_key::Entity::update_many().col_expr(column, Expr::value(digest)).filter(column.eq(&before));
            moved.exec(self.db.writer()).await?;
        }
        self.look_up_digest(digest).await
    }

    async fn look_up_digest(&self, digest: &str) -> Result<Known> {
        let of_either =
            Condition::any().add(api_key::Column::Digest.eq(digest)).add(api_key::Column::PreviousDigest.eq(digest));
        let row = in_force().filter(of_either).one(&*self.db).await?;
        Ok(row.and_then(|(row, app)| found(&row, &app?, digest)))
    }

    /// Reads the keys that are remembered for outages anew, so that one that was revoked or changed on
    /// another instance is not believed any more, although nobody has used it since. Called every half a minute.
    pub async fn read_again(&self) -> Result<()> {
        let remembered: Vec<String> = self.found.iter().map(|(digest, _)| digest.as_ref().clone()).collect();
        for digests in remembered.chunks(READ_AT_ONCE) {
            let latest = self.changes.latest();
            let of_either = Condition::any()
                .add(api_key::Column::Digest.is_in(digests))
                .add(api_key::Column::PreviousDigest.is_in(digests));
            let rows = in_force().filter(of_either).all(&*self.db).await?;
            let mut in_force = HashMap::new();
            for (row, app) in rows {
                let Some(app) = app else { continue };
                for digest in [Some(&row.digest), row.previous_digest.as_ref()].into_iter().flatten() {
                    in_force.extend(found(&row, &app, digest).map(|found| (digest.clone(), found)));
                }
            }
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
}

/// Keys that were not revoked, with their apps.
fn in_force() -> SelectTwo<api_key::Entity, app::Entity> {
    api_key::Entity::find().filter(api_key::Column::RevokedAt.is_null()).find_also_related(app::Entity)
}

/// What is known of a key by this digest, which is its own or that of the one before it.
fn found(row: &api_key::Model, app: &app::Model, digest: &str) -> Option<Found> {
    // The index has compared byte by byte; the last word has a comparison that tells nothing by its time.
    let is = |known: &str| bool::from(known.as_bytes().ct_eq(digest.as_bytes()));
    let expires_at = match &row.previous_digest {
        _ if is(&row.digest) => row.expires_at,
        Some(previous) if is(previous) => {
            let until = row.previous_until?;
            Some(row.expires_at.map_or(until, |at| at.min(until)))
        }
        _ => return None,
    };
    let key = ActiveKey {
        id: row.id,
        good_for: row.scope,
        scope: AppScope { app_id: row.app_id, role: Role::Viewer, viewer: None },
        requests_per_minute: row.requests_per_minute.and_then(|n| u32::try_from(n).ok()),
        events_per_minute: row.events_per_minute.and_then(|n| u32::try_from(n).ok()),
        allowed_origins: Origins::of(row.allowed_origins.as_ref()),
        settings: Arc::new(Settings::of(app)),
    };
    Some((Arc::new(key), expires_at))
}
