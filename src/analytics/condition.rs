//! Conditions on one value of an event.

use async_graphql::{InputObject, NewType};
use serde::{Deserialize, Serialize};

use super::filter::{MAX_LIST, MAX_TEXT};
use crate::{
    columnar::Who,
    error::{Error, Result},
};

/// A finite number that can be compared and hashed: equal numbers are equal bits.
#[derive(NewType, Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Number(f64);

impl Number {
    /// The number.
    pub fn get(self) -> f64 {
        // Negative zero becomes zero, which it equals.
        self.0 + 0.0
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.get().to_bits() == other.get().to_bits()
    }
}

impl Eq for Number {}

impl std::hash::Hash for Number {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.get().to_bits().hash(state);
    }
}

/// Conditions on a text. All that are given must hold; null is the same as not given. Text is
/// compared byte by byte: case matters. Where an event has no value, `notEq` and `notIn` hold
/// (nothing is not that value), `exists: false` holds, and every other condition fails.
#[derive(InputObject, Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StringFilter {
    /// Is this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eq: Option<String>,
    /// Is not this value. Holds where there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_eq: Option<String>,
    /// Is one of these values; an empty list holds for none. At most 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[graphql(name = "in")]
    pub one_of: Option<Vec<String>>,
    /// Is none of these values. Holds where there is no value. At most 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_in: Option<Vec<String>>,
    /// Contains this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// Starts with this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<String>,
    /// Ends with this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_with: Option<String>,
    /// Whether there is a value at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
}

impl StringFilter {
    /// Whom it tells from others, where it is about visitors or sessions.
    pub(super) fn who(&self) -> Who {
        if self.contains.is_some() || self.starts_with.is_some() || self.ends_with.is_some() {
            return Who::Everybody;
        }
        let lists = self.one_of.iter().chain(&self.not_in).flatten();
        let these: Vec<String> = self.eq.iter().chain(&self.not_eq).chain(lists).cloned().collect();
        if these.is_empty() { Who::Nobody } else { Who::These(these) }
    }
}

/// Conditions on a number. All that are given must hold; null is the same as not given. Where an
/// event has no number, only `exists: false` holds.
#[derive(InputObject, Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NumberFilter {
    /// Is this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eq: Option<Number>,
    /// Is greater than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gt: Option<Number>,
    /// Is this or greater.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gte: Option<Number>,
    /// Is less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lt: Option<Number>,
    /// Is this or less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lte: Option<Number>,
    /// Whether there is a number at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
}

/// Conditions on a custom property. All that are given must hold. Types are kept apart: to
/// `string`, a property that holds something other than a string is as one without a value, and
/// likewise for `number`. A property of null is no property.
#[derive(InputObject, Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PropertyFilter {
    /// Which property: a key of the event's `metadata`.
    pub key: String,
    /// Its value as a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string: Option<StringFilter>,
    /// Its value as a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<NumberFilter>,
    /// Is exactly this boolean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boolean: Option<bool>,
    /// Whether there is a value at all, of whatever type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
}

/// What a condition asks of the values of its column.
#[derive(Debug, Clone, Copy)]
pub enum Test<'a> {
    /// About text.
    Text(&'a StringFilter),
    /// About a number.
    Number(&'a NumberFilter),
    /// About a JSON value.
    Property(&'a PropertyFilter),
}

impl Test<'_> {
    /// The number of conditions, once their bounds hold.
    pub(super) fn check(&self, path: &str) -> Result<usize> {
        match self {
            Self::Text(filter) => filter.check(path),
            Self::Number(filter) => filter.check(path),
            Self::Property(filter) => {
                if filter.key.is_empty() {
                    return Err(Error::invalid(format!("{path}.key"), "The key of a property must not be empty."));
                }
                check_text(&filter.key, path, "key")?;
                let string = filter.string.as_ref().map_or(Ok(0), |f| f.check(&format!("{path}.string")))?;
                let number = filter.number.as_ref().map_or(Ok(0), |f| f.check(&format!("{path}.number")))?;
                Ok(string + number + 1)
            }
        }
    }
}

impl StringFilter {
    fn check(&self, path: &str) -> Result<usize> {
        let texts = [
            ("eq", &self.eq),
            ("notEq", &self.not_eq),
            ("contains", &self.contains),
            ("startsWith", &self.starts_with),
            ("endsWith", &self.ends_with),
        ];
        let mut conditions = usize::from(self.exists.is_some());
        for (name, text) in texts {
            if let Some(text) = text {
                check_text(text, path, name)?;
                conditions += 1;
            }
        }
        for (name, list) in [("in", &self.one_of), ("notIn", &self.not_in)] {
            let Some(list) = list else { continue };
            if list.len() > MAX_LIST {
                return Err(Error::invalid(
                    format!("{path}.{name}"),
                    format!("A list may hold at most {MAX_LIST} values."),
                ));
            }
            for (i, text) in list.iter().enumerate() {
                check_text(text, path, &format!("{name}.{i}"))?;
            }
            conditions += 1;
        }
        Ok(conditions)
    }
}

impl NumberFilter {
    fn check(&self, path: &str) -> Result<usize> {
        let mut conditions = usize::from(self.exists.is_some());
        for (name, number) in [("eq", self.eq), ("gt", self.gt), ("gte", self.gte), ("lt", self.lt), ("lte", self.lte)]
        {
            let Some(number) = number else { continue };
            if !number.get().is_finite() {
                return Err(Error::invalid(format!("{path}.{name}"), "Expected a finite number."));
            }
            conditions += 1;
        }
        Ok(conditions)
    }
}

fn check_text(text: &str, path: &str, name: &str) -> Result<()> {
    if text.len() > MAX_TEXT {
        return Err(Error::invalid(format!("{path}.{name}"), format!("Text may be at most {MAX_TEXT} bytes long.")));
    }
    Ok(())
}
