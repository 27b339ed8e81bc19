//! Custom properties.

use serde_json::{Map, Value, value::RawValue};

use super::{
    bounds,
    value::{not_json, present, refuse},
};
use crate::ingest::Refusal;

const FIELD: &str = "metadata";

/// A JSON object within bounds, where it is neither absent nor empty. Of equal names the last wins.
pub(super) fn parse(raw: Option<&RawValue>) -> Result<Option<Value>, Refusal> {
    let Some(raw) = present(raw) else { return Ok(None) };
    if !raw.get().starts_with('{') {
        return Err(refuse("WRONG_TYPE", FIELD, "metadata must be an object."));
    }
    // Before it is read, for reading recurses.
    if depth(raw.get()) > bounds::DEPTH {
        let message = format!("metadata may be nested at most {} levels deep.", bounds::DEPTH);
        return Err(refuse("TOO_DEEP", FIELD, message));
    }
    let metadata: Map<String, Value> =
        serde_json::from_str(raw.get()).map_err(|error| not_json(Some(FIELD), &error))?;
    if metadata.is_empty() {
        return Ok(None);
    }
    if metadata.len() > bounds::PROPERTIES {
        return Err(too_many(bounds::PROPERTIES, "properties"));
    }
    let mut left = bounds::NAMES;
    check_object(&metadata, &mut Vec::new(), &mut left)?;
    Ok(Some(Value::Object(metadata)))
}

/// Levels of brackets, without those inside strings.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn check_object<'a>(object: &'a Map<String, Value>, path: &mut Vec<&'a str>, left: &mut usize) -> Result<(), Refusal> {
    for (name, value) in object {
        path.push(name);
        if name.len() > bounds::PROPERTY_NAME {
            let message = format!("The name of a property may hold at most {} bytes.", bounds::PROPERTY_NAME);
            return Err(refuse("TOO_LONG", &field(path), message));
        }
        if name.contains('\0') {
            return Err(nul(path));
        }
        let Some(fewer) = left.checked_sub(1) else {
            return Err(too_many(bounds::NAMES, "properties, those inside others included"));
        };
        *left = fewer;
        check(value, path, left)?;
        path.pop();
    }
    Ok(())
}

fn check<'a>(value: &'a Value, path: &mut Vec<&'a str>, left: &mut usize) -> Result<(), Refusal> {
    match value {
        Value::String(text) if text.contains('\0') => Err(nul(path)),
        Value::Array(values) => values.iter().try_for_each(|value| check(value, path, left)),
        Value::Object(object) => check_object(object, path, left),
        _ => Ok(()),
    }
}

fn too_many(most: usize, what: &str) -> Refusal {
    refuse("TOO_MANY_PROPERTIES", FIELD, format!("metadata may hold at most {most} {what}."))
}

fn nul(path: &[&str]) -> Refusal {
    refuse("NUL_CHARACTER", &field(path), "A property may not contain the NUL character.")
}

/// The path of a property, such as `metadata.cart.total`, with long names cut.
fn field(path: &[&str]) -> String {
    path.iter().fold(FIELD.to_owned(), |field, name| {
        let name = name.get(..name.floor_char_boundary(40)).unwrap_or_default();
        format!("{field}.{}", name.replace('\0', "\u{fffd}"))
    })
}
