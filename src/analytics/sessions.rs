//! The sessions of a range: how long they are, where they begin and end.

use std::collections::HashMap;

use async_graphql::SimpleObject;
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

use super::{
    BigInt, Range,
    accumulator::codes,
    funnel::{average, median},
    labels::Labels,
    passive::{Doing, Types, bounces},
    trails::{Mark, Trails},
};
use crate::columnar::{Column, Columns, View};

/// The sessions of a range, each as far as its events are among those asked about.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionReport {
    /// Number of different session ids.
    pub sessions: BigInt,
    /// Mean time from a session's first to its last event, in seconds; null without sessions.
    pub average_seconds: Option<f64>,
    /// The same in the session in the middle, or the mean of the two there; null without sessions.
    pub median_seconds: Option<f64>,
    /// Mean number of events of a session; null without sessions.
    pub events_per_session: Option<f64>,
    /// Share of sessions, from 0 to 1, of one page view and nothing else that the visitor did; null without
    /// sessions. What pages and libraries send by themselves does not count: events of the types `page_leave`,
    /// `engagement`, `performance`, `web_vitals`, `identify`, `alias`, `group` and `set`.
    pub bounce_rate: Option<f64>,
    /// Where sessions begin: the page of their first event that has one. Most frequent first, equal ones
    /// in order.
    pub entry_pages: Vec<SessionPage>,
    /// Where sessions end: the page of their last event that has one, likewise.
    pub exit_pages: Vec<SessionPage>,
}

/// A page where sessions begin or end.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionPage {
    /// Path of the page.
    pub page_path: String,
    /// How many sessions begin or end there.
    pub sessions: BigInt,
    /// Their share of all sessions, from 0 to 1.
    pub share: f64,
}

/// What a visitor did, as events of a session are marked with it.
const A_PAGE_VIEW: u16 = 1;
const SOMETHING_ELSE: u16 = 2;

/// Computes a [`SessionReport`].
#[derive(Debug, Clone)]
pub(super) struct SessionsKernel {
    limit: usize,
    trails: Trails,
}

impl SessionsKernel {
    pub(super) fn new(limit: usize, range: Range) -> Self {
        Self { limit, trails: Trails::new(range, true) }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> + use<> {
        [Column::Session, Column::Path, Column::EventType].into_iter()
    }

    pub(super) fn fold(&mut self, view: View<'_>) {
        let [sessions, paths, types] = [Column::Session, Column::Path, Column::EventType].map(|own| codes(view, &own));
        let kinds = Types::of(view.columns);
        for row in 0..view.batch.len() {
            let bits = match kinds.doing(types[row]) {
                Doing::Passive => 0,
                Doing::PageView => A_PAGE_VIEW,
                Doing::Other => SOMETHING_ELSE,
            };
            self.trails.push(sessions[row], view.batch.timestamps[row], bits, paths[row]);
        }
    }

    /// Adds what another has seen of other events.
    pub(super) fn merge(&mut self, other: Self) {
        self.trails.merge(other.trails);
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.trails.bytes()
    }

    pub(super) fn finish(self, columns: &Columns) -> SessionReport {
        let labels = Labels::of(columns, Some(&Column::Path));
        let none = labels.none();
        let counts = self.trails.fold(labels.ranks(), Counts::default, |counts, trail| counts.add(trail, none));
        let Counts { mut lengths, events, bounced, pages } = counts.into_iter().fold(Counts::default(), Counts::and);
        let sessions = lengths.len() as u64;
        let share = |of: u64| of as f64 / sessions as f64;
        let [entry_pages, exit_pages] = pages.map(|pages| {
            let mut pages: Vec<(u32, u64)> = pages.into_iter().collect();
            pages.sort_unstable_by(|(a, one), (b, other)| other.cmp(one).then(a.cmp(b)));
            let pages = pages.into_iter().take(self.limit).filter_map(|(page, sessions)| {
                let page_path = labels.text(page)?.to_owned();
                Some(SessionPage { page_path, sessions: BigInt(sessions), share: share(sessions) })
            });
            pages.collect()
        });
        SessionReport {
            sessions: BigInt(sessions),
            average_seconds: average(&lengths).map(|millis| millis / 1_000.0),
            median_seconds: median(&mut lengths).map(|millis| millis / 1_000.0),
            events_per_session: (sessions > 0).then(|| share(events as u64)),
            bounce_rate: (sessions > 0).then(|| share(bounced)),
            entry_pages,
            exit_pages,
        }
    }
}

/// What sessions add up to.
#[derive(Debug, Default)]
struct Counts {
    /// Milliseconds of each.
    lengths: Vec<u64>,
    events: usize,
    bounced: u64,
    /// Sessions by the ranks of the pages where they begin and end.
    pages: [HashMap<u32, u64, RandomState>; 2],
}

impl Counts {
    /// Adds a session; `none` is the rank of no page.
    fn add(&mut self, trail: &[Mark], none: u32) {
        let [Some(first), Some(last)] = [trail.first(), trail.last()] else { return };
        self.lengths.push(last.at() - first.at());
        self.events += trail.len();
        // More than two of either change nothing.
        let of = |bits: u16| trail.iter().filter(|mark| mark.bits() == bits).take(2).count() as u32;
        self.bounced += u64::from(bounces(of(A_PAGE_VIEW), of(SOMETHING_ELSE)));
        let has_page = |mark: &&Mark| mark.what != none;
        let entry = trail.iter().find(has_page);
        // Of several at the last moment, the one whose path comes first as well.
        let end = trail.iter().rfind(has_page);
        let exit = end.and_then(|end| trail.iter().find(|mark| mark.at() == end.at()));
        for (pages, page) in self.pages.iter_mut().zip([entry, exit]) {
            if let Some(page) = page {
                *pages.entry(page.what).or_default() += 1;
            }
        }
    }

    fn and(mut self, mut other: Self) -> Self {
        self.lengths.append(&mut other.lengths);
        self.events += other.events;
        self.bounced += other.bounced;
        for (own, pages) in self.pages.iter_mut().zip(other.pages) {
            pages.into_iter().for_each(|(page, sessions)| *own.entry(page).or_default() += sessions);
        }
        self
    }
}
