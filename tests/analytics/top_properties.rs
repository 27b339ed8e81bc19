//! What an app sends equals the model, on both stores, however it is kept.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{TestCaseError, TestError, TestRunner},
};
use serde_json::{Value, json};

use super::{
    event::{ANCHORS, Event, KEYS, events, ms},
    filled::{Servers, Step, filled, kept, servers, steps},
    model,
    properties::difference,
    question::{Question, question},
};
use crate::support::people::Site;

/// How many sets of events are tried, each with some questions.
const CASES: u32 = 32;

const DOCUMENT: &str = "
    query($app: ID!, $range: TimeRange!, $filter: EventFilter, $zone: String!, $bots: BotTraffic!, $limit: Int!,
          $values: Int!) {
      app(id: $app) {
        topProperties(range: $range, filter: $filter, bots: $bots, timezone: $zone, limit: $limit, values: $values) {
          events
          eventTypes { eventType events uniqueUsers share }
          differentEventTypes
          properties {
            key events share types { type events } distinctValues values { value isCut type events }
          }
          differentProperties
        }
      }
    }";

#[derive(Debug, Clone)]
struct Asked {
    common: Question,
    limit: usize,
    values: usize,
}

fn asked(name: &'static str, anchor: i64) -> impl Strategy<Value = Asked> {
    let limits = (prop_oneof![1..=2_usize, Just(200)], prop_oneof![0..=3_usize, Just(10)]);
    (question(name, anchor), limits).prop_map(|(common, (limit, values))| Asked { common, limit, values })
}

async fn answer(site: &Site, asked: &Asked) -> Value {
    let question = &asked.common;
    let variables = json!({
        "app": site.app_id, "range": question.range.asked, "filter": question.filter, "zone": question.zone,
        "bots": question.bots, "limit": asked.limit, "values": asked.values,
    });
    site.owner.graphql(DOCUMENT, variables).await.data()["app"]["topProperties"].clone()
}

/// Counts, the greatest first, equal ones in their order.
fn counted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<(T, usize)> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

/// The place of a type among the types, and its name.
fn kind(value: &Value) -> (usize, &'static str) {
    match value {
        Value::String(_) => (0, "STRING"),
        Value::Number(_) => (1, "NUMBER"),
        Value::Bool(_) => (2, "BOOLEAN"),
        Value::Array(_) => (3, "ARRAY"),
        _ => (4, "OBJECT"),
    }
}

/// What is to be said of a property that these events may have.
fn property(events: &[&Event], key: &str, most: usize) -> Option<Value> {
    let values: Vec<Value> = events.iter().filter_map(|event| event.property(key)).collect();
    if values.is_empty() {
        return None;
    }
    let types = counted(values.iter().map(kind)).into_iter();
    let types: Vec<_> = types.map(|((_, kind), events)| json!({ "type": kind, "events": events })).collect();
    let shown = events.iter().filter_map(|event| {
        let (text, among_equals) = model::dimension(event, "PROPERTY", key)?;
        Some((text, among_equals, kind(&event.property(key)?).1))
    });
    let shown = counted(shown);
    let distinct = shown.len();
    let shown = shown.into_iter().take(most);
    let shown =
        shown.map(|((text, _, kind), events)| json!({ "value": text, "isCut": false, "type": kind, "events": events }));
    Some(json!({
        "key": key, "events": values.len(), "share": values.len() as f64 / events.len() as f64, "types": types,
        "distinctValues": distinct, "values": shown.collect::<Vec<_>>(),
    }))
}

fn expected(events: &[Event], asked: &Asked) -> Value {
    let question = &asked.common;
    let own = model::select(events, question.range.is, &question.filter, question.bots);
    let types = counted(own.iter().map(|event| event.event_type.clone()));
    let shown = types.iter().take(asked.limit).map(|(name, count)| {
        let users = own.iter().filter(|event| event.event_type == *name).filter_map(|event| event.visitor());
        let users: BTreeSet<_> = users.collect();
        json!({
            "eventType": name, "events": count, "uniqueUsers": users.len(),
            "share": *count as f64 / own.len() as f64,
        })
    });
    let mut keys: Vec<&str> = KEYS.to_vec();
    keys.sort_unstable();
    let mut properties: Vec<_> = keys.iter().filter_map(|key| property(&own, key, asked.values)).collect();
    properties.sort_by_key(|property| std::cmp::Reverse(property["events"].as_u64()));
    let different = properties.len();
    properties.truncate(asked.limit);
    json!({
        "events": own.len(), "eventTypes": shown.collect::<Vec<_>>(), "differentEventTypes": types.len(),
        "properties": properties, "differentProperties": different,
    })
}

async fn check(
    servers: &Servers,
    events: &[Event],
    steps: &[(usize, Step)],
    questions: &[Asked],
) -> Result<(), TestCaseError> {
    let sites = filled(servers, events, steps).await;
    let events = &kept(events, steps);
    for asked in questions {
        let answers = futures::future::join_all(sites.iter().map(|site| answer(site, asked))).await;
        let difference = difference("", &answers[0], &expected(events, asked));
        prop_assert!(difference.is_none(), "{}\n{:#?}", difference.unwrap_or_default(), asked);
        prop_assert_eq!(answers[0].to_string(), answers[1].to_string(), "SQLite and Postgres differ");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_app_sends_equals_the_model_on_both_stores() {
    let servers = servers().await;
    let runtime = tokio::runtime::Handle::current();
    let outcome = tokio::task::spawn_blocking(move || {
        let config = ProptestConfig { cases: CASES, max_shrink_iters: 200, ..ProptestConfig::default() };
        let cases = select(&ANCHORS[..]).prop_flat_map(|(zone, anchor)| {
            (events(ms(anchor), 60), steps(), prop::collection::vec(asked(zone, ms(anchor)), 1..=5))
        });
        TestRunner::new(config)
            .run(&cases, |(events, steps, asked)| runtime.block_on(check(&servers, &events, &steps, &asked)))
    });
    match outcome.await.unwrap() {
        Err(TestError::Fail(reason, (events, steps, _))) => panic!("{reason}\nwith {events:#?} in {steps:?}"),
        other => other.unwrap(),
    }
}
