//! Segment's HTTP tracking API: what a `track`, an `identify`, a `page`, … become.

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    Body, Dialect,
    split::{array, invalid, key, not_json, told_sent_at},
    translated::{Native, part, properties, take_country, take_place, text},
    value::refuse,
};
use crate::{
    config::Limits,
    error::{Error, Result},
    ingest::{Refusal, enrich::Device},
};

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Something that someone did.
    Track,
    /// Who someone is.
    Identify,
    /// A page that someone looked at.
    Page,
    /// A screen of an app that someone looked at.
    Screen,
    /// To whom someone belongs.
    Group,
    /// Whom someone was before.
    Alias,
    /// Several of these, each with its `type`.
    Batch,
}

#[derive(Default, Deserialize)]
struct Outline<'a> {
    #[serde(borrow, rename = "writeKey")]
    write_key: Option<&'a RawValue>,
    #[serde(borrow, rename = "sentAt")]
    sent_at: Option<&'a RawValue>,
    #[serde(borrow)]
    batch: Option<&'a RawValue>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
}

/// One call, or a batch of them.
pub(super) fn split<'a>(body: &'a str, call: Call, limits: &Limits) -> Result<Body<'a>> {
    let whole: &RawValue = serde_json::from_str(body).map_err(|error| not_json(&error))?;
    if !body.starts_with('{') {
        return Err(invalid("The body must be a JSON object."));
    }
    let outline: Outline<'_> = serde_json::from_str(body).map_err(|error| not_json(&error))?;
    let events = match (call, outline.batch) {
        (Call::Batch, Some(batch)) if batch.get().starts_with('[') => array(batch.get(), "batch", limits.batch_events)?,
        (Call::Batch, _) => {
            return Err(Error::invalid("batch", "The body must have a batch, which is an array of calls."));
        }
        _ => vec![Ok(whole)],
    };
    let context = outline.context.filter(|_| call == Call::Batch);
    let context = context.map_or_else(|| Ok(Map::new()), |raw| shared(raw, events.len(), limits))?;
    let body = Body::of(Dialect::Segment(call), events, told_sent_at(outline.sent_at), key(outline.write_key))?;
    Ok(Body { context, ..body })
}

/// The context of a batch, which every call of it gets: as if each had come with it, so no more than a body
/// may hold.
fn shared(raw: &RawValue, calls: usize, limits: &Limits) -> Result<Map<String, Value>> {
    if raw.get().len().saturating_mul(calls) > limits.body_bytes {
        let message = format!("Merged into every call, the context would take more than {} bytes.", limits.body_bytes);
        return Err(Error::TooLarge { field: Some("context".into()), message });
    }
    // What is no object says nothing, as in a call.
    let context = serde_json::from_str(raw.get()).map_err(|error| not_json(&error))?;
    Ok(if let Value::Object(context) = context { context } else { Map::new() })
}

/// Adds what is not there yet, also inside of objects.
fn add_missing(to: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, more) in from {
        match (to.get_mut(name), more) {
            (Some(Value::Object(to)), Value::Object(more)) => add_missing(to, more),
            (Some(_), _) => {}
            (None, _) => drop(to.insert(name.clone(), more.clone())),
        }
    }
}

/// The native event that a call stands for. `batch` is the context of the batch it came in.
pub(super) fn translate(
    mut event: Map<String, Value>,
    call: Call,
    batch: &Map<String, Value>,
) -> Result<Native, Refusal> {
    let call = if call == Call::Batch { named(&event)? } else { call };
    let mut context = part(&mut event, "context");
    add_missing(&mut context, batch);
    let own = if matches!(call, Call::Identify | Call::Group) { "traits" } else { "properties" };
    let mut metadata = properties(&mut event, own)?;
    let event_type = match call {
        Call::Track => event.remove("event").unwrap_or_default(),
        Call::Identify => "identify".into(),
        Call::Page => "page_view".into(),
        Call::Screen => "screen".into(),
        Call::Group => "group".into(),
        Call::Alias | Call::Batch => "alias".into(),
    };
    // Of a page that was looked at, the properties say which; of anything else, they are the customer's own.
    let own_page = if call == Call::Page { take_page(&mut metadata) } else { Map::new() };
    let mut native = Native::new(event_type, metadata);
    for mut page in [own_page, part(&mut context, "page")] {
        let url = page.remove("url").filter(|url| url.as_str() != Some(""));
        native.set_if_missing("url", url.or_else(|| page.remove("path")));
        native.set_if_missing("referrer", page.remove("referrer"));
        native.set_if_missing("title", page.remove("title"));
    }
    native.set_id("id", event.remove("messageId"));
    native.set_id("user_id", event.remove("userId"));
    native.set_id("anonymous_id", event.remove("anonymousId"));
    native.set_id("previous_id", event.remove("previousId").filter(|_| call == Call::Alias));
    let original = event.remove("originalTimestamp").filter(|moment| !moment.is_null());
    native.set_timestamp(original.or_else(|| event.remove("timestamp")));
    native.set_sent_at(event.remove("sentAt"));
    native.set_id("session_id", session(&mut context, &mut event));
    native.keep("name", event.remove("name"));
    native.keep("category", event.remove("category"));
    native.keep("group_id", event.remove("groupId"));
    native.set_revenue();
    describe(&mut native, context);
    Ok(native)
}

fn named(event: &Map<String, Value>) -> Result<Call, Refusal> {
    Ok(match text(event, "type") {
        Some("track") => Call::Track,
        Some("identify") => Call::Identify,
        Some("page") => Call::Page,
        Some("screen") => Call::Screen,
        Some("group") => Call::Group,
        Some("alias") => Call::Alias,
        None => return Err(refuse("MISSING_FIELD", "type", "type is required in a batch.")),
        Some(_) => {
            let message = "type must be track, identify, page, screen, group or alias.";
            return Err(refuse("INVALID_VALUE", "type", message));
        }
    })
}

/// What the properties of a page say of its address; the parts of it need not be kept beside it.
fn take_page(properties: &mut Map<String, Value>) -> Map<String, Value> {
    let mut page = Map::new();
    for name in ["url", "path", "referrer", "title"] {
        page.extend(properties.remove_entry(name));
    }
    if page.contains_key("url") {
        properties.remove("search");
    }
    page
}

/// The session, where a client tells one: in the context, or as several destinations want it.
fn session(context: &mut Map<String, Value>, event: &mut Map<String, Value>) -> Option<Value> {
    let own = ["sessionId", "session_id"].iter().find_map(|name| context.remove(*name));
    own.or_else(|| {
        let mut integrations = part(event, "integrations");
        let mut amplitude = ["Actions Amplitude", "Amplitude"].iter().map(|name| part(&mut integrations, name));
        amplitude.find_map(|mut destination| destination.remove("session_id"))
    })
}

/// The device that an app runs on: servers name none.
fn device(context: &Map<String, Value>) -> Option<Device> {
    let of = |part: &str, name: &str| text(context.get(part)?.as_object()?, name);
    let device = Device::of_kind(of("device", "type"))?;
    let is_tablet = of("device", "model").is_some_and(|model| model.starts_with("iPad"));
    let device = if is_tablet { device.tablet() } else { device };
    Some(device.on(of("os", "name"), of("os", "version")))
}

/// What the context tells; what has no field of its own is kept as `context`.
fn describe(native: &mut Native, mut context: Map<String, Value>) {
    native.set_ip(context.remove("ip"));
    native.set("user_agent", context.remove("userAgent").filter(Value::is_string));
    native.set_language(context.remove("locale"));
    native.told.device = device(&context);
    let mut screen = part(&mut context, "screen");
    native.set_screen(screen.remove("width"), screen.remove("height"));
    let mut campaign = part(&mut context, "campaign");
    for (field, name) in [
        ("utm_source", "source"),
        ("utm_medium", "medium"),
        ("utm_campaign", "name"),
        ("utm_term", "term"),
        ("utm_content", "content"),
    ] {
        native.set(field, campaign.remove(name).filter(Value::is_string));
    }
    let mut location = part(&mut context, "location");
    native.set("country", take_country(&mut location, "country"));
    native.set("region", take_place(&mut location, "region"));
    native.set("city", take_place(&mut location, "city"));
    for (name, rest) in [("screen", screen), ("campaign", campaign), ("location", location)] {
        if !rest.is_empty() {
            context.insert(name.to_owned(), Value::Object(rest));
        }
    }
    native.keep("context", Some(Value::Object(context)));
}
