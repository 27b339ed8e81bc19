//! Reports by dumb loops over a list of events.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    event::{Event, ms},
    time::{buckets, written, zone},
};

type Events<'a> = Vec<&'a Event>;

/// The events of a range that a filter lets through.
pub fn select<'a>(events: &'a [Event], (from, to): (i64, i64), filter: &Value, bots: &str) -> Events<'a> {
    let filter = &resolved(filter, events, (from, to), bots);
    let is_asked_for = |event: &&Event| bots == "INCLUDE" || event.is_bot() == (bots == "ONLY");
    let within = events.iter().filter(|event| from <= event.at && event.at < to && matches(filter, event));
    within.filter(is_asked_for).collect()
}

/// The filter with the ids of those who did it in the place of what visitors did.
pub fn resolved(filter: &Value, events: &[Event], range: (i64, i64), bots: &str) -> Value {
    let Some(fields) = filter.as_object() else { return filter.clone() };
    let (mut rest, mut all) = (serde_json::Map::new(), Vec::new());
    for (name, wanted) in fields {
        let inner = |filter| resolved(filter, events, range, bots);
        match name.as_str() {
            "and" | "or" => drop(rest.insert(name.clone(), wanted.as_array().unwrap().iter().map(inner).collect())),
            "not" => drop(rest.insert(name.clone(), inner(wanted))),
            "hasDone" => all.push(json!({ "userId": { "in": doers(wanted, events, range, bots) } })),
            "hasNotDone" => {
                all.push(json!({ "userId": { "exists": true, "notIn": doers(wanted, events, range, bots) } }));
            }
            _ => drop(rest.insert(name.clone(), wanted.clone())),
        }
    }
    all.push(Value::Object(rest));
    json!({ "and": all })
}

/// Those who did something.
fn doers(behaviour: &Value, events: &[Event], range: (i64, i64), bots: &str) -> Vec<String> {
    let own = behaviour.get("range").filter(|range| !range.is_null());
    let range = own.map_or(range, |range| (ms(range["from"].as_str().unwrap()), ms(range["to"].as_str().unwrap())));
    let done = select(events, range, &behaviour["filter"], bots);
    let counted = counted(done.iter().map(|event| event.visitor()));
    let enough = counted.into_iter().filter(|(_, count)| *count as i64 >= behaviour["atLeast"].as_i64().unwrap_or(1));
    enough.map(|(visitor, _)| visitor).collect()
}

/// Whether a filter, as it is written in a request, lets an event through.
pub fn matches(filter: &Value, event: &Event) -> bool {
    let Some(filter) = filter.as_object() else { return true };
    filter.iter().all(|(name, wanted)| {
        let list = || wanted.as_array().unwrap().iter();
        match name.as_str() {
            "and" => list().all(|filter| matches(filter, event)),
            "or" => list().any(|filter| matches(filter, event)),
            "not" => !matches(wanted, event),
            "screenWidth" => number_matches(wanted, event.screen.0.map(|width| width as f64)),
            "screenHeight" => number_matches(wanted, event.screen.1.map(|height| height as f64)),
            "revenue" => number_matches(wanted, event.revenue.as_ref().map(|(millionths, _)| *millionths as f64 / 1e6)),
            "property" => list().all(|wanted| property_matches(wanted, event)),
            name => text_matches(wanted, event.text(name)),
        }
    })
}

fn property_matches(wanted: &Value, event: &Event) -> bool {
    let value = event.property(wanted["key"].as_str().unwrap());
    wanted.as_object().unwrap().iter().all(|(name, wanted)| match name.as_str() {
        "key" => true,
        "string" => text_matches(wanted, value.as_ref().and_then(Value::as_str).map(str::to_owned)),
        "number" => number_matches(wanted, value.as_ref().and_then(Value::as_f64)),
        "boolean" => value.as_ref() == Some(wanted),
        "exists" => json!(value.is_some()) == *wanted,
        _ => unreachable!("{name}"),
    })
}

fn text_matches(wanted: &Value, value: Option<String>) -> bool {
    wanted.as_object().unwrap().iter().all(|(name, wanted)| {
        let text = wanted.as_str().unwrap_or_default();
        let listed = || wanted.as_array().unwrap().iter().any(|one| one.as_str() == value.as_deref());
        let tested = |test: fn(&str, &str) -> bool| value.as_deref().is_some_and(|value| test(value, text));
        match name.as_str() {
            "eq" => tested(|value, text| value == text),
            "notEq" => !tested(|value, text| value == text),
            "in" => listed(),
            "notIn" => !listed(),
            "contains" => tested(|value, text| value.contains(text)),
            "startsWith" => tested(|value, text| value.starts_with(text)),
            "endsWith" => tested(|value, text| value.ends_with(text)),
            "exists" => json!(value.is_some()) == *wanted,
            _ => unreachable!("{name}"),
        }
    })
}

fn number_matches(wanted: &Value, value: Option<f64>) -> bool {
    wanted.as_object().unwrap().iter().all(|(name, wanted)| {
        if name == "exists" {
            return json!(value.is_some()) == *wanted;
        }
        let (Some(value), wanted) = (value, wanted.as_f64().unwrap()) else { return false };
        match name.as_str() {
            "eq" => value == wanted,
            "gt" => value > wanted,
            "gte" => value >= wanted,
            "lt" => value < wanted,
            "lte" => value <= wanted,
            _ => unreachable!("{name}"),
        }
    })
}

/// Whether a session of these events is one page view and nothing else that somebody did.
pub fn bounces(events: &[&Event]) -> bool {
    let done: Events<'_> = events.iter().copied().filter(|event| !event.is_passive()).collect();
    done.len() == 1 && done[0].is_page_view()
}

/// Every figure of a set of events.
pub fn figures(events: &[&Event]) -> Value {
    let users: BTreeSet<_> = events.iter().filter_map(|event| event.visitor()).collect();
    let sessions: BTreeSet<_> = events.iter().filter_map(|event| event.session.clone()).collect();
    let (mut bounced, mut millis) = (0, 0);
    for session in &sessions {
        let own: Events<'_> = events.iter().copied().filter(|event| event.session.as_ref() == Some(session)).collect();
        bounced += i32::from(bounces(&own));
        millis += own.iter().map(|event| event.at).max().unwrap() - own.iter().map(|event| event.at).min().unwrap();
    }
    let count = sessions.len() as f64;
    let mean = |sum: f64| if sessions.is_empty() { Value::Null } else { json!(sum / count) };
    let seconds = if sessions.is_empty() { Value::Null } else { json!(millis as f64 / count / 1_000.0) };
    json!({
        "events": events.len(),
        "uniqueUsers": users.len(),
        "sessions": sessions.len(),
        "pageViews": page_views(events),
        "revenue": revenue(events),
        "bounceRate": mean(f64::from(bounced)),
        "averageSessionSeconds": seconds,
    })
}

/// Sums by currency, in order, those without one last.
fn revenue(events: &[&Event]) -> Value {
    let mut sums: BTreeMap<(bool, Option<String>), i128> = BTreeMap::new();
    for (millionths, currency) in events.iter().filter_map(|event| event.revenue.clone()) {
        *sums.entry((currency.is_none(), currency)).or_default() += i128::from(millionths);
    }
    sums.into_iter().map(|((_, currency), sum)| json!({ "amount": decimal(sum), "currency": currency })).collect()
}

/// Millionths as they are written: at least two places.
pub fn decimal(millionths: i128) -> String {
    let text = format!("{:07}", millionths.abs());
    let (whole, places) = text.split_at(text.len() - 6);
    let mut places = places.to_owned();
    while places.len() > 2 && places.ends_with('0') {
        places.pop();
    }
    format!("{}{whole}.{places}", if millionths < 0 { "-" } else { "" })
}

pub fn page_views(events: &[&Event]) -> usize {
    events.iter().filter(|event| event.is_page_view()).count()
}

fn with(mut object: Value, more: Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

pub fn summary(events: &[&Event], (from, to): (i64, i64), previous: Option<&[&Event]>) -> Value {
    let types = counted(events.iter().map(|event| Some(event.event_type.clone())));
    let types: Vec<_> =
        types.into_iter().map(|(name, events)| json!({ "eventType": name, "events": events })).take(100).collect();
    let more = json!({
        "byEventType": types,
        "firstEventAt": events.iter().map(|event| event.at).min().map(written),
        "lastEventAt": events.iter().map(|event| event.at).max().map(written),
        "from": written(from),
        "to": written(to),
        "previous": previous.map(figures),
    });
    with(figures(events), more)
}

/// How often each value occurs: most frequent first, then in order.
pub fn counted<T: Ord>(values: impl Iterator<Item = Option<T>>) -> Vec<(T, usize)> {
    let mut counts = BTreeMap::new();
    for value in values.flatten() {
        *counts.entry(value).or_insert(0) += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    // A stable sort keeps equal counts in the order of their values.
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

pub fn timeline(
    events: &[&Event],
    (from, to): (i64, i64),
    interval: &str,
    name: &str,
    previous: Option<(&[&Event], (i64, i64))>,
) -> Value {
    let zone = zone(name);
    let within = |events: &[&Event], (from, to): (i64, i64)| -> Value {
        figures(&events.iter().copied().filter(|event| from <= event.at && event.at < to).collect::<Vec<_>>())
    };
    let before = previous.map(|(events, (from, to))| (events, buckets(from, to, interval, &zone)));
    let buckets: Vec<_> = buckets(from, to, interval, &zone)
        .into_iter()
        .enumerate()
        .map(|(place, (start, end))| {
            let own = json!({ "start": written(start), "end": written(end) });
            let previous = before.as_ref().and_then(|(events, ranges)| Some(within(events, *ranges.get(place)?)));
            with(with(own, within(events, (start, end))), json!({ "previous": previous }))
        })
        .collect();
    json!({
        "interval": interval,
        "timezone": name,
        "buckets": buckets,
        "total": figures(events),
        "previousTotal": previous.map(|(events, _)| figures(events)),
    })
}

/// The value of a dimension: what it is shown as, and what tells it from others shown alike.
pub fn dimension(event: &Event, name: &str, property: &str) -> Option<(String, String)> {
    let text = match name {
        "EVENT_TYPE" => event.text("eventType"),
        "PAGE_PATH" => event.text("pagePath"),
        "HOSTNAME" => event.text("hostname"),
        "REFERRER_DOMAIN" => event.text("referrerDomain"),
        "UTM_SOURCE" => event.text("utmSource"),
        "UTM_MEDIUM" => event.text("utmMedium"),
        "UTM_CAMPAIGN" => None,
        "BROWSER" => event.text("browser"),
        "OS" => event.text("os"),
        "DEVICE" => event.text("device"),
        "COUNTRY" => event.text("country"),
        "CITY" => event.text("city"),
        "LANGUAGE" => event.text("language"),
        "PAGE_TITLE" => event.text("pageTitle"),
        "BROWSER_VERSION" => event.text("browserVersion"),
        "CURRENCY" => event.text("currency"),
        "IS_BOT" => event.text("isBot"),
        "SCREEN" => event.screen.0.zip(event.screen.1).map(|(width, height)| format!("{width}x{height}")),
        "PROPERTY" => {
            let value = event.property(property)?;
            let shown = match &value {
                Value::String(text) => text.clone(),
                Value::Number(number) if number.is_f64() && number.as_f64().unwrap().abs() < 1e15 => {
                    // Whole numbers are shown without a fraction, and zero has no sign.
                    (number.as_f64().unwrap() + 0.0).to_string()
                }
                value => value.to_string(),
            };
            let kind = if value.is_string() { "a" } else { "b" };
            return Some((shown, kind.to_owned()));
        }
        _ => unreachable!("{name}"),
    };
    text.map(|text| (text, String::new()))
}

pub struct Grouping<'a> {
    pub by: &'a [&'static str],
    pub property: &'a str,
    pub limit: usize,
    pub order: &'a str,
}

pub fn breakdown(events: &[&Event], grouping: &Grouping<'_>, previous: Option<&[&Event]>) -> Value {
    type Key = Vec<(bool, Option<(String, String)>)>;
    let key = |event: &Event| -> Key {
        let values = grouping.by.iter().map(|name| dimension(event, name, grouping.property));
        values.map(|value| (value.is_none(), value)).collect()
    };
    let mut groups: BTreeMap<Key, Events<'_>> = BTreeMap::new();
    for event in events {
        groups.entry(key(event)).or_default().push(event);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    let figure = match grouping.order {
        "EVENTS" => "events",
        "UNIQUE_USERS" => "uniqueUsers",
        "SESSIONS" => "sessions",
        _ => "pageViews",
    };
    groups.sort_by_cached_key(|(_, group)| std::cmp::Reverse(figures(group)[figure].as_u64()));
    let shown = groups.len().min(grouping.limit);
    let rows: Vec<_> = groups[..shown]
        .iter()
        .map(|(values, group)| {
            let same = previous.map(|before| {
                figures(&before.iter().copied().filter(|event| key(event) == *values).collect::<Vec<_>>())
            });
            let shown: Vec<_> =
                values.iter().map(|(_, value)| value.as_ref().map(|(shown, _)| shown.clone())).collect();
            let label: Vec<_> = shown.iter().map(|value| value.clone().unwrap_or("(none)".into())).collect();
            let share = group.len() as f64 / events.len() as f64;
            let own = json!({ "values": shown, "label": label.join(" / "), "share": share, "previous": same });
            with(own, figures(group))
        })
        .collect();
    let rest: Events<'_> = groups[shown..].iter().flat_map(|(_, group)| group.clone()).collect();
    json!({
        "rows": rows,
        "other": if groups.len() > shown { figures(&rest) } else { Value::Null },
        "total": figures(events),
        "groups": groups.len(),
    })
}

/// Ids of events, newest first.
pub fn newest_first(events: &[&Event]) -> Vec<Value> {
    let mut events = events.to_vec();
    events.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    events.iter().map(|event| json!({ "eventId": event.id, "timestamp": written(event.at) })).collect()
}

/// Every user, sorted.
pub fn users(events: &[&Event], order: &str) -> Vec<Value> {
    let ids: BTreeSet<_> = events.iter().filter_map(|event| event.visitor()).collect();
    let mut users: Vec<_> = ids
        .into_iter()
        .map(|id| {
            let own: Events<'_> =
                events.iter().copied().filter(|event| event.visitor().as_ref() == Some(&id)).collect();
            let times: BTreeSet<_> = own.iter().map(|event| event.at).collect();
            let (first, last) = (*times.first().unwrap(), *times.last().unwrap());
            let sessions: BTreeSet<_> = own.iter().filter_map(|event| event.session.clone()).collect();
            let by = match order {
                "LAST_SEEN" => last,
                "FIRST_SEEN" => first,
                _ => own.len() as i64,
            };
            let user = json!({
                "userId": id,
                "totals": { "events": own.len(), "sessions": sessions.len(), "pageViews": page_views(&own) },
                "firstSeenAt": written(first),
                "lastSeenAt": written(last),
            });
            (by, user)
        })
        .collect();
    users.sort_by_key(|(by, _)| std::cmp::Reverse(*by));
    users.into_iter().map(|(_, user)| user).collect()
}

/// What is known of one user, beside the totals.
pub fn details(events: &[&Event], id: &str) -> Value {
    let own: Events<'_> = events.iter().copied().filter(|event| event.visitor().as_deref() == Some(id)).collect();
    let views: Events<'_> = own.iter().copied().filter(|event| event.is_page_view()).collect();
    let types = counted(own.iter().map(|event| Some(event.event_type.clone())));
    let pages = counted(views.iter().map(|event| event.text("pagePath")));
    let last = |value: Option<String>| (value.is_none(), value);
    let devices = counted(own.iter().map(|event| Some(["device", "browser", "os"].map(|name| last(event.text(name))))));
    let sessions: BTreeSet<_> = own.iter().filter_map(|event| event.session.clone()).collect();
    let mut visits: Vec<_> = sessions
        .into_iter()
        .map(|session| {
            let visit: Events<'_> =
                own.iter().copied().filter(|event| event.session.as_ref() == Some(&session)).collect();
            let times: BTreeSet<_> = visit.iter().map(|event| event.at).collect();
            let (first, last) = (*times.first().unwrap(), *times.last().unwrap());
            let shown = json!({
                "sessionId": session, "startedAt": written(first), "endedAt": written(last),
                "events": visit.len(), "pageViews": page_views(&visit),
            });
            (first, shown)
        })
        .collect();
    visits.sort_by_key(|(first, _)| std::cmp::Reverse(*first));
    let devices = devices.into_iter().map(|([device, browser, os], events)| {
        json!({ "device": device.1, "browser": browser.1, "os": os.1, "events": events })
    });
    json!({
        "topEvents": types.into_iter().map(|(name, events)| json!({ "eventType": name, "events": events })).take(20).collect::<Vec<_>>(),
        "topPages": pages.into_iter().map(|(path, views)| json!({ "pagePath": path, "pageViews": views })).take(20).collect::<Vec<_>>(),
        "devices": devices.take(20).collect::<Vec<_>>(),
        "visits": visits.into_iter().map(|(_, visit)| visit).take(20).collect::<Vec<_>>(),
    })
}
