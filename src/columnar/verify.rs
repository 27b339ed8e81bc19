//! Whether segments hold what the rows say.
//!
//! The rows of a segment's commits are made into columns anew and compared with the stored ones, value
//! by value; rollups are made anew of the stored columns and compared likewise. Segments are immutable and
//! rows are never changed, so this can be done while events arrive.

use std::{
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
    rollup,
    snapshot::{number, read_rows},
    values::Values,
};
use crate::{
    entity::{event, event_aggregation},
    error::{Error, Result},
};

/// How many differences are told.
const MAX_DRIFT: usize = 20;

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

impl Columnar {
    /// Compares every segment of an app with its rows.
    pub async fn verify(&self, app: Uuid) -> Result<Verification> {
        self.verify_after(app, 0, None).await
    }

    /// Compares the segments with commits behind `after` with their rows, in the order of their commits:
    /// one, and then as many as can be begun `within` a time.
    pub async fn verify_after(&self, app: Uuid, after: i64, within: Option<Duration>) -> Result<Verification> {
        let started = Instant::now();
        let snapshot = self.snapshot(app).await?;
        let rows = |after: i64| {
            event::Entity::find().filter(event::Column::AppId.eq(app)).filter(event::Column::Seq.gt(after))
        };
        let mut found = Verification {
            sealed_rows: 0,
            sealed_events: 0,
            tail_rows: rows(snapshot.head.sealed_seq).count(&*self.db).await?,
            segments: snapshot.segments.len() as u64,
            bytes: snapshot.segments.iter().map(|segment| segment.bytes as u64).sum(),
            rollups: snapshot.rollups.len() as u64,
            rollup_bytes: snapshot.rollups.values().map(|(bytes, _)| *bytes as u64).sum(),
            drift: Vec::new(),
            next: None,
        };
        let is_here = |id: &i64| snapshot.segments.iter().any(|segment| segment.id == *id);
        let strays = snapshot.rollups.keys().filter(|id| !is_here(id));
        found.drift.extend(strays.map(|id| format!("there is a rollup of segment {id}, which there is not")));
        let (mut from, mut until) = (after, after);
        let mut drift = Vec::new();
        for segment in snapshot.segments.iter().filter(|segment| segment.last_seq > after) {
            if until > after && within.is_some_and(|within| started.elapsed() >= within) {
                found.next = Some(until);
                break;
            }
            // What was merged since `after` was told may begin before it.
            from = from.min(segment.first_seq - 1);
            until = segment.last_seq;
            found.sealed_events += segment.events as u64;
            if found.drift.len() + drift.len() >= MAX_DRIFT {
                continue;
            }
            match self.verify_segment(app, segment).await? {
                Some(more) => drift.extend(more),
                // It was replaced while this went on.
                None => {
                    let left = within.map(|within| within.saturating_sub(started.elapsed()));
                    return Box::pin(self.verify_after(app, after, left)).await;
                }
            }
        }
        let until = found.next.unwrap_or(snapshot.head.sealed_seq);
        found.sealed_rows = rows(from).filter(event::Column::Seq.lte(until)).count(&*self.db).await?;
        if found.sealed_rows != found.sealed_events {
            let Verification { sealed_rows, sealed_events, .. } = found;
            found.drift.push(format!("{sealed_rows} rows are sealed, and segments hold {sealed_events} events"));
        }
        found.drift.extend(drift);
        found.drift.truncate(MAX_DRIFT);
        Ok(found)
    }

    async fn verify_segment(&self, app: Uuid, segment: &Arc<Segment>) -> Result<Option<Vec<String>>> {
        let Some(stored) = self.load_whole(app, segment).await? else { return Ok(None) };
        let mut builder = Builder::default();
        read_rows(&*self.db, app, segment.first_seq - 1, segment.last_seq, &mut builder).await?;
        let mut tables = Vec::new();
        for kind in Kind::ALL {
            tables.push((kind, self.numbers_of_builder(&builder, kind, app).await?));
        }
        let rollup = event_aggregation::Entity::find_by_id((app, segment.id)).one(&*self.db).await?;
        let (id, events) = (segment.id, segment.events);
        let compare = move || {
            if builder.len() != events {
                return vec![format!("segment {id} holds {events} events of {} rows", builder.len())];
            }
            let mut own = builder.build();
            tables.iter().for_each(|(kind, table)| number(&mut own, *kind, table));
            let rolled = rollup.filter(|row| row.hours > 0).and_then(|row| {
                let is_equal = rollup::decode(&row.data).is_ok_and(|rollup| rollup::made_of(&stored) == Some(rollup));
                (!is_equal).then(|| format!("the rollup of segment {id} differs from its columns"))
            });
            own.keys()
                .chain(stored.keys().filter(|part| !own.contains_key(part)))
                .filter(|part| !matches!(part, Part::Rest) && !is_equal(&own, &stored, part, events))
                .map(|part| format!("segment {id} differs from its rows in {}", String::from(part.clone())))
                .chain(rolled)
                .collect()
        };
        Ok(Some(task::spawn_blocking(compare).await.map_err(Error::internal)?))
    }

    /// The numbers of a builder's codes; a text that has none gets one that nobody has.
    async fn numbers_of_builder(&self, builder: &Builder, kind: Kind, app: Uuid) -> Result<Vec<u32>> {
        let texts: Vec<&str> = builder.texts(kind).collect();
        let known = super::numbers::of_texts(&*self.db, app, kind, &texts).await?;
        let numbers = texts.iter().map(|text| known.get(*text).copied().unwrap_or(u32::MAX));
        Ok(std::iter::once(NONE).chain(numbers).collect())
    }
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
