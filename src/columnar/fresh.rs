//! Events that this instance has stored, gathered for sealing without being read back.
//!
//! The writer hands over what it has committed, commit by commit. As long as no other instance writes
//! between, the commits gathered follow one another without a gap, and their events are those that
//! sealing would read. With a gap they are thrown away, and rows are read: they are what counts.

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
    error::Result,
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
/// How long sealing waits for a commit that overtook another on its way here.
const OVERTAKEN: Duration = Duration::from_millis(20);

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
    pub(super) async fn gather(&self, head: &segment_head::Model, seq: i64) -> Result<(Builder, i64)> {
        let erased = event_head::Entity::find_by_id(head.app_id).one(&*self.db).await?;
        let fresh = self.take_fresh(head, erased.map_or(0, |head| head.erased_seq)).await;
        let follows = fresh.as_ref().is_some_and(|fresh| fresh.first == head.sealed_seq + 1);
        let mut until = head.sealed_seq;
        if !follows {
            until = seq_of(&*self.db, head, MOST - 1).await?.unwrap_or(seq);
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
