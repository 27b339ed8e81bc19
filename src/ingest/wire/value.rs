//! Values of fields, checked one by one.

use std::net::IpAddr;

use serde_json::value::RawValue;

use crate::ingest::Refusal;

/// A refusal of `field`.
pub(super) fn refuse(code: &'static str, field: &str, message: impl Into<String>) -> Refusal {
    Refusal { code, field: Some(field.to_owned()), message: message.into() }
}

/// What serde_json could not read, as a refusal.
pub(super) fn not_json(field: Option<&str>, error: &serde_json::Error) -> Refusal {
    // The kind is told by the text alone.
    let text = error.to_string();
    let (code, what) = if text.starts_with("number out of range") {
        ("NUMBER_OUT_OF_RANGE", "holds a number that does not fit 64 bits")
    } else if text.starts_with("recursion limit") {
        ("TOO_DEEP", "is nested too deeply")
    } else if text.contains("surrogate") || text.contains("unicode") || text.contains("hex escape") {
        ("INVALID_JSON", "holds an escape that is no character")
    } else {
        ("INVALID_JSON", "is not valid JSON")
    };
    let message = format!("{} {what}.", field.unwrap_or("The event"));
    Refusal { code, field: field.map(str::to_owned), message }
}

/// Text, where it is neither absent nor empty.
pub(super) fn text(raw: Option<&RawValue>, field: &'static str, most: usize) -> Result<Option<String>, Refusal> {
    let Some(text) = unbounded_text(raw, field)? else { return Ok(None) };
    if text.len() > most {
        return Err(refuse("TOO_LONG", field, format!("{field} may hold at most {most} bytes.")));
    }
    Ok(Some(text))
}

/// Text of which the beginning is enough.
pub(super) fn cut_text(raw: Option<&RawValue>, field: &'static str, most: usize) -> Result<Option<String>, Refusal> {
    let mut text = unbounded_text(raw, field)?;
    if let Some(text) = &mut text {
        text.truncate(text.floor_char_boundary(most));
    }
    Ok(text)
}

fn unbounded_text(raw: Option<&RawValue>, field: &'static str) -> Result<Option<String>, Refusal> {
    let Some(raw) = present(raw) else { return Ok(None) };
    if !raw.get().starts_with('"') {
        return Err(refuse("WRONG_TYPE", field, format!("{field} must be a string.")));
    }
    let text: String = serde_json::from_str(raw.get()).map_err(|error| not_json(Some(field), &error))?;
    if text.contains('\0') {
        return Err(refuse("NUL_CHARACTER", field, format!("{field} may not contain the NUL character.")));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// A size in pixels; fractions, which zoomed browsers report, are rounded.
pub(super) fn size(raw: Option<&RawValue>, field: &'static str, most: i32) -> Result<Option<i32>, Refusal> {
    let Some(raw) = present(raw) else { return Ok(None) };
    if !is_number(raw) {
        return Err(refuse("WRONG_TYPE", field, format!("{field} must be a number.")));
    }
    let size: f64 = serde_json::from_str(raw.get()).map_err(|error| not_json(Some(field), &error))?;
    if !(0.0..=f64::from(most)).contains(&size) {
        return Err(refuse("NUMBER_OUT_OF_RANGE", field, format!("{field} must lie between 0 and {most}.")));
    }
    Ok(Some(size.round() as i32))
}

/// Yes or no; no, where it is absent.
pub(super) fn boolean(raw: Option<&RawValue>, field: &'static str) -> Result<bool, Refusal> {
    match present(raw).map(RawValue::get) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(refuse("WRONG_TYPE", field, format!("{field} must be true or false."))),
    }
}

/// An address of the internet.
pub(super) fn ip(raw: Option<&RawValue>, field: &'static str) -> Result<Option<IpAddr>, Refusal> {
    let Some(text) = text(raw, field, 64)? else { return Ok(None) };
    let ip = text.parse::<IpAddr>();
    let ip = ip.map_err(|_| refuse("INVALID_VALUE", field, format!("{field} must be an IPv4 or IPv6 address.")))?;
    Ok(Some(ip.to_canonical()))
}

/// A country by two letters.
pub(super) fn country(raw: Option<&RawValue>, field: &'static str) -> Result<Option<String>, Refusal> {
    let Some(text) = text(raw, field, 64)? else { return Ok(None) };
    if text.len() != 2 || !text.bytes().all(|letter| letter.is_ascii_alphabetic()) {
        let message = format!("{field} must be an ISO 3166-1 alpha-2 code such as \"DE\".");
        return Err(refuse("INVALID_VALUE", field, message));
    }
    Ok(Some(text.to_ascii_uppercase()))
}

/// The value, where it is there and not `null`.
pub(super) fn present(raw: Option<&RawValue>) -> Option<&RawValue> {
    raw.filter(|raw| raw.get() != "null")
}

/// Whether it is written as a number.
pub(super) fn is_number(raw: &RawValue) -> bool {
    raw.get().starts_with(|first: char| first == '-' || first.is_ascii_digit())
}
