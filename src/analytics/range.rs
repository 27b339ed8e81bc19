//! Ranges of time: given, by preset, and the ones to compare with.

use async_graphql::{Enum, InputObject};
use jiff::{
    Span, Timestamp, ToSpan,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};

use super::Comparison;
use crate::{
    clock::Moment,
    error::{Error, Result},
};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// 0001-01-01T00:00:00Z
const EARLIEST: i64 = -62_135_596_800_000;
/// 9999-12-30T22:00:00Z
const LATEST: i64 = 253_402_207_200_000;

/// Every moment that an event can have.
pub const EVER: Range = Range { from: EARLIEST, to: LATEST };

/// A half-open range of time: `from` is in, `to` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Range {
    /// Milliseconds since the epoch.
    pub from: i64,
    /// Milliseconds since the epoch, at least `from`.
    pub to: i64,
}

/// A range of time by name. Days, weeks and months are those of the question's time zone, and
/// whole: `TODAY` ends at the midnight to come.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RangePreset {
    /// The current day.
    Today,
    /// The day before it.
    Yesterday,
    /// Five minutes up to the end of the current one.
    #[graphql(name = "LAST_5_MINUTES")]
    Last5Minutes,
    /// 30 minutes up to the end of the current one.
    #[graphql(name = "LAST_30_MINUTES")]
    Last30Minutes,
    /// 24 hours up to the end of the current minute.
    #[graphql(name = "LAST_24_HOURS")]
    Last24Hours,
    /// The current day and the six before it.
    #[graphql(name = "LAST_7_DAYS")]
    Last7Days,
    /// The current day and the 29 before it.
    #[graphql(name = "LAST_30_DAYS")]
    Last30Days,
    /// The current day and the 89 before it.
    #[graphql(name = "LAST_90_DAYS")]
    Last90Days,
    /// The current week, Monday to Sunday.
    ThisWeek,
    /// The current calendar month.
    ThisMonth,
    /// The calendar month before it.
    LastMonth,
    /// The current calendar year.
    ThisYear,
    /// The current calendar month and the eleven before it.
    #[graphql(name = "LAST_12_MONTHS")]
    Last12Months,
    /// From the day of the app's first event, but not before 1970, to the end of tomorrow, so that events of clocks
    /// ahead of ours are in it.
    AllTime,
}

/// A range of time: either `from` and `to`, or a `preset`.
#[derive(InputObject, Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeRange {
    /// Start, included.
    pub from: Option<Moment>,
    /// End, not included. Equal to `from`, the range is empty.
    pub to: Option<Moment>,
    /// A range by name, instead of `from` and `to`.
    pub preset: Option<RangePreset>,
}

impl TimeRange {
    /// The range in milliseconds. Errors name `range.from`, `range.to` or `range.preset`.
    pub fn resolve(&self, now_ms: i64, zone: &TimeZone) -> Result<Range> {
        self.resolve_at("range", now_ms, zone)
    }

    /// Up to where this range, which is `resolved` by now, is compared with another one: to the end of the current
    /// minute where a preset goes on, and to its end where it is over or was given.
    pub fn compared_until(&self, resolved: Range, now_ms: i64) -> i64 {
        match self.preset {
            Some(_) => resolved.to.min(end_of_minute(now_ms)).max(resolved.from),
            None => resolved.to,
        }
    }

    /// The same of a range that stands at `path`, which errors name.
    pub fn resolve_at(&self, path: &str, now_ms: i64, zone: &TimeZone) -> Result<Range> {
        let at = |field: &str| format!("{path}.{field}");
        match (self.from, self.to, self.preset) {
            (None, None, Some(preset)) => {
                // Nobody but a cursor that was tampered with says otherwise.
                if !(EARLIEST..=LATEST).contains(&now_ms) {
                    return Err(Error::invalid(at("preset"), "The range ends beyond the years 0001 to 9999."));
                }
                preset.resolve(now_ms, zone)
            }
            (Some(from), Some(to), None) => {
                check_moment(&at("from"), from)?;
                check_moment(&at("to"), to)?;
                if from > to {
                    return Err(Error::invalid(at("from"), "The start of the range lies after its end."));
                }
                Ok(Range { from: from.0, to: to.0 })
            }
            (_, _, Some(_)) => Err(Error::invalid(at("preset"), "Give either a preset or from and to, not both.")),
            (Some(_), None, None) => Err(Error::invalid(at("to"), "A range with a start needs an end.")),
            (None, Some(_), None) => Err(Error::invalid(at("from"), "A range with an end needs a start.")),
            (None, None, None) => Err(Error::invalid(at("preset"), "Give either a preset or from and to.")),
        }
    }
}

impl From<Range> for TimeRange {
    fn from(range: Range) -> Self {
        Self { from: Some(Moment(range.from)), to: Some(Moment(range.to)), preset: None }
    }
}

impl RangePreset {
    fn resolve(self, now_ms: i64, zone: &TimeZone) -> Result<Range> {
        let length = match self {
            Self::Last5Minutes => Some(5 * MINUTE),
            Self::Last30Minutes => Some(30 * MINUTE),
            Self::Last24Hours => Some(DAY),
            _ => None,
        };
        if let Some(length) = length {
            let to = end_of_minute(now_ms);
            return Ok(Range { from: to - length, to });
        }
        let today = date_of(now_ms, zone)?;
        let (from, to) = self.dates(today).map_err(Error::internal)?;
        let from = if self == Self::AllTime { 0 } else { start_of_day(from, zone)? };
        Ok(Range { from, to: start_of_day(to, zone)? })
    }

    fn dates(self, today: Date) -> Result<(Date, Date), jiff::Error> {
        let tomorrow = today.tomorrow()?;
        let month = today.first_of_month();
        Ok(match self {
            Self::Today | Self::Last5Minutes | Self::Last30Minutes | Self::Last24Hours => (today, tomorrow),
            Self::Yesterday => (today.yesterday()?, today),
            Self::Last7Days => (today.checked_sub(6.days())?, tomorrow),
            Self::Last30Days => (today.checked_sub(29.days())?, tomorrow),
            Self::Last90Days => (today.checked_sub(89.days())?, tomorrow),
            Self::ThisWeek => {
                let monday = today.checked_sub(i32::from(today.weekday().to_monday_zero_offset()).days())?;
                (monday, monday.checked_add(7.days())?)
            }
            Self::ThisMonth => (month, month.checked_add(1.month())?),
            Self::LastMonth => (month.checked_sub(1.month())?, month),
            Self::ThisYear => (today.first_of_year(), today.first_of_year().checked_add(1.year())?),
            Self::Last12Months => (month.checked_sub(11.months())?, month.checked_add(1.month())?),
            Self::AllTime => (today, tomorrow.tomorrow()?),
        })
    }
}

/// The zone of this IANA name; `field` is where the name stands.
pub fn zone(name: &str, field: &str) -> Result<TimeZone> {
    // The length is checked first: the message repeats the name.
    let known = (name.len() <= 64).then(|| TimeZone::get(name).ok()).flatten();
    known.ok_or_else(|| {
        let shown: String = name.chars().take(64).collect();
        Error::invalid(
            field,
            format!("There is no time zone \"{shown}\". Expected an IANA name, such as Europe/Berlin."),
        )
    })
}

fn end_of_minute(ms: i64) -> i64 {
    ms.div_euclid(MINUTE) * MINUTE + MINUTE
}

fn date_of(ms: i64, zone: &TimeZone) -> Result<Date> {
    Ok(zone.to_datetime(Timestamp::from_millisecond(ms).map_err(Error::internal)?).date())
}

/// The first instant of the day that holds `ms`.
pub fn day_of(ms: i64, zone: &TimeZone) -> Result<i64> {
    start_of_day(date_of(ms, zone)?, zone)
}

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

fn midnight(date: Date) -> DateTime {
    date.to_datetime(Time::midnight())
}

fn year_before(at: DateTime, is_end: bool) -> Result<DateTime> {
    let leap_day = at.month() == 2 && at.day() == 29;
    let before = at.checked_sub(1.year()).map_err(|_| too_early())?;
    if leap_day && is_end { before.checked_add(1.day()).map_err(|_| too_early()) } else { Ok(before) }
}

fn too_early() -> Error {
    Error::invalid("compare", "The range to compare with starts before the year 1.")
}

/// The first instant of a date; later than midnight where the clocks skip it.
pub(super) fn start_of_day(date: Date, zone: &TimeZone) -> Result<i64> {
    instant(midnight(date), zone)
}

/// The instant of a local time: the first one where it is repeated, and where it is skipped the
/// end of the gap.
pub(super) fn instant(at: DateTime, zone: &TimeZone) -> Result<i64> {
    let ambiguous = zone.to_ambiguous_timestamp(at);
    let is_gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let found = ambiguous
        .compatible()
        .map_err(|_| Error::invalid("range", "The range reaches beyond the years that can be counted (1 to 9999)."))?;
    // In a gap that is as far behind the clocks' jump as the local time lies inside the gap.
    let jump = is_gap.then(|| zone.preceding(found + 1.millisecond()).next()).flatten();
    Ok(jump.map_or(found, |jump| jump.timestamp()).as_millisecond())
}

fn check_moment(field: &str, at: Moment) -> Result<()> {
    if (EARLIEST..=Timestamp::MAX.as_millisecond()).contains(&at.0) {
        return Ok(());
    }
    Err(Error::invalid(field, "Expected a time in the years 0001 to 9999."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn range(from: &str, to: &str) -> Range {
        Range { from: ms(from), to: ms(to) }
    }

    #[test]
    fn presets_are_whole_days_of_the_zone() {
        let berlin = zone("Europe/Berlin", "timezone").unwrap();
        let now = ms("2026-03-29T22:30:00Z");
        let of = |preset| TimeRange { preset: Some(preset), ..TimeRange::default() }.resolve(now, &berlin).unwrap();
        assert_eq!(of(RangePreset::Today), range("2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"));
        assert_eq!(of(RangePreset::Yesterday), range("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"));
        assert_eq!(of(RangePreset::Last24Hours), range("2026-03-28T22:31:00Z", "2026-03-29T22:31:00Z"));
        assert_eq!(of(RangePreset::Last30Minutes), range("2026-03-29T22:01:00Z", "2026-03-29T22:31:00Z"));
        assert_eq!(of(RangePreset::Last5Minutes), range("2026-03-29T22:26:00Z", "2026-03-29T22:31:00Z"));
        assert_eq!(of(RangePreset::ThisWeek), range("2026-03-29T22:00:00Z", "2026-04-05T22:00:00Z"));
        assert_eq!(of(RangePreset::LastMonth), range("2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z"));
        assert_eq!(of(RangePreset::Last12Months), range("2025-03-31T22:00:00Z", "2026-03-31T22:00:00Z"));
        assert_eq!(of(RangePreset::AllTime), range("1970-01-01T00:00:00Z", "2026-03-31T22:00:00Z"));
    }

    #[test]
    fn a_wrong_range_names_its_field() {
        let at = |ms| Some(Moment(ms));
        let field =
            |range: TimeRange| range.resolve(0, &TimeZone::UTC).unwrap_err().field().map(str::to_owned).unwrap();
        assert_eq!(field(TimeRange { from: at(2), to: at(1), preset: None }), "range.from");
        assert_eq!(field(TimeRange { from: at(2), to: None, preset: None }), "range.to");
        assert_eq!(field(TimeRange { from: at(EARLIEST - 1), to: at(1), preset: None }), "range.from");
        assert_eq!(field(TimeRange { from: at(1), to: at(i64::MAX), preset: None }), "range.to");
        assert_eq!(field(TimeRange { from: at(1), to: at(2), preset: Some(RangePreset::Today) }), "range.preset");
        assert_eq!(field(TimeRange::default()), "range.preset");
        for now in [i64::MAX, i64::MIN, LATEST + 1] {
            let preset = TimeRange { preset: Some(RangePreset::Last5Minutes), ..TimeRange::default() };
            assert_eq!(preset.resolve(now, &TimeZone::UTC).unwrap_err().field(), Some("range.preset"));
        }
        let empty = TimeRange { from: at(2), to: at(2), preset: None }.resolve(0, &TimeZone::UTC).unwrap();
        assert_eq!(empty, Range { from: 2, to: 2 });
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
