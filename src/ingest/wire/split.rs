//! A body, cut into events.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};

use super::{Dialect, Format, time, value};
use crate::{
    config::Limits,
    error::{Error, Result},
    ingest::Refusal,
};

/// What is looked at of a key; none is longer.
const KEY: usize = 200;

/// The events of a request, each as it was sent, or the reason why it is none.
#[derive(Debug)]
pub struct Body<'a> {
    /// In the order of the request; at least one.
    pub events: Vec<Result<&'a RawValue, Refusal>>,
    /// When the client says it sent the request, in milliseconds since the epoch.
    pub sent_at: Option<i64>,
    /// The key, where the dialect has a place for it among the events.
    pub key: Option<String>,
    /// How the events are written.
    pub dialect: Dialect,
    /// What holds for each of them besides what it says itself, where the dialect has a place for that.
    pub(super) context: Map<String, Value>,
}

impl<'a> Body<'a> {
    /// Fails where there are no events.
    pub(super) fn of(
        dialect: Dialect,
        events: Vec<Result<&'a RawValue, Refusal>>,
        sent_at: Option<i64>,
        key: Option<String>,
    ) -> Result<Self> {
        if events.is_empty() {
            return Err(invalid("There are no events in the body."));
        }
        Ok(Self { events, sent_at, key, dialect, context: Map::new() })
    }
}

/// A body that is text, without the space around it.
pub(super) fn text(body: &[u8]) -> Result<&str> {
    let body = std::str::from_utf8(body).map_err(|_| invalid("The body is not valid UTF-8."))?;
    let body = body.trim_ascii();
    if body.is_empty() {
        return Err(invalid("The body is empty. Send an event, or several."));
    }
    Ok(body)
}

/// Cuts a body of native events.
pub(super) fn native<'a>(body: &'a str, format: Format, limits: &Limits) -> Result<Body<'a>> {
    let (events, sent_at) = match format {
        Format::Ndjson => (lines(body, limits.batch_events)?, None),
        Format::Json if body.starts_with('[') => (array(body, "body", limits.batch_events)?, None),
        Format::Json => object(body, limits.batch_events)?,
    };
    Body::of(Dialect::Native(format), events, sent_at, None)
}

fn lines(body: &str, most: usize) -> Result<Vec<Result<&RawValue, Refusal>>> {
    let lines = body.split('\n').map(str::trim_ascii).filter(|line| !line.is_empty());
    if lines.clone().nth(most).is_some() {
        return Err(too_many("body", most));
    }
    Ok(lines.map(|line| serde_json::from_str(line).map_err(|error| value::not_json(None, &error))).collect())
}

/// Cuts an array, which `field` names.
pub(super) fn array<'a>(body: &'a str, field: &str, most: usize) -> Result<Vec<Result<&'a RawValue, Refusal>>> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let (events, more) = AtMost(most).deserialize(&mut deserializer).map_err(|error| not_json(&error))?;
    if more {
        return Err(too_many(field, most));
    }
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(events.into_iter().map(Ok).collect())
}

type Events<'a> = Vec<Result<&'a RawValue, Refusal>>;

/// An object is an envelope when it has `events` and is not itself an event.
fn object(body: &str, most: usize) -> Result<(Events<'_>, Option<i64>)> {
    let whole: &RawValue = serde_json::from_str(body).map_err(|error| not_json(&error))?;
    if !body.starts_with('{') {
        return Err(invalid("The body must be a JSON object or an array of objects."));
    }
    // What has no outline, for a name that is no text, is an event like any other, and a bad one.
    let outline: Outline<'_> = serde_json::from_str(body).unwrap_or_default();
    let (Some(events), false) = (outline.events, outline.is_event) else {
        return Ok((vec![Ok(whole)], None));
    };
    if !events.get().starts_with('[') {
        return Err(Error::invalid("events", "events must be an array."));
    }
    Ok((array(events.get(), "events", most)?, sent_at(outline.sent_at)?))
}

/// When a whole request was sent.
fn sent_at(raw: Option<&RawValue>) -> Result<Option<i64>> {
    let sent_at = raw.map(|raw| time::parse(raw, "sent_at")).transpose();
    Ok(sent_at.map_err(|refusal| Error::invalid("sent_at", refusal.message))?.flatten())
}

/// When a client of others says that it sent the whole request.
pub(super) fn told_sent_at(raw: Option<&RawValue>) -> Option<i64> {
    time::lenient(&serde_json::from_str(raw?.get()).ok()?)
}

/// A key among the events. What is no text is no key.
pub(super) fn key(raw: Option<&RawValue>) -> Option<String> {
    value::text(raw, "key", KEY).ok().flatten()
}

/// The key of a request: its own, or else that of the first event with one. Events of another key are
/// refused one by one: they are not for the same app, and a request has one.
pub(super) fn one_key(
    own: Option<String>,
    events: &mut [Result<&RawValue, Refusal>],
    field: &'static str,
    key_of: impl Fn(&RawValue) -> Option<String>,
) -> Option<String> {
    let mut first = own;
    for event in events {
        let Some(key) = event.as_ref().ok().and_then(|raw| key_of(raw)) else { continue };
        if *first.get_or_insert_with(|| key.clone()) != key {
            let message =
                format!("{field} differs from that of the request. Send each app's events in their own request.");
            *event = Err(value::refuse("WRONG_KEY", field, message));
        }
    }
    first
}

/// What tells an envelope from an event.
#[derive(Default)]
struct Outline<'a> {
    events: Option<&'a RawValue>,
    sent_at: Option<&'a RawValue>,
    is_event: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Outline<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Outline<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut outline = Outline::default();
                while let Some(key) = map.next_key::<OutlineKey>()? {
                    match key {
                        OutlineKey::Events => outline.events = Some(map.next_value()?),
                        OutlineKey::SentAt => outline.sent_at = Some(map.next_value()?),
                        OutlineKey::EventType => {
                            outline.is_event = true;
                            map.next_value::<IgnoredAny>()?;
                        }
                        // Not IgnoredAny, which looks into escapes: what is inside is judged later.
                        OutlineKey::Other => drop(map.next_value::<&RawValue>()?),
                    }
                }
                Ok(outline)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier)]
enum OutlineKey {
    #[serde(rename = "events")]
    Events,
    #[serde(rename = "sent_at", alias = "sentAt")]
    SentAt,
    #[serde(rename = "event_type", alias = "eventType")]
    EventType,
    #[serde(other)]
    Other,
}

/// Reads an array of raw values, but no more than so many; tells whether there were more.
struct AtMost(usize);

impl<'de> DeserializeSeed<'de> for AtMost {
    type Value = (Vec<&'de RawValue>, bool);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for AtMost {
    type Value = (Vec<&'de RawValue>, bool);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut events = Vec::new();
        let mut more = false;
        while let Some(event) = seq.next_element::<&RawValue>()? {
            more = events.len() >= self.0;
            if !more {
                events.push(event);
            }
        }
        Ok((events, more))
    }
}

pub(super) fn invalid(message: &str) -> Error {
    Error::invalid("body", message)
}

pub(super) fn not_json(error: &serde_json::Error) -> Error {
    // A name that stands twice is valid JSON, and nobody can say which was meant.
    let what = if error.is_data() { "holds a name twice, or in a wrong place" } else { "is not valid JSON" };
    Error::invalid("body", format!("The body {what} (line {}, column {}).", error.line(), error.column()))
}

fn too_many(field: &str, most: usize) -> Error {
    Error::TooLarge { field: Some(field.into()), message: format!("A request may hold at most {most} events.") }
}
