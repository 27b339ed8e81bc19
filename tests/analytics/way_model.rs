//! Funnels, retention, sessions, paths and numbers by dumb loops over a list of events.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    event::Event,
    model::{bounces, counted, dimension, matches},
    time::{buckets, written, zone},
};

type Events<'a> = Vec<&'a Event>;

/// No value comes last.
fn last<T>(value: Option<T>) -> (bool, Option<T>) {
    (value.is_none(), value)
}

fn share(of: usize, all: usize) -> Value {
    if all == 0 { Value::Null } else { json!(of as f64 / all as f64) }
}

fn by<'a>(events: &[&'a Event], who: impl Fn(&Event) -> Option<String>) -> Vec<Events<'a>> {
    let mut groups: BTreeMap<String, Events<'a>> = BTreeMap::new();
    for event in events {
        if let Some(who) = who(event) {
            groups.entry(who).or_default().push(event);
        }
    }
    groups.into_values().collect()
}

fn median(numbers: &[i64]) -> Option<f64> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    let count = numbers.len();
    (count > 0).then(|| (numbers[(count - 1) / 2] as f64 + numbers[count / 2] as f64) / 2.0 / 1_000.0)
}

fn average(numbers: &[i64]) -> Option<f64> {
    (!numbers.is_empty()).then(|| numbers.iter().sum::<i64>() as f64 / numbers.len() as f64 / 1_000.0)
}

/// Every way through the steps, of whatever length.
fn ways(events: &[&Event], steps: &[Value], window: i64, so_far: &[i64], all: &mut Vec<Vec<i64>>) {
    let Some(step) = steps.get(so_far.len()) else { return };
    for event in events.iter().filter(|event| matches(&step["filter"], event)) {
        let follows = so_far.last().is_none_or(|before| event.at > *before);
        if follows && event.at - so_far.first().unwrap_or(&event.at) <= window * 1_000 {
            let way = [so_far, &[event.at]].concat();
            ways(events, steps, window, &way, all);
            all.push(way);
        }
    }
}

pub fn funnel(events: &[&Event], steps: &[Value], window: i64, grouping: (Option<&str>, &str, usize)) -> Value {
    let (dimension_name, property, limit) = grouping;
    let mut groups = BTreeMap::new();
    let mut everybody = Vec::new();
    for own in by(events, Event::visitor) {
        let mut all = Vec::new();
        ways(&own, steps, window, &[], &mut all);
        let best = |way: &Vec<i64>| (usize::MAX - way.len(), *way.last().unwrap(), -way[0], way.clone());
        let Some(way) = all.into_iter().min_by_key(best) else { continue };
        let begins = own.iter().filter(|event| event.at == way[0] && matches(&steps[0]["filter"], event));
        if let Some(name) = dimension_name {
            let group = begins.map(|event| last(dimension(event, name, property))).min().unwrap();
            groups.entry(group).or_insert_with(Vec::new).push(way.clone());
        }
        everybody.push(way);
    }
    let count = groups.len();
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, ways)| std::cmp::Reverse(ways.len()));
    let rows = groups
        .into_iter()
        .take(limit)
        .map(|((_, value), ways)| json!({ "value": value.map(|(shown, _)| shown), "steps": reached(&ways, steps) }));
    json!({ "steps": reached(&everybody, steps), "rows": rows.collect::<Vec<_>>(), "groups": count })
}

fn reached(ways: &[Vec<i64>], steps: &[Value]) -> Value {
    let users = |step: usize| ways.iter().filter(|way| way.len() > step).count();
    let steps = steps.iter().enumerate().map(|(step, asked)| {
        let before = users(step.saturating_sub(1));
        let times = ways.iter().filter(|way| step > 0 && way.len() > step).map(|way| way[step] - way[step - 1]);
        let times: Vec<_> = times.collect();
        json!({
            "name": asked["name"],
            "users": users(step),
            "conversion": share(users(step), users(0)),
            "conversionFromPrevious": share(users(step), before),
            "dropOff": before - users(step),
            "medianSeconds": median(&times),
            "averageSeconds": average(&times),
        })
    });
    steps.collect()
}

pub fn retention(
    events: &[&Event],
    (from, to): (i64, i64),
    (period, name): (&str, &str),
    (start, back): (&Value, &Value),
) -> Value {
    let periods = buckets(from, to, period, &zone(name));
    let place = |at: i64| periods.iter().position(|(from, to)| *from <= at && at < *to).unwrap();
    let visitors = by(events, Event::visitor);
    let cohort = |own: &Events<'_>| own.iter().filter(|event| matches(start, event)).map(|event| place(event.at)).min();
    let came = |own: &Events<'_>, period: usize| {
        own.iter().any(|event| matches(back, event) && place(event.at) == period) || cohort(own) == Some(period)
    };
    let count = |number: usize, period: usize| {
        visitors.iter().filter(|own| cohort(own) == Some(number) && came(own, period)).count()
    };
    let point =
        |offset: usize, users: usize, of: usize| json!({ "offset": offset, "users": users, "share": share(users, of) });
    let cohorts = periods.iter().enumerate().map(|(number, (start, end))| {
        let users = count(number, number);
        let points = (number..periods.len()).map(|period| point(period - number, count(number, period), users));
        let points: Vec<_> = points.collect();
        json!({ "start": written(*start), "end": written(*end), "users": users, "points": points })
    });
    let total = (0..periods.len()).map(|offset| {
        let old = 0..periods.len() - offset;
        let users = old.clone().map(|number| count(number, number + offset)).sum();
        point(offset, users, old.map(|number| count(number, number)).sum())
    });
    json!({
        "period": period,
        "timezone": name,
        "cohorts": cohorts.collect::<Vec<_>>(),
        "total": total.collect::<Vec<_>>(),
    })
}

pub fn sessions(events: &[&Event], limit: usize) -> Value {
    let visits = by(events, |event| event.session.clone());
    let span = |own: &Events<'_>| {
        own.iter().map(|event| event.at).max().unwrap() - own.iter().map(|event| event.at).min().unwrap()
    };
    let lengths: Vec<_> = visits.iter().map(span).collect();
    let page = |own: &Events<'_>, direction: i64| {
        own.iter().filter_map(|event| Some((event.at * direction, event.text("pagePath")?))).min().map(|(_, path)| path)
    };
    let pages = |direction: i64| -> Vec<Value> {
        let pages = counted(visits.iter().map(|own| page(own, direction)));
        let pages = pages.into_iter().take(limit);
        pages
            .map(|(path, count)| json!({ "pagePath": path, "sessions": count, "share": share(count, visits.len()) }))
            .collect()
    };
    let bounced = visits.iter().filter(|own| bounces(own)).count();
    json!({
        "sessions": visits.len(),
        "averageSeconds": average(&lengths),
        "medianSeconds": median(&lengths),
        "eventsPerSession": share(visits.iter().map(Vec::len).sum(), visits.len()),
        "bounceRate": share(bounced, visits.len()),
        "entryPages": pages(1),
        "exitPages": pages(-1),
    })
}

/// The sessions one by one, the latest start first.
pub fn session_list(events: &[&Event]) -> Vec<Value> {
    let mut sessions: Vec<_> = by(events, |event| event.session.clone());
    let times = |own: &Events<'_>| own.iter().map(|event| event.at).min().zip(own.iter().map(|event| event.at).max());
    sessions.sort_by_key(|own| (times(own).map(|(first, _)| -first), own[0].session.clone()));
    let told = |own: &Events<'_>| {
        let (first, last) = times(own).unwrap();
        let said = |name: &str, direction: i64| {
            let all = own.iter().filter_map(|event| Some((event.at * direction, event.text(name)?)));
            all.min().map(|(_, text)| text)
        };
        json!({
            "sessionId": own[0].session, "startedAt": written(first), "endedAt": written(last),
            "seconds": (last - first) as f64 / 1_000.0, "events": own.len(),
            "pageViews": own.iter().filter(|event| event.is_page_view()).count(), "userId": said("userId", 1),
            "entryPage": said("pagePath", 1), "exitPage": said("pagePath", -1),
            "referrerDomain": said("referrerDomain", 1), "utmSource": said("utmSource", 1),
            "country": said("country", 1), "device": said("device", 1), "browser": said("browser", 1),
        })
    };
    sessions.iter().map(told).collect()
}

pub fn paths(events: &[&Event], anchor: &Value, (direction, unit): (&str, &str), steps: usize, limit: usize) -> Value {
    type Text = (bool, Option<String>);
    let value = |event: &Event| last(event.text(if unit == "PAGE_PATH" { "pagePath" } else { "eventType" }));
    let (mut sequences, mut transitions, mut sessions) = (BTreeMap::new(), BTreeMap::new(), 0);
    for mut own in by(events, |event| event.session.clone()) {
        own.sort_by_key(|event| (event.at, value(event), matches(anchor, event)));
        let Some(place) = own.iter().position(|event| matches(anchor, event)) else { continue };
        sessions += 1;
        let mut rest: Vec<Text> = if direction == "AFTER" {
            own[place..].iter().map(|event| value(event)).collect()
        } else {
            own[..=place].iter().rev().map(|event| value(event)).collect()
        };
        let first = rest.remove(0);
        rest.retain(|value| !value.0);
        let mut path = vec![first];
        path.extend(rest);
        path.dedup();
        path.truncate(steps + 1);
        path.resize(6, (true, None));
        for step in 1..=steps {
            if step == 1 || !path[step - 1].0 {
                *transitions.entry((step, path[step - 1].clone(), path[step].clone())).or_insert(0) += 1;
            }
        }
        *sequences.entry(path[1..].to_vec()).or_insert(0) += 1;
    }
    let different = sequences.len();
    let mut sequences: Vec<_> = sequences.into_iter().collect();
    sequences.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut transitions: Vec<_> = transitions.into_iter().collect();
    transitions.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let sequences = sequences.into_iter().take(limit).map(|(path, count)| {
        let steps: Vec<_> = path.into_iter().filter_map(|(_, text)| text).collect();
        json!({ "steps": steps, "sessions": count, "share": share(count, sessions) })
    });
    let transitions = transitions.into_iter().take(limit).map(|((step, from, to), count)| {
        json!({ "step": step, "from": from.1, "to": to.1, "sessions": count, "share": share(count, sessions) })
    });
    json!({
        "sessions": sessions,
        "different": different,
        "paths": sequences.collect::<Vec<_>>(),
        "transitions": transitions.collect::<Vec<_>>(),
    })
}

pub fn numbers(events: &[&Event], key: &str, quantiles: &[f64], grouping: (Option<&str>, &str, usize)) -> Value {
    let (dimension_name, property, limit) = grouping;
    let number = |event: &Event| event.property(key)?.as_f64().map(|number| number + 0.0);
    let all: Vec<f64> = events.iter().filter_map(|event| number(event)).collect();
    let mut groups: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    if let Some(name) = dimension_name {
        for event in events {
            if let Some(number) = number(event) {
                groups.entry(last(dimension(event, name, property))).or_default().push(number);
            }
        }
    }
    let count = groups.len();
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, numbers)| std::cmp::Reverse(numbers.len()));
    let rows = groups.into_iter().take(limit).map(|((_, value), numbers)| {
        let mut row = described(&numbers, quantiles);
        row["value"] = json!(value.map(|(shown, _)| shown));
        row
    });
    let rows: Vec<_> = rows.collect();
    let mut answer = described(&all, quantiles);
    answer["eventsWithout"] = json!(events.len() - all.len());
    answer["rows"] = json!(rows);
    answer["groups"] = json!(count);
    answer
}

fn described(numbers: &[f64], quantiles: &[f64]) -> Value {
    let mut numbers = numbers.to_vec();
    numbers.sort_by(f64::total_cmp);
    let equal = numbers.chunk_by(|a, b| a == b);
    let sum = equal.map(|equal| equal[0] * equal.len() as f64).fold(0.0, |sum, more| sum + more);
    let quantiles = quantiles.iter().filter(|_| !numbers.is_empty()).map(|q| {
        let rank = (q * numbers.len() as f64).ceil().max(1.0) as usize;
        json!({ "q": q, "value": numbers[rank - 1] })
    });
    json!({
        "count": numbers.len(),
        "sum": sum,
        "average": (!numbers.is_empty()).then(|| sum / numbers.len() as f64),
        "min": numbers.first(),
        "max": numbers.last(),
        "quantiles": quantiles.collect::<Vec<_>>(),
    })
}
