//! The handles a request may use.

use std::{ops::Deref, sync::Arc};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{api_key::ApiKeys, digest::Digests, link::Links, oauth::SignIn, session::Sessions},
    cache::Cache,
    clock::Clock,
    columnar::Columnar,
    config::Config,
    db::Db,
    error::Result,
    ingest::{
        enrich::Enricher, erase::Eraser, export::Exporter, refusals::Refusals, shares::Shares, spool::Spool,
        writer::Writer,
    },
    limiter::{Limiter, turns::Turns},
    live::Live,
    mail::Mailer,
    shared::Shared,
    telemetry,
};

/// Bytes that bodies of events may take at once, from their arrival until their events are stored.
/// Taken apart, a body of many small properties needs up to fourteen times as much.
const BODIES: usize = 128 << 20;

/// Requests that bring events worked on at once. One app or one network may have half of them.
pub const INGESTING: usize = 2_048;

/// Exports of people that may be downloaded at once, one of an app: each holds some hundred events in memory.
const EXPORTS: usize = 16;

/// Letters that may be under way at once.
const LETTERS: usize = 16;

/// The running server's parts. Cheap to clone; every clone is the same server.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What an [`App`] holds. Functions below level 5 take the two or three of these they need.
pub struct Parts {
    /// Settings.
    pub config: Config,
    /// Now.
    pub clock: Clock,
    /// The store.
    pub db: Db,
    /// Events as columns.
    pub columnar: Columnar,
    /// Which apps have something new.
    pub live: Live,
    /// Redis, when configured.
    pub shared: Option<Shared>,
    /// Answers already computed.
    pub cache: Cache,
    /// Who may ask how often.
    pub limiter: Limiter,
    /// Sign-ins.
    pub sessions: Sessions,
    /// Keys of events, and the count of their use.
    pub api_keys: ApiKeys,
    /// Links by which dashboards are shown.
    pub links: Links,
    /// Sign-in elsewhere, when configured.
    pub providers: Vec<SignIn>,
    /// What sends mail, when configured.
    pub mailer: Option<Mailer>,
    /// Letters that may be under way at once.
    pub letters: Arc<Semaphore>,
    /// What a request tells about its sender.
    pub enricher: Enricher,
    /// What is kept of the ids of people who were erased.
    pub digests: Digests,
    /// Proofs that an invitation went by mail.
    pub invitations: Digests,
    /// The one way an event is stored.
    pub writer: Writer,
    /// Why events were not kept.
    pub refusals: Refusals,
    /// Memory for bodies of events that are under way, in bytes.
    pub bodies: Shares,
    /// Requests that bring events, by the app whose key they showed.
    pub at_work: Shares,
    /// Exports of people that are being downloaded, one of an app at a time.
    pub exports: Turns,
    /// Cancelled when the server begins to shut down: whatever would run on for long ends then.
    pub draining: CancellationToken,
}

impl App {
    /// Connects to the store, brings its schema up to date, and builds every part.
    pub async fn start(config: Config, clock: Clock) -> Result<Self> {
        telemetry::metrics();
        let db = Db::connect(&config).await?;
        db.migrate().await?;
        db.create_partitions(clock.now_ms()).await?;
        let spool = open_spool(&config, clock.clone()).await;
        let shared = config.redis_url.as_ref().map(Shared::connect).transpose()?;
        let tickets = Digests::new(b"sign-in ticket:", &config.jwt_secret, config.jwt_secret_previous.as_ref());
        let provider = |provider| SignIn::new(provider, &config.public_url, clock.clone(), tickets.clone());
        let providers = config.providers.iter().map(provider).collect::<Result<_>>()?;
        let draining = CancellationToken::new();
        let columnar = Columnar::new(db.clone(), clock.clone(), config.column_cache_bytes);
        columnar.start_sealing(draining.clone());
        let live = Live::start(db.clone(), draining.clone());
        let digests = Digests::new(b"person:", &config.api_key_secret, config.api_key_secret_previous.as_ref());
        let invitations =
            Digests::new(b"mailed invitation:", &config.api_key_secret, config.api_key_secret_previous.as_ref());
        let queue_events = config.limits.queue_events;
        let writer = Writer::start(db.clone(), columnar.clone(), clock.clone(), digests.clone(), spool, queue_events);
        Ok(Self(Arc::new(Parts {
            columnar,
            cache: Cache::new(shared.clone(), config.cache_ttl),
            limiter: Limiter::new(shared.clone()),
            sessions: Sessions::new(db.clone(), clock.clone(), &config.jwt_secret, config.jwt_secret_previous.as_ref()),
            api_keys: ApiKeys::new(
                db.clone(),
                clock.clone(),
                &config.api_key_secret,
                config.api_key_secret_previous.as_ref(),
            ),
            links: Links::new(
                db.clone(),
                clock.clone(),
                &config.api_key_secret,
                config.api_key_secret_previous.as_ref(),
            ),
            providers,
            mailer: config.mail.as_ref().map(Mailer::new).transpose()?,
            letters: Arc::new(Semaphore::new(LETTERS)),
            enricher: Enricher::new(&config, db.clone())?,
            refusals: Refusals::new(db.clone(), clock.clone()),
            writer,
            bodies: Shares::new(BODIES.max(config.limits.body_bytes.saturating_mul(8))),
            at_work: Shares::new(INGESTING),
            exports: Turns::new(EXPORTS),
            digests,
            invitations,
            draining,
            live,
            config,
            clock,
            db,
            shared,
        })))
    }

    /// What erases people.
    pub fn eraser(&self) -> Eraser {
        Eraser {
            db: self.db.clone(),
            clock: self.clock.clone(),
            columnar: self.columnar.clone(),
            cache: self.cache.clone(),
            digests: self.digests.clone(),
            writer: self.writer.clone(),
        }
    }

    /// What gives people's data to them.
    pub fn exporter(&self) -> Exporter {
        Exporter { db: self.db.clone(), clock: self.clock.clone(), columnar: self.columnar.clone() }
    }
}

/// The spool, unless it is switched off. A server without one is better than none.
async fn open_spool(config: &Config, clock: Clock) -> Option<Spool> {
    // Switched off it takes nothing, and what it took before is stored all the same.
    if config.limits.spool_bytes == 0 && !Spool::exists(&config.spool_dir()) {
        return None;
    }
    match Spool::open(&config.spool_dir(), config.limits.spool_bytes, clock).await {
        Ok(spool) => Some(spool),
        Err(error) => {
            let folder = config.spool_dir();
            tracing::error!(%error, folder = %folder.display(), "there is no spool: events are refused while the database is away");
            error.log();
            None
        }
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
