//! Custom properties as columns: values out of a JSON object, each in one spelling.
//!
//! An entry is JSON text, so that `"5"`, `5` and `true` stay different values. Equal values have
//! equal text: strings in the shortest escaping, whole numbers without fraction or exponent,
//! documents without white space and with sorted keys.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};

/// Calls `found` with the key and the value, as JSON text, of every property in the object `json`.
/// What is no JSON object has no properties.
pub(super) fn each(json: &str, found: impl FnMut(&str, &str)) {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    // Only whole objects are stored.
    let _ = deserializer.deserialize_map(Each { found, key: String::new() });
}

/// The one spelling of a JSON value; nothing for null and for what is no JSON.
pub(super) fn canonical(json: &str) -> Option<String> {
    match serde_json::from_str(json).ok()? {
        Value::Null => None,
        value => Some(in_one_spelling(value).to_string()),
    }
}

/// Whole numbers without fraction or exponent as far as 64 bits reach, as Postgres writes them, and no
/// negative zero.
fn in_one_spelling(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0);
            // Its shortest decimal digits: those it was sent with.
            let whole = float.map(|float| (float + 0.0).to_string());
            let whole = whole.and_then(|digits| {
                digits.parse::<i64>().map(Value::from).or_else(|_| digits.parse::<u64>().map(Value::from)).ok()
            });
            whole.unwrap_or(Value::Number(number))
        }
        Value::Array(values) => values.into_iter().map(in_one_spelling).collect(),
        Value::Object(values) => values.into_iter().map(|(key, value)| (key, in_one_spelling(value))).collect(),
        value => value,
    }
}

/// An entry as it is shown: a string without its quotes, everything else as JSON.
pub fn shown(entry: &str) -> String {
    string(entry).unwrap_or_else(|| entry.to_owned())
}

/// The text of an entry that is a string.
pub fn string(entry: &str) -> Option<String> {
    entry.starts_with('"').then(|| serde_json::from_str(entry).ok()).flatten()
}

/// The value of an entry that is a number.
pub fn number(entry: &str) -> Option<f64> {
    let is_number = entry.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    is_number.then(|| entry.parse().ok()).flatten()
}

/// The value of an entry that is a boolean.
pub fn boolean(entry: &str) -> Option<bool> {
    entry.parse().ok()
}

/// Walks an object.
struct Each<F> {
    found: F,
    key: String,
}

impl<'de, F: FnMut(&str, &str)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Key(&mut self.key))?.is_some() {
            let value: &RawValue = map.next_value()?;
            (self.found)(&self.key, value.get());
        }
        Ok(())
    }
}

/// Copies a key into a text that is there already.
struct Key<'k>(&'k mut String);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        self.0.clear();
        self.0.push_str(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_text_and_types_stay_apart() {
        for (given, one) in [
            ("5", "5"),
            ("5.0", "5"),
            ("5e0", "5"),
            ("-0.0", "0"),
            ("1e17", "100000000000000000"),
            ("-1.2345678901234568e18", "-1234567890123456800"),
            ("1e19", "10000000000000000000"),
            ("1e20", "1e+20"),
            ("[-0.0, 1.0, {\"a\": 1e17}]", "[0,1,{\"a\":100000000000000000}]"),
            ("1.5", "1.5"),
            ("15e-1", "1.5"),
            ("18446744073709551615", "18446744073709551615"),
            ("\"5\"", "\"5\""),
            ("\"caf\\u00e9\"", "\"café\""),
            ("true", "true"),
            ("[1, 2]", "[1,2]"),
            ("{\"b\": 1, \"a\": 2}", "{\"a\":2,\"b\":1}"),
        ] {
            assert_eq!(canonical(given).as_deref(), Some(one), "{given}");
        }
        assert_eq!(canonical("null"), None);
        assert_eq!(shown("\"a\\\"b\""), "a\"b");
        assert_eq!((number("\"5\""), number("5"), string("5"), boolean("true")), (None, Some(5.0), None, Some(true)));
    }

    #[test]
    fn every_property_is_met_and_nonsense_has_none() {
        let met = |json: &str| {
            let mut met = Vec::new();
            each(json, |key, value| met.push(format!("{key}={value}")));
            met
        };
        assert_eq!(met(r#"{"x":[1,{"a":2}],"\u0061":"v","b":null}"#), ["x=[1,{\"a\":2}]", "a=\"v\"", "b=null"]);
        for nonsense in ["", "[]", "{", "5", "null"] {
            assert_eq!(met(nonsense), [""; 0], "{nonsense}");
        }
    }
}
