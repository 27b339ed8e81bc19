//! Who comes back, and when.

use std::sync::Arc;

use async_graphql::{Enum, SimpleObject};
use serde::{Deserialize, Serialize};

use super::{BigInt, Interval, Range, accumulator::codes, bucket::Buckets, filter::EventFilter, marks::Marks, range};
use crate::{
    clock::Moment,
    columnar::{Column, View, Wanted},
    error::{Error, Result},
};

/// How many periods a range may have.
pub const MAX_PERIODS: usize = 120;

/// Width of the periods of a retention report.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RetentionPeriod {
    /// A calendar day of the time zone.
    Day,
    /// Monday to Sunday (ISO 8601).
    Week,
    /// A calendar month.
    Month,
}

impl RetentionPeriod {
    fn interval(self) -> Interval {
        match self {
            Self::Day => Interval::Day,
            Self::Week => Interval::Week,
            Self::Month => Interval::Month,
        }
    }
}

/// A retention to count, checked but for its zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct RetentionQuery {
    start: EventFilter,
    back: EventFilter,
    period: RetentionPeriod,
    timezone: String,
}

impl RetentionQuery {
    /// By filters that have been checked, in a zone that exists.
    pub fn new(start: EventFilter, back: EventFilter, period: RetentionPeriod, timezone: String) -> Self {
        Self { start, back, period, timezone }
    }
}

/// Who comes back, and when: a row for the visitors who began in each period of the range.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retention {
    /// Width of the periods.
    pub period: RetentionPeriod,
    /// The time zone whose days, weeks and months they follow.
    pub timezone: String,
    /// One for every period of the range, oldest first, empty ones included.
    pub cohorts: Vec<RetentionCohort>,
    /// All cohorts together. Behind so many periods only those count that are so old.
    pub total: Vec<RetentionPoint>,
}

/// The visitors whose first start event in the range was in one period.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetentionCohort {
    /// Start of the period, included.
    pub start: Moment,
    /// End of the period, not included.
    pub end: Moment,
    /// How many visitors they are.
    pub users: BigInt,
    /// From the period itself to the last of the range.
    pub points: Vec<RetentionPoint>,
}

/// How many of a cohort came back in one period.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetentionPoint {
    /// How many periods after the cohort's own. Behind 0 it is everybody, whether they came back in the
    /// same period or not.
    pub offset: i32,
    /// How many visitors had a return event in this period.
    pub users: BigInt,
    /// Their share of the cohort, from 0 to 1; null where it is empty.
    pub share: Option<f64>,
}

/// Bits of the filters that say who starts and who returns.
const START: u16 = 1;
const RETURN: u16 = 2;

/// Computes a [`Retention`].
#[derive(Debug, Clone)]
pub(super) struct RetentionKernel {
    query: Arc<RetentionQuery>,
    buckets: Arc<Buckets>,
    pub(super) marks: Marks,
    /// Whether whoever starts returns by the same event.
    is_alike: bool,
    /// By visitor: one more than the period of their first start event; 0 without one. Empty where that is the
    /// first of their returns.
    firsts: Vec<u8>,
    /// By visitor: a bit for every period with a return event, in so many words each.
    returns: Vec<u64>,
    words: usize,
}

impl RetentionKernel {
    pub(super) fn new(query: &RetentionQuery, range: Range) -> Result<Self> {
        let zone = range::zone(&query.timezone, "timezone")?;
        let buckets = Buckets::new(range, query.period.interval(), &zone)?;
        if buckets.len() > MAX_PERIODS {
            return Err(Error::RangeTooLarge(format!(
                "The range has more than {MAX_PERIODS} periods. Ask for a longer period or a shorter range."
            )));
        }
        let (marks, words) = (Marks::new([&query.start, &query.back]), buckets.len().div_ceil(64));
        let (is_alike, firsts, returns) = (query.start == query.back, Vec::new(), Vec::new());
        Ok(Self { query: Arc::new(query.clone()), buckets: Arc::new(buckets), marks, is_alike, firsts, returns, words })
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        let filters = [&self.query.start, &self.query.back].into_iter().flat_map(EventFilter::columns);
        filters.chain([Column::Visitor])
    }

    /// Whom its filters tell from others.
    pub(super) fn names(&self) -> Wanted {
        self.query.start.names().and(self.query.back.names())
    }

    pub(super) fn fold(&mut self, view: View<'_>) {
        let visitors = codes(view, &Column::Visitor);
        let bits = self.marks.of(view);
        let times = view.batch.timestamps;
        let most = visitors.iter().copied().max().unwrap_or_default() as usize;
        if self.returns.len() <= most * self.words {
            self.returns.resize((most + 1) * self.words, 0);
            if !self.is_alike {
                self.firsts.resize(most + 1, 0);
            }
        }
        let (mut near, mut from) = (0, 0);
        while let Some(&at) = times.get(from) {
            // Events come in the order of their times, so those of a period are neighbours.
            near = self.buckets.find(at, near);
            let end = self.buckets.end(near);
            let to = from + times[from..].partition_point(|&at| at < end).max(1);
            let (word, bit) = (near / 64, 1 << (near % 64));
            for (&visitor, &bits) in visitors[from..to].iter().zip(&bits[from..to]) {
                if bits & START != 0 && !self.is_alike {
                    earliest(&mut self.firsts[visitor as usize], near as u8 + 1);
                }
                if bits & RETURN != 0 {
                    self.returns[visitor as usize * self.words + word] |= bit;
                }
            }
            from = to;
        }
    }

    /// Adds what another has seen of other events.
    pub(super) fn merge(&mut self, mut other: Self) {
        if self.returns.len() < other.returns.len() {
            std::mem::swap(&mut self.firsts, &mut other.firsts);
            std::mem::swap(&mut self.returns, &mut other.returns);
        }
        self.firsts.iter_mut().zip(&other.firsts).for_each(|(first, &other)| earliest(first, other));
        self.returns.iter_mut().zip(&other.returns).for_each(|(returns, other)| *returns |= other);
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.firsts.capacity() + self.returns.capacity() * size_of::<u64>()
    }

    pub(super) fn finish(self) -> Retention {
        let periods = self.buckets.len();
        // By cohort and period.
        let mut counts = vec![vec![0_u64; periods]; periods];
        // Nobody is known to have done what is of no visitor.
        for (visitor, words) in self.returns.chunks_exact(self.words.max(1)).enumerate().skip(1) {
            let first = match self.is_alike {
                true => {
                    words.iter().position(|&word| word != 0).map(|at| at * 64 + words[at].trailing_zeros() as usize)
                }
                false => usize::from(self.firsts[visitor]).checked_sub(1),
            };
            let Some(cohort) = first else { continue };
            counts[cohort][cohort] += 1;
            for (place, &word) in words.iter().enumerate() {
                let mut left = word;
                while left != 0 {
                    let period = place * 64 + left.trailing_zeros() as usize;
                    left &= left - 1;
                    if period > cohort {
                        counts[cohort][period] += 1;
                    }
                }
            }
        }
        let cohorts = self.buckets.ranges().enumerate().map(|(cohort, range)| {
            let users = counts[cohort][cohort];
            let points = counts[cohort][cohort..].iter().enumerate();
            RetentionCohort {
                start: Moment(range.from),
                end: Moment(range.to),
                users: BigInt(users),
                points: points.map(|(offset, &came)| point(offset, came, users)).collect(),
            }
        });
        let total = (0..periods).map(|offset| {
            let old = 0..periods - offset;
            let came = old.clone().map(|cohort| counts[cohort][cohort + offset]).sum();
            point(offset, came, old.map(|cohort| counts[cohort][cohort]).sum())
        });
        Retention {
            period: self.query.period,
            timezone: self.query.timezone.clone(),
            cohorts: cohorts.collect(),
            total: total.collect(),
        }
    }
}

fn earliest(first: &mut u8, other: u8) {
    if other != 0 && (*first == 0 || other < *first) {
        *first = other;
    }
}

fn point(offset: usize, users: u64, of: u64) -> RetentionPoint {
    let share = (of > 0).then(|| users as f64 / of as f64);
    RetentionPoint { offset: offset as i32, users: BigInt(users), share }
}
