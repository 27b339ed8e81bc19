//! Funnels, retention, sessions, paths and numbers equal the model, on both stores, whatever is asked.

use proptest::{
    option,
    prelude::*,
    sample::select,
    test_runner::{TestCaseError, TestError, TestRunner},
};
use serde_json::{Value, json};

use super::{
    event::{ANCHORS, Event, KEYS, event_type, events, ms, path},
    filled::{Servers, Step, filled, kept, servers, steps},
    model,
    properties::difference,
    question::{Question, filter_of_visitors, question},
    time::{buckets, zone},
    way_model,
};
use crate::support::people::Site;

/// How many sets of events are tried, each with some questions.
const CASES: u32 = 48;

const DOCUMENT: &str = "
    query($app: ID!, $range: TimeRange!, $filter: EventFilter, $zone: String!, $bots: BotTraffic!, $limit: Int!,
          $steps: [FunnelStepInput!]!, $window: Int!, $by: Dimension, $property: String,
          $start: EventFilter!, $back: EventFilter, $period: RetentionPeriod!,
          $direction: PathDirection!, $unit: PathUnit!, $length: Int!, $key: String!, $quantiles: [Float!]!) {
      app(id: $app) {
        funnel(range: $range, filter: $filter, bots: $bots, timezone: $zone, steps: $steps, windowSeconds: $window,
               by: $by, property: $property, limit: $limit) {
          steps { ...Step } rows { value steps { ...Step } } groups
        }
        retention(range: $range, filter: $filter, bots: $bots, timezone: $zone, start: $start, return: $back,
                  period: $period) {
          period timezone cohorts { start end users points { offset users share } } total { offset users share }
        }
        sessions(range: $range, filter: $filter, bots: $bots, timezone: $zone, limit: $limit) {
          sessions averageSeconds medianSeconds eventsPerSession bounceRate
          entryPages { pagePath sessions share } exitPages { pagePath sessions share }
        }
        summary(range: $range, filter: $filter, bots: $bots, timezone: $zone) {
          sessions averageSessionSeconds bounceRate
        }
        paths(range: $range, filter: $filter, bots: $bots, timezone: $zone, anchor: $start, direction: $direction,
              unit: $unit, steps: $length, limit: $limit) {
          sessions different paths { steps sessions share } transitions { step from to sessions share }
        }
        propertyStats(range: $range, filter: $filter, bots: $bots, timezone: $zone, key: $key, quantiles: $quantiles,
                      by: $by, property: $property, limit: $limit) {
          ...Numbers eventsWithout rows { value ...RowNumbers } groups
        }
      }
    }
    fragment Step on FunnelStep {
      name users conversion conversionFromPrevious dropOff medianSeconds averageSeconds
    }
    fragment Numbers on PropertyStats { count sum average min max quantiles { q value } }
    fragment RowNumbers on PropertyStatsGroup { count sum average min max quantiles { q value } }";

/// What is asked beside what every report is asked.
#[derive(Debug, Clone)]
struct Ways {
    common: Question,
    steps: Vec<Value>,
    window: i64,
    by: Option<&'static str>,
    start: Value,
    back: Option<Value>,
    direction: &'static str,
    unit: &'static str,
    length: usize,
    key: &'static str,
    quantiles: Vec<f64>,
}

impl Ways {
    fn period(&self) -> &'static str {
        let (from, to) = self.common.range.is;
        let asked = if matches!(self.common.interval, "WEEK" | "MONTH") { self.common.interval } else { "DAY" };
        if buckets(from, to, asked, &zone(self.common.zone)).len() > 120 { "MONTH" } else { asked }
    }
}

/// A filter that often lets something through.
fn mark(zone: &'static str, anchor: i64) -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => event_type().prop_map(|name| json!({ "eventType": { "eq": name } })),
        2 => path().prop_map(|path| json!({ "pagePath": { "eq": path } })),
        1 => Just(json!({})),
        2 => filter_of_visitors(zone, anchor),
    ]
}

fn asked(name: &'static str, anchor: i64) -> impl Strategy<Value = Ways> {
    let steps = prop::collection::vec(mark(name, anchor), 2..=4).prop_map(|filters| {
        let steps = filters.into_iter().enumerate();
        steps.map(|(place, filter)| json!({ "name": format!("step {place}"), "filter": filter })).collect::<Vec<_>>()
    });
    let window = prop_oneof![1 => select(vec![1, 60, 3_600, 900]), 1 => Just(86_400), 2 => Just(i64::from(i32::MAX))];
    let by = option::of(select(vec!["PAGE_PATH", "COUNTRY", "EVENT_TYPE", "CURRENCY", "PROPERTY"]));
    let ends = (mark(name, anchor), option::of(mark(name, anchor)));
    let path = (select(vec!["BEFORE", "AFTER"]), select(vec!["PAGE_PATH", "EVENT_TYPE"]), 1..=5_usize);
    let quantiles = prop::collection::vec(select(vec![0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]), 0..4);
    (question(name, anchor), steps, window, by, ends, path, select(&KEYS[..]), quantiles).prop_map(
        |(common, steps, window, by, (start, back), (direction, unit, length), key, quantiles)| Ways {
            common,
            steps,
            window,
            by,
            start,
            back,
            direction,
            unit,
            length,
            key,
            quantiles,
        },
    )
}

/// The answers of a server.
async fn answers(site: &Site, ways: &Ways) -> Value {
    let question = &ways.common;
    let variables = json!({
        "app": site.app_id, "range": question.range.asked, "filter": question.filter, "zone": question.zone,
        "bots": question.bots, "limit": question.limit, "steps": ways.steps, "window": ways.window, "by": ways.by,
        "property": (ways.by == Some("PROPERTY")).then_some(question.property), "start": ways.start,
        "back": ways.back, "period": ways.period(), "direction": ways.direction, "unit": ways.unit,
        "length": ways.length, "key": ways.key, "quantiles": ways.quantiles,
    });
    site.owner.graphql(DOCUMENT, variables).await.data()["app"].clone()
}

/// The same answers by the model.
fn expected(events: &[Event], ways: &Ways) -> Value {
    let question = &ways.common;
    let own = model::select(events, question.range.is, &question.filter, question.bots);
    let grouping = (ways.by, question.property, question.limit);
    let resolved = |filter: &Value| model::resolved(filter, events, question.range.is, question.bots);
    let (start, back) = (resolved(&ways.start), resolved(&ways.back.clone().unwrap_or_default()));
    let step = |step: &Value| json!({ "name": step["name"], "filter": resolved(&step["filter"]) });
    let steps: Vec<Value> = ways.steps.iter().map(step).collect();
    let sessions = way_model::sessions(&own, question.limit);
    json!({
        "funnel": way_model::funnel(&own, &steps, ways.window, grouping),
        "retention": way_model::retention(
            &own, question.range.is, (ways.period(), question.zone), (&start, &back),
        ),
        // One thing has one number, wherever it is shown.
        "summary": {
            "sessions": sessions["sessions"], "averageSessionSeconds": sessions["averageSeconds"],
            "bounceRate": sessions["bounceRate"],
        },
        "sessions": sessions,
        "paths":
            way_model::paths(&own, &start, (ways.direction, ways.unit), ways.length, question.limit),
        "propertyStats": way_model::numbers(&own, ways.key, &ways.quantiles, grouping),
    })
}

async fn check(
    servers: &Servers,
    events: &[Event],
    steps: &[(usize, Step)],
    asked: &[Ways],
) -> Result<(), TestCaseError> {
    let sites = filled(servers, events, steps).await;
    let events = &kept(events, steps);
    for ways in asked {
        let answers = futures::future::join_all(sites.iter().map(|site| answers(site, ways))).await;
        let difference = difference("", &answers[0], &expected(events, ways));
        prop_assert!(difference.is_none(), "{}\n{:#?}", difference.unwrap_or_default(), ways);
        prop_assert_eq!(answers[0].to_string(), answers[1].to_string(), "SQLite and Postgres differ");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_equals_the_model_on_both_stores() {
    let servers = servers().await;
    let runtime = tokio::runtime::Handle::current();
    let outcome = tokio::task::spawn_blocking(move || {
        let config = ProptestConfig { cases: CASES, max_shrink_iters: 400, ..ProptestConfig::default() };
        let cases = select(&ANCHORS[..]).prop_flat_map(|(zone, anchor)| {
            (events(ms(anchor), 60), steps(), prop::collection::vec(asked(zone, ms(anchor)), 1..=6))
        });
        TestRunner::new(config)
            .run(&cases, |(events, steps, asked)| runtime.block_on(check(&servers, &events, &steps, &asked)))
    });
    match outcome.await.unwrap() {
        Err(TestError::Fail(reason, (events, steps, _))) => panic!("{reason}\nwith {events:#?} in {steps:?}"),
        other => other.unwrap(),
    }
}
