//! One pass over the events a question is about, by as many threads as there are cores.
//!
//! The blocks of a snapshot (segments, and the tail) are cut into stretches of some thousand events.
//! Each thread takes one stretch after the other, finds the events that the question lets through, copies
//! their columns into a batch and folds it into a worker of its own; the caller merges the
//! workers. Blocks are loaded in waves, so that a question may look at more than memory holds.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::task;
use uuid::Uuid;

use super::{
    Column, Columnar, Columns, View,
    batch::Names,
    header::Segment,
    numbers::{self, Kind},
    part::{Part, Parts},
    plan::Wave,
    prune::{Chosen, Sieve},
    rollup::{Hours, Totals},
    snapshot::{Snapshot, given},
    values::Texts,
};
use crate::{
    auth::AppScope,
    error::{Error, Result},
};

/// Decoded bytes, beyond what the cache holds already, that a scan loads at once. Less where the cache has less room
/// than four times as many.
pub(super) const WAVE_BYTES: u64 = 64 << 20;
/// How often a scan begins anew because segments were replaced while it looked at them.
pub(super) const ATTEMPTS: u32 = 5;

/// Which events to read, and what of them.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Whose.
    pub app: AppScope,
    /// Of this time or later.
    pub from: i64,
    /// Before this time.
    pub to: i64,
    /// Of the commits up to this one.
    pub seq: i64,
    /// Only bots, or only what is none.
    pub is_bot: Option<bool>,
    /// Only those of this visitor.
    pub visitor: Option<String>,
    /// What events are chosen by.
    pub select: Vec<Column>,
    /// How: what it says of segments before they are read.
    pub sieve: Option<Arc<dyn Sieve>>,
    /// What is read of those chosen.
    pub columns: Vec<Column>,
    /// Whether to read when events happened.
    pub times: bool,
    /// Whether to read the ids of events.
    pub ids: bool,
    /// Whom the question needs to know.
    pub names: Wanted,
}

/// Which visitors and sessions a question needs to know by their ids.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Visitors.
    pub visitors: Who,
    /// Sessions.
    pub sessions: Who,
}

/// Whom a question needs to know.
#[derive(Debug, Clone, Default)]
pub enum Who {
    /// Nobody.
    #[default]
    Nobody,
    /// These, from everybody else.
    These(Vec<String>),
    /// Everybody.
    Everybody,
}

impl Scan {
    /// Every column it looks at.
    pub(super) fn all_columns(&self) -> Vec<Column> {
        self.select.iter().chain(&self.columns).cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Which of them events are chosen by.
    pub(super) fn is_selected_by(&self) -> Vec<bool> {
        self.all_columns().iter().map(|column| self.select.contains(column)).collect()
    }

    /// Which of them are read of those chosen.
    pub(super) fn is_folded(&self) -> Vec<bool> {
        self.all_columns().iter().map(|column| self.columns.contains(column)).collect()
    }
}

impl Wanted {
    /// Both.
    pub fn and(self, other: Self) -> Self {
        Self { visitors: self.visitors.and(other.visitors), sessions: self.sessions.and(other.sessions) }
    }
}

impl Who {
    /// Both.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everybody, _) | (_, Self::Everybody) => Self::Everybody,
            (Self::Nobody, who) | (who, Self::Nobody) => who,
            (Self::These(mut these), Self::These(more)) => {
                these.extend(more);
                Self::These(these)
            }
        }
    }
}

/// What is done with events, on one thread.
pub trait Worker: Send + 'static {
    /// Puts the places of the events of interest into `rows`, in rising order. Asked only where a scan
    /// has columns to choose by.
    fn select(&mut self, view: View<'_>, rows: &mut Vec<u32>);

    /// Takes in the events of a batch.
    fn fold(&mut self, view: View<'_>) -> Result<ControlFlow<()>>;
}

impl Columnar {
    /// Reads the events of a scan and folds them into workers, one for each thread.
    ///
    /// No request waits for a kernel: threads are those for blocking work, as many as there are cores
    /// over all questions. Dropping the future stops the scan.
    pub async fn scan<W: Worker>(&self, scan: Scan, worker: impl Fn() -> W) -> Result<(Vec<W>, Columns)> {
        let (workers, columns, _) = self.scan_and_sum(scan, None, worker).await?;
        Ok((workers, columns))
    }

    /// Like [`Self::scan`], but for the events of whole hours that rollups sum up: those are not read,
    /// and in their place are the totals of the hours' stretches. There are no totals where no rollup
    /// can be used; then all events were read.
    pub async fn scan_and_sum<W: Worker>(
        &self,
        scan: Scan,
        hours: Option<&Hours>,
        worker: impl Fn() -> W,
    ) -> Result<(Vec<W>, Columns, Vec<Totals>)> {
        let started = std::time::Instant::now();
        for _ in 0..ATTEMPTS {
            let snapshot = self.snapshot(scan.app.app_id()).await?;
            let hours = hours.filter(|_| snapshot.are_rollups_usable(&scan));
            let totals = match hours {
                Some(hours) => self.totals(&snapshot, hours, scan.is_bot).await?,
                None => Some(Vec::new()),
            };
            let summed = hours.map(|hours| (hours.from, hours.to));
            let scanned = self.scan_snapshot(&snapshot, &scan, summed, &worker).await?;
            if let (Some((workers, columns)), Some(totals)) = (scanned, totals) {
                metrics::histogram!("uea_scan_seconds").record(started.elapsed().as_secs_f64());
                return Ok((workers, columns, totals));
            }
        }
        Err(Error::unavailable("segments were replaced again and again"))
    }

    pub(super) async fn scan_snapshot<W: Worker>(
        &self,
        snapshot: &Arc<Snapshot>,
        scan: &Scan,
        summed: Option<(i64, i64)>,
        worker: &impl Fn() -> W,
    ) -> Result<Option<(Vec<W>, Columns)>> {
        let mut columns = Columns::new(scan.all_columns());
        columns.set_snapshot(snapshot.clone());
        self.name(snapshot, scan, &mut columns).await?;
        let visitor = match &scan.visitor {
            None => None,
            Some(id) => {
                match self.numbers_of(snapshot, Kind::Visitor, std::slice::from_ref(id)).await?.into_keys().next() {
                    Some(number) => Some(number),
                    None => return Ok(Some((vec![worker()], columns))),
                }
            }
        };
        let threads = self.workers_at_once;
        let mut workers: Vec<W> = (0..threads).map(|_| worker()).collect();
        let wanted: Vec<Part> = parts_of(scan, visitor.is_some());
        let segments = overlapping(snapshot, scan, summed);
        let Some(chosen) = self.prune(snapshot.app, scan, &columns, visitor, segments).await? else { return Ok(None) };
        let mut segments = chosen.into_iter().peekable();
        let mut tail = snapshot.tail.as_ref().map_or_else(Vec::new, |tail| tail.blocks.clone());
        while segments.peek().is_some() || !tail.is_empty() {
            let (mut wave, mut bytes) = (Vec::new(), 0);
            while let Some((segment, _)) = segments.peek() {
                bytes += wanted.iter().map(|part| self.missing_bytes(snapshot.app, segment, part)).sum::<usize>();
                if bytes > self.wave_bytes && !wave.is_empty() {
                    break;
                }
                wave.extend(segments.next());
            }
            let Some(loaded) = self.load_wave(snapshot.app, wave, &wanted, scan).await? else { return Ok(None) };
            let tail = if segments.peek().is_none() { std::mem::take(&mut tail) } else { Vec::new() };
            let work = Wave {
                scan: scan.clone(),
                snapshot: snapshot.clone(),
                loaded,
                tail,
                visitor,
                wanted: wanted.clone(),
                summed,
            };
            (workers, columns) = self.run(work, workers, columns).await?;
        }
        Ok(Some((workers, columns)))
    }

    /// The wanted parts of segments, but for what events are chosen by where all are, and the commits where
    /// some of a segment's are beyond those of the scan.
    pub(super) async fn load_wave(
        &self,
        app: Uuid,
        wave: Vec<Chosen>,
        wanted: &[Part],
        scan: &Scan,
    ) -> Result<Option<Vec<(Chosen, Parts)>>> {
        let is_read = |part: &&Part| match part {
            // By it the events of one visitor are found.
            Part::Column(Column::Visitor) if scan.visitor.is_some() => true,
            Part::Column(column) => !scan.select.contains(column) || scan.columns.contains(column),
            _ => true,
        };
        let read: Vec<Part> = wanted.iter().filter(is_read).cloned().collect();
        let mut all = Vec::with_capacity(wave.len());
        for (is_whole, wanted) in [(false, wanted), (true, &read)] {
            let own = wave.iter().filter(|(_, own)| *own == is_whole);
            let segments: Vec<Arc<Segment>> = own.map(|(segment, _)| segment.clone()).collect();
            let Some(loaded) = self.load(app, &segments, wanted).await? else { return Ok(None) };
            for (segment, mut parts) in segments.into_iter().zip(loaded) {
                if segment.last_seq > scan.seq {
                    let Some(seqs) = self.load(app, std::slice::from_ref(&segment), &[Part::Seqs]).await? else {
                        return Ok(None);
                    };
                    parts.extend(seqs.into_iter().flatten());
                }
                all.push(((segment, is_whole), parts));
            }
        }
        Ok(Some(all))
    }

    /// Folds a wave on all threads.
    async fn run<W: Worker>(&self, wave: Wave, workers: Vec<W>, mut columns: Columns) -> Result<(Vec<W>, Columns)> {
        let prepared = task::spawn_blocking(move || {
            let plan = wave.plan(&mut columns)?;
            Ok::<_, Error>((plan, columns))
        });
        let (plan, columns) = prepared.await.map_err(Error::internal)??;
        let turns = plan.turns(workers.len());
        let plan = Arc::new((plan, columns, turns));
        let stop = Arc::new(AtomicBool::new(false));
        let _stop_when_dropped = StopOnDrop(stop.clone());
        let mut running = Vec::new();
        let mut idle = Vec::new();
        for mut worker in workers {
            // The first thread is waited for; others help if they are free.
            let permit = match running.is_empty() {
                true => Some(self.threads.clone().acquire_owned().await.map_err(Error::internal)?),
                false => self.threads.clone().try_acquire_owned().ok(),
            };
            let Some(permit) = permit else {
                idle.push(worker);
                continue;
            };
            let (plan, stop, own) = (plan.clone(), stop.clone(), running.len());
            running.push(task::spawn_blocking(move || {
                let _permit = permit;
                let (plan, columns, turns) = &*plan;
                plan.work(columns, turns, own, &stop, &mut worker).map(|()| worker)
            }));
        }
        let mut workers = idle;
        for worker in running {
            workers.push(worker.await.map_err(Error::internal)??);
        }
        let (_, columns, _) = Arc::into_inner(plan).ok_or_else(|| Error::internal("a scan goes on after its end"))?;
        Ok((workers, columns))
    }

    /// Finds out who the visitors and sessions are whom the question needs to know.
    pub(super) async fn name(&self, snapshot: &Snapshot, scan: &Scan, columns: &mut Columns) -> Result<()> {
        for kind in Kind::ALL {
            let Some(place) = columns.place(&kind.column()) else { continue };
            let who = match kind {
                Kind::Visitor => &scan.names.visitors,
                Kind::Session => &scan.names.sessions,
            };
            let names = match who {
                Who::Nobody => Names::Unknown,
                Who::These(ids) => Names::Some(self.numbers_of(snapshot, kind, ids).await?),
                Who::Everybody => {
                    let newcomers = snapshot.tail.as_ref().map(|tail| tail.newcomers[kind as usize].clone());
                    let given = given(&snapshot.head, kind) as u32;
                    Names::All(self.everybody(snapshot, kind).await?, given, newcomers.unwrap_or_default())
                }
            };
            columns.set_names(place, names, snapshot.numbers(kind));
        }
        Ok(())
    }

    /// The numbers of those of these ids that have one, newcomers included.
    pub(super) async fn numbers_of(
        &self,
        snapshot: &Snapshot,
        kind: Kind,
        ids: &[String],
    ) -> Result<HashMap<u32, String>> {
        let texts: Vec<&str> = ids.iter().map(String::as_str).collect();
        let known = numbers::of_texts(&*self.db, snapshot.app, kind, &texts).await?;
        // Numbers given since the snapshot was read may be those of its newcomers.
        let given = given(&snapshot.head, kind) as u32;
        let mut numbers: HashMap<u32, String> =
            known.into_iter().map(|(id, number)| (number, id)).filter(|(number, _)| *number <= given).collect();
        let newcomers = snapshot.tail.as_ref().map(|tail| &tail.newcomers[kind as usize]);
        let texts: HashSet<&str> = texts.into_iter().collect();
        for (place, newcomer) in newcomers.into_iter().flat_map(Texts::iter).enumerate() {
            if texts.contains(newcomer) {
                numbers.insert(given + place as u32 + 1, newcomer.to_owned());
            }
        }
        Ok(numbers)
    }
}

pub(super) fn overlapping(snapshot: &Snapshot, scan: &Scan, summed: Option<(i64, i64)>) -> Vec<Arc<Segment>> {
    let own = snapshot.segments.iter().filter(|segment| segment.overlaps(scan));
    own.filter(|segment| snapshot.windows(segment, scan, summed).next().is_some()).cloned().collect()
}

/// The parts a scan looks at.
pub(super) fn parts_of(scan: &Scan, visitor: bool) -> Vec<Part> {
    let mut parts: Vec<Part> = scan.all_columns().into_iter().map(Part::Column).collect();
    parts.push(Part::Times);
    parts.push(Part::Column(Column::IsBot));
    if scan.ids {
        parts.push(Part::Ids);
    }
    if visitor {
        parts.push(Part::Column(Column::Visitor));
    }
    parts.sort_unstable();
    parts.dedup();
    parts
}

impl Segment {
    pub(super) fn overlaps(&self, scan: &Scan) -> bool {
        self.header.from < scan.to && scan.from <= self.header.to && self.first_seq <= scan.seq
    }
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
