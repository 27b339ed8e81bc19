//! Figures over time.

use jiff::tz::TimeZone;

use super::{
    Bucket, Interval, Needs, Range, Timeline,
    accumulator::{self, Accumulator, Events},
    bucket::Buckets,
    rolled::Summed,
};
use crate::{
    clock::Moment,
    columnar::{Column, View},
    error::Result,
};

/// Computes a [`Timeline`].
#[derive(Debug, Clone)]
pub(super) struct TimelineKernel {
    interval: Interval,
    needs: Needs,
    buckets: Buckets,
    counted: Vec<Accumulator>,
    total: Accumulator,
    near: usize,
    /// What the sets of all buckets take.
    bytes: usize,
}

impl TimelineKernel {
    pub(super) fn new(range: Range, interval: Interval, zone: &TimeZone, needs: Needs) -> Result<Self> {
        let buckets = Buckets::new(range, interval, zone)?;
        let counted = std::iter::repeat_with(Accumulator::default).take(buckets.len()).collect();
        Ok(Self { interval, needs, buckets, counted, total: Accumulator::default(), near: 0, bytes: 0 })
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        accumulator::columns(self.needs)
    }

    pub(super) fn fold(&mut self, view: View<'_>) {
        let events = Events::of(view);
        let times = view.batch.timestamps;
        self.total.add_all(self.needs, &events, 0..times.len());
        // Events of a batch are in the order of their times, so those of a bucket are neighbours.
        let mut from = 0;
        while let Some(&at) = times.get(from) {
            self.near = self.buckets.find(at, self.near);
            let end = self.buckets.end(self.near);
            let to = from + times[from..].partition_point(|&at| at < end).max(1);
            let counted = &mut self.counted[self.near];
            let before = counted.bytes();
            counted.add_all(self.needs, &events, from..to);
            self.bytes = (self.bytes + counted.bytes()).saturating_sub(before);
            from = to;
        }
    }

    pub(super) fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    pub(super) fn needs(&self) -> Needs {
        self.needs
    }

    /// Adds what other events sum up to: all of them, and those of each bucket.
    pub(super) fn add_summed(&mut self, sums: &[Summed]) {
        let all = std::iter::once(&mut self.total).chain(&mut self.counted);
        all.zip(sums).for_each(|(counted, sum)| counted.add_summed(sum));
    }

    /// Adds what another has counted of other events.
    pub(super) fn merge(&mut self, other: &Self) {
        self.total.merge(&other.total);
        for (own, other) in self.counted.iter_mut().zip(&other.counted) {
            let before = own.bytes();
            own.merge(other);
            self.bytes = (self.bytes + own.bytes()).saturating_sub(before);
        }
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.counted.capacity() * size_of::<Accumulator>() + self.bytes + self.total.bytes()
    }

    pub(super) fn finish(self, timezone: String, previous: Option<Self>) -> Timeline {
        let needs = self.needs;
        let before = |place: usize| {
            let previous = previous.as_ref()?;
            Some(previous.counted.get(place)?.figures(needs))
        };
        let buckets = self.buckets.ranges().zip(&self.counted).enumerate().map(|(place, (range, counted))| Bucket {
            start: Moment(range.from),
            end: Moment(range.to),
            figures: counted.figures(needs),
            previous: before(place),
        });
        Timeline {
            interval: self.interval,
            timezone,
            buckets: buckets.collect(),
            total: self.total.figures(needs),
            previous_total: previous.as_ref().map(|previous| previous.total.figures(needs)),
        }
    }
}
