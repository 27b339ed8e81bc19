//! What custom properties events have, and which values.
//!
//! A question of this kind names no columns: which there are, the header of each segment says. They are read
//! segment by segment and a few at a time, so that a segment of many properties needs no more memory than
//! one of few. What the header knows of a property whose value is the same in all events is not read.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tokio::task;

use super::{
    Column, Columnar, Columns, Scan, View,
    part::{Loaded, Part, Parts},
    plan::{BATCH, Buffers, Plan, Wave},
    property,
    prune::Chosen,
    scan::{ATTEMPTS, overlapping, parts_of},
    snapshot::Snapshot,
    tail::TailBlock,
    values::{Places, Translate, Values},
};
use crate::error::{Error, Result};

/// Decoded bytes of properties that are read at once.
const SOME_BYTES: usize = 32 << 20;

/// What is done with the properties of events.
pub trait Census: Send + 'static {
    /// As [`Worker::select`](super::Worker::select).
    fn select(&mut self, view: View<'_>, rows: &mut Vec<u32>);

    /// Takes in that so many more events were chosen.
    fn events(&mut self, events: u64);

    /// Takes in that a property has these values, as JSON in one spelling, in so many of the events each.
    fn property(&mut self, key: &str, values: &mut dyn Iterator<Item = (&str, u64)>) -> Result<()>;
}

/// The events of a block that were chosen, by their places.
enum Kept {
    All { from: usize, to: usize },
    Some(Vec<u32>),
}

impl Columnar {
    /// Goes through the custom properties of the events of a scan, whose `columns` are empty.
    pub async fn census<C: Census>(&self, scan: Scan, census: impl Fn() -> C) -> Result<C> {
        for _ in 0..ATTEMPTS {
            let snapshot = self.snapshot(scan.app.app_id()).await?;
            if let Some(census) = self.census_of(&snapshot, &scan, census()).await? {
                return Ok(census);
            }
        }
        Err(Error::unavailable("segments were replaced again and again"))
    }

    /// Nothing when one of the segments is no more.
    pub(super) async fn census_of<C: Census>(
        &self,
        snapshot: &Arc<Snapshot>,
        scan: &Scan,
        mut census: C,
    ) -> Result<Option<C>> {
        let mut columns = Columns::new(scan.all_columns());
        self.name(snapshot, scan, &mut columns).await?;
        let segments = overlapping(snapshot, scan, None);
        let Some(chosen) = self.prune(snapshot.app, scan, &columns, None, segments).await? else { return Ok(None) };
        for (segment, is_whole) in chosen {
            let one = (vec![(segment.clone(), is_whole)], Vec::new());
            let kept;
            match self.choose(snapshot, scan, one, columns, census).await? {
                Some(chosen) => (kept, columns, census) = chosen,
                None => return Ok(None),
            }
            let Some(kept) = kept else { continue };
            let properties = segment.header.parts.keys().filter(|part| is_property(part)).cloned();
            for some in self.some_at_once(properties.map(|part| (segment.decoded_bytes(&part), part))) {
                let Some(mut loaded) = self.load(snapshot.app, std::slice::from_ref(&segment), &some).await? else {
                    return Ok(None);
                };
                census = self.count(loaded.pop().unwrap_or_default(), kept.clone(), census).await?;
            }
        }
        for tail in snapshot.tail.iter().flat_map(|tail| &tail.blocks) {
            let kept;
            match self.choose(snapshot, scan, (Vec::new(), vec![tail.clone()]), columns, census).await? {
                Some(chosen) => (kept, columns, census) = chosen,
                None => return Ok(None),
            }
            if let Some(kept) = kept {
                let properties = tail.parts.iter().filter(|(part, _)| is_property(part));
                let properties = properties.map(|(part, loaded)| (part.clone(), loaded.clone()));
                census = self.count(properties.collect(), kept, census).await?;
            }
        }
        Ok(Some(census))
    }

    /// Parts in groups that may be decoded at once.
    fn some_at_once(&self, parts: impl Iterator<Item = (usize, Part)>) -> Vec<Vec<Part>> {
        let (mut groups, mut bytes) = (Vec::<Vec<Part>>::new(), usize::MAX / 2);
        for (own, part) in parts {
            bytes += own;
            match groups.last_mut().filter(|_| bytes <= SOME_BYTES) {
                Some(group) => group.push(part),
                None => {
                    groups.push(vec![part]);
                    bytes = own;
                }
            }
        }
        groups
    }

    /// The events of one segment, or of one block of the tail, that the scan is about; nothing where there is none.
    async fn choose<C: Census>(
        &self,
        snapshot: &Arc<Snapshot>,
        scan: &Scan,
        (wave, tail): (Vec<Chosen>, Vec<Arc<TailBlock>>),
        mut columns: Columns,
        mut census: C,
    ) -> Result<Option<(Option<Arc<Kept>>, Columns, C)>> {
        let mut wanted = parts_of(scan, false);
        if let [(segment, _)] = wave.as_slice()
            && scan.from <= segment.header.from
            && segment.header.to < scan.to
        {
            // All of its events are of this time.
            wanted.retain(|part| *part != Part::Times);
        }
        let Some(loaded) = self.load_wave(snapshot.app, wave, &wanted, scan).await? else { return Ok(None) };
        let (scan, snapshot) = (scan.clone(), snapshot.clone());
        let wave = Wave { scan: scan.clone(), snapshot, loaded, tail, visitor: None, wanted, summed: None };
        let permit = self.threads.clone().acquire_owned().await.map_err(Error::internal)?;
        let work = task::spawn_blocking(move || {
            let _permit = permit;
            let plan = wave.plan(&mut columns)?;
            let kept = kept(&plan, &scan, &columns, &mut census);
            Ok::<_, Error>(Some((kept.map(Arc::new), columns, census)))
        });
        work.await.map_err(Error::internal)?
    }

    /// Counts the values of these properties in the events that were kept.
    async fn count<C: Census>(&self, parts: Parts, kept: Arc<Kept>, mut census: C) -> Result<C> {
        let permit = self.threads.clone().acquire_owned().await.map_err(Error::internal)?;
        let work = task::spawn_blocking(move || {
            let _permit = permit;
            for (part, loaded) in &parts {
                let Loaded::Values(values) = loaded else { continue };
                let counts = kept.count(values);
                let texts = values.texts.iter().zip(counts.iter().skip(1).copied());
                let mut texts = texts.filter(|(_, count)| *count > 0);
                match part {
                    Part::Column(Column::Property(key)) => census.property(key, &mut texts)?,
                    _ => rest(&mut texts, &mut census)?,
                }
            }
            Ok(census)
        });
        work.await.map_err(Error::internal)?
    }
}

fn is_property(part: &Part) -> bool {
    matches!(part, Part::Rest | Part::Column(Column::Property(_)))
}

/// The events of the only block of a plan that its scan is about.
fn kept<C: Census>(plan: &Plan, scan: &Scan, columns: &Columns, census: &mut C) -> Option<Kept> {
    let block = plan.blocks.first()?;
    let (chosen_by, mut buffers) = (scan.is_selected_by(), Buffers::default());
    let (mut some_kept, mut rows, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for from in (block.from..block.to).step_by(BATCH) {
        let to = block.to.min(from + BATCH);
        let some = plan.keep(block, from, to, &mut some_kept);
        if scan.select.is_empty() || block.is_whole || some && some_kept.is_empty() {
            match some {
                true => all.extend_from_slice(&some_kept),
                false => all.extend(from as u32..to as u32),
            }
            continue;
        }
        let places = if some { Places::Some(&some_kept) } else { Places::All { from, to } };
        let batch = block.read(&chosen_by, false, false, places, &mut buffers);
        census.select(View { batch: &batch, columns }, &mut rows);
        let place = |&row: &u32| if some { some_kept[row as usize] } else { from as u32 + row };
        all.extend(rows.iter().map(place));
    }
    census.events(all.len() as u64);
    match all.len() {
        0 => None,
        some if some == block.to - block.from => Some(Kept::All { from: block.from, to: block.to }),
        _ => Some(Kept::Some(all)),
    }
}

impl Kept {
    /// How many of the events have each value, by the codes of a column.
    fn count(&self, values: &Values) -> Vec<u64> {
        let mut counts = vec![0; values.texts.len() + 1];
        let mut codes = Vec::new();
        let mut add = |places: Places<'_>| {
            codes.clear();
            values.codes.read(places, Translate::Same, &mut codes);
            for &code in &codes {
                if let Some(count) = counts.get_mut(code as usize) {
                    *count += 1;
                }
            }
        };
        match self {
            Self::All { from, to } => {
                (*from..*to).step_by(BATCH).for_each(|at| add(Places::All { from: at, to: (*to).min(at + BATCH) }));
            }
            Self::Some(places) => places.chunks(BATCH).for_each(|places| add(Places::Some(places))),
        }
        counts
    }
}

/// Takes in properties that have no columns of their own, out of JSON objects and how often each occurs.
fn rest<C: Census>(objects: &mut dyn Iterator<Item = (&str, u64)>, census: &mut C) -> Result<()> {
    let mut keys: BTreeMap<String, HashMap<String, u64>> = BTreeMap::new();
    for (json, count) in objects {
        // Of a key that comes twice, the last counts.
        let mut own: BTreeMap<String, Option<String>> = BTreeMap::new();
        property::each(json, |key, value| drop(own.insert(key.to_owned(), property::canonical(value))));
        for (key, value) in own {
            if let Some(value) = value {
                *keys.entry(key).or_default().entry(value).or_default() += count;
            }
        }
    }
    for (key, values) in keys {
        census.property(&key, &mut values.iter().map(|(value, count)| (value.as_str(), *count)))?;
    }
    Ok(())
}
