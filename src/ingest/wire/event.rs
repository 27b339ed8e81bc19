//! One event, read and bounded.

use std::net::IpAddr;

use serde_json::{Value, value::RawValue};

use super::{
    bounds,
    fields::{Fields, Name},
    metadata, money, time, value,
};
use crate::{
    config::Limits,
    ingest::{Link, Refusal, enrich::Device},
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
    /// Whether what follows a `#` in its address tells one page from another.
    pub hash: bool,
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
    /// What brought the visitor, where the page's address does not say.
    pub campaign: Campaign,
    /// Whom it makes known as whom.
    pub link: Option<Link>,
    /// What clients of others tell beside all that.
    pub told: Told,
}

/// What a client of others says of the device it runs on, and of where that is. No native event has words
/// for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The device, in the words that user agents are put into; nothing where it describes none.
    pub device: Option<Device>,
    /// Whether no place is to be found out by the address.
    pub has_no_place: bool,
}

/// A campaign as its links would name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Campaign {
    /// `utm_source`
    pub source: Option<String>,
    /// `utm_medium`
    pub medium: Option<String>,
    /// `utm_campaign`
    pub name: Option<String>,
    /// `utm_term`
    pub term: Option<String>,
    /// `utm_content`
    pub content: Option<String>,
}

/// Reads one event. The id is told in any case, where there is one that can be read.
pub(super) fn parse(
    raw: &RawValue,
    sent_at: Option<i64>,
    received_at: i64,
    limits: &Limits,
) -> (Option<String>, Result<Incoming, Refusal>) {
    match check_shape(raw, limits) {
        Ok(()) => read(raw, sent_at, received_at, limits),
        Err(refusal) => (None, Err(refusal)),
    }
}

/// What is asked of an event before it is looked into: that it is an object, and not too large.
pub(super) fn check_shape(raw: &RawValue, limits: &Limits) -> Result<(), Refusal> {
    if raw.get().len() > limits.event_bytes {
        let message = format!("An event may hold at most {} bytes.", limits.event_bytes);
        return Err(Refusal { code: "EVENT_TOO_LARGE", field: None, message });
    }
    if !raw.get().starts_with('{') {
        let message = "An event must be an object.".to_owned();
        return Err(Refusal { code: "WRONG_TYPE", field: None, message });
    }
    Ok(())
}

/// Reads an event whose shape was checked.
pub(super) fn read(
    raw: &RawValue,
    sent_at: Option<i64>,
    received_at: i64,
    limits: &Limits,
) -> (Option<String>, Result<Incoming, Refusal>) {
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
    let cut = |name: Name, most| value::cut_text(fields.get(name), name.as_str(), most);
    let event_type = event_type(fields)?;
    let user_id = text(Name::UserId, bounds::PERSON)?;
    let anonymous_id = text(Name::AnonymousId, bounds::PERSON)?;
    let previous_id = text(Name::PreviousId, bounds::PERSON)?;
    Ok(Incoming {
        link: link(&event_type, anonymous_id.as_deref(), previous_id, user_id.as_deref()),
        event_type,
        timestamp: time::happened_at(timestamp, own_sent_at.or(sent_at), received_at, max_age_ms)?,
        user_id,
        anonymous_id,
        session_id: text(Name::SessionId, bounds::PERSON)?,
        url: text(Name::Url, bounds::ADDRESS)?,
        hash: value::boolean(fields.get(Name::Hash), "hash")?,
        referrer: text(Name::Referrer, bounds::ADDRESS)?,
        screen_width: value::size(fields.get(Name::ScreenWidth), "screen_width", bounds::SCREEN)?,
        screen_height: value::size(fields.get(Name::ScreenHeight), "screen_height", bounds::SCREEN)?,
        metadata: metadata::parse(fields.get(Name::Metadata))?,
        ip: value::ip(fields.get(Name::Ip), "ip")?,
        user_agent: cut(Name::UserAgent, bounds::USER_AGENT)?,
        country: value::country(fields.get(Name::Country), "country")?,
        region: text(Name::Region, bounds::PLACE)?,
        city: text(Name::City, bounds::PLACE)?,
        language: text(Name::Language, bounds::LANGUAGE)?,
        title: cut(Name::Title, bounds::TITLE)?,
        revenue: money::revenue(fields.get(Name::Revenue))?,
        currency: money::currency(fields.get(Name::Currency))?,
        campaign: Campaign {
            source: cut(Name::UtmSource, bounds::CAMPAIGN)?,
            medium: cut(Name::UtmMedium, bounds::CAMPAIGN)?,
            name: cut(Name::UtmCampaign, bounds::CAMPAIGN)?,
            term: cut(Name::UtmTerm, bounds::CAMPAIGN)?,
            content: cut(Name::UtmContent, bounds::CAMPAIGN)?,
        },
        told: Told::default(),
    })
}

/// Two events say that ids belong to one person: `identify` names the user behind an anonymous id,
/// `alias` the user that another id has become.
fn link(event_type: &str, anonymous: Option<&str>, previous: Option<String>, user: Option<&str>) -> Option<Link> {
    let from = match event_type {
        "identify" => anonymous?.to_owned(),
        "alias" => previous?,
        _ => return None,
    };
    let to = user?.to_owned();
    (from != to).then_some(Link { from, to })
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
