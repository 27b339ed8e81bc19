//! Custom properties as columns: values out of a JSON object, each in one spelling.
//!
//! An entry is JSON text, so that `"5"`, `5` and `true` stay different values. Equal values have
//! equal text: strings in the shortest escaping, whole numbers without fraction or exponent,
//! documents without white space and with sorted keys.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};

use super::Dictionary;

/// Above this, a float no longer tells neighbouring whole numbers apart.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A wanted property: its key, and the place of its column.
pub(super) type Wanted = (String, usize);

/// Sets the last code of each wanted property's column to its value in the object `json`. What
/// is no JSON object has no properties.
pub(super) fn read(json: &str, wanted: &[Wanted], dictionaries: &mut [Dictionary], codes: &mut [Vec<u32>]) {
    let mut values = vec![None; wanted.len()];
    let mut deserializer = serde_json::Deserializer::from_str(json);
    if deserializer.deserialize_map(Pick { wanted, values: &mut values }).is_err() {
        return;
    }
    for ((_, place), value) in wanted.iter().zip(values) {
        let value: Option<&RawValue> = value;
        if let (Some(value), Some(code)) = (value, codes[*place].last_mut()) {
            *code = dictionaries[*place].intern_as(value.get(), canonical);
        }
    }
}

/// The one spelling of a JSON value; nothing for null and for what is no JSON.
fn canonical(json: &str) -> Option<String> {
    match serde_json::from_str(json).ok()? {
        Value::Null => None,
        Value::Number(number) => Some(match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT => (float as i64).to_string(),
            _ => number.to_string(),
        }),
        value => Some(value.to_string()),
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

/// Walks an object and keeps the values of the wanted keys, unread.
struct Pick<'k, 'v, 'de> {
    wanted: &'k [Wanted],
    values: &'v mut [Option<&'de RawValue>],
}

impl<'de> Visitor<'de> for Pick<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key(self.wanted))? {
            match key {
                Some(place) => self.values[place] = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Recognises a key without copying it.
struct Key<'k>(&'k [Wanted]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|(wanted, _)| wanted == key))
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
    fn only_wanted_keys_are_read_and_nonsense_is_no_value() {
        let wanted = [("a".to_owned(), 0), ("b".to_owned(), 1)];
        let mut dictionaries = [Dictionary::default(), Dictionary::default()];
        let mut value_of = |json: &str| {
            let mut codes = [vec![super::super::NONE], vec![super::super::NONE]];
            read(json, &wanted, &mut dictionaries, &mut codes);
            (
                dictionaries[0].value(codes[0][0]).map(str::to_owned),
                dictionaries[1].value(codes[1][0]).map(str::to_owned),
            )
        };
        assert_eq!(value_of(r#"{"x":[1,{"a":2}],"\u0061":"v","b":null}"#), (Some("\"v\"".into()), None));
        for nonsense in ["", "[]", "{", "5", "null", r#"{"a":1"#] {
            assert_eq!(value_of(nonsense), (None, None), "{nonsense}");
        }
    }
}
