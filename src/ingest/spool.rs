//! The spool: a bounded log on this machine's disk for events that the database can not take now.
//!
//! What is kept here is on the disk when [`Spool::keep`] returns, and stays there until it is
//! stored. The log is an SQLite file in WAL mode that is synced at every commit; all who wait share
//! one commit. A torn tail is SQLite's to find; each record has a checksum besides, and one that
//! does not fit is set aside so that the others are stored. A file belongs to one process at a time:
//! a second instance on the same folder takes a second file, and a file whose process is gone for
//! good is emptied by whoever finds it.

mod erase;
mod file;
mod keep;
mod later;
mod mend;
mod record;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use uuid::Uuid;

use self::{
    file::SpoolFile,
    keep::{Entry, keep_groups},
    later::Later,
    record::Record,
};
use super::{
    Draft,
    heavy::heavy,
    shares::{Shares, refused_for_want_of_room},
};
use crate::{
    clock::Clock,
    config::create_private_dir,
    error::{Error, Result},
};

/// Instances that may have a file in one folder.
const FILES: usize = 32;

/// An app may hold so many times what is free: one alone nearly all of the spool.
const SHARE: usize = 8;

/// When a client should try again after the spool was full.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How much JSON of spooled events is read at once, beyond the first record.
const BATCH_JSON_BYTES: usize = 16 << 20;

/// A rough size of an event, before it is written down.
const EVENT_BYTES: usize = 1_024;

/// The spool of this process.
#[derive(Clone)]
pub struct Spool {
    /// Its file.
    log: Arc<Log>,
    folder: Arc<Path>,
    clock: Clock,
    entries: mpsc::UnboundedSender<Entry>,
}

/// A file of the spool and what is known of it.
pub(super) struct Log {
    file: SpoolFile,
    /// Room in bytes.
    room: Shares,
    events: AtomicU64,
    aside: AtomicU64,
    filled: Notify,
    /// What can not be stored now, or not be set aside.
    later: Later,
    /// Held while events are counted and written, or counted anew.
    keeping: Mutex<()>,
    /// How often the file was replaced by what could be read of it.
    mended: Mutex<u64>,
}

/// Records to be stored next, oldest first.
pub(super) struct Batch {
    pub records: Vec<Spooled>,
    /// The last id that was looked at, of a record that can be read or of one that can not.
    pub last: i64,
    mended: u64,
}

/// The events of one record.
pub(super) struct Spooled {
    id: i64,
    app: Uuid,
    bytes: usize,
    pub events: Vec<Draft>,
}

impl Spool {
    /// Whether there is anything in `folder`.
    pub fn exists(folder: &Path) -> bool {
        paths(folder).any(|path| path.exists())
    }

    /// Takes a file in `folder`, which is made where it is missing; at most `max_bytes` are kept.
    pub async fn open(folder: &Path, max_bytes: u64, clock: Clock) -> Result<Self> {
        create_private_dir(folder).map_err(Error::internal)?;
        for path in paths(folder) {
            let Some(file) = SpoolFile::lock(path, max_bytes, clock.clone()).map_err(Error::internal)? else {
                continue;
            };
            let log = Arc::new(Log::open(file, max_bytes).await?);
            if log.events() > 0 {
                tracing::info!(events = log.events(), "the spool holds events; storing them");
            }
            let aside = log.aside.load(Ordering::Relaxed);
            if aside > 0 {
                let file = log.file.path().display();
                tracing::error!(records = aside, %file, "records that could not be read lie aside in the spool");
            }
            let (entries, waiting) = mpsc::unbounded_channel();
            tokio::spawn(keep_groups(log.clone(), waiting));
            return Ok(Self { log, folder: folder.into(), clock, entries });
        }
        Err(Error::internal(format!("{FILES} processes use the spool in {} already", folder.display())))
    }

    /// Keeps events of one app. They are on the disk when this returns; where it fails, none is kept.
    pub async fn keep(&self, app: Uuid, events: Arc<Vec<Draft>>) -> Result<()> {
        let mut room = self.log.room.take(app, size_of::<Record>()).ok_or_else(full)?;
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let record = heavy(events.len() * EVENT_BYTES, || Record::of(app, &events)).await?;
        if !room.grow(record.bytes().saturating_sub(size_of::<Record>())) {
            return Err(full());
        }
        let (done, kept) = oneshot::channel();
        self.entries.send(Entry { record, room, done }).map_err(|_| full())?;
        kept.await.map_err(|_| Error::unavailable("the spool stopped before it answered"))??;
        metrics::counter!("uea_spooled_total").increment(count);
        Ok(())
    }

    /// Events that wait to be stored.
    pub fn events(&self) -> u64 {
        self.log.events()
    }

    /// Bytes they take.
    pub fn bytes(&self) -> usize {
        self.log.room.held()
    }

    /// Records that could not be read and were set aside, now and before.
    pub fn set_aside(&self) -> u64 {
        self.log.aside.load(Ordering::Relaxed)
    }

    /// Whether there is room for more.
    pub fn has_room(&self) -> bool {
        self.log.room.take(Uuid::nil(), size_of::<Record>()).is_some()
    }

    /// Leaves the file to whoever comes next. Nothing may be kept any more.
    pub async fn close(&self) {
        self.log.file.release().await;
    }

    /// This process's own file.
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// Files that other processes have left behind. They are ours as long as they are held.
    pub(super) async fn orphans(&self) -> Vec<Log> {
        let mut found = Vec::new();
        for path in paths(&self.folder).filter(|path| path.exists() && *path != self.log.file.path()) {
            let Ok(Some(file)) = SpoolFile::lock(path, u64::MAX, self.clock.clone()) else { continue };
            match Log::open(file, u64::MAX).await {
                Ok(log) => found.push(log),
                Err(error) => error.log(),
            }
        }
        found
    }
}

impl Log {
    async fn open(file: SpoolFile, max_bytes: u64) -> Result<Self> {
        let capacity = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let log = Self {
            file,
            room: Shares::generous(capacity, SHARE),
            events: AtomicU64::new(0),
            aside: AtomicU64::new(0),
            filled: Notify::new(),
            later: Later::default(),
            keeping: Mutex::new(()),
            mended: Mutex::new(0),
        };
        mend::finish(&log.file).map_err(Error::internal)?;
        if log.file.exists() {
            log.healed(|| log.recount()).await?;
        }
        Ok(log)
    }

    /// Events that wait to be stored.
    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Acquire)
    }

    /// Waits until something was kept since somebody last waited.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// The oldest events behind `after`. Records that can not be read are set aside on the way.
    pub(super) async fn oldest(&self, after: i64) -> Result<Batch> {
        if !self.file.exists() {
            return Ok(Batch { records: Vec::new(), last: after, mended: 0 });
        }
        let (kept, mended) = self
            .healed(|| async move {
                let mended = *self.mended.lock().await;
                Ok((self.file.oldest(after).await?, mended))
            })
            .await?;
        let (mut last, mut json_bytes) = (after, 0);
        let (mut records, mut broken) = (Vec::with_capacity(kept.len()), HashMap::<_, Vec<_>>::new());
        for kept in kept {
            let (id, app, bytes) = (kept.id, kept.record.app, kept.record.bytes());
            if json_bytes >= BATCH_JSON_BYTES {
                break;
            }
            last = id;
            if self.later.holds(id) {
                continue;
            }
            match kept.record.read() {
                Ok((events, json)) => {
                    json_bytes += json;
                    records.push(Spooled { id, app, bytes, events });
                }
                Err(why) => broken.entry(why).or_default().push((id, kept.record)),
            }
        }
        for (why, broken) in broken {
            tracing::error!(records = broken.len(), why, file = %self.file.path().display(), "spooled events set aside");
            let gone: Vec<_> =
                broken.iter().map(|(id, record)| (*id, record.app, record.bytes(), record.events)).collect();
            if let Err(error) = self.leave(mended, &gone, Some(why)).await {
                // As on a disk that is full; the others can be read all the same.
                error.log();
                self.later.add(gone.iter().map(|(id, ..)| *id));
            }
        }
        Ok(Batch { records, last, mended })
    }

    /// Removes what was stored.
    pub(super) async fn done(&self, batch: &Batch, records: impl Iterator<Item = &Spooled>) -> Result<()> {
        self.leave(batch.mended, &gone(records), None).await
    }

    /// Leaves records where they are and out of the next batches.
    pub(super) fn pass_over<'a>(&self, records: impl Iterator<Item = &'a Spooled>) {
        self.later.add(records.map(|record| record.id));
    }

    /// Counts the events anew where none was found though some should be there.
    pub(super) async fn count_again(&self) {
        if !self.later.is_empty() || !self.file.exists() {
            return;
        }
        let _keeping = self.keeping.lock().await;
        let _mended = self.mended.lock().await;
        if let Err(error) = self.count_events().await {
            tracing::debug!(%error, "the spool can not be counted");
        }
    }

    /// Counts the events that the file holds; says how many bytes those of each app take.
    async fn count_events(&self) -> Result<HashMap<Uuid, usize>, sqlx::Error> {
        let held = self.file.held().await?;
        self.events.store(held.values().map(|(events, _)| events).sum(), Ordering::Release);
        Ok(held.into_iter().map(|(app, (_, bytes))| (app, bytes)).collect())
    }

    /// Records leave the log. Nothing is done when the file was replaced since they were read: their
    /// numbers may be others' now, and storing them again changes nothing.
    async fn leave(&self, read_at: u64, gone: &[(i64, Uuid, usize, u32)], aside: Option<&str>) -> Result<()> {
        if gone.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = gone.iter().map(|(id, ..)| *id).collect();
        let mut mended = self.mended.lock().await;
        if *mended != read_at {
            return Ok(());
        }
        let left = match aside {
            None => self.file.delete(&ids).await,
            Some(reason) => self.file.set_aside(&ids, reason).await,
        };
        if let Err(error) = left {
            if file::is_damage(&error) {
                self.mend(&mut mended, &error).await?;
            }
            return Err(failed(&error));
        }
        if aside.is_some() {
            let records = u64::try_from(ids.len()).unwrap_or_default();
            self.aside.fetch_add(records, Ordering::Relaxed);
            metrics::counter!("uea_spool_corrupt_total").increment(records);
        }
        self.later.forget(&ids);
        for (_, app, bytes, events) in gone {
            self.room.give_back(*app, *bytes);
            self.uncount(u64::from(*events));
        }
        if self.events() == 0 && self.room.held() == 0 {
            self.file.shrink().await;
        }
        Ok(())
    }

    fn uncount(&self, events: u64) {
        let left = |counted: u64| Some(counted.saturating_sub(events));
        let _ = self.events.fetch_update(Ordering::AcqRel, Ordering::Acquire, left);
    }

    /// Reads what the file holds.
    async fn recount(&self) -> Result<(), sqlx::Error> {
        self.room.restore(self.count_events().await?);
        self.aside.store(self.file.aside().await?, Ordering::Relaxed);
        Ok(())
    }

    /// Does something with the file; when that is damaged, a second time, on what could be read of it.
    async fn healed<T, F: Future<Output = Result<T, sqlx::Error>>>(&self, work: impl Fn() -> F) -> Result<T> {
        let before = *self.mended.lock().await;
        let done = match work().await {
            Err(error) if file::is_damage(&error) => {
                let mut mended = self.mended.lock().await;
                if *mended == before {
                    self.mend(&mut mended, &error).await?;
                }
                drop(mended);
                work().await
            }
            done => done,
        };
        done.map_err(|error| failed(&error))
    }

    async fn mend(&self, mended: &mut u64, damage: &sqlx::Error) -> Result<()> {
        *mended += 1;
        metrics::counter!("uea_spool_corrupt_total").increment(1);
        mend::mend(&self.file, damage).await.map_err(Error::internal)?;
        self.recount().await.map_err(|error| failed(&error))
    }

    /// Closes the file; one that holds nothing is removed.
    pub(super) async fn give_up(self) {
        if self.events() == 0 && self.aside.load(Ordering::Relaxed) == 0 {
            self.file.remove().await;
        } else {
            self.file.close().await;
        }
    }
}

fn gone<'a>(records: impl Iterator<Item = &'a Spooled>) -> Vec<(i64, Uuid, usize, u32)> {
    let events = |record: &Spooled| u32::try_from(record.events.len()).unwrap_or(u32::MAX);
    records.map(|record| (record.id, record.app, record.bytes, events(record))).collect()
}

/// The files that may be in a folder.
fn paths(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let name = |n| if n == 1 { "spool.db".to_owned() } else { format!("spool-{n}.db") };
    (1..=FILES).map(move |n| folder.join(name(n)))
}

fn full() -> Error {
    refused_for_want_of_room("spool", RETRY_AFTER, "the spool is full")
}

fn failed(error: &sqlx::Error) -> Error {
    if file::is_full(error) { full() } else { Error::unavailable(format!("the spool: {error}")) }
}
