//! What the threads of a scan work on: blocks in memory, cut into stretches.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::{
    Batch, Column, Columns, Scan, View, Worker,
    build::translation,
    header::Segment,
    load::made_from_tail,
    part::{Loaded, Part, Parts},
    snapshot::Snapshot,
    values::{Codes, Places, Translate, Values},
};
use crate::error::{Error, Result};

/// Events of a batch.
pub(super) const BATCH: usize = 8_192;
/// Events that a thread takes at once.
const STRETCH: usize = 8 * BATCH;
/// What the dictionaries of one scan may take.
const DICTIONARY_BYTES: usize = 256 << 20;

/// A stretch of a block, ready to be read.
pub(super) struct Block {
    parts: Parts,
    tables: Vec<Option<Vec<u32>>>,
    /// Places within the range of time.
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether some of its events are of later commits.
    is_ahead: bool,
}

/// What all threads work on, before it is planned.
pub(super) struct Wave {
    pub(super) scan: Scan,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) loaded: Vec<(Arc<Segment>, Parts)>,
    pub(super) with_tail: bool,
    pub(super) visitor: Option<u32>,
    pub(super) wanted: Vec<Part>,
}

/// What all threads work on.
pub(super) struct Plan {
    scan: Scan,
    visitor: Option<u32>,
    pub(super) blocks: Vec<Block>,
    /// Block, from, to.
    stretches: Vec<(usize, usize, usize)>,
}

impl Wave {
    pub(super) fn plan(self, columns: &mut Columns) -> Result<Plan> {
        let Self { scan, snapshot, loaded, with_tail, visitor, wanted } = self;
        let mut blocks = Vec::new();
        for (segment, parts) in loaded {
            blocks.push(Block::new(&scan, parts, segment.events, segment.last_seq, columns));
        }
        if let (true, Some(tail)) = (with_tail, &snapshot.tail) {
            let wanted = wanted.iter().chain(&[Part::Seqs]);
            let parts = wanted.filter_map(|part| Some((part.clone(), made_from_tail(&tail.parts, part, tail.events)?)));
            let parts: Parts = parts.collect();
            blocks.push(Block::new(&scan, parts, tail.events, tail.last_seq, columns));
        }
        if columns.bytes() > DICTIONARY_BYTES {
            return Err(Error::CostExceeded(
                "The question meets too many different values. Narrow its range or filter.".into(),
            ));
        }
        let mut stretches = Vec::new();
        for (number, block) in blocks.iter().enumerate() {
            let starts = (block.from..block.to).step_by(STRETCH);
            stretches.extend(starts.map(|from| (number, from, block.to.min(from + STRETCH))));
        }
        Ok(Plan { scan, visitor, blocks, stretches })
    }
}

impl Block {
    fn new(scan: &Scan, parts: Parts, events: usize, last_seq: i64, columns: &mut Columns) -> Self {
        let (from, to) = match parts.get(&Part::Times) {
            Some(Loaded::Numbers(times)) => {
                (times.partition_point(|&at| at < scan.from), times.partition_point(|&at| at < scan.to))
            }
            _ => (0, events),
        };
        let tables =
            scan.columns.iter().enumerate().map(|(place, column)| match parts.get(&Part::Column(column.clone())) {
                Some(Loaded::Values(values)) if !column.is_numbered() => {
                    Some(translation(&values.texts, columns.dictionary_mut(place)))
                }
                _ => None,
            });
        let tables = tables.collect();
        Self { parts, tables, from, to, is_ahead: last_seq > scan.seq }
    }

    fn values(&self, column: &Column) -> Option<&Values> {
        match self.parts.get(&Part::Column(column.clone())) {
            Some(Loaded::Values(values)) => Some(values),
            _ => None,
        }
    }

    fn numbers(&self, part: &Part) -> &[i64] {
        match self.parts.get(part) {
            Some(Loaded::Numbers(numbers)) => numbers,
            _ => &[],
        }
    }

    /// Copies events into a batch.
    pub(super) fn read(&self, scan: &Scan, places: Places<'_>, batch: &mut Batch) {
        batch.clear();
        let pick = |times: &[i64], out: &mut Vec<i64>| match places {
            Places::All { from, to } => out.extend_from_slice(times.get(from..to).unwrap_or_default()),
            Places::Some(places) => out.extend(places.iter().filter_map(|&place| times.get(place as usize))),
        };
        pick(self.numbers(&Part::Times), &mut batch.timestamps);
        if let (true, Some(Loaded::Ids(ids))) = (scan.ids, self.parts.get(&Part::Ids)) {
            match places {
                Places::All { from, to } => batch.ids.extend_from_slice(ids.get(from..to).unwrap_or_default()),
                Places::Some(places) => batch.ids.extend(places.iter().filter_map(|&place| ids.get(place as usize))),
            }
        }
        for ((column, table), out) in scan.columns.iter().zip(&self.tables).zip(&mut batch.codes) {
            let Some(values) = self.values(column) else { continue };
            let translate = table.as_deref().map_or(Translate::Same, Translate::Table);
            values.codes.read(places, translate, out);
        }
    }
}

impl Plan {
    /// Takes stretches until there are none.
    pub(super) fn work<W: Worker>(
        &self,
        columns: &Columns,
        next: &AtomicUsize,
        stop: &AtomicBool,
        worker: &mut W,
    ) -> Result<()> {
        let (mut batch, mut rows, mut kept) = (Batch::new(self.scan.columns.len()), Vec::new(), Vec::new());
        while let Some(&(block, from, to)) = self.stretches.get(next.fetch_add(1, Ordering::Relaxed)) {
            let block = &self.blocks[block];
            for from in (from..to).step_by(BATCH) {
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let to = to.min(from + BATCH);
                let places =
                    if self.keep(block, from, to, &mut kept) { Places::Some(&kept) } else { Places::All { from, to } };
                if places.len() == 0 {
                    continue;
                }
                block.read(&self.scan, places, &mut batch);
                if worker.select(View { batch: &batch, columns }, &mut rows) {
                    if rows.is_empty() {
                        continue;
                    }
                    compact(&mut batch, &rows);
                }
                if worker.fold(View { batch: &batch, columns })?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Puts the places of the events that are of the visitor, of the kind and of the commits asked
    /// about into `kept`; false when all of them are.
    pub(super) fn keep(&self, block: &Block, from: usize, to: usize, kept: &mut Vec<u32>) -> bool {
        let mut chosen = false;
        kept.clear();
        if let Some(visitor) = self.visitor {
            let codes = block.values(&Column::Visitor).map(|values| &values.codes);
            kept.extend(
                (from..to).filter(|&at| codes.is_some_and(|codes| codes.get(at) == visitor)).map(|at| at as u32),
            );
            chosen = true;
        }
        let mut retain = |keeps: &dyn Fn(usize) -> bool, kept: &mut Vec<u32>| {
            if !std::mem::replace(&mut chosen, true) {
                kept.extend((from..to).filter(|&at| keeps(at)).map(|at| at as u32));
            } else {
                kept.retain(|&at| keeps(at as usize));
            }
        };
        if block.is_ahead {
            let seqs = block.numbers(&Part::Seqs);
            retain(&|at| seqs.get(at).is_some_and(|&seq| seq <= self.scan.seq), kept);
        }
        if let (Some(is_bot), Some(values)) = (self.scan.is_bot, block.values(&Column::IsBot)) {
            let is = |code| values.texts.get(code) == Some(if is_bot { "true" } else { "false" });
            match values.codes {
                Codes::Constant(code) if is(code) => {}
                ref codes => {
                    let fits: Vec<bool> = (0..=values.texts.len() as u32).map(is).collect();
                    retain(&|at| fits.get(codes.get(at) as usize).copied().unwrap_or(false), kept);
                }
            }
        }
        chosen
    }
}

/// Leaves only these events in a batch.
fn compact(batch: &mut Batch, rows: &[u32]) {
    fn keep<T: Copy>(values: &mut Vec<T>, rows: &[u32]) {
        if values.is_empty() {
            return;
        }
        for (to, &from) in rows.iter().enumerate() {
            values[to] = values[from as usize];
        }
        values.truncate(rows.len());
    }
    keep(&mut batch.timestamps, rows);
    keep(&mut batch.ids, rows);
    batch.codes.iter_mut().for_each(|codes| keep(codes, rows));
}
