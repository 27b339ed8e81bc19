//! An event of another dialect, put into native words.

use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

use super::{Told, bounds, money, time, value};
use crate::ingest::Refusal;

/// Fields that say where and what, and lose little when they are cut: clients of others do not know how
/// long they may be, and would lose the whole event.
const CUT: [(&str, usize); 3] =
    [("event_type", bounds::EVENT_TYPE), ("url", bounds::ADDRESS), ("referrer", bounds::ADDRESS)];

/// A native event in the making.
#[derive(Default)]
pub(super) struct Native {
    fields: Map<String, Value>,
    metadata: Map<String, Value>,
    /// What native events have no words for.
    pub(super) told: Told,
}

impl Native {
    /// An event of this type, with these custom properties.
    pub(super) fn new(event_type: Value, metadata: Map<String, Value>) -> Self {
        let mut native = Self { metadata, ..Self::default() };
        native.set("event_type", Some(event_type));
        native
    }

    /// Sets a field, unless there is nothing to set it to.
    pub(super) fn set(&mut self, name: &'static str, value: Option<Value>) {
        if let Some(value) = value.filter(is_something) {
            self.fields.insert(name.to_owned(), value);
        }
    }

    /// Sets a field where it is not set yet.
    pub(super) fn set_if_missing(&mut self, name: &'static str, value: Option<Value>) {
        if !self.fields.contains_key(name) {
            self.set(name, value);
        }
    }

    /// Sets a field that tells who: several dialects let it be a number.
    pub(super) fn set_id(&mut self, name: &'static str, value: Option<Value>) {
        self.set(name, value.map(number_as_text));
    }

    /// Sets a field of lesser importance, when its value is what the field may hold. An event is
    /// not refused for it.
    pub(super) fn set_screen(&mut self, width: Option<Value>, height: Option<Value>) {
        let plausible = |value: &Value| value.as_f64().is_some_and(|pixels| (0.0..=65_535.0).contains(&pixels));
        self.set("screen_width", width.filter(plausible));
        self.set("screen_height", height.filter(plausible));
    }

    /// Sets the visitor's address, where it is one.
    pub(super) fn set_ip(&mut self, value: Option<Value>) {
        let plausible = |value: &Value| value.as_str().is_some_and(|ip| ip.parse::<std::net::IpAddr>().is_ok());
        self.set("ip", value.filter(plausible));
    }

    /// Sets the visitor's language: the first, where there is a list of them.
    pub(super) fn set_language(&mut self, value: Option<Value>) {
        let first = value.as_ref().and_then(Value::as_str).and_then(|text| text.split([',', ';']).next());
        let first = first.map(str::trim).filter(|language| language.len() <= super::bounds::LANGUAGE);
        self.set("language", first.map(Value::from));
    }

    /// Sets when it happened. Where that has no offset, it is UTC.
    pub(super) fn set_timestamp(&mut self, value: Option<Value>) {
        self.set("timestamp", value.map(in_utc));
    }

    /// Sets when it was sent, where that can be read: it only corrects a clock.
    pub(super) fn set_sent_at(&mut self, value: Option<Value>) {
        self.set("sent_at", value.as_ref().and_then(time::lenient).map(Value::from));
    }

    /// Reads what was earned out of custom properties that are named so by convention. They stay
    /// among the custom properties, whatever they hold.
    pub(super) fn set_revenue(&mut self) {
        let amount = self.metadata.get("revenue").and_then(money::amount).map(Value::from);
        let currency = self.metadata.get("currency").and_then(money::code).map(Value::from);
        if amount.is_some() {
            self.set("currency", currency);
        }
        self.set("revenue", amount);
    }

    /// A custom property, unless there is nothing to keep or one of that name.
    pub(super) fn keep(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value.filter(is_something)
            && !self.metadata.contains_key(name)
        {
            self.metadata.insert(name.to_owned(), value);
        }
    }

    /// Custom properties, whatever they hold.
    pub(super) fn keep_all(&mut self, properties: Map<String, Value>) {
        self.metadata.extend(properties);
    }

    /// As it is read natively, and what that has no place for.
    pub(super) fn into_raw(mut self) -> Result<(Box<RawValue>, Told), Refusal> {
        if !self.metadata.is_empty() {
            self.fields.insert("metadata".to_owned(), Value::Object(self.metadata));
        }
        for (name, most) in CUT {
            if let Some(Value::String(text)) = self.fields.get_mut(name) {
                text.truncate(text.floor_char_boundary(most));
            }
        }
        let raw = to_raw_value(&self.fields).map_err(|error| value::not_json(None, &error))?;
        Ok((raw, self.told))
    }
}

/// A moment that says no offset, with that of UTC.
pub(super) fn in_utc(moment: Value) -> Value {
    match moment.as_str() {
        Some(text) if text.parse::<jiff::Timestamp>().is_err() && text.parse::<jiff::civil::DateTime>().is_ok() => {
            Value::from(format!("{text}Z"))
        }
        _ => moment,
    }
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(object) => !object.is_empty(),
        _ => true,
    }
}

fn number_as_text(value: Value) -> Value {
    if let Value::Number(number) = &value { Value::from(number.to_string()) } else { value }
}

/// The custom properties under `name`; refused when they are no object.
pub(super) fn properties(event: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, Refusal> {
    match event.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(properties)) => Ok(properties),
        Some(_) => Err(value::refuse("WRONG_TYPE", "metadata", format!("{name} must be an object."))),
    }
}

/// The object under `name`, taken out; an empty one when there is none.
pub(super) fn part(object: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match object.get_mut(name) {
        Some(Value::Object(part)) => {
            let part = std::mem::take(part);
            object.remove(name);
            part
        }
        _ => Map::new(),
    }
}

/// The text under `name`.
pub(super) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// The names that stand for a country, as one may be kept; taken out only when it may.
pub(super) fn take_country(object: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let code = text(object, name).is_some_and(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphabetic()));
    code.then(|| object.remove(name)).flatten()
}

/// A place by name, taken out where it may be kept.
pub(super) fn take_place(object: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let fits = text(object, name).is_some_and(|place| place.len() <= super::bounds::PLACE);
    fits.then(|| object.remove(name)).flatten()
}
