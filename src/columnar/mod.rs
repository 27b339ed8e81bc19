//! Events as columns: what every question is computed on.
//!
//! The events of an app are kept twice: as rows, and as the columns of segments, which the server makes
//! of the rows in the background (`seal`) and stores in the same database. A question takes a
//! `snapshot` of the segments and of the rows that are in none yet, loads the columns it looks at
//! (`load`) and folds them, batch by batch, on all cores (`scan`, `plan`). In a [`Batch`] times are
//! milliseconds and everything else is a code, so that counting, grouping and telling visitors apart
//! is arithmetic on small integers. `docs/columnar.md` says why the figures are exact.

mod batch;
mod build;
mod census;
mod codec;
mod dictionary;
pub mod erase;
mod expire;
pub mod forget;
mod fresh;
mod header;
mod known;
mod lately;
mod load;
mod members;
mod merge;
mod newest;
mod numbers;
mod part;
mod person;
mod pinned;
mod plan;
pub mod property;
mod prune;
mod rebuild;
mod rollup;
mod rounds;
mod row;
mod scan;
mod seal;
mod session_ids;
mod snapshot;
mod tail;
mod turns;
mod values;
pub mod verify;

use std::{sync::Arc, thread, time::Duration};

use moka::sync::Cache;
use tokio::sync::{Mutex, Semaphore};
use uuid::Uuid;

pub use self::{
    batch::{Batch, Columns, View},
    census::Census,
    dictionary::Dictionary,
    expire::Expired,
    fresh::Stored,
    newest::Newest,
    person::Theirs,
    pinned::Pinned,
    prune::{Facts, Occurring, Sieve, Verdict},
    rollup::{DIMENSIONS, Grouped, HOUR, Hours, Numbers, Totals},
    row::{decimal, millionths},
    scan::{Scan, Wanted, Who, Worker},
};
use self::{
    header::Segment,
    known::Known,
    numbers::Kind,
    part::Part,
    snapshot::{Snapshot, given},
    values::Texts,
};
use crate::{clock::Clock, db::Db, error::Result};

/// Apps of which an instance keeps segment lists and tails.
const APPS: u64 = 1_000;
/// How long it keeps them unasked.
const APP_IDLE: Duration = Duration::from_secs(15 * 60);

/// The columns of all apps. Cheap to clone; every clone is the same.
#[derive(Clone, Debug)]
pub struct Columnar(Arc<Inner>);

/// What a [`Columnar`] holds.
#[derive(Debug)]
pub struct Inner {
    db: Db,
    clock: Clock,
    /// Decoded columns and sums of hours, by their bytes.
    parts: Cache<load::Key, load::Kept>,
    apps: Cache<Uuid, Known>,
    /// The ids of visitors and sessions by their numbers, where a question wanted all.
    names: Cache<(Uuid, Kind), Arc<Names>>,
    /// Events on their way into segments.
    fresh: fresh::Fresh,
    /// Threads that fold, over all questions.
    threads: Arc<Semaphore>,
    workers_at_once: usize,
    /// What a scan loads at once.
    wave_bytes: usize,
    /// Held by whoever changes segments, so that this instance does not compete with itself.
    sealing: Mutex<lately::Apps>,
}

/// Texts of the numbers from 1 on, read while so many had been forgotten.
#[derive(Debug)]
struct Names {
    forgotten: i64,
    texts: Arc<Texts>,
}

impl std::ops::Deref for Columnar {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Columnar {
    /// Columns of which at most so many bytes are kept decoded.
    pub fn new(db: Db, clock: Clock, cache_bytes: u64) -> Self {
        let weigh = |_: &load::Key, kept: &load::Kept| u32::try_from(kept.bytes() + 128).unwrap_or(u32::MAX);
        let workers_at_once = thread::available_parallelism().map_or(2, usize::from).clamp(1, 16);
        Self(Arc::new(Inner {
            db,
            clock,
            parts: Cache::builder().max_capacity(cache_bytes).weigher(weigh).build(),
            apps: Cache::builder().max_capacity(APPS).time_to_idle(APP_IDLE).build(),
            names: Cache::builder()
                .max_capacity(cache_bytes / 4)
                .weigher(|_, names: &Arc<Names>| u32::try_from(names.texts.bytes()).unwrap_or(u32::MAX))
                .build(),
            fresh: fresh::Fresh::default(),
            threads: Arc::new(Semaphore::new(workers_at_once)),
            workers_at_once,
            wave_bytes: scan::WAVE_BYTES.min(cache_bytes / 4) as usize,
            sealing: Mutex::default(),
        }))
    }

    /// The ids of all visitors or sessions that had numbers when a snapshot was taken, and perhaps of
    /// later ones.
    async fn everybody(&self, snapshot: &Snapshot, kind: Kind) -> Result<Arc<Texts>> {
        let (last, forgotten) = (given(&snapshot.head, kind), snapshot.head.forgotten);
        // Whoever was erased since must not be named again, on whichever instance that was done.
        let known = self.names.get(&(snapshot.app, kind)).filter(|known| known.forgotten >= forgotten);
        if let Some(known) = &known
            && known.texts.len() as i64 >= last
        {
            return Ok(known.texts.clone());
        }
        let mut texts = known.map(|known| (*known.texts).clone()).unwrap_or_default();
        numbers::all(&*self.db, snapshot.app, kind, last, &mut texts).await?;
        let texts = Arc::new(texts);
        self.names.insert((snapshot.app, kind), Arc::new(Names { forgotten, texts: texts.clone() }));
        Ok(texts)
    }

    /// About how many bytes a part takes that is not decoded yet.
    fn missing_bytes(&self, app: Uuid, segment: &Segment, part: &Part) -> usize {
        let is_here = segment.constant_or_made(part).is_some()
            || self.parts.contains_key(&load::Key::Part(app, segment.id, part.clone()));
        if is_here { 0 } else { segment.decoded_bytes(part) }
    }
}

/// A column a question may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Column {
    /// What happened.
    EventType,
    /// Whom it counts for: the user id, or the anonymous id where there is none.
    Visitor,
    /// The visit.
    Session,
    /// Whole address.
    Url,
    /// Host of the address.
    Hostname,
    /// Path of the address.
    Path,
    /// Whole referring address.
    Referrer,
    /// Its host.
    ReferrerDomain,
    /// `utm_source`
    UtmSource,
    /// `utm_medium`
    UtmMedium,
    /// `utm_campaign`
    UtmCampaign,
    /// `utm_term`
    UtmTerm,
    /// `utm_content`
    UtmContent,
    /// The page's title.
    Title,
    /// Browser name.
    Browser,
    /// Its major version.
    BrowserVersion,
    /// Operating system.
    Os,
    /// Its version.
    OsVersion,
    /// Kind of device.
    Device,
    /// Two-letter country.
    Country,
    /// Part of the country.
    Region,
    /// Town.
    City,
    /// First language.
    Language,
    /// What it brought in, as decimal text.
    Revenue,
    /// Its currency.
    Currency,
    /// `true` or `false`: whether nobody is behind it.
    IsBot,
    /// Screen width in CSS pixels, as decimal text.
    ScreenWidth,
    /// Screen height in CSS pixels, as decimal text.
    ScreenHeight,
    /// `widthxheight` of the screen.
    Screen,
    /// A custom property by its key; entries are JSON scalars or documents as text.
    Property(String),
}

/// Code of "no value" in every dictionary.
pub const NONE: u32 = 0;

impl Column {
    /// Whether its codes are the numbers of visitors or sessions.
    pub(crate) fn is_numbered(&self) -> bool {
        matches!(self, Self::Visitor | Self::Session)
    }
}
