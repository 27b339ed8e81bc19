//! PostHog's capture API.

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    Body, Dialect,
    split::{array, invalid, key, not_json, one_key, told_sent_at},
    translated::{Native, part, properties, take_country, take_place, text},
};
use crate::{
    config::Limits,
    error::{Error, Result},
    ingest::{Refusal, enrich::Device},
};

#[derive(Default, Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    api_key: Option<&'a RawValue>,
    #[serde(borrow)]
    token: Option<&'a RawValue>,
    #[serde(borrow, rename = "$token")]
    own_token: Option<&'a RawValue>,
    #[serde(borrow)]
    batch: Option<&'a RawValue>,
    #[serde(borrow)]
    sent_at: Option<&'a RawValue>,
    /// As Python's library writes it.
    #[serde(borrow, rename = "sentAt")]
    sent_at_in_camel_case: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Properties<'a> {
    #[serde(borrow)]
    token: Option<&'a RawValue>,
}

impl Outline<'_> {
    fn key(&self) -> Option<String> {
        let inside = || serde_json::from_str::<Properties<'_>>(self.properties?.get()).ok()?.token;
        key(self.api_key.or(self.token).or(self.own_token).or_else(inside))
    }
}

/// An event, an array of events, or a batch.
pub(super) fn split<'a>(body: &'a str, limits: &Limits) -> Result<Body<'a>> {
    let key_of = |event: &RawValue| serde_json::from_str::<Outline<'_>>(event.get()).ok()?.key();
    if body.starts_with('[') {
        let mut events = array(body, "body", limits.batch_events)?;
        let key = one_key(None, &mut events, "api_key", key_of);
        return Body::of(Dialect::PostHog, events, None, key);
    }
    let whole: &RawValue = serde_json::from_str(body).map_err(|error| not_json(&error))?;
    if !body.starts_with('{') {
        return Err(invalid("The body must be a JSON object or an array of objects."));
    }
    let outline: Outline<'_> = serde_json::from_str(body).map_err(|error| not_json(&error))?;
    let mut events = match outline.batch {
        Some(batch) if batch.get().starts_with('[') => array(batch.get(), "batch", limits.batch_events)?,
        Some(_) => return Err(Error::invalid("batch", "batch must be an array of events.")),
        None if outline.event.is_none() => {
            return Err(Error::invalid("batch", "The body must have an event, or a batch, which is an array of them."));
        }
        None => vec![Ok(whole)],
    };
    let key = one_key(outline.key(), &mut events, "api_key", key_of);
    let sent_at = told_sent_at(outline.sent_at).or_else(|| told_sent_at(outline.sent_at_in_camel_case));
    Body::of(Dialect::PostHog, events, sent_at, key)
}

/// The native event.
pub(super) fn translate(mut event: Map<String, Value>, received_at: i64) -> Result<Native, Refusal> {
    let mut properties = properties(&mut event, "properties")?;
    // Browsers send a null for every campaign they do not come from.
    properties.retain(|_, value| !value.is_null());
    for name in ["token", "api_key", "$token"] {
        properties.remove(name);
    }
    raise(&mut event, &mut properties);
    let name = event.remove("event").unwrap_or_default();
    let event_type = match name.as_str() {
        Some("$pageview") => "page_view".into(),
        Some("$pageleave") => "page_leave".into(),
        Some("$screen") => "screen".into(),
        Some("$identify") => "identify".into(),
        Some("$create_alias" | "$merge_dangerously") => "alias".into(),
        Some("$groupidentify") => "group".into(),
        _ => name,
    };
    let mut words = Native::default();
    name_person(&mut words, &event_type, &mut event, &mut properties);
    describe(&mut words, &mut properties);
    words.told.has_no_place = properties.remove("$geoip_disable") == Some(Value::Bool(true));
    words.told.device = device(&properties);
    let trusted = properties.remove("$ignore_sent_at") == Some(Value::Bool(true));
    set_time(&mut words, &mut event, trusted, received_at);
    words.set("id", event.remove("uuid"));
    words.set("event_type", Some(event_type));
    words.keep_all(properties);
    for name in ["$set", "$set_once"] {
        if let Some(Value::Object(mut set)) = event.remove(name) {
            set.retain(|_, value| !value.is_null());
            words.keep(name, Some(Value::Object(set)));
        }
    }
    words.set_revenue();
    Ok(words)
}

/// Puts what newer libraries write beside the properties where older ones do.
fn raise(event: &mut Map<String, Value>, properties: &mut Map<String, Value>) {
    let mut options = part(event, "options");
    for (name, own) in [
        ("cookieless_mode", "$cookieless_mode"),
        ("disable_skew_correction", "$ignore_sent_at"),
        ("process_person_profile", "$process_person_profile"),
    ] {
        properties.extend(options.remove(name).map(|option| (own.to_owned(), option)));
    }
    if !properties.contains_key("$session_id") {
        properties.extend(event.remove("session_id").map(|id| ("$session_id".to_owned(), id)));
    }
}

/// The device that a browser or an app runs on: servers name no kind of theirs.
fn device(properties: &Map<String, Value>) -> Option<Device> {
    let of = |name: &str| text(properties, name);
    let device = Device::of_kind(of("$device_type"))?.on(of("$os"), of("$os_version"));
    // Numbers in some libraries.
    let version = properties.get("$browser_version").map(|version| match version {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    Some(device.with(of("$browser"), version.as_deref()))
}

/// Whether `distinct_id` is a user or somebody not known yet. Browsers and apps say so
/// (`$is_identified`); servers choose the id themselves, and mean a user unless they ask for no
/// person to be made of it.
fn is_known(distinct_id: &Value, properties: &Map<String, Value>) -> bool {
    let says = |name: &str| properties.get(name).and_then(Value::as_bool);
    says("$is_identified").unwrap_or_else(|| {
        let device = properties.get("$device_id");
        says("$process_person_profile") != Some(false)
            && (properties.contains_key("$user_id") || device.is_none_or(|device| device != distinct_id))
    })
}

fn name_person(
    words: &mut Native,
    event_type: &Value,
    event: &mut Map<String, Value>,
    properties: &mut Map<String, Value>,
) {
    let mut ids = [event.remove("distinct_id"), event.remove("$distinct_id"), properties.remove("distinct_id")];
    let distinct_id = ids.iter_mut().find_map(|id| id.take().filter(|id| !id.is_null()));
    let device = properties.get("$device_id").cloned();
    words.set_id("session_id", properties.remove("$session_id"));
    let Some(distinct_id) = distinct_id.filter(|id| !is_nobody(id, properties)) else { return };
    // These three name a user, whatever else they say.
    let names_user = event_type == "identify" || event_type == "alias";
    if names_user || is_known(&distinct_id, properties) {
        words.set_id("user_id", Some(distinct_id));
        words.set_id("anonymous_id", properties.remove("$anon_distinct_id").or(device));
        if event_type == "alias" {
            words.set_id("previous_id", properties.remove("alias"));
        }
    } else {
        words.set_id("anonymous_id", Some(distinct_id));
    }
    properties.remove("$user_id");
}

/// Ids that clients put where there is no person: of a group, and of those who want no cookie.
fn is_nobody(distinct_id: &Value, properties: &Map<String, Value>) -> bool {
    let group = || Some(format!("${}_{}", text(properties, "$group_type")?, text(properties, "$group_key")?));
    distinct_id == "$posthog_cookieless" || group().is_some_and(|group| distinct_id == group.as_str())
}

fn describe(words: &mut Native, properties: &mut Map<String, Value>) {
    let url = properties.remove("$current_url");
    if url.is_some() {
        properties.remove("$host");
        properties.remove("$pathname");
    }
    words.set("url", url);
    words.set("referrer", properties.remove("$referrer").filter(|referrer| referrer != "$direct"));
    properties.remove("$referring_domain");
    words.set("title", properties.remove("title").filter(Value::is_string));
    words.set_ip(properties.remove("$ip"));
    words.set("user_agent", properties.remove("$raw_user_agent").filter(Value::is_string));
    words.set_screen(properties.remove("$screen_width"), properties.remove("$screen_height"));
    words.set_language(properties.remove("$browser_language").or_else(|| properties.remove("$locale")));
    for field in ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"] {
        words.set(field, properties.remove(field).filter(Value::is_string));
    }
    words.set("country", take_country(properties, "$geoip_country_code"));
    words.set("region", take_place(properties, "$geoip_subdivision_1_name"));
    words.set("city", take_place(properties, "$geoip_city_name"));
}

/// `offset` says how long ago; else `timestamp` says when, by a clock that `sent_at` tells, unless
/// the clock is to be trusted.
fn set_time(words: &mut Native, event: &mut Map<String, Value>, trusted: bool, received_at: i64) {
    let offset = event.remove("offset").as_ref().and_then(Value::as_i64);
    if let Some(offset) = offset {
        words.set("timestamp", Some(received_at.saturating_sub(offset).into()));
    } else {
        words.set_timestamp(event.remove("timestamp"));
    }
    if offset.is_some() || trusted {
        words.set("sent_at", Some(received_at.into()));
    }
}
