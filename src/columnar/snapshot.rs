//! One consistent set of an app's events: its segments, and the rows that are in none yet.
//!
//! Commits of an app are numbered one after the other, and a segment holds all events of a stretch
//! of them. Rows behind the last sealed commit are the tail. Both are read in one database snapshot,
//! so every event is met exactly once. What was read is kept: the next question reads only the rows that
//! came since, and takes those that this instance has stored out of its memory ([`fresh`](super::fresh)).

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::Arc,
    time::Instant,
};

use futures::TryStreamExt;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select, StreamTrait,
};
use uuid::Uuid;

use super::{
    Columnar,
    build::Builder,
    header::Segment,
    known::{Known, MAX_TAIL, MAX_TAIL_BYTES, State},
    numbers::Kind,
    part::{Loaded, Part, Parts},
    row,
    scan::Scan,
    tail::Tail,
    values::{Codes, Places, Texts, Translate, Values},
};
use crate::{
    entity::{event, event_aggregation, event_head, event_segment, segment_head},
    error::{Error, Result},
};

/// Rows that the first statement reads where there may be many,
const PAGE: u64 = 256;
/// and each that follows: as many as there is room for, and no more than so many.
const LONGEST_PAGE: u64 = 16_384;

/// An app's events, as of a moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) app: Uuid,
    pub(super) head: segment_head::Model,
    pub(super) segments: Vec<Arc<Segment>>,
    /// The segments that have rollups; of these the bytes, and the revisions that brought them.
    pub(super) rollups: Arc<HashMap<i64, (usize, i64)>>,
    pub(super) tail: Option<Tail>,
}

impl Snapshot {
    /// Whether all rollups are of commits that a scan asks about; those of others would count too much.
    pub(super) fn are_rollups_usable(&self, scan: &Scan) -> bool {
        let rolled_up = self.segments.iter().filter(|segment| self.rollups.contains_key(&segment.id));
        !self.rollups.is_empty() && rolled_up.map(|segment| segment.last_seq).all(|last| last <= scan.seq)
    }

    /// From when to when a scan reads a segment, where rollups say what happened at some times.
    pub(super) fn windows(
        &self,
        segment: &Segment,
        scan: &Scan,
        summed: Option<(i64, i64)>,
    ) -> impl Iterator<Item = (i64, i64)> {
        let summed = summed.filter(|_| self.rollups.contains_key(&segment.id));
        let windows = match summed {
            Some((from, to)) => [(scan.from, from), (to, scan.to)],
            None => [(scan.from, scan.to), (scan.to, scan.to)],
        };
        let (first, last) = (segment.header.from, segment.header.to);
        windows.into_iter().filter(move |(from, to)| from < to && first < *to && *from <= last)
    }

    /// How many numbers there are of a kind, newcomers included.
    pub(super) fn numbers(&self, kind: Kind) -> usize {
        let newcomers = self.tail.as_ref().map_or(0, |tail| tail.newcomers[kind as usize].len());
        given(&self.head, kind) as usize + newcomers
    }
}

/// How many numbers of a kind have been given.
pub(super) fn given(head: &segment_head::Model, kind: Kind) -> i64 {
    match kind {
        Kind::Visitor => head.visitors,
        Kind::Session => head.sessions,
    }
}

impl Columnar {
    /// The events of an app now. Whatever was acknowledged before the call is among them.
    pub(super) async fn snapshot(&self, app: Uuid) -> Result<Arc<Snapshot>> {
        let mut before = None;
        loop {
            let known = self.apps.get_with(app, Known::default);
            let mut state = known.0.lock().await;
            let (seq, head) = heads(&*self.db, app).await?;
            if let Some(state) = state.as_mut()
                && state.seq >= seq
                && state.snapshot.head.revision == head.revision
            {
                state.asked_at = Instant::now();
                return Ok(state.snapshot.clone());
            }
            before = state.as_ref().map(|state| state.snapshot.clone()).or(before);
            let sealed_seq = head.sealed_seq;
            let is_renewed = self.renew(app, (seq, head), &mut state).await?;
            if let Some(state) = state.as_ref().filter(|_| is_renewed) {
                self.drop_replaced(before.as_deref(), &state.snapshot);
                return Ok(state.snapshot.clone());
            }
            // Whoever seals may wait for it, and one is enough.
            drop(state);
            self.seal_behind(app, sealed_seq).await?;
        }
    }

    /// Brings what is known of an app up to date with its heads; false when its tail is too long to be read.
    async fn renew(
        &self,
        app: Uuid,
        (seq, head): (i64, segment_head::Model),
        state: &mut Option<State>,
    ) -> Result<bool> {
        // What was stored since the tail was read is there as it was stored: whoever removes rows moves the revision
        // on. Where segments are as they were, nothing is left to be read at one moment.
        let are_segments_known = state.as_ref().is_some_and(|state| state.snapshot.head.revision == head.revision);
        if let Some(known) = state.take_if(|_| are_segments_known) {
            match self.handed_over(app, seq, &head, Some(&known)).await {
                Some(rows) => {
                    let Snapshot { segments, rollups, .. } = &*known.snapshot;
                    let (segments, rollups) = (segments.clone(), rollups.clone());
                    let mut tail = known.tail;
                    let numbers = tail.number(&*self.db, &head, &rows).await?;
                    *state = Some(State::of(app, (seq, head), segments, rollups, tail.with(rows, numbers).await?));
                    return Ok(true);
                }
                None => *state = Some(known),
            }
        }
        let db = self.db.begin_read().await?;
        let (seq, head) = heads(&db, app).await?;
        let old = state.as_ref().map(|state| state.snapshot.clone());
        let (segments, rollups) = match &old {
            Some(old) if old.head.revision == head.revision => (old.segments.clone(), old.rollups.clone()),
            old => (segments(&db, app, old.as_deref()).await?, Arc::new(rollups(&db, app).await?)),
        };
        // Otherwise that was tried above.
        let handed_over = match are_segments_known {
            true => None,
            false => self.handed_over(app, seq, &head, state.as_ref()).await,
        };
        let rows = match handed_over {
            Some(rows) => Some(rows),
            None => rows_behind(&db, app, seq, &head, state.as_ref()).await?,
        };
        let Some(rows) = rows else {
            db.rollback().await?;
            return Ok(false);
        };
        let mut tail =
            state.take().filter(|state| state.goes_on(seq, &head)).map(|state| state.tail).unwrap_or_default();
        let numbers = tail.number(&db, &head, &rows).await?;
        db.commit().await?;
        *state = Some(State::of(app, (seq, head), segments, rollups, tail.with(rows, numbers).await?));
        Ok(true)
    }

    /// What was handed over since the tail was read, unless that is not all, or more than there is room for.
    async fn handed_over(
        &self,
        app: Uuid,
        seq: i64,
        head: &segment_head::Model,
        known: Option<&State>,
    ) -> Option<Builder> {
        let known = known.filter(|known| known.goes_on(seq, head))?;
        let (places, bytes) = known.room();
        let rows = self.handed_over_between(app, known.seq, seq).await?;
        Some(rows).filter(|rows| rows.len() <= places && rows.bytes() <= bytes)
    }

    /// Frees the memory of segments that are there no more: what was erased from them is not kept either.
    fn drop_replaced(&self, before: Option<&Snapshot>, now: &Snapshot) {
        let left: HashSet<i64> = now.segments.iter().map(|segment| segment.id).collect();
        if before.is_some_and(|before| before.segments.iter().any(|segment| !left.contains(&segment.id))) {
            let given = now.head.next_segment;
            self.drop_parts(now.app, |id| id < given && !left.contains(&id));
        }
    }
}

/// The heads of apps beside those of their segments, with nothing selected yet.
pub(super) fn with_segments() -> Select<event_head::Entity> {
    let segments = event_head::Entity::belongs_to(segment_head::Entity)
        .from(event_head::Column::AppId)
        .to(segment_head::Column::AppId);
    event_head::Entity::find().select_only().join(JoinType::InnerJoin, segments.into())
}

/// The last commit of an app, and how far its events are in segments.
pub(super) async fn heads(db: &impl ConnectionTrait, app: Uuid) -> Result<(i64, segment_head::Model)> {
    let found = with_segments()
        .filter(event_head::Column::AppId.eq(app))
        .column(event_head::Column::Seq)
        .columns([
            segment_head::Column::SealedSeq,
            segment_head::Column::Revision,
            segment_head::Column::NextSegment,
            segment_head::Column::Visitors,
            segment_head::Column::Sessions,
            segment_head::Column::Forgotten,
        ])
        .into_tuple::<(i64, i64, i64, i64, i64, i64, i64)>();
    let (seq, sealed_seq, revision, next_segment, visitors, sessions, forgotten) =
        found.one(db).await?.ok_or(Error::NotFound("app"))?;
    Ok((seq, segment_head::Model { app_id: app, sealed_seq, revision, next_segment, visitors, sessions, forgotten }))
}

/// The commit of the event that comes so many events after the first one behind a commit.
pub(super) async fn seq_of(db: &impl ConnectionTrait, app: Uuid, after: i64, place: u64) -> Result<Option<i64>> {
    let seq = event::Entity::find()
        .select_only()
        .column(event::Column::Seq)
        .filter(event::Column::AppId.eq(app))
        .filter(event::Column::Seq.gt(after))
        .order_by_asc(event::Column::Seq)
        .offset(place)
        .limit(1);
    Ok(seq.into_tuple::<i64>().one(db).await?)
}

/// The rows that came since the tail was read, or those of all of it, unless they are more than there is room for.
async fn rows_behind(
    db: &DatabaseTransaction,
    app: Uuid,
    until: i64,
    head: &segment_head::Model,
    known: Option<&State>,
) -> Result<Option<Builder>> {
    let known = known.filter(|known| known.goes_on(until, head));
    let after = known.map_or(head.sealed_seq, |known| known.seq);
    let (places, bytes) = known.map_or((MAX_TAIL, MAX_TAIL_BYTES), State::room);
    let mut rows = Builder::default();
    if until <= after {
        return Ok(Some(rows));
    }
    if seq_of(db, app, after, places as u64).await?.is_some() {
        return Ok(None);
    }
    let reached = read_rows(db, app, (after, until), bytes, &mut rows).await?;
    metrics::counter!("uea_tail_rows_read_total").increment(rows.len() as u64);
    Ok((reached >= until).then_some(rows))
}

/// Adds the rows of the commits behind one and up to another to a builder, until it takes more than `most` bytes;
/// says up to which commit it has them.
pub(super) async fn read_rows<C: ConnectionTrait + StreamTrait>(
    db: &C,
    app: Uuid,
    (after, until): (i64, i64),
    most: usize,
    builder: &mut Builder,
) -> Result<i64> {
    let (before, read) = (builder.bytes(), builder.len());
    let (mut from, mut page, mut text) = ((after, None), PAGE, String::new());
    loop {
        // In pages: what a statement has begun to send has to be taken to its end.
        let rows = read_all(db, row::of_commits(app, from, until).limit(page), builder, &mut text).await?;
        let Some(last) = builder.last().filter(|_| rows == page) else { return Ok(until) };
        from = last;
        let bytes = builder.bytes();
        if bytes > most {
            let (seq, _) = last;
            read_all(db, row::of_commits(app, from, seq), builder, &mut text).await?;
            return Ok(seq);
        }
        let of_row = (bytes.saturating_sub(before) / (builder.len() - read).max(1)).max(1);
        page = ((most - bytes) / of_row).clamp(1, LONGEST_PAGE as usize) as u64;
    }
}

/// Adds rows to a builder; how many they were.
async fn read_all<C: ConnectionTrait + StreamTrait>(
    db: &C,
    rows: Select<event::Entity>,
    builder: &mut Builder,
    text: &mut String,
) -> Result<u64> {
    let statement = rows.build(ConnectionTrait::get_database_backend(db));
    let (mut rows, mut count) = (pin!(db.stream_raw(statement).await?), 0);
    while let Some(row) = rows.try_next().await? {
        row::read(&row, builder, text)?;
        count += 1;
    }
    Ok(count)
}

/// All segments of an app in the order of their commits, those known before taken from there.
async fn segments(db: &impl ConnectionTrait, app: Uuid, old: Option<&Snapshot>) -> Result<Vec<Arc<Segment>>> {
    use event_segment::Column as C;
    let own = event_segment::Entity::find().filter(C::AppId.eq(app));
    let ids: Vec<i64> = own.clone().select_only().column(C::Id).order_by_asc(C::FirstSeq).into_tuple().all(db).await?;
    let mut known: HashMap<i64, Arc<Segment>> =
        old.into_iter().flat_map(|old| &old.segments).map(|segment| (segment.id, segment.clone())).collect();
    let missing: Vec<i64> = ids.iter().copied().filter(|id| !known.contains_key(id)).collect();
    for ids in missing.chunks(100) {
        for row in own.clone().filter(C::Id.is_in(ids.iter().copied())).all(db).await? {
            known.insert(row.id, Arc::new(Segment::of(row)?));
        }
    }
    Ok(ids.iter().filter_map(|id| known.remove(id)).collect())
}

/// The segments of an app that have rollups; of these the bytes, and the revisions that brought them.
async fn rollups(db: &impl ConnectionTrait, app: Uuid) -> Result<HashMap<i64, (usize, i64)>> {
    use event_aggregation::Column as C;
    let found = event_aggregation::Entity::find()
        .select_only()
        .columns([C::SegmentId, C::Bytes, C::Revision])
        .filter(C::AppId.eq(app))
        .filter(C::Hours.gt(0));
    let found: Vec<(i64, i64, i64)> = found.into_tuple().all(db).await?;
    Ok(found.into_iter().map(|(segment, bytes, revision)| (segment, (bytes as usize, revision))).collect())
}

/// Puts numbers in place of a builder's codes.
pub(super) fn number(parts: &mut Parts, kind: Kind, numbers: &[u32]) {
    let events = match parts.get(&Part::Times) {
        Some(Loaded::Numbers(times)) => times.len(),
        _ => return,
    };
    if let Some(Loaded::Values(values)) = parts.get_mut(&Part::Column(kind.column())) {
        let mut codes = Vec::with_capacity(events);
        values.codes.read(Places::All { from: 0, to: events }, Translate::Table(numbers), &mut codes);
        *values = Values { codes: Codes::new(codes), texts: Texts::default() }.into();
    }
}
