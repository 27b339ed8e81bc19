//! One event, read and bounded.

use std::{fmt, net::IpAddr};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::{bounds, metadata, time, value};
use crate::{
    config::Limits,
    ingest::{Link, Refusal},
};

/// An event whose every field is within bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// What happened.
    pub event_type: String,
    /// When, by the server's clock, in milliseconds since the epoch.
    pub timestamp: i64,
    /// Who did it, once known.
    pub user_id: Option<String>,
    /// Who did it, before it is known.
    pub anonymous_id: Option<String>,
    /// The visit.
    pub session_id: Option<String>,
    /// The page.
    pub url: Option<String>,
    /// Where the visitor came from.
    pub referrer: Option<String>,
    /// In CSS pixels.
    pub screen_width: Option<i32>,
    /// In CSS pixels.
    pub screen_height: Option<i32>,
    /// Custom properties.
    pub metadata: Option<Value>,
    /// The visitor's address, from a server that sends for them.
    pub ip: Option<IpAddr>,
    /// The visitor's user agent, from a server that sends for them.
    pub user_agent: Option<String>,
    /// The visitor's country, from a sender that knows it.
    pub country: Option<String>,
    /// A part of the country, from a sender that knows it.
    pub region: Option<String>,
    /// The visitor's town, from a sender that knows it.
    pub city: Option<String>,
    /// The visitor's first language.
    pub language: Option<String>,
    /// The page's title.
    pub title: Option<String>,
    /// In millionths of the unit of `currency`.
    pub revenue: Option<i64>,
    /// ISO 4217, upper case.
    pub currency: Option<String>,
    /// Whom it makes known as whom.
    pub link: Option<Link>,
}

/// Reads one event. The id is told in any case, where there is one that can be read.
pub fn parse(
    raw: &RawValue,
    sent_at: Option<i64>,
    received_at: i64,
    limits: &Limits,
) -> (Option<String>, Result<Incoming, Refusal>) {
    if raw.get().len() > limits.event_bytes {
        let message = format!("An event may hold at most {} bytes.", limits.event_bytes);
        return (None, Err(Refusal { code: "EVENT_TOO_LARGE", field: None, message }));
    }
    if !raw.get().starts_with('{') {
        let message = "An event must be an object.".to_owned();
        return (None, Err(Refusal { code: "WRONG_TYPE", field: None, message }));
    }
    let fields: Fields<'_> = match serde_json::from_str(raw.get()) {
        Ok(fields) => fields,
        Err(error) => return (None, Err(value::not_json(None, &error))),
    };
    match value::text(fields.get(Name::Id), "id", bounds::ID) {
        Ok(id) => (id, incoming(&fields, sent_at, received_at, limits)),
        Err(refusal) => (None, Err(refusal)),
    }
}

fn incoming(fields: &Fields<'_>, sent_at: Option<i64>, received_at: i64, limits: &Limits) -> Result<Incoming, Refusal> {
    if let Some(name) = fields.repeated {
        let field = name.as_str();
        return Err(value::refuse("DUPLICATE_FIELD", field, format!("{field} occurs more than once.")));
    }
    let text = |name: Name, most| value::text(fields.get(name), name.as_str(), most);
    let moment = |name: Name| fields.get(name).map(|raw| time::parse(raw, name.as_str())).transpose();
    let own_sent_at = moment(Name::SentAt)?.flatten();
    let max_age_ms = i64::try_from(limits.max_event_age.as_millis()).unwrap_or(i64::MAX);
    let timestamp = moment(Name::Timestamp)?.flatten();
    Ok(Incoming {
        event_type: event_type(fields)?,
        timestamp: time::happened_at(timestamp, own_sent_at.or(sent_at), received_at, max_age_ms)?,
        user_id: text(Name::UserId, bounds::PERSON)?,
        anonymous_id: text(Name::AnonymousId, bounds::PERSON)?,
        session_id: text(Name::SessionId, bounds::PERSON)?,
        url: text(Name::Url, bounds::ADDRESS)?,
        referrer: text(Name::Referrer, bounds::ADDRESS)?,
        screen_width: value::size(fields.get(Name::ScreenWidth), "screen_width", bounds::SCREEN)?,
        screen_height: value::size(fields.get(Name::ScreenHeight), "screen_height", bounds::SCREEN)?,
        metadata: metadata::parse(fields.get(Name::Metadata))?,
        ip: value::ip(fields.get(Name::Ip), "ip")?,
        user_agent: value::cut_text(fields.get(Name::UserAgent), "user_agent", bounds::USER_AGENT)?,
        country: value::country(fields.get(Name::Country), "country")?,
        region: None,
        city: None,
        language: None,
        title: None,
        revenue: None,
        currency: None,
        link: None,
    })
}

fn event_type(fields: &Fields<'_>) -> Result<String, Refusal> {
    let raw = value::present(fields.get(Name::EventType));
    if raw.is_none() {
        return Err(value::refuse("MISSING_FIELD", "event_type", "event_type is required."));
    }
    let event_type = value::text(raw, "event_type", bounds::EVENT_TYPE)?;
    event_type
        .filter(|name| !name.trim().is_empty())
        .ok_or_else(|| value::refuse("EMPTY", "event_type", "event_type may not be empty."))
}

/// The names an event may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Name {
    Id,
    #[serde(alias = "eventType")]
    EventType,
    Timestamp,
    #[serde(alias = "sentAt")]
    SentAt,
    #[serde(alias = "userId")]
    UserId,
    #[serde(alias = "anonymousId")]
    AnonymousId,
    #[serde(alias = "sessionId")]
    SessionId,
    Url,
    Referrer,
    #[serde(alias = "screenWidth")]
    ScreenWidth,
    #[serde(alias = "screenHeight")]
    ScreenHeight,
    Metadata,
    Ip,
    #[serde(alias = "userAgent")]
    UserAgent,
    Country,
    #[serde(other)]
    Unknown,
}

impl Name {
    fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::EventType => "event_type",
            Self::Timestamp => "timestamp",
            Self::SentAt => "sent_at",
            Self::UserId => "user_id",
            Self::AnonymousId => "anonymous_id",
            Self::SessionId => "session_id",
            Self::Url => "url",
            Self::Referrer => "referrer",
            Self::ScreenWidth => "screen_width",
            Self::ScreenHeight => "screen_height",
            Self::Metadata => "metadata",
            Self::Ip => "ip",
            Self::UserAgent => "user_agent",
            Self::Country => "country",
            Self::Unknown => "unknown",
        }
    }
}

/// The values of an event, not yet looked into.
#[derive(Default)]
struct Fields<'a> {
    values: [Option<&'a RawValue>; Name::Unknown as usize],
    repeated: Option<Name>,
}

impl<'a> Fields<'a> {
    fn get(&self, name: Name) -> Option<&'a RawValue> {
        self.values.get(name as usize).copied().flatten()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Fields::default();
                while let Some((name, value)) = map.next_entry::<Name, &RawValue>()? {
                    if let Some(slot) = fields.values.get_mut(name as usize)
                        && slot.replace(value).is_some()
                    {
                        fields.repeated = Some(name);
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
