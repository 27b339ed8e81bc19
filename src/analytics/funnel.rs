//! How far visitors come on a way of several steps.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use async_graphql::{InputObject, SimpleObject};
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

use super::{
    BigInt, Dimension, Range,
    accumulator::codes,
    filter::{EventFilter, MAX_TEXT},
    labels::Labels,
    marks::Marks,
    trails::{Mark, Trails},
};
use crate::{
    columnar::{Column, Columns, NONE, View, Wanted},
    error::{Error, Result},
};

/// How many steps a funnel may have.
pub const MAX_STEPS: usize = 10;
/// How many groups a funnel may show.
pub const MAX_GROUPS: i32 = 100;

/// A step of a funnel.
#[derive(InputObject, Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct FunnelStepInput {
    /// What the answer calls it.
    pub name: String,
    /// Which events take a visitor there; every event by default.
    #[graphql(default)]
    pub filter: EventFilter,
}

/// A funnel to count, checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct FunnelQuery {
    steps: Vec<FunnelStepInput>,
    window_seconds: i32,
    by: Option<Column>,
    limit: usize,
}

impl FunnelQuery {
    /// Checks the arguments `steps`, `windowSeconds`, `by`, `property` and `limit`, but for the steps' filters.
    pub fn new(
        steps: Vec<FunnelStepInput>,
        window_seconds: i32,
        by: Option<Dimension>,
        property: Option<&str>,
        limit: i32,
    ) -> Result<Self> {
        if !(2..=MAX_STEPS).contains(&steps.len()) {
            return Err(Error::invalid("steps", format!("A funnel has 2 to {MAX_STEPS} steps.")));
        }
        for (place, step) in steps.iter().enumerate() {
            if step.name.len() > MAX_TEXT {
                return Err(Error::invalid(format!("steps.{place}.name"), "The name is too long."));
            }
        }
        if window_seconds < 1 {
            return Err(Error::invalid("windowSeconds", "windowSeconds must be at least 1."));
        }
        if !(1..=MAX_GROUPS).contains(&limit) {
            return Err(Error::invalid("limit", format!("limit must be from 1 to {MAX_GROUPS}.")));
        }
        let by = by.map(|by| by.column(property)).transpose()?;
        Ok(Self { steps, window_seconds, by, limit: limit as usize })
    }

    /// The filters of the steps, in order.
    pub fn filters(&mut self) -> impl Iterator<Item = &mut EventFilter> {
        self.steps.iter_mut().map(|step| &mut step.filter)
    }
}

/// How far visitors came on a way of several steps.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Funnel {
    /// The steps in order, over all visitors.
    pub steps: Vec<FunnelStep>,
    /// The same by the value that `by` has in the event with which a visitor begins: the groups with
    /// most visitors first, equal ones in the order of their values, no value last. Empty without `by`.
    pub rows: Vec<FunnelGroup>,
    /// How many groups there are, shown or not.
    pub groups: BigInt,
}

/// How far the visitors of a group came.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunnelGroup {
    /// What they share; null where they have no value.
    pub value: Option<String>,
    /// The steps in order.
    pub steps: Vec<FunnelStep>,
}

/// A step of a funnel, and who reached it.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunnelStep {
    /// Its name, as asked.
    pub name: String,
    /// How many visitors reached it.
    pub users: BigInt,
    /// Their share of those who took the first step, from 0 to 1; null when nobody did.
    pub conversion: Option<f64>,
    /// Their share of those who reached the step before, from 0 to 1; null when nobody did. As
    /// `conversion` in the first step.
    pub conversion_from_previous: Option<f64>,
    /// How many reached the step before and not this one.
    pub drop_off: BigInt,
    /// Median time from the step before, in seconds: the mean of the two in the middle where there is
    /// an even number. Null in the first step and where nobody reached it.
    pub median_seconds: Option<f64>,
    /// Mean time from the step before, in seconds; null likewise.
    pub average_seconds: Option<f64>,
}

/// Computes a [`Funnel`].
#[derive(Debug, Clone)]
pub(super) struct FunnelKernel {
    query: Arc<FunnelQuery>,
    pub(super) marks: Marks,
    trails: Trails,
}

impl FunnelKernel {
    pub(super) fn new(query: &FunnelQuery, range: Range) -> Self {
        let marks = Marks::new(query.steps.iter().map(|step| &step.filter));
        Self { query: Arc::new(query.clone()), marks, trails: Trails::new(range, query.by.is_some()) }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        let filters = self.query.steps.iter().flat_map(|step| step.filter.columns());
        filters.chain(self.query.by.clone()).chain([Column::Visitor])
    }

    /// Whom its filters tell from others.
    pub(super) fn names(&self) -> Wanted {
        self.query.steps.iter().fold(Wanted::default(), |names, step| names.and(step.filter.names()))
    }

    pub(super) fn fold(&mut self, view: View<'_>) {
        let visitors = codes(view, &Column::Visitor);
        let groups = self.query.by.as_ref().map(|by| codes(view, by));
        let bits = self.marks.of(view);
        for row in (0..view.batch.len()).filter(|&row| bits[row] != 0) {
            let group = groups.map_or(NONE, |groups| groups[row]);
            self.trails.push(visitors[row], view.batch.timestamps[row], bits[row], group);
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

    pub(super) fn finish(self, columns: &Columns) -> Funnel {
        let Self { query, trails, .. } = self;
        let labels = Labels::of(columns, query.by.as_ref());
        let (steps, window) = (query.steps.len(), query.window_seconds.unsigned_abs().into());
        let tallies = trails.fold(
            labels.ranks(),
            || Tallies::new(steps),
            |tallies, trail| {
                let Some(way) = Way::of(trail, steps, window) else { return };
                tallies.total.add(&way);
                if query.by.is_some() {
                    tallies.groups.entry(way.group).or_insert_with(|| Tally::new(steps)).add(&way);
                }
            },
        );
        let Tallies { total, groups } = tallies.into_iter().fold(Tallies::new(steps), Tallies::and);
        let count = BigInt(groups.len() as u64);
        let mut groups: Vec<(u32, Tally)> = groups.into_iter().collect();
        groups.sort_unstable_by(|(a, one), (b, other)| other.users[0].cmp(&one.users[0]).then(a.cmp(b)));
        groups.truncate(query.limit);
        let rows = groups.into_iter().map(|(group, tally)| FunnelGroup {
            value: labels.text(group).map(str::to_owned),
            steps: tally.steps(&query.steps),
        });
        Funnel { rows: rows.collect(), steps: total.steps(&query.steps), groups: count }
    }
}

/// Everybody, and everybody by their group.
#[derive(Debug)]
struct Tallies {
    total: Tally,
    groups: HashMap<u32, Tally, RandomState>,
}

impl Tallies {
    fn new(steps: usize) -> Self {
        Self { total: Tally::new(steps), groups: HashMap::default() }
    }

    fn and(mut self, other: Self) -> Self {
        self.total.merge(other.total);
        for (group, tally) in other.groups {
            match self.groups.entry(group) {
                Entry::Occupied(own) => own.into_mut().merge(tally),
                Entry::Vacant(place) => drop(place.insert(tally)),
            }
        }
        self
    }
}

/// How one visitor went.
#[derive(Debug, PartialEq)]
struct Way {
    /// How many steps were reached.
    depth: usize,
    /// When each of them was.
    times: [u64; MAX_STEPS],
    /// The value in the event with which it began.
    group: u32,
}

impl Way {
    /// The way that leads furthest; of several, the one that is there first; of those, the one that
    /// begins last. Each step between is taken as soon as it can be. Every step is later than the one
    /// before and within the window, in seconds, from the first.
    fn of(trail: &[Mark], steps: usize, window: u64) -> Option<Self> {
        // For each step, the latest start from which it was reached so far: no other start can lead
        // further than that one.
        let mut starts = [None; MAX_STEPS];
        let (mut depth, mut start) = (0, 0);
        for moment in trail.chunk_by(|a, b| a.at() == b.at()) {
            let at = moment[0].at();
            let bits = moment.iter().fold(0, |bits, mark| bits | mark.bits());
            // The last step first, so that no two steps are taken in one moment.
            for step in (0..steps).rev().filter(|step| bits >> step & 1 == 1) {
                let from = if step == 0 { Some(at) } else { starts[step - 1] };
                let Some(from) = from.filter(|from| at - from <= window * 1_000) else { continue };
                starts[step] = starts[step].max(Some(from));
                if step >= depth {
                    (depth, start) = (step + 1, from);
                }
            }
            if depth == steps {
                break;
            }
        }
        if depth == 0 {
            return None;
        }
        let mut rest = trail.iter().skip_while(|mark| mark.at() < start || mark.bits() & 1 == 0);
        let first = rest.next()?;
        let mut times = [start; MAX_STEPS];
        for step in 1..depth {
            let before = times[step - 1];
            times[step] = rest.find(|mark| mark.at() > before && mark.bits() >> step & 1 == 1)?.at();
        }
        Some(Self { depth, times, group: first.what })
    }
}

/// How far visitors came.
#[derive(Debug)]
struct Tally {
    users: Vec<u64>,
    /// Milliseconds from the step before, of everybody who reached a step.
    times: Vec<Vec<u64>>,
}

impl Tally {
    fn new(steps: usize) -> Self {
        Self { users: vec![0; steps], times: vec![Vec::new(); steps] }
    }

    fn add(&mut self, way: &Way) {
        let reached = &way.times[..way.depth];
        self.users.iter_mut().zip(reached).for_each(|(users, _)| *users += 1);
        for (times, pair) in self.times[1..].iter_mut().zip(reached.windows(2)) {
            times.push(pair[1] - pair[0]);
        }
    }

    fn merge(&mut self, other: Self) {
        self.users.iter_mut().zip(other.users).for_each(|(own, users)| *own += users);
        self.times.iter_mut().zip(other.times).for_each(|(own, mut times)| own.append(&mut times));
    }

    fn steps(mut self, names: &[FunnelStepInput]) -> Vec<FunnelStep> {
        let first = self.users[0];
        let share = |users: u64, of: u64| (of > 0).then(|| users as f64 / of as f64);
        let mut before = first;
        let steps = names.iter().zip(self.users).zip(&mut self.times).map(|((step, users), times)| {
            let previous = std::mem::replace(&mut before, users);
            FunnelStep {
                name: step.name.clone(),
                users: BigInt(users),
                conversion: share(users, first),
                conversion_from_previous: share(users, previous),
                drop_off: BigInt(previous - users),
                median_seconds: median(times).map(|millis| millis / 1_000.0),
                average_seconds: average(times).map(|millis| millis / 1_000.0),
            }
        });
        steps.collect()
    }
}

/// The one in the middle, or the mean of the two there.
pub(super) fn median(numbers: &mut [u64]) -> Option<f64> {
    let middle = numbers.len() / 2;
    let is_even = numbers.len().is_multiple_of(2);
    let (below, upper, _) = (middle < numbers.len()).then(|| numbers.select_nth_unstable(middle))?;
    let lower = if is_even { below.iter().copied().max()? } else { *upper };
    Some((lower as f64 + *upper as f64) / 2.0)
}

/// The mean, of their exact sum.
pub(super) fn average(numbers: &[u64]) -> Option<f64> {
    let sum: u128 = numbers.iter().map(|&number| u128::from(number)).sum();
    (!numbers.is_empty()).then(|| sum as f64 / numbers.len() as f64)
}
