//! Plausible's events API.

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    Body, Dialect, money,
    split::{invalid, key, not_json},
    translated::Native,
    value::refuse,
};
use crate::{config::Limits, error::Result, ingest::Refusal};

#[derive(Default, Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    d: Option<&'a RawValue>,
    #[serde(borrow)]
    domain: Option<&'a RawValue>,
}

/// One event. The key is the site's domain.
pub(super) fn split<'a>(body: &'a str, _: &Limits) -> Result<Body<'a>> {
    let whole: &RawValue = serde_json::from_str(body).map_err(|error| not_json(&error))?;
    if !body.starts_with('{') {
        return Err(invalid("The body must be a JSON object."));
    }
    let outline: Outline<'_> = serde_json::from_str(body).map_err(|error| not_json(&error))?;
    Body::of(Dialect::Plausible, vec![Ok(whole)], None, key(outline.d.or(outline.domain)))
}

/// The native event.
pub(super) fn translate(mut event: Map<String, Value>) -> Result<Native, Refusal> {
    // Each name has a short form, which wins.
    let mut take = |names: &[&str]| {
        let mut found = names.iter().filter_map(|name| event.remove(*name)).filter(|value| !value.is_null());
        let first = found.next();
        found.for_each(drop);
        first
    };
    let metadata = match take(&["m", "meta", "p", "props"]).map(unpacked) {
        None => Map::new(),
        Some(Value::Object(props)) => props,
        Some(_) => return Err(refuse("WRONG_TYPE", "metadata", "props must be an object.")),
    };
    let name = take(&["n", "name"]).unwrap_or_default();
    let name = if name == "pageview" { "page_view".into() } else { name };
    let mut native = Native::new(name, metadata);
    native.set("url", take(&["u", "url"]));
    native.set("referrer", take(&["r", "referrer"]));
    let width = take(&["w", "screen_width"]);
    native.set_screen(width.map(|width| width.as_str().and_then(|text| text.parse().ok()).unwrap_or(width)), None);
    if let Some(Value::Object(revenue)) = take(&["$", "revenue"]).map(unpacked) {
        native.set("revenue", revenue.get("amount").and_then(money::amount).map(Value::from));
        native.set("currency", revenue.get("currency").and_then(money::code).map(Value::from));
    }
    let by_hash = take(&["h", "hashMode"]).filter(|hash| *hash == true || *hash == 1);
    native.set("hash", by_hash.map(|_| true.into()));
    native.keep("interactive", take(&["i", "interactive"]).filter(|interactive| *interactive == false));
    native.keep("scroll_depth", take(&["sd", "scroll_depth"]).filter(Value::is_number));
    native.keep("engagement_time", take(&["e", "engagement_time"]).filter(Value::is_number));
    Ok(native)
}

/// What may come as JSON inside a text.
fn unpacked(value: Value) -> Value {
    value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(value)
}
