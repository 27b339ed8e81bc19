//! Calendars by walking: slow, and too simple to be wrong.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

pub const MINUTE: i64 = 60_000;
const QUARTER: i64 = 15 * MINUTE;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// What a clock on the wall shows.
pub fn local(at: i64, zone: &TimeZone) -> DateTime {
    zone.to_datetime(Timestamp::from_millisecond(at).unwrap())
}

/// The first time, on a grid of minutes, at which clocks show this or more.
pub fn first_showing(shown: DateTime, zone: &TimeZone) -> i64 {
    let mut at = shown.to_zoned(TimeZone::UTC).unwrap().timestamp().as_millisecond() - 15 * HOUR;
    // All clocks move by quarters of an hour, so most of the way can be made in those.
    let quarter = |at: i64| local(at, zone);
    while quarter(at + QUARTER) < shown {
        at += QUARTER;
    }
    while local(at, zone) < shown {
        at += MINUTE;
    }
    at
}

pub fn start_of(date: Date, zone: &TimeZone) -> i64 {
    first_showing(date.to_datetime(jiff::civil::Time::midnight()), zone)
}

/// Starts and ends of the buckets of a range.
pub fn buckets(from: i64, to: i64, interval: &str, zone: &TimeZone) -> Vec<(i64, i64)> {
    if from >= to {
        return Vec::new();
    }
    let step = if matches!(interval, "MINUTE" | "HOUR") { MINUTE } else { QUARTER };
    let mut starts = vec![from];
    let mut last = local(from, zone);
    let mut at = from;
    loop {
        at = at - at.rem_euclid(step) + step;
        if at >= to {
            break;
        }
        let now = local(at, zone);
        let is_set_back = now < last;
        let entered = match interval {
            "MINUTE" => true,
            "HOUR" => (now.date(), now.hour()) != (last.date(), last.hour()) || is_set_back,
            _ => label(now, interval) > label(last, interval),
        };
        if entered {
            starts.push(at);
        }
        // A day that clocks fall back into is not another day.
        last = if step == MINUTE { now } else { now.max(last) };
    }
    let ends = starts.iter().skip(1).copied().chain([to]).collect::<Vec<_>>();
    starts.into_iter().zip(ends).collect()
}

fn label(at: DateTime, interval: &str) -> Date {
    match interval {
        "DAY" => at.date(),
        "WEEK" => {
            let mut date = at.date();
            while date.weekday() != jiff::civil::Weekday::Monday {
                date = date.yesterday().unwrap();
            }
            date
        }
        _ => at.date().first_of_month(),
    }
}

/// The range to compare with, of which only what lies before `until` has passed.
pub fn compared(from: i64, to: i64, until: i64, comparison: &str, zone: &TimeZone) -> (i64, i64) {
    let (start, end, at) = (local(from, zone), local(to, zone), local(until, zone));
    if comparison == "PREVIOUS_YEAR" {
        let before = |at: DateTime, is_end: bool| {
            let year = at.year() - 1;
            let is_leap_day = (at.month(), at.day()) == (2, 29);
            let (month, day) = match (is_leap_day, is_end) {
                (true, true) => (3, 1),
                (true, false) => (2, 28),
                _ => (at.month(), at.day()),
            };
            let date = jiff::civil::date(year, month, day);
            first_showing(date.to_datetime(at.time()), zone)
        };
        let first = before(start, false);
        return (first, before(at, until == to && start.date() != end.date()).max(first));
    }
    let (first, last) = (start.date(), end.date());
    if start_of(first, zone) != from || start_of(last, zone) != to {
        return (from - (to - from), until - (to - from));
    }
    let (mut date, mut reached) = (first, at.date());
    let mut is_over = false;
    if first.day() == 1 && last.day() == 1 {
        let mut month = first;
        let mut before = reached.first_of_month();
        while month < last {
            month = month.last_of_month().tomorrow().unwrap();
            date = date.yesterday().unwrap().first_of_month();
            before = before.yesterday().unwrap().first_of_month();
        }
        is_over = before.last_of_month().day() < reached.day();
        let day = before.last_of_month().day().min(reached.day());
        reached = jiff::civil::date(before.year(), before.month(), day);
    } else {
        let mut day = first;
        while day < last {
            day = day.tomorrow().unwrap();
            date = date.yesterday().unwrap();
            reached = reached.yesterday().unwrap();
        }
    }
    let end = match (until == to, is_over) {
        (true, _) => from,
        (false, true) => start_of(reached.tomorrow().unwrap(), zone),
        (false, false) => first_showing(reached.to_datetime(at.time()), zone),
    };
    (start_of(date, zone), end.min(from))
}

/// A moment as answers write it.
pub fn written(at: i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(at).unwrap())
}
