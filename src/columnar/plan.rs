//! What the threads of a scan work on: blocks in memory, cut into stretches.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use uuid::Uuid;

use super::{
    Batch, Column, Columns, Scan, View, Worker,
    build::translation,
    load::made_from_tail,
    part::{Loaded, Part, Parts},
    prune::Chosen,
    snapshot::Snapshot,
    tail::TailBlock,
    turns::Turns,
    values::{Codes, Places, Translate, Values, pick},
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
    /// The columns of the scan, and their codes' translation; none where codes are the scan's own.
    columns: Vec<Translated>,
    /// Places within the range of time.
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether some of its events are of later commits.
    is_ahead: bool,
    /// Whether all of its events are such as the question is about.
    pub(super) is_whole: bool,
}

/// What all threads work on, before it is planned.
pub(super) struct Wave {
    pub(super) scan: Scan,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) loaded: Vec<(Chosen, Parts)>,
    pub(super) tail: Vec<Arc<TailBlock>>,
    pub(super) visitor: Option<u32>,
    pub(super) wanted: Vec<Part>,
    /// Times of which rollups say what segments that have one hold.
    pub(super) summed: Option<(i64, i64)>,
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
        let Self { scan, snapshot, loaded, tail, visitor, wanted, summed } = self;
        let mut blocks = Vec::new();
        for ((segment, is_whole), parts) in loaded {
            for window in snapshot.windows(&segment, &scan, summed) {
                let own = (parts.clone(), segment.events, segment.last_seq);
                let block = Block::new(&scan, window, own, columns, blocks.last());
                blocks.push(Block { is_whole, ..block });
            }
        }
        for tail in &tail {
            let wanted = wanted.iter().chain(&[Part::Seqs]);
            let parts = wanted.filter_map(|part| Some((part.clone(), made_from_tail(&tail.parts, part, tail.events)?)));
            let parts: Parts = parts.collect();
            let own = (parts, tail.events, tail.last_seq);
            let block = Block::new(&scan, (scan.from, scan.to), own, columns, blocks.last());
            blocks.push(block);
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
    /// Those of some parts, so many events and the last commit that happened within a window. Where the
    /// values of a column are those of the block before, so are their codes' translations.
    fn new(
        scan: &Scan,
        window: (i64, i64),
        (parts, events, last_seq): (Parts, usize, i64),
        columns: &mut Columns,
        before: Option<&Self>,
    ) -> Self {
        let (from, to) = match parts.get(&Part::Times) {
            Some(Loaded::Numbers(times)) => {
                (times.partition_point(|&at| at < window.0), times.partition_point(|&at| at < window.1))
            }
            _ => (0, events),
        };
        let read = |(place, column): (usize, &Column)| match parts.get(&Part::Column(column.clone())) {
            Some(Loaded::Values(values)) => {
                let mut table = || match before.and_then(|block| block.columns.get(place)) {
                    Some((Some(own), table)) if own.texts == values.texts => table.clone(),
                    _ => unless_same(values, translation(&values.texts, columns.dictionary_mut(place))),
                };
                (Some(values.clone()), if column.is_numbered() { None } else { table() })
            }
            _ => (None, None),
        };
        let columns = scan.all_columns().iter().enumerate().map(read).collect();
        Self { parts, columns, from, to, is_ahead: last_seq > scan.seq, is_whole: false }
    }

    fn values(&self, column: &Column) -> Option<&Values> {
        match self.parts.get(&Part::Column(column.clone())) {
            Some(Loaded::Values(values)) => Some(values),
            _ => None,
        }
    }

    pub(super) fn numbers(&self, part: &Part) -> &[i64] {
        match self.parts.get(part) {
            Some(Loaded::Numbers(numbers)) => numbers,
            _ => &[],
        }
    }

    /// The events in these places, with the columns of these places. What is not there already as it
    /// is needed is copied into `buffers`.
    pub(super) fn read<'b>(
        &'b self,
        columns: &[bool],
        times: bool,
        ids: bool,
        places: Places<'_>,
        buffers: &'b mut Buffers,
    ) -> Batch<'b> {
        let Buffers { timestamps, ids: own_ids, codes } = buffers;
        codes.resize_with(self.columns.len(), Vec::new);
        let direct = |values: &'b Values, table: &Option<Arc<[u32]>>| match (&values.codes, table, places) {
            (Codes::Four(codes), None, Places::All { from, to }) => codes.get(from..to),
            _ => None,
        };
        let read = |(place, ((values, table), own)): (usize, (&'b Translated, &'b mut Vec<u32>))| {
            let Some(values) = values.as_deref().filter(|_| columns[place]) else { return &[][..] };
            direct(values, table).unwrap_or_else(|| {
                own.clear();
                values.codes.read(places, table.as_deref().map_or(Translate::Same, Translate::Table), own);
                own
            })
        };
        let all_ids = match self.parts.get(&Part::Ids) {
            Some(Loaded::Ids(all)) if ids => all.as_slice(),
            _ => &[],
        };
        let all_times = if times { self.numbers(&Part::Times) } else { &[] };
        Batch {
            events: places.len(),
            timestamps: picked(all_times, places, timestamps),
            ids: picked(all_ids, places, own_ids),
            codes: self.columns.iter().zip(codes).enumerate().map(read).collect(),
        }
    }
}

/// Room for columns that are copied.
#[derive(Default)]
pub(super) struct Buffers {
    timestamps: Vec<i64>,
    ids: Vec<Uuid>,
    codes: Vec<Vec<u32>>,
}

/// A column of a block, and the translation of its codes.
type Translated = (Option<Arc<Values>>, Option<Arc<[u32]>>);

/// A translation that changes something. Codes of a column with texts are those of texts.
fn unless_same(values: &Values, table: Vec<u32>) -> Option<Arc<[u32]>> {
    let is_same = values.texts.len() > 0 && table.iter().enumerate().all(|(from, &to)| from == to as usize);
    (!is_same).then(|| table.into())
}

fn picked<'b, T: Copy>(all: &'b [T], places: Places<'_>, own: &'b mut Vec<T>) -> &'b [T] {
    match places {
        Places::All { from, to } => all.get(from..to).unwrap_or_default(),
        Places::Some(_) => {
            own.clear();
            pick(all, places, own);
            own
        }
    }
}

impl Plan {
    /// The stretches, dealt out to so many threads.
    pub(super) fn turns(&self, threads: usize) -> Turns {
        Turns::new(self.stretches.len(), threads)
    }

    /// Takes stretches until there are none; `own` is the thread's number.
    pub(super) fn work<W: Worker>(
        &self,
        columns: &Columns,
        turns: &Turns,
        own: usize,
        stop: &AtomicBool,
        worker: &mut W,
    ) -> Result<()> {
        let (mut buffers, mut rows, mut kept) = (Buffers::default(), Vec::new(), Vec::new());
        let (chosen_by, folded) = (self.scan.is_selected_by(), self.scan.is_folded());
        while let Some(&(block, from, to)) = turns.next(own).and_then(|next| self.stretches.get(next)) {
            let block = &self.blocks[block];
            for from in (from..to).step_by(BATCH) {
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let to = to.min(from + BATCH);
                let mut some = self.keep(block, from, to, &mut kept);
                let is_done = self.scan.select.is_empty() || block.is_whole || some && kept.is_empty();
                if !is_done {
                    let places = if some { Places::Some(&kept) } else { Places::All { from, to } };
                    let batch = block.read(&chosen_by, false, false, places, &mut buffers);
                    worker.select(View { batch: &batch, columns }, &mut rows);
                    if some {
                        keep_only(&mut kept, &rows);
                    } else if rows.len() < to - from {
                        kept.clear();
                        kept.extend(rows.iter().map(|row| from as u32 + row));
                        some = true;
                    }
                }
                let places = if some { Places::Some(&kept) } else { Places::All { from, to } };
                if places.len() == 0 {
                    continue;
                }
                let batch = block.read(&folded, self.scan.times, self.scan.ids, places, &mut buffers);
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
            if let Some(values) = block.values(&Column::Visitor) {
                values.codes.find(visitor, from, to, kept);
            }
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

/// Leaves only the places at these places.
fn keep_only(places: &mut Vec<u32>, rows: &[u32]) {
    for (to, &from) in rows.iter().enumerate() {
        places[to] = places[from as usize];
    }
    places.truncate(rows.len());
}
