//! Events that this instance has stored, gathered for sealing without being read back.
//!
//! The writer hands over what it has committed, commit by commit. As long as no other instance writes
//! between, the commits gathered follow one another without a gap, and their events are those that
//! sealing would read. With a gap they are thrown away, and rows are read: they are what counts. Questions take
//! the latest of them likewise.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;
use sea_orm::EntityTrait;
use uuid::Uuid;

use super::{
    Columnar,
    build::Builder,
    row,
    seal::{MOST, MOST_BYTES as MOST_SEALED_BYTES},
    snapshot::{read_rows, seq_of},
};
use crate::{
    entity::{event, event_head, segment_head},
    error,
};

/// Events after which a stretch ends, and the next begins.
const STRETCH: usize = 131_072;
/// The same in bytes. An event takes about 300.
const STRETCH_BYTES: usize = 64 << 20;
/// Bytes that are gathered at most, over all apps.
const MOST_BYTES: usize = 160 << 20;
/// Apps whose events are gathered.
const APPS: u64 = 256;
/// How long an app may be silent.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// Events that are copied at once.
const SOME: i64 = 16_384;
/// How long sealing waits for a commit that overtook another on its way here,
const OVERTAKEN: Duration = Duration::from_millis(20);
/// and how long a question does.
const ON_ITS_WAY: Duration = Duration::from_millis(5);

/// An event as it was stored.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// What was accepted.
    pub event: &'a event::Model,
    /// Whom it counts for.
    pub visitor: Option<&'a str>,
    /// The visit it belongs to.
    pub session: Option<&'a str>,
}

/// What is gathered, by app.
#[derive(Debug)]
pub(super) struct Fresh {
    apps: Cache<Uuid, Arc<Mutex<Line>>>,
    bytes: Arc<AtomicUsize>,
}

/// An app's stretches: those that have ended, and the one that grows.
#[derive(Debug, Default)]
struct Line {
    ended: VecDeque<Stretch>,
    grows: Option<Stretch>,
}

/// Commits that follow one another, and their events.
#[derive(Debug)]
struct Stretch {
    builder: Builder,
    /// The least number of a commit.
    first: i64,
    /// The greatest.
    last: i64,
    commits: i64,
    /// What its events take.
    bytes: usize,
    /// The same of all stretches.
    total: Arc<AtomicUsize>,
}

impl Drop for Stretch {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Default for Fresh {
    fn default() -> Self {
        Self { apps: Cache::builder().max_capacity(APPS).time_to_idle(IDLE).build(), bytes: Arc::default() }
    }
}

impl Columnar {
    /// Takes the events of a commit, all of them, after it is done.
    pub fn hand_over<'a>(&self, app: Uuid, seq: i64, events: impl Iterator<Item = Stored<'a>>) {
        let Fresh { apps, bytes: total } = &self.fresh;
        let line = apps.get_with(app, Arc::default);
        let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
        let Line { ended, grows } = &mut *line;
        let stretch = grows.get_or_insert_with(|| Stretch::new(seq, total.clone()));
        stretch.add(seq, events);
        if stretch.is_long(1) && stretch.is_whole() {
            ended.extend(grows.take());
        } else if stretch.is_long(2) {
            *grows = None;
        }
        if total.load(Ordering::Relaxed) > MOST_BYTES {
            *line = Line::default();
        }
    }

    /// Events of the first commits behind `head`, of which `seq` is the last, and up to which commit they are:
    /// what was handed over, with the rows before it where that is not too many, or rows.
    pub(super) async fn gather(&self, head: &segment_head::Model, seq: i64) -> error::Result<(Builder, i64)> {
        let erased = event_head::Entity::find_by_id(head.app_id).one(&*self.db).await?;
        let fresh = self.take_fresh(head, erased.map_or(0, |head| head.erased_seq)).await;
        let follows = fresh.as_ref().is_some_and(|fresh| fresh.first == head.sealed_seq + 1);
        let mut until = head.sealed_seq;
        if !follows {
            until = seq_of(&*self.db, head.app_id, head.sealed_seq, MOST - 1).await?.unwrap_or(seq);
        }
        let (mut builder, rows_until, until) = match fresh {
            Some(fresh) if follows || fresh.first <= until => {
                let (first, last) = (fresh.first, fresh.last);
                (fresh.into_builder(), first - 1, last)
            }
            Some(fresh) => {
                self.give_back(head.app_id, fresh);
                (Builder::default(), until, until)
            }
            None => (Builder::default(), until, until),
        };
        if rows_until <= head.sealed_seq {
            return Ok((builder, until));
        }
        let commits = (head.sealed_seq, rows_until);
        let mut reached = read_rows(&*self.db, head.app_id, commits, MOST_SEALED_BYTES, &mut builder).await?;
        if reached == rows_until {
            return Ok((builder, until));
        }
        if rows_until < until {
            // They are too many together with what was handed over.
            builder = Builder::default();
            reached = read_rows(&*self.db, head.app_id, commits, MOST_SEALED_BYTES, &mut builder).await?;
        }
        Ok((builder, reached))
    }

    /// The events of the commits behind one and up to another, unless some of them were not handed over, or are
    /// being sealed.
    pub(super) async fn handed_over_between(&self, app: Uuid, after: i64, until: i64) -> Option<Builder> {
        if until <= after {
            return Some(Builder::default());
        }
        for rest in [ON_ITS_WAY, Duration::ZERO] {
            let line = self.fresh.apps.get(&app)?;
            match tokio::task::spawn_blocking(move || between(&line, after, until)).await.ok()? {
                Ok(events) => return Some(events),
                Err(Missing::ForGood) => return None,
                Err(Missing::Yet) => {}
            }
            tokio::time::sleep(rest).await;
        }
        None
    }

    /// Whether so much was handed over of an app's events that it is to be sealed.
    pub(super) fn has_many_fresh(&self, app: Uuid) -> bool {
        let line = self.fresh.apps.get(&app);
        line.is_some_and(|line| !line.lock().unwrap_or_else(PoisonError::into_inner).ended.is_empty())
    }

    /// What was handed over of the commits behind `head`. Whoever takes it seals it, or it is lost.
    async fn take_fresh(&self, head: &segment_head::Model, erased_seq: i64) -> Option<Stretch> {
        for rest in [OVERTAKEN, OVERTAKEN, Duration::ZERO] {
            let line = self.fresh.apps.get(&head.app_id)?;
            {
                let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
                // What was gathered before an erasure holds who was erased, and what others have sealed is done.
                let is_good = |stretch: &Stretch| stretch.first > head.sealed_seq.max(erased_seq);
                line.ended.retain(is_good);
                line.grows.take_if(|stretch| !is_good(stretch));
                if let Some(stretch) = line.ended.pop_front() {
                    return Some(stretch);
                }
                if let Some(stretch) = line.grows.take_if(|stretch| stretch.is_whole() || rest.is_zero()) {
                    return stretch.is_whole().then_some(stretch);
                }
            }
            tokio::time::sleep(rest).await;
        }
        None
    }

    /// Throws away what was handed over of an app.
    pub(super) fn drop_fresh(&self, app: Uuid) {
        self.fresh.apps.invalidate(&app);
    }

    /// Takes back what is not to be sealed yet.
    fn give_back(&self, app: Uuid, stretch: Stretch) {
        let line = self.fresh.apps.get_with(app, Arc::default);
        line.lock().unwrap_or_else(PoisonError::into_inner).ended.push_front(stretch);
    }
}

/// Whether what was not handed over may still be.
enum Missing {
    Yet,
    ForGood,
}

/// The events of the commits behind one and up to another: some of them at a time, as the writer waits meanwhile.
fn between(line: &Mutex<Line>, after: i64, until: i64) -> Result<Builder, Missing> {
    let (mut events, mut next) = (Builder::default(), after + 1);
    while next <= until {
        next = line.lock().unwrap_or_else(PoisonError::into_inner).add_some(next, until, &mut events)?;
    }
    Ok(events)
}

impl Line {
    /// Adds the events of some commits from `next` on and up to `until`; which commit is the next.
    fn add_some(&self, next: i64, until: i64, events: &mut Builder) -> Result<i64, Missing> {
        let stretch = self.ended.iter().chain(&self.grows).find(|stretch| stretch.last >= next).ok_or(Missing::Yet)?;
        if stretch.first > next {
            return Err(Missing::ForGood);
        }
        if !stretch.is_whole() {
            return Err(Missing::Yet);
        }
        let builder = &stretch.builder;
        let commits_of_some = stretch.commits * SOME / builder.len().max(1) as i64;
        let last = stretch.last.min(until).min(next.saturating_add(commits_of_some));
        let rows = (0..).zip(&builder.seqs).filter(|(_, seq)| (next..=last).contains(*seq)).map(|(row, _)| row);
        events.append_rows(builder, &rows.collect::<Vec<u32>>());
        Ok(last + 1)
    }
}

impl Stretch {
    /// Its events.
    fn into_builder(mut self) -> Builder {
        std::mem::take(&mut self.builder)
    }

    fn new(seq: i64, total: Arc<AtomicUsize>) -> Self {
        Self { builder: Builder::default(), first: seq, last: seq, commits: 0, bytes: 0, total }
    }

    /// Commits may come in any order, each of them once.
    fn add<'a>(&mut self, seq: i64, events: impl Iterator<Item = Stored<'a>>) {
        let before = self.bytes;
        let mut text = String::new();
        events.for_each(|event| row::add(&event, seq, &mut self.builder, &mut text));
        self.bytes = self.builder.bytes();
        self.total.fetch_add(self.bytes.saturating_sub(before), Ordering::Relaxed);
        self.first = self.first.min(seq);
        self.last = self.last.max(seq);
        self.commits += 1;
    }

    /// Whether it is so many times as long as a stretch should be.
    fn is_long(&self, times: usize) -> bool {
        self.builder.len() >= times * STRETCH || self.bytes >= times * STRETCH_BYTES
    }

    /// Whether no commit is missing between its first and its last.
    fn is_whole(&self) -> bool {
        self.last - self.first + 1 == self.commits
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::columnar::{
        part::{Loaded, Part},
        property,
    };

    /// What the commits have stored: a few events each, with more properties than get columns of their own.
    fn of_commit(seq: i64) -> Vec<event::Model> {
        let event = |n: i64| event::Model {
            id: Uuid::from_u128((seq * 10 + n) as u128),
            timestamp: 1_000 - seq * 7 % 50 + n,
            event_type: ["view", "click"][(seq + n) as usize % 2].to_owned(),
            path: (n > 0).then(|| format!("/{}", seq % 5)),
            metadata: (n != 1).then(|| json!({ "plan": n, format!("p{}", seq * 3 + n): seq, "same": "a" })),
            ..event::Model::default()
        };
        (0..1 + seq % 4).map(event).collect()
    }

    fn add(stretch: &mut Stretch, seq: i64) {
        let events = of_commit(seq);
        let visitor = format!("v{}", seq % 9);
        let stored = |event| Stored { event, visitor: Some(&visitor), session: None };
        stretch.add(seq, events.iter().map(stored));
    }

    /// A line of the commits from 1 to 400 but for those left out, of which every second came before the one before it.
    fn line(left_out: &[i64]) -> Line {
        let mut line = Line::default();
        let total = Arc::<AtomicUsize>::default();
        for first in (1..=400).step_by(100) {
            let mut stretch = Stretch::new(first + 1, total.clone());
            let commits = (first..first + 100).map(|seq| if seq % 2 == 0 { seq - 1 } else { seq + 1 });
            commits.filter(|seq| !left_out.contains(seq)).for_each(|seq| add(&mut stretch, seq));
            line.ended.extend(line.grows.replace(stretch));
        }
        line
    }

    /// What is known of each event, whichever of its properties have columns.
    fn told(builder: &Builder) -> BTreeMap<Uuid, BTreeMap<String, String>> {
        let parts = builder.build();
        let Loaded::Ids(ids) = &parts[&Part::Ids] else { panic!("ids are ids") };
        let mut all: BTreeMap<Uuid, BTreeMap<String, String>> = BTreeMap::new();
        for (part, loaded) in &parts {
            for (place, id) in ids.iter().enumerate() {
                let event = all.entry(*id).or_default();
                match loaded {
                    Loaded::Numbers(numbers) => drop(event.insert(format!("{part:?}"), numbers[place].to_string())),
                    Loaded::Values(values) => {
                        let Some(value) = values.texts.get(values.codes.get(place)) else { continue };
                        match part {
                            Part::Rest => property::each(value, |key: &str, value: &str| {
                                event.insert(format!("Column(Property({key:?}))"), value.to_owned());
                            }),
                            part => drop(event.insert(format!("{part:?}"), value.to_owned())),
                        }
                    }
                    _ => {}
                }
            }
        }
        all
    }

    #[test]
    fn events_of_some_commits_are_those_that_were_handed_over() {
        let line = Mutex::new(line(&[]));
        for (after, until) in [(0, 400), (0, 1), (37, 38), (99, 101), (120, 350), (399, 400)] {
            let mut expected = Stretch::new(after + 1, Arc::default());
            (after + 1..=until).for_each(|seq| add(&mut expected, seq));
            let found = between(&line, after, until).ok().map(|found| told(&found));
            assert_eq!(found, Some(told(&expected.builder)), "{after} to {until}");
        }
    }

    #[test]
    fn nothing_is_told_of_commits_with_a_gap() {
        let line = Mutex::new(line(&[150, 400]));
        let is_there = |after, until| between(&line, after, until).is_ok();
        assert!(is_there(0, 100) && is_there(200, 300));
        assert!(!is_there(90, 120) && !is_there(160, 170) && !is_there(300, 400) && !is_there(300, 401));
        assert!(matches!(between(&Mutex::default(), 0, 1), Err(Missing::Yet)));
        let late = Mutex::new(Line { grows: Some(Stretch::new(5, Arc::default())), ..Line::default() });
        assert!(matches!(between(&late, 2, 5), Err(Missing::ForGood)));
    }
}
