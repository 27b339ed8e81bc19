//! Moments as clients write them.

use jiff::{Timestamp, civil, tz::TimeZone};
use serde_json::{Value, value::RawValue};

use super::{
    bounds,
    value::{is_number, not_json, present, refuse},
};
use crate::ingest::Refusal;

/// A moment in milliseconds since the epoch, written as RFC 3339 with an offset or as the number
/// itself. It may lie anywhere the calendar reaches.
pub(super) fn parse(raw: &RawValue, field: &'static str) -> Result<Option<i64>, Refusal> {
    let Some(raw) = present(Some(raw)) else { return Ok(None) };
    let invalid = || {
        let message = format!(
            "{field} must be RFC 3339 with an offset, such as \"2026-11-22T14:05:00.000Z\", or milliseconds since 1970."
        );
        refuse("TIMESTAMP_INVALID", field, message)
    };
    if is_number(raw) {
        let number: f64 = serde_json::from_str(raw.get()).map_err(|error| not_json(Some(field), &error))?;
        // Past 2^53 milliseconds no calendar goes, and no fraction of one matters.
        return if number.abs() <= 9.0e15 { Ok(Some(number.floor() as i64)) } else { Err(invalid()) };
    }
    if !raw.get().starts_with('"') {
        return Err(refuse("WRONG_TYPE", field, format!("{field} must be a string or a number.")));
    }
    let text: String = serde_json::from_str(raw.get()).map_err(|error| not_json(Some(field), &error))?;
    if text.is_empty() {
        return Ok(None);
    }
    let moment: Timestamp = text.parse().map_err(|_| invalid())?;
    Ok(Some(moment.as_millisecond()))
}

/// A moment that only corrects a clock, as clients of others write it. Where it says no offset, it is UTC;
/// what can not be read says nothing.
pub(super) fn lenient(moment: &Value) -> Option<i64> {
    if let Some(number) = moment.as_f64() {
        return (number.abs() <= 9.0e15).then_some(number.floor() as i64);
    }
    let text = moment.as_str()?;
    let in_utc = || Some(text.parse::<civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    Some(text.parse::<Timestamp>().ok().or_else(in_utc)?.as_millisecond())
}

/// When an event happened, by the server's clock. The client's clock may be wrong by any amount;
/// `sent_at` read on the same clock tells by how much.
pub fn happened_at(
    timestamp: Option<i64>,
    sent_at: Option<i64>,
    received_at: i64,
    max_age_ms: i64,
) -> Result<i64, Refusal> {
    let Some(timestamp) = timestamp else { return Ok(received_at) };
    let age = sent_at.unwrap_or(received_at).saturating_sub(timestamp);
    if age > max_age_ms {
        let days = max_age_ms / 86_400_000;
        let message = format!("timestamp lies more than {days} days in the past.");
        return Err(refuse("TIMESTAMP_OUT_OF_RANGE", "timestamp", message));
    }
    if age < -bounds::FUTURE_MS {
        let minutes = bounds::FUTURE_MS / 60_000;
        let message = format!("timestamp lies more than {minutes} minutes in the future.");
        return Err(refuse("TIMESTAMP_OUT_OF_RANGE", "timestamp", message));
    }
    Ok(received_at.saturating_sub(age))
}
