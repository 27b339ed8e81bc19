//! A range cut into the intervals of a time zone.

use jiff::{
    Timestamp, ToSpan,
    civil::Date,
    tz::{Offset, TimeZone},
};

use super::{Interval, Range, range::start_of_day};
use crate::error::{Error, Result};

/// How many buckets one timeline may have.
pub const MAX_BUCKETS: usize = 10_000;

/// Consecutive buckets that together cover a range. The first starts and the last ends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets {
    /// The start of every bucket in rising order, then the end of the last.
    bounds: Vec<i64>,
}

impl Buckets {
    /// Cuts `range` where the clocks of `zone` enter another interval.
    ///
    /// Days, weeks and months start with the first instant of their first date. Minutes and hours
    /// also start where the clocks are set back, so that a repeated hour is a bucket of its own.
    pub fn new(range: Range, interval: Interval, zone: &TimeZone) -> Result<Self> {
        let mut buckets = Self { bounds: Vec::new() };
        if range.from >= range.to {
            return Ok(buckets);
        }
        buckets.bounds.push(range.from);
        match interval {
            Interval::Minute => buckets.cut_by_clock(range, 60_000, zone),
            Interval::Hour => buckets.cut_by_clock(range, 3_600_000, zone),
            Interval::Day | Interval::Week | Interval::Month => buckets.cut_by_calendar(range, interval, zone),
        }
        if buckets.bounds.len() > MAX_BUCKETS {
            return Err(too_many(interval));
        }
        buckets.bounds.push(range.to);
        Ok(buckets)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bounds.len().saturating_sub(1)
    }

    /// Whether the range is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The buckets, oldest first.
    pub fn ranges(&self) -> impl Iterator<Item = Range> {
        self.bounds.windows(2).map(|pair| Range { from: pair[0], to: pair[1] })
    }

    /// The bucket of a time within the range. `near` is tried first: events of one time tend to
    /// lie together.
    pub fn find(&self, at: i64, near: usize) -> usize {
        match self.bounds.get(near..near + 2) {
            Some(&[from, to]) if (from..to).contains(&at) => near,
            _ => self.bounds.partition_point(|&bound| bound <= at).saturating_sub(1),
        }
    }

    /// Where a bucket ends.
    pub fn end(&self, bucket: usize) -> i64 {
        self.bounds.get(bucket + 1).copied().unwrap_or(i64::MAX)
    }

    /// Adds a boundary within the range; whether there may be more.
    fn push(&mut self, at: i64, range: Range) -> bool {
        if at < range.to && self.bounds.last().is_some_and(|&last| at > last) {
            self.bounds.push(at);
        }
        at < range.to && self.bounds.len() <= MAX_BUCKETS
    }

    /// Cuts at whole multiples of `width` on the local clock, one stretch of constant offset
    /// after the other.
    fn cut_by_clock(&mut self, range: Range, width: i64, zone: &TimeZone) {
        let Ok(start) = Timestamp::from_millisecond(range.from) else { return };
        let mut offset = millis(zone.to_offset(start));
        let mut from = range.from;
        let mut changes = zone.following(start);
        loop {
            let change = changes.next().filter(|change| change.timestamp().as_millisecond() < range.to);
            let end = change.as_ref().map_or(range.to, |change| change.timestamp().as_millisecond());
            let mut cut = (from + offset).div_euclid(width) * width + width - offset;
            while cut < end {
                if !self.push(cut, range) {
                    return;
                }
                cut += width;
            }
            let Some(change) = change else { return };
            let next = millis(change.offset());
            let (before, after) = ((end - 1 + offset).div_euclid(width), (end + next).div_euclid(width));
            if (next < offset || before != after) && !self.push(end, range) {
                return;
            }
            (from, offset) = (end, next);
        }
    }

    fn cut_by_calendar(&mut self, range: Range, interval: Interval, zone: &TimeZone) {
        let Ok(start) = Timestamp::from_millisecond(range.from) else { return };
        let mut date = zone.to_datetime(start).date();
        // Beyond the last date there is no boundary either.
        while let Some(next) = next_start(date, interval) {
            match start_of_day(next, zone) {
                Ok(at) if self.push(at, range) => date = next,
                _ => return,
            }
        }
    }
}

/// The first date of the interval after the one that holds `date`.
fn next_start(date: Date, interval: Interval) -> Option<Date> {
    match interval {
        Interval::Week => {
            let monday = date.checked_sub(i32::from(date.weekday().to_monday_zero_offset()).days()).ok()?;
            monday.checked_add(7.days()).ok()
        }
        Interval::Month => date.first_of_month().checked_add(1.month()).ok(),
        _ => date.tomorrow().ok(),
    }
}

fn millis(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * 1_000
}

fn too_many(interval: Interval) -> Error {
    let name = match interval {
        Interval::Minute => "MINUTE",
        Interval::Hour => "HOUR",
        Interval::Day => "DAY",
        Interval::Week => "WEEK",
        Interval::Month => "MONTH",
    };
    Error::RangeTooLarge(format!(
        "The range has more than {MAX_BUCKETS} buckets of interval {name}. Ask for a longer interval or a shorter range."
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::analytics::range::zone;

    fn cuts(from: &str, to: &str, interval: Interval, name: &str) -> Vec<String> {
        let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let zone = zone(name, "timezone").unwrap();
        let buckets = Buckets::new(Range { from: ms(from), to: ms(to) }, interval, &zone).unwrap();
        buckets
            .bounds
            .iter()
            .map(|&at| Timestamp::from_millisecond(at).unwrap().to_zoned(zone.clone()).to_string())
            .collect()
    }

    #[test]
    fn a_day_has_the_hours_its_clocks_show() {
        let days = cuts("2026-10-24T22:00:00Z", "2026-10-26T23:00:00Z", Interval::Day, "Europe/Berlin");
        assert_eq!(days.len(), 3, "{days:?}");
        assert_eq!(days[1], "2026-10-26T00:00:00+01:00[Europe/Berlin]");
        let hours = cuts("2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z", Interval::Hour, "Europe/Berlin");
        assert_eq!(
            hours,
            [
                "2026-10-25T02:00:00+02:00[Europe/Berlin]",
                "2026-10-25T02:00:00+01:00[Europe/Berlin]",
                "2026-10-25T03:00:00+01:00[Europe/Berlin]",
                "2026-10-25T04:00:00+01:00[Europe/Berlin]"
            ]
        );
    }

    #[test]
    fn clocks_may_move_by_half_an_hour_and_at_midnight() {
        let hours = cuts("2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z", Interval::Hour, "Australia/Lord_Howe");
        assert_eq!(
            hours,
            [
                "2026-04-05T01:00:00+11:00[Australia/Lord_Howe]",
                "2026-04-05T01:30:00+10:30[Australia/Lord_Howe]",
                "2026-04-05T02:00:00+10:30[Australia/Lord_Howe]",
                "2026-04-05T03:00:00+10:30[Australia/Lord_Howe]"
            ]
        );
        let days = cuts("2018-11-03T03:00:00Z", "2018-11-06T02:00:00Z", Interval::Day, "America/Sao_Paulo");
        assert_eq!(days[1], "2018-11-04T01:00:00-02:00[America/Sao_Paulo]");
        let skipped = cuts("2011-12-29T10:00:00Z", "2012-01-01T10:00:00Z", Interval::Day, "Pacific/Apia");
        assert_eq!(skipped.len(), 4, "{skipped:?}");
    }

    #[test]
    fn too_many_buckets_are_refused_before_they_are_made() {
        let range = Range { from: 0, to: 253_370_764_800_000 };
        let error = Buckets::new(range, Interval::Minute, &TimeZone::UTC).unwrap_err();
        assert_eq!(error.code(), "RANGE_TOO_LARGE");
        assert!(error.to_string().contains("MINUTE"));
    }

    #[test]
    fn every_time_of_the_range_is_found_in_its_bucket() {
        let range = Range { from: 1_000, to: 10_000_000 };
        let buckets = Buckets::new(range, Interval::Minute, &TimeZone::UTC).unwrap();
        for (i, bucket) in buckets.ranges().enumerate() {
            for near in [0, i, buckets.len() - 1, buckets.len() + 5] {
                assert_eq!(buckets.find(bucket.from, near), i);
                assert_eq!(buckets.find(bucket.to - 1, near), i);
            }
        }
    }
}
