//! The newest events: from the end of the segments, as far back as it takes.

use std::sync::Arc;

use tokio::task;
use uuid::Uuid;

use super::{
    Columnar, Columns, Scan, View,
    header::Segment,
    numbers::Kind,
    part::Part,
    plan::{BATCH, Buffers, Wave},
    scan::parts_of,
    snapshot::Snapshot,
    tail::TailBlock,
    values::Places,
};
use crate::error::{Error, Result};

/// Which of a scan's events, newest first; those of the same millisecond by id, largest first.
#[derive(Debug, Clone)]
pub struct Newest {
    /// Among which.
    pub scan: Scan,
    /// Start behind the event with this timestamp and id.
    pub after: Option<(i64, Uuid)>,
    /// End after so many.
    pub limit: usize,
    /// Only those that came with a later commit than this one.
    pub since: Option<i64>,
}

/// A time and an id.
pub(super) type Found = Vec<(i64, Uuid)>;

/// A segment, or a part of the tail.
enum Block {
    Segment(Arc<Segment>),
    Tail(Arc<TailBlock>),
}

impl Columnar {
    /// The times and ids of the newest events that `select` chooses; it is that of
    /// [`Worker`](super::Worker).
    pub async fn newest<S>(&self, newest: Newest, mut select: S) -> Result<Found>
    where
        S: FnMut(View<'_>, &mut Vec<u32>) + Send + 'static,
    {
        for _ in 0..super::scan::ATTEMPTS {
            let snapshot = self.snapshot(newest.scan.app.app_id()).await?;
            let found;
            (found, select) = self.newest_of(&snapshot, &newest, select).await?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Err(Error::unavailable("segments were replaced again and again"))
    }

    pub(super) async fn newest_of<S>(
        &self,
        snapshot: &Arc<Snapshot>,
        newest: &Newest,
        mut select: S,
    ) -> Result<(Option<Found>, S)>
    where
        S: FnMut(View<'_>, &mut Vec<u32>) + Send + 'static,
    {
        let scan = &newest.scan;
        let mut columns = Columns::new(scan.all_columns());
        self.name(snapshot, scan, &mut columns).await?;
        let visitor = match &scan.visitor {
            None => None,
            Some(id) => {
                let numbers = self.numbers_of(snapshot, Kind::Visitor, std::slice::from_ref(id)).await?;
                match numbers.into_keys().next() {
                    Some(number) => Some(number),
                    None => return Ok((Some(Found::new()), select)),
                }
            }
        };
        let mut wanted = parts_of(scan, visitor.is_some());
        wanted.extend(newest.since.map(|_| Part::Seqs));
        let mut found = Found::new();
        for (to, block) in blocks(snapshot, newest) {
            if found.len() >= newest.limit && found.last().is_some_and(|(at, _)| to < *at) {
                break;
            }
            let (wave, tail) = match block {
                Block::Segment(segment) => {
                    match self.prune(snapshot.app, scan, &columns, visitor, vec![segment]).await? {
                        Some(chosen) if chosen.is_empty() => continue,
                        Some(chosen) => (chosen, Vec::new()),
                        None => return Ok((None, select)),
                    }
                }
                Block::Tail(block) => (Vec::new(), vec![block]),
            };
            let Some(loaded) = self.load_wave(snapshot.app, wave, &wanted, scan).await? else {
                return Ok((None, select));
            };
            let (snapshot, wanted, what) = (snapshot.clone(), wanted.clone(), newest.clone());
            let wave = Wave { scan: scan.clone(), snapshot, loaded, tail, visitor, wanted, summed: None };
            let permit = self.threads.clone().acquire_owned().await.map_err(Error::internal)?;
            let work = task::spawn_blocking(move || {
                let _permit = permit;
                let more = walk(wave, &what, &mut columns, &mut select)?;
                Ok::<_, Error>((more, columns, select))
            });
            let more;
            (more, columns, select) = work.await.map_err(Error::internal)??;
            found.extend(more);
            found.sort_unstable_by(|a, b| b.cmp(a));
            found.truncate(newest.limit);
        }
        Ok((Some(found), select))
    }
}

/// The blocks that may hold such events and the time of the last event of each, latest first.
fn blocks(snapshot: &Snapshot, newest: &Newest) -> Vec<(i64, Block)> {
    let is_new = |last_seq: i64| newest.since.is_none_or(|since| last_seq > since);
    let segments = snapshot.segments.iter().filter(|segment| segment.overlaps(&newest.scan));
    let segments = segments.filter(|segment| is_new(segment.last_seq));
    let mut blocks: Vec<_> = segments.map(|segment| (segment.header.to, Block::Segment(segment.clone()))).collect();
    let tail = snapshot.tail.iter().flat_map(|tail| &tail.blocks).filter(|block| is_new(block.last_seq));
    blocks.extend(tail.map(|block| (block.to, Block::Tail(block.clone()))));
    blocks.sort_by_key(|(to, _)| std::cmp::Reverse(*to));
    blocks
}

/// The newest events of a block.
fn walk(
    wave: Wave,
    newest: &Newest,
    columns: &mut Columns,
    select: &mut impl FnMut(View<'_>, &mut Vec<u32>),
) -> Result<Found> {
    let plan = wave.plan(columns)?;
    let (chosen_by, mut buffers) = (newest.scan.is_selected_by(), Buffers::default());
    let (mut kept, mut rows, mut found) = (Vec::new(), Vec::new(), Found::new());
    for block in &plan.blocks {
        let mut to = block.to;
        while to > block.from && found.len() < newest.limit {
            let from = block.from.max(to.saturating_sub(BATCH));
            let mut some = plan.keep(block, from, to, &mut kept);
            if let Some(since) = newest.since {
                let seqs = block.numbers(&Part::Seqs);
                let is_new = |at: usize| seqs.get(at).is_some_and(|&seq| seq > since);
                if !std::mem::replace(&mut some, true) {
                    kept.extend((from..to).map(|at| at as u32));
                }
                kept.retain(|&at| is_new(at as usize));
            }
            let places = if some { Places::Some(&kept) } else { Places::All { from, to } };
            let batch = block.read(&chosen_by, true, true, places, &mut buffers);
            if newest.scan.select.is_empty() || block.is_whole {
                rows.clear();
                rows.extend(0..batch.len() as u32);
            } else {
                select(View { batch: &batch, columns }, &mut rows);
            }
            let event = |&place: &u32| Some((*batch.timestamps.get(place as usize)?, *batch.ids.get(place as usize)?));
            let is_behind = |event: &(i64, Uuid)| newest.after.is_none_or(|after| *event < after);
            found.extend(rows.iter().rev().filter_map(event).filter(is_behind));
            to = from;
        }
    }
    Ok(found)
}
