//! The range to compare another one with.

use jiff::{Span, Timestamp, ToSpan, civil::DateTime, tz::TimeZone};

use super::{
    Comparison, Range,
    range::{EARLIEST, instant, midnight, start_of_day},
};
use crate::error::{Error, Result};

/// The range to compare `range` with, of which only what lies before `until` has happened yet: no more of the other one
/// is taken, so that a part is compared with a part.
///
/// `PREVIOUS_PERIOD` ends where the range starts. Where the range consists of whole calendar
/// months of the zone, so does the previous one, of as many months; where it consists of whole
/// days, of as many days, whatever the clocks did; otherwise it is exactly as long.
///
/// `PREVIOUS_YEAR` keeps local dates and times of day and takes one off the year. 29 February
/// becomes the 28th as a start, and the day after the 28th as an end.
pub fn compared(range: Range, until: i64, comparison: Comparison, zone: &TimeZone) -> Result<Range> {
    let local = |ms: i64| Ok::<_, Error>(zone.to_datetime(Timestamp::from_millisecond(ms).map_err(Error::internal)?));
    let (from, to, at) = (local(range.from)?, local(range.to)?, local(until)?);
    let is_over = until >= range.to;
    let (start, end) = match comparison {
        Comparison::PreviousPeriod => {
            let step = Step::of(range, from, to, zone)?;
            let end = if is_over { range.from } else { step.before(until, at, zone)?.min(range.from) };
            (step.before(range.from, midnight(from.date()), zone)?, end)
        }
        Comparison::PreviousYear => {
            let end = year_before(at, is_over && from.date() != to.date())?;
            (instant(year_before(from, false)?, zone)?, instant(end, zone)?)
        }
    };
    // In a repeated hour, local times may run backwards.
    let previous = Range { from: start, to: end.max(start) };
    if previous.from < EARLIEST {
        return Err(Error::invalid("compare", "The range to compare with starts before the year 1."));
    }
    Ok(previous)
}

/// What lies between the start of a range and that of the one before it.
enum Step {
    Calendar(Span),
    Millis(i64),
}

impl Step {
    fn of(range: Range, from: DateTime, to: DateTime, zone: &TimeZone) -> Result<Self> {
        let whole_days = start_of_day(from.date(), zone)? == range.from && start_of_day(to.date(), zone)? == range.to;
        if !whole_days {
            return Ok(Self::Millis(range.to - range.from));
        }
        let (from, to) = (from.date(), to.date());
        Ok(Self::Calendar(if from.day() == 1 && to.day() == 1 {
            let months =
                (i64::from(to.year()) - i64::from(from.year())) * 12 + i64::from(to.month()) - i64::from(from.month());
            months.months()
        } else {
            from.until(to).map_err(Error::internal)?
        }))
    }

    /// The moment that stands in the range before where this one stands, which clocks show as `local`.
    fn before(&self, at: i64, local: DateTime, zone: &TimeZone) -> Result<i64> {
        let span = match self {
            Self::Millis(length) => return Ok(at - length),
            Self::Calendar(span) => *span,
        };
        let before = local.checked_sub(span).map_err(|_| too_early())?;
        if span.get_months() != 0 && before.day() != local.day() {
            // That month was shorter, and is over.
            return start_of_day(before.date().tomorrow().map_err(Error::internal)?, zone);
        }
        instant(before, zone)
    }
}

fn year_before(at: DateTime, is_end: bool) -> Result<DateTime> {
    let leap_day = at.month() == 2 && at.day() == 29;
    let before = at.checked_sub(1.year()).map_err(|_| too_early())?;
    if leap_day && is_end { before.checked_add(1.day()).map_err(|_| too_early()) } else { Ok(before) }
}

fn too_early() -> Error {
    Error::invalid("compare", "The range to compare with starts before the year 1.")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::analytics::range::{RangePreset, TimeRange, zone};

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn range(from: &str, to: &str) -> Range {
        Range { from: ms(from), to: ms(to) }
    }

    #[test]
    fn a_period_is_as_many_months_days_or_milliseconds() {
        let berlin = zone("Europe/Berlin", "timezone").unwrap();
        let before = |from, to| compared(range(from, to), ms(to), Comparison::PreviousPeriod, &berlin).unwrap();
        assert_eq!(
            before("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
            range("2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z")
        );
        assert_eq!(
            before("2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"),
            range("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")
        );
        assert_eq!(
            before("2026-03-29T12:00:00Z", "2026-03-29T13:30:00Z"),
            range("2026-03-29T10:30:00Z", "2026-03-29T12:00:00Z")
        );
    }

    #[test]
    fn what_goes_on_is_compared_with_as_much_of_what_was_before() {
        let berlin = zone("Europe/Berlin", "timezone").unwrap();
        let before = |preset, now: &str, comparison| {
            let asked = TimeRange { preset: Some(preset), ..TimeRange::default() };
            let resolved = asked.resolve(ms(now), &berlin).unwrap();
            compared(resolved, asked.compared_until(resolved, ms(now)), comparison, &berlin).unwrap()
        };
        let period = |preset, now| before(preset, now, Comparison::PreviousPeriod);
        // The minute that goes on is whole, on both sides.
        assert_eq!(
            period(RangePreset::Today, "2026-11-22T09:30:20Z"),
            range("2026-11-20T23:00:00Z", "2026-11-21T09:31:00Z")
        );
        // Clocks were set forward in between: the same time of day.
        assert_eq!(
            period(RangePreset::Last7Days, "2026-03-30T10:00:00Z"),
            range("2026-03-16T23:00:00Z", "2026-03-23T11:01:00Z")
        );
        assert_eq!(
            period(RangePreset::ThisMonth, "2026-03-15T11:00:00Z"),
            range("2026-01-31T23:00:00Z", "2026-02-15T11:01:00Z")
        );
        // February has no 31st.
        assert_eq!(
            period(RangePreset::ThisMonth, "2026-03-31T11:00:00Z"),
            range("2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z")
        );
        assert_eq!(
            before(RangePreset::ThisYear, "2024-02-29T11:00:00Z", Comparison::PreviousYear),
            range("2022-12-31T23:00:00Z", "2023-02-28T11:01:00Z")
        );
        // What is over, or ends with the minute, is compared as a whole.
        assert_eq!(
            period(RangePreset::Yesterday, "2026-11-22T09:30:20Z"),
            range("2026-11-19T23:00:00Z", "2026-11-20T23:00:00Z")
        );
        assert_eq!(
            period(RangePreset::Last24Hours, "2026-11-22T09:30:20Z"),
            range("2026-11-20T09:31:00Z", "2026-11-21T09:31:00Z")
        );
    }

    #[test]
    fn a_year_before_survives_leap_days() {
        let before = |from, to| compared(range(from, to), ms(to), Comparison::PreviousYear, &TimeZone::UTC).unwrap();
        assert_eq!(
            before("2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
            range("2023-02-28T00:00:00Z", "2023-03-01T00:00:00Z")
        );
        assert_eq!(
            before("2024-02-28T00:00:00Z", "2024-02-29T00:00:00Z"),
            range("2023-02-28T00:00:00Z", "2023-03-01T00:00:00Z")
        );
        assert_eq!(
            before("2024-02-29T10:00:00Z", "2024-02-29T15:00:00Z"),
            range("2023-02-28T10:00:00Z", "2023-02-28T15:00:00Z")
        );
    }

    #[test]
    fn the_first_years_have_nothing_before_them() {
        let first = Range { from: EARLIEST, to: EARLIEST + 5 };
        for comparison in [Comparison::PreviousPeriod, Comparison::PreviousYear] {
            assert_eq!(compared(first, first.to, comparison, &TimeZone::UTC).unwrap_err().field(), Some("compare"));
        }
    }
}
