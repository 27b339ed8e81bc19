//! Sums over stretches of hours, of all segments together.
//!
//! They are kept decoded, in the room that columns have as well, and those of longer stretches are made
//! of shorter ones: of 256 hours out of four of 64, and so on down to single hours, which are made of
//! the segments' rollups. So a range that was not asked for before is the sum of a few stretches, and
//! one that was costs nothing, however many events it holds. A stretch says which segments it counts:
//! where some have come since they are added, and where some are gone it is made anew.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use tokio::task;

use super::{
    HOUR, Rollup, decode,
    tally::{Share, Tally},
};
use crate::{
    columnar::{
        Columnar,
        load::{Kept, Key},
        snapshot::Snapshot,
    },
    entity::event_aggregation,
    error::{Error, Result},
};

/// Hours of the longest stretch that others are made of.
const LONGEST: i64 = 256;
/// How many stretches make the next longer one.
const FAN: i64 = 4;
/// Stored bytes that one statement fetches.
const FETCH_BYTES: usize = 8 << 20;
/// Segments that are added to a stretch rather than that it is made anew.
const FEW: usize = 16;

/// Hours since the epoch, the second not included.
pub(in crate::columnar) type Span = (i64, i64);

/// The number of a segment, and the revision that brought its rollup.
type Source = (i64, i64);

/// The sums of some hours.
#[derive(Debug)]
pub(in crate::columnar) struct Stretch {
    /// The last revision of the app's segments at which it was found to be right.
    revision: AtomicI64,
    /// The rollups it counts.
    segments: Vec<Source>,
    /// Those of people, and those of bots.
    pub(in crate::columnar) tallies: [Tally; 2],
}

impl Stretch {
    pub(in crate::columnar) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.segments.len() * size_of::<Source>()
            + self.tallies.iter().map(Tally::bytes).sum::<usize>()
    }
}

/// What is known of a stretch without reading anything.
enum Known {
    Right(Arc<Stretch>),
    /// Right but for these segments, which came since.
    Lacks(Arc<Stretch>, Vec<Source>),
    Nothing,
}

/// Rollups that were read.
type Decoded = HashMap<Source, Rollup>;

/// What was known of nodes when it was decided which rollups to read. Others change the cache meanwhile; a sum
/// is made of what is held here and of nothing else.
type Plan = HashMap<(Share, Span), Known>;

/// A question's way to the stretches of a snapshot. Cheap to clone.
#[derive(Clone)]
struct Book {
    columnar: Columnar,
    snapshot: Arc<Snapshot>,
    /// Of each rollup by rising number: its hours, and its bytes.
    segments: Arc<BTreeMap<Source, (Span, usize)>>,
}

impl Columnar {
    /// The sums of these spans, share by share; nothing when a rollup is no more.
    pub(super) async fn stretches(
        &self,
        snapshot: &Arc<Snapshot>,
        spans: &[Span],
        shares: &[Share],
    ) -> Result<Option<Vec<Vec<Arc<Stretch>>>>> {
        let of = |segment: &Arc<super::super::header::Segment>| {
            let (bytes, revision) = *snapshot.rollups.get(&segment.id)?;
            let hours = (segment.header.from.div_euclid(HOUR), segment.header.to.div_euclid(HOUR) + 1);
            Some(((segment.id, revision), (hours, bytes)))
        };
        let segments = Arc::new(snapshot.segments.iter().filter_map(of).collect());
        let book = Book { columnar: self.clone(), snapshot: snapshot.clone(), segments };
        let wanted: Vec<(Share, Span)> =
            shares.iter().flat_map(|&share| spans.iter().map(move |&span| (share, span))).collect();
        let Some(mut found) = book.find(&wanted).await? else { return Ok(None) };
        let mut all = Vec::new();
        for _ in shares {
            let rest = found.split_off(spans.len().min(found.len()));
            all.push(std::mem::replace(&mut found, rest));
        }
        Ok(Some(all))
    }
}

impl Book {
    async fn find(&self, wanted: &[(Share, Span)]) -> Result<Option<Vec<Arc<Stretch>>>> {
        let mut found: Vec<Option<Arc<Stretch>>> = vec![None; wanted.len()];
        let mut missing = Vec::new();
        let mut lacking = Vec::new();
        for (place, &(share, span)) in wanted.iter().enumerate() {
            match self.known(share, span) {
                Known::Right(stretch) => found[place] = Some(stretch),
                Known::Lacks(stretch, segments) if segments.len() <= FEW => lacking.push((place, stretch, segments)),
                _ => missing.push((place, share, span)),
            }
        }
        if !lacking.is_empty() {
            let segments = lacking.iter().flat_map(|(_, _, segments)| segments.iter().copied()).collect();
            let Some(decoded) = self.decoded(&segments).await? else { return Ok(None) };
            for (place, stretch, segments) in lacking {
                let (share, span) = wanted[place];
                found[place] = Some(self.extended(share, span, &stretch, &segments, &decoded));
            }
        }
        // What is missing is made window by window, so that no more rollups are in memory than one's.
        let mut windows: BTreeMap<i64, Vec<(usize, Share, Span)>> = BTreeMap::new();
        let (first, last) = self.hours();
        for &(place, share, (from, to)) in &missing {
            let (mut at, to) = (from.max(first), to.min(last));
            while at < to {
                let end = ((at.div_euclid(LONGEST) + 1) * LONGEST).min(to);
                if self.has_segments((at, end)) {
                    windows.entry(at.div_euclid(LONGEST)).or_default().push((place, share, (at, end)));
                }
                at = end;
            }
        }
        let mut sums: HashMap<usize, Vec<Arc<Stretch>>> = HashMap::new();
        for pieces in windows.into_values() {
            let mut segments = BTreeSet::new();
            let nodes: Vec<(usize, Share, Span)> = pieces
                .into_iter()
                .flat_map(|(place, share, span)| nodes(span).into_iter().map(move |node| (place, share, node)))
                .collect();
            let mut plan = Plan::new();
            nodes.iter().for_each(|&(_, share, node)| self.lacks(share, node, &mut plan, &mut segments));
            let Some(decoded) = self.decoded(&segments).await? else { return Ok(None) };
            let book = self.clone();
            let make = move || {
                let mut make = |share, node| book.make(share, node, &mut plan, &decoded);
                nodes.into_iter().map(|(place, share, node)| (place, make(share, node))).collect::<Vec<_>>()
            };
            for (place, stretch) in task::spawn_blocking(make).await.map_err(Error::internal)? {
                sums.entry(place).or_default().push(stretch);
            }
        }
        let book = self.clone();
        let add = move || {
            let added = missing.into_iter().map(|(place, share, span)| {
                let parts = sums.remove(&place).unwrap_or_default();
                (place, book.sum(share, span, parts))
            });
            added.collect::<Vec<_>>()
        };
        for (place, stretch) in task::spawn_blocking(add).await.map_err(Error::internal)? {
            found[place] = Some(stretch);
        }
        Ok(found.into_iter().collect())
    }

    /// The segments that have events in these hours, as far as can be told.
    fn segments_of(&self, (from, to): Span) -> impl Iterator<Item = Source> {
        let has = move |(_, ((first, end), _)): &(&Source, &(Span, usize))| *first < to && from < *end;
        self.segments.iter().filter(has).map(|(id, _)| *id)
    }

    fn has_segments(&self, span: Span) -> bool {
        self.segments_of(span).next().is_some()
    }

    /// The hours of all segments: a range may reach back to 1970.
    fn hours(&self) -> Span {
        let spans = || self.segments.values().map(|(span, _)| span);
        (spans().map(|span| span.0).min().unwrap_or(0), spans().map(|span| span.1).max().unwrap_or(0))
    }

    fn known(&self, share: Share, span: Span) -> Known {
        let Some(Kept::Stretch(stretch)) = self.columnar.parts.get(&self.key(share, span)) else {
            return Known::Nothing;
        };
        let revision = self.snapshot.head.revision;
        if stretch.revision.load(Ordering::Relaxed) == revision {
            return Known::Right(stretch);
        }
        let mut known = stretch.segments.iter().copied().peekable();
        let now: Vec<Source> = self.segments_of(span).collect();
        let new: Vec<Source> = now.iter().copied().filter(|id| known.next_if_eq(id).is_none()).collect();
        if known.peek().is_some() {
            return Known::Nothing;
        }
        if new.is_empty() {
            stretch.revision.fetch_max(revision, Ordering::Relaxed);
            return Known::Right(stretch);
        }
        Known::Lacks(stretch, new)
    }

    fn key(&self, share: Share, (from, to): Span) -> Key {
        Key::Stretch(self.snapshot.app, from, to, share)
    }

    fn keep(&self, share: Share, span: Span, tallies: [Tally; 2]) -> Arc<Stretch> {
        let segments = self.segments_of(span).collect();
        let stretch = Arc::new(Stretch { revision: self.snapshot.head.revision.into(), segments, tallies });
        self.columnar.parts.insert(self.key(share, span), Kept::Stretch(stretch.clone()));
        stretch
    }

    /// The segments whose rollups it takes to make a node, and what is known of it and of what it is made of.
    fn lacks(&self, share: Share, node: Span, plan: &mut Plan, segments: &mut BTreeSet<Source>) {
        if plan.contains_key(&(share, node)) {
            return;
        }
        let known = self.known(share, node);
        match &known {
            Known::Right(_) => {}
            Known::Lacks(_, new) => segments.extend(new),
            Known::Nothing if node.1 - node.0 == 1 => segments.extend(self.segments_of(node)),
            Known::Nothing if !self.has_segments(node) => {}
            Known::Nothing => children(node).for_each(|child| self.lacks(share, child, plan, segments)),
        }
        plan.insert((share, node), known);
    }

    /// A node, of what is known and of rollups.
    fn make(&self, share: Share, node: Span, plan: &mut Plan, decoded: &Decoded) -> Arc<Stretch> {
        let made = match plan.get(&(share, node)) {
            Some(Known::Right(stretch)) => return stretch.clone(),
            Some(Known::Lacks(stretch, new)) => self.extended(share, node, stretch, new, decoded),
            _ if node.1 - node.0 == 1 => {
                let mut tallies = <[Tally; 2]>::default();
                for rollup in self.segments_of(node).filter_map(|id| decoded.get(&id)) {
                    add(&mut tallies, share, node, rollup);
                }
                self.keep(share, node, tallies)
            }
            _ => {
                let children = children(node).filter(|&child| self.has_segments(child));
                self.sum(share, node, children.map(|child| self.make(share, child, plan, decoded)).collect())
            }
        };
        plan.insert((share, node), Known::Right(made.clone()));
        made
    }

    /// The sum of stretches that follow one another.
    fn sum(&self, share: Share, span: Span, mut parts: Vec<Arc<Stretch>>) -> Arc<Stretch> {
        if parts.len() == 1
            && let Some(only) = parts.pop()
        {
            return only;
        }
        let mut tallies = <[Tally; 2]>::default();
        for part in parts {
            tallies.iter_mut().zip(&part.tallies).for_each(|(own, more)| own.add(more, share));
        }
        self.keep(share, span, tallies)
    }

    /// A stretch with the events of further segments.
    fn extended(&self, share: Share, span: Span, stretch: &Stretch, new: &[Source], decoded: &Decoded) -> Arc<Stretch> {
        let mut tallies = stretch.tallies.clone();
        new.iter().filter_map(|id| decoded.get(id)).for_each(|rollup| add(&mut tallies, share, span, rollup));
        self.keep(share, span, tallies)
    }

    /// The rollups of these segments; nothing when one is no more.
    async fn decoded(&self, segments: &BTreeSet<Source>) -> Result<Option<Decoded>> {
        use event_aggregation::Column as C;
        let (mut batches, mut filled): (Vec<Vec<Source>>, usize) = (Vec::new(), FETCH_BYTES);
        for id in segments {
            let bytes = self.segments.get(id).map_or(0, |(_, bytes)| *bytes);
            if filled + bytes > FETCH_BYTES {
                batches.push(Vec::new());
                filled = 0;
            }
            filled += bytes;
            if let Some(batch) = batches.last_mut() {
                batch.push(*id);
            }
        }
        let mut decoded = Decoded::new();
        for batch in batches {
            let rows = event_aggregation::Entity::find()
                .select_only()
                .columns([C::SegmentId, C::Revision, C::Data])
                .filter(C::AppId.eq(self.snapshot.app))
                .filter(C::SegmentId.is_in(batch.iter().map(|(id, _)| *id)))
                .into_tuple::<(i64, i64, Vec<u8>)>();
            let rows = rows.all(&*self.columnar.db).await?;
            let decode_all = move || {
                let decoded = rows.into_iter().map(|(id, revision, data)| Ok(((id, revision), decode(&data)?)));
                decoded.collect::<Result<Vec<_>>>()
            };
            decoded.extend(task::spawn_blocking(decode_all).await.map_err(Error::internal)??);
        }
        Ok(segments.iter().all(|source| decoded.contains_key(source)).then_some(decoded))
    }
}

/// Adds the hours of a span out of a rollup.
fn add(tallies: &mut [Tally; 2], share: Share, (from, to): Span, rollup: &Rollup) {
    let first = rollup.hours.partition_point(|hour| hour.number < from);
    let hours = rollup.hours.iter().skip(first).take_while(|hour| hour.number < to);
    hours.for_each(|hour| tallies[usize::from(hour.is_bot)].add(&hour.tally, share));
}

/// The longest nodes that together are a span within one of the longest.
fn nodes((from, to): Span) -> Vec<Span> {
    let (mut nodes, mut at) = (Vec::new(), from);
    while at < to {
        let mut width = LONGEST;
        while width > 1 && (at.rem_euclid(width) != 0 || at + width > to) {
            width /= FAN;
        }
        nodes.push((at, at + width));
        at += width;
    }
    nodes
}

fn children((from, to): Span) -> impl Iterator<Item = Span> {
    let width = (to - from) / FAN;
    (0..FAN).map(move |child| (from + child * width, from + (child + 1) * width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_follow_one_another_and_are_few() {
        for (from, to) in [(0, 256), (1, 255), (-256, 0), (-255, -1), (23, 47), (5, 6), (7, 7)] {
            let nodes = nodes((from, to));
            assert!(nodes.len() <= 24, "{nodes:?}");
            let end = nodes.iter().fold(from, |at, node| {
                assert_eq!(node.0, at);
                assert_eq!(node.0.rem_euclid(node.1 - node.0), 0);
                node.1
            });
            assert_eq!(end, to);
        }
        assert_eq!(children((-256, 0)).collect::<Vec<_>>(), [(-256, -192), (-192, -128), (-128, -64), (-64, 0)]);
    }
}
