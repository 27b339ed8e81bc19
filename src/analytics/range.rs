//! Ranges of time: given and by preset.

use async_graphql::{Enum, InputObject};
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};

use crate::{
    clock::Moment,
    error::{Error, Result},
};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// 0001-01-01T00:00:00Z
pub(super) const EARLIEST: i64 = -62_135_596_800_000;
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

pub(super) fn midnight(date: Date) -> DateTime {
    date.to_datetime(Time::midnight())
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
}
