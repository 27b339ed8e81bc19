//! Whether segments hold what the rows say.
//!
//! The rows of a segment's commits are made into columns anew and compared with the stored ones, value
//! by value; rollups are made anew of the stored columns and compared likewise. Segments are immutable, and
//! rows that are sealed go only together with the segment that holds them: so this can be done while events
//! arrive, and where something differs and the segment is still there, it is drift.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use tokio::task;
use uuid::Uuid;

use super::{
    Column, Columnar, NONE,
    build::Builder,
    header::Segment,
    load::made_from_tail,
    numbers::Kind,
    part::{Loaded, Part, Parts},
    property, rollup,
    snapshot::{Snapshot, number, read_rows},
    values::Values,
};
use crate::{
    entity::{event, event_aggregation},
    error::{Error, Result},
};

/// How many differences are told.
const MAX_DRIFT: usize = 20;
/// How often segments may be replaced without that one is compared in between.
const ATTEMPTS: u32 = 20;

/// What a comparison of an app's rows with its segments has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Rows whose events belong into the segments that were compared.
    pub sealed_rows: u64,
    /// Events that these segments hold.
    pub sealed_events: u64,
    /// Rows that came after the last segment; questions read them as they are.
    pub tail_rows: u64,
    /// Number of segments.
    pub segments: u64,
    /// Bytes of their columns.
    pub bytes: u64,
    /// Number of segments whose sums by hour are kept.
    pub rollups: u64,
    /// Bytes of these.
    pub rollup_bytes: u64,
    /// Where rollups, segments and rows differ, at most 20 places; empty when they agree.
    pub drift: Vec<String>,
    /// Where to go on: the commit behind which nothing was compared for want of time.
    pub next: Option<i64>,
}

/// A segment that was compared: its rows and its events of later commits than those compared before.
struct Compared {
    rows: u64,
    events: u64,
    drift: Vec<String>,
}

impl Columnar {
    /// Compares every segment of an app with its rows.
    pub async fn verify(&self, app: Uuid) -> Result<Verification> {
        self.verify_after(app, 0, None).await
    }

    /// Compares the segments with commits behind `after` with their rows, in the order of their commits:
    /// one, and then as many as can be begun `within` a time. What is replaced meanwhile is met again as what it
    /// has become.
    pub async fn verify_after(&self, app: Uuid, after: i64, within: Option<Duration>) -> Result<Verification> {
        let started = Instant::now();
        let (mut done, mut attempts) = (after, 0);
        let (mut sealed_rows, mut sealed_events, mut drift) = (0, 0, Vec::new());
        let (snapshot, next) = 'all: loop {
            let snapshot = self.snapshot(app).await?;
            for segment in &snapshot.segments {
                if segment.last_seq <= done {
                    continue;
                }
                if done > after && within.is_some_and(|within| started.elapsed() >= within) {
                    break 'all (snapshot.clone(), Some(done));
                }
                let Some(compared) = self.verify_segment(app, segment, done).await? else {
                    attempts += 1;
                    if attempts > ATTEMPTS {
                        return Err(Error::unavailable("segments were replaced again and again"));
                    }
                    continue 'all;
                };
                let strays = self.rows(app, (done, segment.first_seq - 1)).await?;
                sealed_rows += strays + compared.rows;
                sealed_events += compared.events;
                drift.extend(compared.drift.into_iter().take(MAX_DRIFT.saturating_sub(drift.len())));
                (done, attempts) = (segment.last_seq, 0);
            }
            break (snapshot, None);
        };
        let sealed = snapshot.head.sealed_seq;
        if next.is_none() {
            sealed_rows += self.rows(app, (done, sealed)).await?;
        }
        let mut found = summed_up(&snapshot);
        found.tail_rows = self.rows(app, (sealed, i64::MAX)).await?;
        (found.sealed_rows, found.sealed_events, found.next) = (sealed_rows, sealed_events, next);
        if sealed_rows != sealed_events {
            found.drift.push(format!("{sealed_rows} rows are sealed, and segments hold {sealed_events} events"));
        }
        found.drift.extend(drift);
        found.drift.truncate(MAX_DRIFT);
        Ok(found)
    }

    /// How many rows there are of the commits behind one and up to another.
    async fn rows(&self, app: Uuid, (after, until): (i64, i64)) -> Result<u64> {
        if until <= after {
            return Ok(0);
        }
        let rows = event::Entity::as_of(app, until).filter(event::Column::Seq.gt(after));
        Ok(rows.count(&*self.db).await?)
    }

    /// Compares a segment with its rows; nothing when it was replaced meanwhile.
    async fn verify_segment(&self, app: Uuid, segment: &Arc<Segment>, after: i64) -> Result<Option<Compared>> {
        let (id, events) = (segment.id, segment.events);
        let stored = match self.load_whole(app, segment).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Ok(None),
            // A column that is damaged or missing.
            Err(Error::Internal(cause)) => {
                let rows = self.rows(app, (after.max(segment.first_seq - 1), segment.last_seq)).await?;
                let drift = vec![format!("segment {id} cannot be read: {cause}")];
                return Ok(Some(Compared { rows, events: rows, drift }));
            }
            Err(error) => return Err(error),
        };
        let mut builder = Builder::default();
        let commits = (segment.first_seq - 1, segment.last_seq);
        read_rows(&*self.db, app, commits, usize::MAX, &mut builder).await?;
        let mut tables = Vec::new();
        for kind in Kind::ALL {
            tables.push((kind, self.numbers_of_builder(&builder, kind, app).await?));
        }
        let rollup = event_aggregation::Entity::find_by_id((app, segment.id)).one(&*self.db).await?;
        let compare = move || {
            let later = |seqs: &[i64]| seqs.iter().filter(|seq| **seq > after).count() as u64;
            let seqs = match stored.get(&Part::Seqs) {
                Some(Loaded::Numbers(seqs)) => later(seqs),
                _ => 0,
            };
            let (rows, own_events) = (later(&builder.seqs), seqs);
            let of = |drift| Compared { rows, events: own_events, drift };
            if builder.len() != events {
                return of(vec![format!("segment {id} holds {events} events of {} rows", builder.len())]);
            }
            let mut own = builder.build();
            tables.iter().for_each(|(kind, table)| number(&mut own, *kind, table));
            let rolled = rollup.filter(|row| row.hours > 0).and_then(|row| {
                let is_equal = rollup::decode(&row.data).is_ok_and(|rollup| rollup::made_of(&stored) == Some(rollup));
                (!is_equal).then(|| format!("the rollup of segment {id} differs from its columns"))
            });
            let differing = differing(&own, &stored, events).into_iter();
            of(differing.map(|part| format!("segment {id} differs from its rows in {part}")).chain(rolled).collect())
        };
        let compared = task::spawn_blocking(compare).await.map_err(Error::internal)?;
        // Rows are removed together with the segment that holds them.
        let is_there = compared.drift.is_empty() || self.has_segment(app, id).await?;
        Ok(is_there.then_some(compared))
    }

    /// The numbers of a builder's codes; a text that has none gets one that nobody has.
    async fn numbers_of_builder(&self, builder: &Builder, kind: Kind, app: Uuid) -> Result<Vec<u32>> {
        let texts: Vec<&str> = builder.texts(kind).collect();
        let known = super::numbers::of_texts(&*self.db, app, kind, &texts).await?;
        let numbers = texts.iter().map(|text| known.get(*text).copied().unwrap_or(u32::MAX));
        Ok(std::iter::once(NONE).chain(numbers).collect())
    }
}

/// What a snapshot has, before anything is compared.
fn summed_up(snapshot: &Snapshot) -> Verification {
    let is_here = |id: &i64| snapshot.segments.iter().any(|segment| segment.id == *id);
    let strays = snapshot.rollups.keys().filter(|id| !is_here(id));
    Verification {
        sealed_rows: 0,
        sealed_events: 0,
        tail_rows: 0,
        segments: snapshot.segments.len() as u64,
        bytes: snapshot.segments.iter().map(|segment| segment.bytes as u64).sum(),
        rollups: snapshot.rollups.len() as u64,
        rollup_bytes: snapshot.rollups.values().map(|(bytes, _)| *bytes as u64).sum(),
        drift: strays.map(|id| format!("there is a rollup of segment {id}, which there is not")).collect(),
        next: None,
    }
}

/// The names of the parts in which two segments differ.
fn differing(own: &Parts, stored: &Parts, events: usize) -> Vec<String> {
    let all: BTreeSet<&Part> = own.keys().chain(stored.keys()).collect();
    let columns = all.iter().filter(|part| ***part != Part::Rest && !is_equal(own, stored, part, events));
    let mut differing: Vec<String> = columns.map(|part| String::from((*part).clone())).collect();
    // Which properties have columns depends on the order in which they came.
    let shown = |parts: &Parts| match parts.get(&Part::Rest) {
        Some(Loaded::Values(rest)) => Some((rest.clone(), further(rest, &all))),
        _ => None,
    };
    let (own, stored) = (shown(own), shown(stored));
    let at = |of: &Option<(Arc<Values>, Vec<Properties>)>, place: usize| {
        let (rest, properties) = of.as_ref()?;
        properties.get(rest.codes.get(place) as usize).filter(|properties| !properties.is_empty()).cloned()
    };
    if (0..events).any(|place| at(&own, place) != at(&stored, place)) {
        differing.push(Part::Rest.into());
    }
    differing
}

/// Values of properties by their keys, in one spelling.
type Properties = Arc<BTreeMap<String, String>>;

/// By its code, what each text of further properties says of those that have a column nowhere.
fn further(rest: &Values, columns: &BTreeSet<&Part>) -> Vec<Properties> {
    let properties = |json: &str| {
        let mut found = BTreeMap::new();
        property::each(json, |key, value| {
            if columns.contains(&Part::Column(Column::Property(key.to_owned()))) {
                return;
            }
            // Of a key that comes twice, the last counts.
            match property::canonical(value) {
                Some(value) => drop(found.insert(key.to_owned(), value)),
                None => drop(found.remove(key)),
            }
        });
        Arc::new(found)
    };
    std::iter::once(Properties::default()).chain(rest.texts.iter().map(properties)).collect()
}

fn is_equal(own: &Parts, stored: &Parts, part: &Part, events: usize) -> bool {
    let pair = (made_from_tail(own, part, events), made_from_tail(stored, part, events));
    match pair {
        (Some(Loaded::Numbers(own)), Some(Loaded::Numbers(stored))) => own == stored,
        (Some(Loaded::Ids(own)), Some(Loaded::Ids(stored))) => own == stored,
        (Some(Loaded::Values(own)), Some(Loaded::Values(stored))) => {
            let is_numbered = matches!(part, Part::Column(column) if Column::is_numbered(column));
            (0..events).all(|place| value(&own, place, is_numbered) == value(&stored, place, is_numbered))
        }
        _ => false,
    }
}

/// A visitor's or session's number, or a value's text.
fn value(values: &Values, place: usize, is_numbered: bool) -> (u32, Option<&str>) {
    let code = values.codes.get(place);
    if is_numbered { (code, None) } else { (NONE, values.texts.get(code)) }
}
