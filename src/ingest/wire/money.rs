//! Amounts of money: exact, in millionths of a currency's unit, and never through a float.

use serde_json::{Value, value::RawValue};

use super::value::{is_number, present, refuse, text};
use crate::ingest::Refusal;

const FIELD: &str = "revenue";
/// Decimal places that are kept.
const PLACES: i32 = 6;
/// Digits that are looked at; more can be no amount.
const DIGITS: usize = 30;

/// An amount, as a JSON number or as decimal text.
pub(super) fn revenue(raw: Option<&RawValue>) -> Result<Option<i64>, Refusal> {
    let Some(raw) = present(raw) else { return Ok(None) };
    let written = if is_number(raw) { Some(raw.get().to_owned()) } else { text(Some(raw), FIELD, 64)? };
    let Some(written) = written else { return Ok(None) };
    let invalid = || refuse("INVALID_VALUE", FIELD, "revenue must be a number, such as 24.5 or \"24.50\".");
    let decimal = Decimal::parse(&written).ok_or_else(invalid)?;
    if decimal.needless_places() > 0 && !(is_number(raw) && decimal.is_rounded_by_noise()) {
        let message = format!("revenue may have at most {PLACES} decimal places.");
        return Err(refuse("TOO_PRECISE", FIELD, message));
    }
    let too_large = || refuse("NUMBER_OUT_OF_RANGE", FIELD, "revenue is larger than any amount that can be kept.");
    decimal.millionths().map(Some).ok_or_else(too_large)
}

/// A currency by three letters.
pub(super) fn currency(raw: Option<&RawValue>) -> Result<Option<String>, Refusal> {
    let Some(text) = text(raw, "currency", 64)? else { return Ok(None) };
    if !is_currency(&text) {
        return Err(refuse("INVALID_VALUE", "currency", "currency must be an ISO 4217 code such as \"EUR\"."));
    }
    Ok(Some(text.to_ascii_uppercase()))
}

/// What a property named like an amount says, in the way [`revenue`] reads it, and rounded: clients
/// that compute in floats send 0.30000000000000004. What can be no amount is nothing.
pub(super) fn amount(value: &Value) -> Option<String> {
    let written = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    Some(format!("{}e-{PLACES}", Decimal::parse(&written)?.millionths()?))
}

/// What a property named like a currency says; nothing, when it is none.
pub(super) fn code(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| is_currency(text))
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|letter| letter.is_ascii_alphabetic())
}

/// `digits × 10^exponent`, without needless zeros.
struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    /// Reads what JSON calls a number.
    fn parse(written: &str) -> Option<Self> {
        let (negative, written) = match written.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, written),
        };
        let (mantissa, power) = match written.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i16>().ok()?),
            None => (written, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if whole.is_empty() || mantissa.ends_with('.') || !all().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let significant = all().skip_while(|digit| *digit == b'0').count();
        if significant > DIGITS || mantissa.len() > 64 {
            return None;
        }
        let mut digits = all().fold(0i128, |digits, digit| digits * 10 + i128::from(digit - b'0'));
        let mut exponent = i32::from(power) - i32::try_from(fraction.len()).ok()?;
        if digits == 0 {
            return Some(Self { digits, exponent: 0 });
        }
        while digits % 10 == 0 {
            digits /= 10;
            exponent += 1;
        }
        Some(Self { digits: if negative { -digits } else { digits }, exponent })
    }
    /// How many decimal places it has too many.
    fn needless_places(&self) -> u32 {
        u32::try_from(-self.exponent - PLACES).unwrap_or(0)
    }

    /// Whether what it has too much is what computing in floats leaves behind, as in 0.30000000000000004.
    fn is_rounded_by_noise(&self) -> bool {
        let unit = 10i128.checked_pow(self.needless_places());
        let rest = unit.map(|unit| self.digits.abs() % unit).zip(unit).map(|(rest, unit)| rest.min(unit - rest));
        rest.and_then(|rest| rest.checked_mul(1_000_000_000_000)).is_some_and(|rest| rest <= self.digits.abs())
    }

    /// Millionths, rounded; none when they do not fit.
    fn millionths(&self) -> Option<i64> {
        let needless = self.needless_places();
        let millionths = if needless > 0 {
            let power = 10i128.checked_pow(needless);
            power.map_or(0, |power| (self.digits + self.digits.signum() * power / 2) / power)
        } else {
            let power = 10i128.checked_pow(u32::try_from(self.exponent + PLACES).ok()?)?;
            self.digits.checked_mul(power)?
        };
        i64::try_from(millionths).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(written: &str) -> Result<Option<i64>, &'static str> {
        let raw: Box<RawValue> = serde_json::from_str(written).expect("JSON");
        revenue(Some(&raw)).map_err(|refusal| refusal.code)
    }

    #[test]
    fn amounts_are_exact() {
        for (written, millionths) in [
            ("24.5", 24_500_000),
            ("\"24.50\"", 24_500_000),
            ("0.1", 100_000),
            ("-3", -3_000_000),
            ("1.000000000", 1_000_000),
            ("0.000001", 1),
            ("2.5e2", 250_000_000),
            ("25e-6", 25),
            ("9223372036854.775807", i64::MAX),
            ("0e99", 0),
            ("-0.0", 0),
            ("0.30000000000000004", 300_000),
            ("1.1500000000000001", 1_150_000),
            ("-2.9999999999999996", -3_000_000),
        ] {
            assert_eq!(read(written), Ok(Some(millionths)), "{written}");
        }
        assert_eq!(read("null"), Ok(None));
        assert_eq!(read("\"\""), Ok(None));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for (written, code) in [
            ("0.0000001", "TOO_PRECISE"),
            ("25e-7", "TOO_PRECISE"),
            ("1e-30", "TOO_PRECISE"),
            ("12.3456789", "TOO_PRECISE"),
            ("\"0.30000000000000004\"", "TOO_PRECISE"),
            ("9223372036854.775808", "NUMBER_OUT_OF_RANGE"),
            ("1e300", "NUMBER_OUT_OF_RANGE"),
            ("1e99999", "INVALID_VALUE"),
            ("\"free\"", "INVALID_VALUE"),
            ("\"1,5\"", "INVALID_VALUE"),
            ("\"5.\"", "INVALID_VALUE"),
            ("\".5\"", "INVALID_VALUE"),
            ("\"--5\"", "INVALID_VALUE"),
            ("true", "WRONG_TYPE"),
            ("{}", "WRONG_TYPE"),
        ] {
            assert_eq!(read(written), Err(code), "{written}");
        }
    }

    #[test]
    fn floats_are_rounded_to_amounts() {
        for (value, millionths) in [
            (json!(0.1 + 0.2), Some(300_000)),
            (json!(-0.1 - 0.2), Some(-300_000)),
            (json!(49.9), Some(49_900_000)),
            (json!("12.3456785"), Some(12_345_679)),
            (json!(1e-9), Some(0)),
            (json!("free"), None),
            (json!(1e300), None),
            (json!(null), None),
        ] {
            let written = amount(&value).map(|written| read(&format!("\"{written}\"")));
            assert_eq!(written, millionths.map(|millionths| Ok(Some(millionths))), "{value}");
        }
    }
}
