//! Events taken out of rows and segments together.
//!
//! A step removes rows and puts a segment made without them in the place of the one that held them, in
//! one transaction. It holds the app's row of `event_heads`, as every writer of events does, and moves
//! the commit number on, so that no answer computed before is taken for one of afterwards; and it moves
//! the revision of the segments on, as sealing does, so that whoever else changes them meanwhile changes
//! nothing. After each step rows and segments agree. What a crash interrupts is found again and done.

use std::{collections::BTreeSet, ops::RangeInclusive, sync::Arc};

use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use tokio::task;
use uuid::Uuid;

use super::{
    Columnar,
    build::Builder,
    header::{self, Encoded, Segment},
    load::Key,
    numbers::{self, Kind},
    part::{Loaded, Part, Parts},
    row::VISITOR,
    seal::{claim, remove, store},
    snapshot::heads,
    values::Places,
};
use crate::{
    entity::{erasure, event, event_head, event_segment, segment_head},
    error::{Error, Result},
};

/// Rows of one statement that looks at all of an app.
const ROWS: u64 = 20_000;

/// Events of some people.
#[derive(Debug, Clone)]
pub struct People {
    /// Whose events.
    pub app: Uuid,
    /// For whom they count.
    pub ids: Vec<String>,
    /// Of the commits up to this one.
    pub until_seq: i64,
    /// The receipt that counts what is removed.
    pub receipt: Uuid,
}

/// Which events are to go.
#[derive(Debug, Clone)]
pub(super) enum Which {
    /// Those of people.
    Of(People),
    /// Those of an app that happened before a time.
    Before(Uuid, i64),
}

/// The first commits of a segment, and its last.
type Stretch = (i64, RangeInclusive<i64>);

/// A segment, how many of its events go, and what is left of it.
type Replaced<'s> = (&'s Segment, usize, Option<(Segment, Encoded)>);

impl Columnar {
    /// Removes all events of some people, segment by segment.
    pub async fn erase(&self, people: &People) -> Result<()> {
        loop {
            let seqs = self.commits_of(people).await?;
            let which = Which::Of(people.clone());
            let touched: Vec<i64> = if seqs.is_empty() {
                // Rows may be gone already, removed by somebody else than this server.
                self.segments_of(people).await?
            } else {
                let all = self.commits_of_segments(people.app).await?.into_iter();
                all.filter(|(_, commits)| seqs.range(commits.clone()).next().is_some()).map(|(id, _)| id).collect()
            };
            if touched.is_empty() {
                if seqs.is_empty() {
                    return self.clear_beside(people).await;
                }
                self.remove_rows(&which).await?;
            }
            for id in touched {
                self.rewrite(&which, id).await?;
            }
        }
    }

    /// The commits with events of these people.
    async fn commits_of(&self, people: &People) -> Result<BTreeSet<i64>> {
        let seqs = event::Entity::find().select_only().column(event::Column::Seq).distinct().filter(theirs(people));
        Ok(seqs.into_tuple::<i64>().all(self.db.writer()).await?.into_iter().collect())
    }

    /// The segments that hold events of these people.
    async fn segments_of(&self, people: &People) -> Result<Vec<i64>> {
        let numbers = self.numbers_of_people(people).await?;
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        loop {
            // Where one was merged meanwhile, they may be in what it was merged into.
            if let Some(found) = self.segments_with(people, &numbers).await? {
                return Ok(found);
            }
        }
    }

    /// Those of them that hold these numbers; nothing when one was replaced meanwhile.
    async fn segments_with(&self, people: &People, numbers: &BTreeSet<u32>) -> Result<Option<Vec<i64>>> {
        let mut found = Vec::new();
        for (id, commits) in self.commits_of_segments(people.app).await? {
            let row = event_segment::Entity::find_by_id((people.app, id)).one(self.db.writer()).await?;
            let Some(segment) = row.map(Segment::of).transpose()?.map(Arc::new) else { return Ok(None) };
            if *commits.start() > people.until_seq || !segment.may_have(numbers) {
                continue;
            }
            let wanted = [Part::Column(Kind::Visitor.column()), Part::Seqs];
            let events = segment.events;
            let Some(mut parts) = self.load_and(false, people.app, &[segment], &wanted).await? else { return Ok(None) };
            let parts = parts.pop().unwrap_or_default();
            if Which::Of(people.clone()).kept(&parts, numbers, events).len() < events {
                found.push(id);
            }
        }
        Ok(Some(found))
    }

    /// The numbers that these people have in segments.
    async fn numbers_of_people(&self, people: &People) -> Result<BTreeSet<u32>> {
        let ids: Vec<&str> = people.ids.iter().map(String::as_str).collect();
        let numbers = numbers::of_texts(self.db.writer(), people.app, Kind::Visitor, &ids).await?;
        Ok(numbers.into_values().collect())
    }

    /// The app's segments with their commits.
    pub(super) async fn commits_of_segments(&self, app: Uuid) -> Result<Vec<Stretch>> {
        use event_segment::Column as C;
        let segments = event_segment::Entity::find().select_only().columns([C::Id, C::FirstSeq, C::LastSeq]);
        let segments = segments.filter(C::AppId.eq(app)).order_by_asc(C::FirstSeq).into_tuple::<(i64, i64, i64)>();
        let segments = segments.all(self.db.writer()).await?;
        Ok(segments.into_iter().map(|(id, first, last)| (id, first..=last)).collect())
    }

    /// Takes events out of a segment and their rows with them; whether that was done, rather than found
    /// to be somebody else's turn.
    pub(super) async fn rewrite(&self, which: &Which, id: i64) -> Result<bool> {
        let _one_at_a_time = self.sealing.lock().await;
        let app = which.app();
        let (_, head) = heads(self.db.writer(), app).await?;
        let Some(row) = event_segment::Entity::find_by_id((app, id)).one(self.db.writer()).await? else {
            return Ok(false);
        };
        let segment = Arc::new(Segment::of(row)?);
        let Some(parts) = self.load_whole(app, &segment).await? else { return Ok(false) };
        let numbers = match which {
            Which::Of(people) => self.numbers_of_people(people).await?,
            Which::Before(..) => BTreeSet::new(),
        };
        let (what, events, new_id) = (which.clone(), segment.events, head.next_segment);
        let encode = move || {
            let kept: Vec<u32> = what.kept(&parts, &numbers, events);
            if kept.len() == events {
                return (kept.len(), None);
            }
            let mut builder = Builder::default();
            builder.append(&parts, Places::Some(&kept));
            (kept.len(), header::encode(&builder.build(), new_id, builder.len()))
        };
        let (kept, new) = task::spawn_blocking(encode).await.map_err(Error::internal)?;
        let replaced = (kept < segment.events).then_some((&*segment, segment.events - kept, new));
        self.change(which, &head, segment.first_seq..=segment.last_seq, replaced).await
    }

    /// Removes rows that are in no segment.
    pub(super) async fn remove_rows(&self, which: &Which) -> Result<bool> {
        let _one_at_a_time = self.sealing.lock().await;
        let (_, head) = heads(self.db.writer(), which.app()).await?;
        let covered = self.commits_of_segments(which.app()).await?;
        // What is behind the last segment; and, should rows and segments not agree, what is in none.
        let from = match which {
            Which::Of(_) if covered.is_empty() => i64::MIN,
            Which::Of(people) => {
                let seqs = self.commits_of(people).await?;
                if covered.iter().any(|(_, commits)| seqs.range(commits.clone()).next().is_some()) {
                    return Ok(false);
                }
                i64::MIN
            }
            Which::Before(..) => head.sealed_seq + 1,
        };
        self.change(which, &head, from..=i64::MAX, None).await
    }

    /// The transaction of a step; false when segments have changed since `head` was read.
    async fn change(
        &self,
        which: &Which,
        head: &segment_head::Model,
        commits: RangeInclusive<i64>,
        replaced: Option<Replaced<'_>>,
    ) -> Result<bool> {
        let app = which.app();
        let transaction = self.db.begin().await?;
        next_commit(&transaction, app).await?;
        let segments = i64::from(replaced.is_some());
        let (old, without, new) = match replaced {
            Some((old, without, new)) => (Some(old), without as u64, new),
            None => (None, 0, None),
        };
        let next = segment_head::Model { next_segment: head.next_segment + i64::from(new.is_some()), ..head.clone() };
        if !claim(&transaction, head, &next).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        let rows = which.rows().add(event::Column::Seq.between(*commits.start(), *commits.end()));
        let sessions = match which {
            Which::Of(_) => {
                let sessions = event::Entity::find().select_only().column(event::Column::SessionId).distinct();
                sessions.filter(rows.clone()).into_tuple::<Option<String>>().all(&transaction).await?
            }
            Which::Before(..) => Vec::new(),
        };
        let events = event::Entity::delete_many().filter(rows).exec(&transaction).await?.rows_affected;
        if let Some(old) = old {
            remove(&transaction, app, &[old.id]).await?;
        }
        if let Some((segment, columns)) = new {
            store(&transaction, app, head.revision + 1, &segment, columns).await?;
        }
        if let Which::Of(people) = which {
            // Of events without rows nothing says which sessions they are of.
            let all = without > events;
            let removed =
                Removed { events: Ord::max(events, without), segments, sessions: sessions.into_iter().flatten(), all };
            note(&transaction, people, removed).await?;
        }
        transaction.commit().await?;
        if let Some(old) = old {
            self.drop_parts(app, |id| id == old.id);
        }
        self.apps.invalidate(&app);
        self.drop_fresh(app);
        metrics::counter!("uea_events_removed_total").increment(events);
        Ok(true)
    }

    /// Frees the memory of segments that are no more.
    pub(super) fn drop_parts(&self, app: Uuid, is_gone: impl Fn(i64) -> bool) {
        let is_own = |key: &Key| matches!(key, Key::Part(of, id, _) if *of == app && is_gone(*id));
        let parts: Vec<_> = self.parts.iter().map(|(key, _)| key).filter(|key| is_own(key)).collect();
        parts.iter().for_each(|key| self.parts.invalidate(&**key));
    }

    /// Takes the ids of these people out of events that count for others: of whoever else has used the
    /// same device.
    async fn clear_beside(&self, people: &People) -> Result<()> {
        use event::Column as C;
        let mut after = i64::MIN;
        let anonymous = || C::AnonymousId.is_in(&people.ids).and(C::UserId.is_not_null());
        loop {
            let own = Condition::all().add(C::AppId.eq(people.app)).add(C::Seq.gt(after));
            let next = event::Entity::find().select_only().column(C::Seq).filter(own.clone()).order_by_asc(C::Seq);
            let next = next.offset(ROWS).limit(1).into_tuple::<i64>().one(self.db.writer()).await?;
            let until = Ord::min(next.unwrap_or(people.until_seq), people.until_seq);
            event::Entity::update_many()
                .col_expr(C::AnonymousId, Expr::value(None::<String>))
                .filter(own.add(C::Seq.lte(until)).add(anonymous()).add(C::UserId.is_not_in(&people.ids)))
                .exec(self.db.writer())
                .await?;
            after = until;
            if next.is_none() || after >= people.until_seq {
                return Ok(());
            }
        }
    }
}

impl Which {
    fn app(&self) -> Uuid {
        match self {
            Self::Of(people) => people.app,
            Self::Before(app, _) => *app,
        }
    }

    /// The places of the events that stay.
    fn kept(&self, parts: &Parts, numbers: &BTreeSet<u32>, events: usize) -> Vec<u32> {
        let all = 0..events as u32;
        match (self, parts.get(&Part::Times), parts.get(&Part::Seqs), parts.get(&Part::Column(Kind::Visitor.column())))
        {
            (Self::Before(_, at), Some(Loaded::Numbers(times)), ..) => {
                all.filter(|&place| times.get(place as usize).is_none_or(|time| time >= at)).collect()
            }
            (Self::Of(people), _, Some(Loaded::Numbers(seqs)), Some(Loaded::Values(visitors))) => {
                let goes = |place: usize| {
                    numbers.contains(&visitors.codes.get(place))
                        && seqs.get(place).is_some_and(|seq| *seq <= people.until_seq)
                };
                all.filter(|&place| !goes(place as usize)).collect()
            }
            _ => all.collect(),
        }
    }

    /// The rows that are to go.
    fn rows(&self) -> Condition {
        match self {
            Self::Of(people) => theirs(people),
            Self::Before(app, at) => {
                Condition::all().add(event::Column::AppId.eq(*app)).add(event::Column::Timestamp.lt(*at))
            }
        }
    }
}

/// The rows that count for these people.
fn theirs(people: &People) -> Condition {
    Condition::all()
        .add(event::Column::AppId.eq(people.app))
        .add(Expr::cust(VISITOR).is_in(&people.ids))
        .add(event::Column::Seq.lte(people.until_seq))
}

/// Takes the app's head and the number of a commit as of which answers begin anew.
pub(super) async fn next_commit(transaction: &DatabaseTransaction, app: Uuid) -> Result<()> {
    use event_head::Column as C;
    let next = || Expr::col(C::Seq).add(1);
    let moved = event_head::Entity::update_many().col_expr(C::Seq, next()).col_expr(C::ErasedSeq, next());
    match moved.filter(C::AppId.eq(app)).exec(transaction).await?.rows_affected {
        0 => Err(Error::NotFound("app")),
        _ => Ok(()),
    }
}

/// What a step has removed: events, segments, and of which sessions, or of which `all` is to be asked.
struct Removed<S> {
    events: u64,
    segments: i64,
    sessions: S,
    all: bool,
}

/// Adds to a receipt, and keeps for its end which sessions nobody may be left in.
async fn note(
    transaction: &DatabaseTransaction,
    people: &People,
    removed: Removed<impl Iterator<Item = String>>,
) -> Result<()> {
    use erasure::Column as C;
    let receipt = erasure::Entity::find_by_id((people.app, people.receipt)).one(transaction).await?;
    let Some(receipt) = receipt else { return Ok(()) };
    let mut pending = Pending::of(&receipt)?;
    let Removed { events, segments, sessions, all } = removed;
    pending.sessions.extend(sessions);
    pending.all |= all;
    erasure::Entity::update_many()
        .col_expr(C::Events, Expr::col(C::Events).add(events as i64))
        .col_expr(C::Segments, Expr::col(C::Segments).add(segments))
        .col_expr(C::Sessions, Expr::value(pending.sessions.len() as i64))
        .col_expr(C::Pending, Expr::value(serde_json::to_string(&pending).map_err(Error::internal)?))
        .filter(C::AppId.eq(people.app))
        .filter(C::Id.eq(people.receipt))
        .exec(transaction)
        .await?;
    Ok(())
}

/// What an erasure that is under way has to remember.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Pending {
    /// The ids of the person.
    pub ids: Vec<String>,
    /// The sessions of events that are gone.
    pub sessions: BTreeSet<String>,
    /// Whether they may have been of others as well.
    #[serde(default)]
    pub all: bool,
}

impl Pending {
    /// What a receipt remembers; nothing once it is finished.
    pub fn of(receipt: &erasure::Model) -> Result<Self> {
        receipt
            .pending
            .as_deref()
            .map_or(Ok(Self::default()), |json| serde_json::from_str(json).map_err(Error::internal))
    }
}
