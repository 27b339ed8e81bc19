//! What comes before or after an event within a session.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Enum, SimpleObject};
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

use super::{
    BigInt, Range,
    accumulator::codes,
    filter::EventFilter,
    labels::Labels,
    marks::Marks,
    trails::{Mark, Trails},
};
use crate::{
    columnar::{Column, Columns, View, Wanted},
    error::{Error, Result},
};

/// How many steps a path may have.
pub const MAX_STEPS: usize = 5;
/// How many paths may be shown.
pub const MAX_PATHS: i32 = 100;

/// Which way to look from an event.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub enum PathDirection {
    /// At what came before, the nearest first.
    Before,
    /// At what came after, the nearest first.
    #[default]
    After,
}

/// What the steps of a path are.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub enum PathUnit {
    /// Paths of pages. Events without a page are passed over, and so is what stays on the same page.
    #[default]
    PagePath,
    /// Types of events. Equal ones that follow one another are one step.
    EventType,
}

impl PathUnit {
    fn column(self) -> Column {
        match self {
            Self::PagePath => Column::Path,
            Self::EventType => Column::EventType,
        }
    }
}

/// Which paths to count, checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct PathsQuery {
    anchor: EventFilter,
    direction: PathDirection,
    unit: PathUnit,
    steps: usize,
    limit: usize,
}

impl PathsQuery {
    /// Checks the arguments `steps` and `limit`; `anchor` has been checked.
    pub fn new(anchor: EventFilter, direction: PathDirection, unit: PathUnit, steps: i32, limit: i32) -> Result<Self> {
        if !(1..=MAX_STEPS as i32).contains(&steps) {
            return Err(Error::invalid("steps", format!("steps must be from 1 to {MAX_STEPS}.")));
        }
        if !(1..=MAX_PATHS).contains(&limit) {
            return Err(Error::invalid("limit", format!("limit must be from 1 to {MAX_PATHS}.")));
        }
        Ok(Self { anchor, direction, unit, steps: steps as usize, limit: limit as usize })
    }
}

/// What comes before or after an event within a session.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paths {
    /// How many sessions have such an event. The first of a session counts.
    pub sessions: BigInt,
    /// The most frequent sequences of steps; equal ones in the order of their steps.
    pub paths: Vec<PathCount>,
    /// How many different sequences there are, shown or not.
    pub different: BigInt,
    /// The most frequent transitions from a step to the next; equal ones by step and values.
    pub transitions: Vec<PathTransition>,
}

/// A sequence of steps.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathCount {
    /// The steps, the nearest to the event first. Fewer than asked for where the session begins or ends;
    /// none where the event is alone.
    pub steps: Vec<String>,
    /// How many sessions have exactly these.
    pub sessions: BigInt,
    /// Their share of all sessions with such an event, from 0 to 1.
    pub share: f64,
}

/// Where sessions go from a step, or come from.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathTransition {
    /// Which step it leads to: 1 is the nearest to the event.
    pub step: i32,
    /// The value one step nearer to the event, or of the event itself; null where that has none.
    pub from: Option<String>,
    /// The value of the step; null where there is none, because the session ends or begins.
    pub to: Option<String>,
    /// How many sessions.
    pub sessions: BigInt,
    /// Their share of all sessions with such an event, from 0 to 1.
    pub share: f64,
}

/// Computes [`Paths`].
#[derive(Debug, Clone)]
pub(super) struct PathsKernel {
    query: Arc<PathsQuery>,
    pub(super) marks: Marks,
    trails: Trails,
}

impl PathsKernel {
    pub(super) fn new(query: &PathsQuery, range: Range) -> Self {
        let marks = Marks::new([&query.anchor]);
        Self { query: Arc::new(query.clone()), marks, trails: Trails::new(range, true) }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        self.query.anchor.columns().into_iter().chain([Column::Session, self.query.unit.column()])
    }

    /// Whom its filters tell from others.
    pub(super) fn names(&self) -> Wanted {
        self.query.anchor.names()
    }

    pub(super) fn fold(&mut self, view: View<'_>) {
        let [sessions, values] = [Column::Session, self.query.unit.column()].map(|own| codes(view, &own));
        let bits = self.marks.of(view);
        for row in 0..view.batch.len() {
            self.trails.push(sessions[row], view.batch.timestamps[row], bits[row], values[row]);
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

    pub(super) fn finish(self, columns: &Columns) -> Paths {
        let Self { query, trails, .. } = self;
        let labels = Labels::of(columns, Some(&query.unit.column()));
        let none = labels.none();
        let counted = trails.fold(labels.ranks(), HashMap::<_, u64, RandomState>::default, |paths, trail| {
            if let Some(path) = steps_of(trail, &query, none) {
                *paths.entry(path).or_default() += 1;
            }
        });
        let mut paths: HashMap<[u32; MAX_STEPS + 1], u64, RandomState> = HashMap::default();
        for (path, sessions) in counted.into_iter().flatten() {
            *paths.entry(path).or_default() += sessions;
        }
        let sessions: u64 = paths.values().sum();
        let share = |of: u64| of as f64 / sessions as f64;
        // By step, value and next value; and by the steps without the value they begin at.
        let mut transitions: HashMap<(usize, u32, u32), u64, RandomState> = HashMap::default();
        let mut sequences: HashMap<[u32; MAX_STEPS], u64, RandomState> = HashMap::default();
        for (path, count) in paths {
            for step in 1..=query.steps {
                if step == 1 || path[step - 1] != none {
                    *transitions.entry((step, path[step - 1], path[step])).or_default() += count;
                }
            }
            let mut steps = [none; MAX_STEPS];
            steps.copy_from_slice(&path[1..]);
            *sequences.entry(steps).or_default() += count;
        }
        let different = BigInt(sequences.len() as u64);
        let text = |rank: u32| labels.text(rank).map(str::to_owned);
        let paths = top(sequences, query.limit).map(|(steps, sessions)| PathCount {
            steps: steps.into_iter().map_while(text).collect(),
            sessions: BigInt(sessions),
            share: share(sessions),
        });
        let transitions = top(transitions, query.limit).map(|((step, from, to), sessions)| PathTransition {
            step: step as i32,
            from: text(from),
            to: text(to),
            sessions: BigInt(sessions),
            share: share(sessions),
        });
        Paths { sessions: BigInt(sessions), paths: paths.collect(), different, transitions: transitions.collect() }
    }
}

/// The largest, equal ones in the order of their keys.
fn top<K: Ord>(counts: HashMap<K, u64, RandomState>, limit: usize) -> impl Iterator<Item = (K, u64)> {
    let mut counts: Vec<(K, u64)> = counts.into_iter().collect();
    counts.sort_unstable_by(|(a, one), (b, other)| other.cmp(one).then_with(|| a.cmp(b)));
    counts.into_iter().take(limit)
}

/// The value of a session's first anchor and those of the steps from there; `none` behind the last.
fn steps_of(trail: &[Mark], query: &PathsQuery, none: u32) -> Option<[u32; MAX_STEPS + 1]> {
    let anchor = trail.iter().position(|mark| mark.bits() != 0)?;
    let mut path = [none; MAX_STEPS + 1];
    path[0] = trail[anchor].what;
    let mut step = 0;
    let mut take = |mark: &Mark| {
        if step < query.steps && mark.what != none && mark.what != path[step] {
            step += 1;
            path[step] = mark.what;
        }
    };
    match query.direction {
        PathDirection::After => trail[anchor + 1..].iter().for_each(&mut take),
        PathDirection::Before => trail[..anchor].iter().rev().for_each(&mut take),
    }
    Some(path)
}
