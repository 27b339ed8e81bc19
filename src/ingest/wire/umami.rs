//! Umami's collection API.

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    Body, Dialect,
    split::{array, invalid, key, not_json, one_key},
    translated::{Native, part, properties, text},
    value::refuse,
};
use crate::{config::Limits, error::Result, ingest::Refusal};

#[derive(Default, Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    website: Option<&'a RawValue>,
}

/// One event, or an array of them. The key is the website's id.
pub(super) fn split<'a>(body: &'a str, limits: &Limits) -> Result<Body<'a>> {
    let mut events = if body.starts_with('[') {
        array(body, "body", limits.batch_events)?
    } else {
        let whole: &RawValue = serde_json::from_str(body).map_err(|error| not_json(&error))?;
        if !body.starts_with('{') {
            return Err(invalid("The body must be a JSON object or an array of objects."));
        }
        vec![Ok(whole)]
    };
    let website = one_key(None, &mut events, "website", |event| {
        let outline: Outline<'_> = serde_json::from_str(event.get()).ok()?;
        key(serde_json::from_str::<Payload<'_>>(outline.payload?.get()).ok()?.website)
    });
    Body::of(Dialect::Umami, events, None, website)
}

/// The native event.
pub(super) fn translate(mut event: Map<String, Value>) -> Result<Native, Refusal> {
    let kind = text(&event, "type").unwrap_or_default().to_owned();
    let mut payload = part(&mut event, "payload");
    if payload.is_empty() {
        return Err(refuse("MISSING_FIELD", "payload", "payload is required."));
    }
    let mut native = match kind.as_str() {
        "event" => {
            let name = payload.remove("name").filter(|name| !name.is_null() && name.as_str() != Some(""));
            let mut native = Native::new(name.unwrap_or_else(|| "page_view".into()), properties(&mut payload, "data")?);
            native.set_revenue();
            native
        }
        "identify" | "performance" | "engagement" => Native::new(kind.into(), properties(&mut payload, "data")?),
        "" => return Err(refuse("MISSING_FIELD", "type", "type is required.")),
        _ => {
            let message = "type must be event, identify, performance or engagement.";
            return Err(refuse("INVALID_VALUE", "type", message));
        }
    };
    for name in ["tag", "lcp", "inp", "cls", "fcp", "ttfb", "engagement"] {
        native.keep(name, payload.remove(name));
    }
    native.set_id("user_id", payload.remove("id"));
    native.set_id("anonymous_id", payload.remove("vid"));
    // Pages are told as paths, and their host beside them.
    let host = text(&payload, "hostname").unwrap_or_default().to_owned();
    for name in ["url", "referrer"] {
        let address = payload.remove(name).map(|address| match address.as_str() {
            Some(path) if path.starts_with('/') && !host.is_empty() => Value::from(format!("https://{host}{path}")),
            _ => address,
        });
        native.set(name, address);
    }
    // Umami counts what follows a # as part of the path.
    native.set("hash", Some(true.into()));
    native.set("title", payload.remove("title"));
    native.set_language(payload.remove("language"));
    native.set_ip(payload.remove("ip"));
    native.set("user_agent", payload.remove("userAgent").filter(Value::is_string));
    if let Some((width, height)) = text(&payload, "screen").and_then(|screen| screen.split_once('x')) {
        let pixels = |text: &str| text.parse::<u32>().ok().map(Value::from);
        native.set_screen(pixels(width), pixels(height));
    }
    native.set("timestamp", payload.remove("timestamp").map(milliseconds));
    Ok(native)
}

/// Umami counts seconds.
fn milliseconds(seconds: Value) -> Value {
    let number = seconds.as_f64().or_else(|| seconds.as_str()?.parse().ok());
    number.map(|seconds| Value::from(seconds * 1_000.0)).unwrap_or(seconds)
}
