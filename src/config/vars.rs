//! Reads variables one by one and remembers everything that is wrong with them.

use std::{collections::HashMap, fmt::Display, ops::RangeInclusive, str::FromStr};

use crate::error::{Error, Result};

/// Variables on their way to being settings. A value that is not understood is noted and its
/// default taken, so that one look finds every problem. Values never appear in a message, because
/// a secret may have been put under the wrong name.
pub(super) struct Vars {
    values: HashMap<String, String>,
    known: Vec<(&'static str, Option<String>)>,
    problems: Vec<String>,
}

impl Vars {
    /// A variable that is empty counts as unset, as compose files pass them on.
    pub(super) fn new(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let values = vars.into_iter().map(|(name, value)| (name, value.trim().to_owned()));
        Self { values: values.filter(|(_, value)| !value.is_empty()).collect(), known: vec![], problems: vec![] }
    }

    /// A value with a default.
    pub(super) fn parsed<T: FromStr + Display>(&mut self, name: &'static str, default: T, expected: &str) -> T {
        self.read(name, Some(default.to_string()), expected, |text| text.parse().ok()).unwrap_or(default)
    }

    /// A whole number within bounds, with a default.
    pub(super) fn number<T>(&mut self, name: &'static str, default: T, bounds: RangeInclusive<T>) -> T
    where
        T: FromStr + Display + PartialOrd + Copy,
    {
        let expected = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        let parse = |text: &str| text.parse().ok().filter(|number| bounds.contains(number));
        self.read(name, Some(default.to_string()), &expected, parse).unwrap_or(default)
    }

    /// Yes or no, with a default.
    pub(super) fn flag(&mut self, name: &'static str, default: bool) -> bool {
        let parse = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        };
        self.read(name, Some(default.to_string()), "`true` or `false`", parse).unwrap_or(default)
    }

    /// A value that may be missing.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.read(name, None, expected, parse)
    }

    /// A value whose default is best given as text; none only when even that is not understood.
    pub(super) fn with_default<T>(
        &mut self,
        name: &'static str,
        default: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.read(name, Some(default.to_owned()), expected, &parse).or_else(|| parse(default))
    }

    /// A list separated by commas; nothing when unset.
    pub(super) fn list<T>(&mut self, name: &'static str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let each = |text: &str| text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(&parse).collect();
        self.read(name, None, expected, each).unwrap_or_default()
    }

    /// A choice of words; the first is the default.
    pub(super) fn choice(&mut self, name: &'static str, words: &[&'static str]) -> &'static str {
        let default = words.first().copied().unwrap_or_default();
        let expected = format!("one of {}", words.join(", "));
        let parse = |text: &str| words.iter().copied().find(|word| word.eq_ignore_ascii_case(text));
        self.read(name, Some(default.to_owned()), &expected, parse).unwrap_or(default)
    }

    /// Whether something was set under this name, understood or not.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Notes what is wrong with a variable.
    pub(super) fn problem(&mut self, name: &str, what: impl Display) {
        self.problems.push(format!("{name}: {what}"));
    }

    /// Every name read so far, with its default in text where it has a fixed one.
    pub(super) fn known(self) -> Vec<(&'static str, Option<String>)> {
        self.known
    }

    /// All problems as one error, if there are any.
    pub(super) fn finish(&self) -> Result<()> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let message = format!("The settings are not usable:\n  {}", self.problems.join("\n  "));
        Err(Error::Invalid { field: None, message })
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        default: Option<String>,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.known.push((name, default));
        let value = parse(self.values.get(name)?);
        if value.is_none() {
            self.problem(name, format_args!("expected {expected}"));
        }
        value
    }
}
