//! Conversions equal the model and agree with `summary` and `timeline`, on both stores, whatever the goal.

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{TestCaseError, TestError, TestRunner},
};
use serde_json::{Value, json};

use super::{
    event::{ANCHORS, Event, event_type, events, ms, path},
    filled::{Servers, Step, filled, kept, servers, steps},
    model,
    properties::difference,
    question::{Question, filter, question},
    time::zone,
};
use crate::support::people::Site;

/// How many sets of events are tried, each with some questions.
const CASES: u32 = 32;

const FIGURES: &str =
    "events uniqueUsers sessions pageViews bounceRate averageSessionSeconds revenue { amount currency }";

fn document() -> String {
    let reports = "
        query($app: ID!, $goal: ID!, $range: TimeRange!, $filter: EventFilter, $both: EventFilter!, $zone: String!,
              $compare: Comparison, $interval: Interval!, $bots: BotTraffic!) {
          node(id: $goal) {
            ... on Goal {
              conversion(range: $range, filter: $filter, bots: $bots, timezone: $zone, compare: $compare, interval: $interval) {
                CONVERSION from to previous { CONVERSION }
                timeline {
                  interval timezone buckets { start end FIGURES previous { FIGURES } }
                  total { FIGURES } previousTotal { FIGURES }
                }
              }
            }
          }
          app(id: $app) {
            summary(range: $range, filter: $both, bots: $bots, timezone: $zone) {
              events uniqueUsers sessions revenue { amount currency }
            }
            timeline(range: $range, filter: $both, bots: $bots, timezone: $zone, compare: $compare, interval: $interval) {
              interval timezone buckets { start end FIGURES previous { FIGURES } }
              total { FIGURES } previousTotal { FIGURES }
            }
          }
        }";
    let conversion = "completions visitors allVisitors visitorRate sessions allSessions sessionRate
                      revenue { amount currency }";
    reports.replace("FIGURES", FIGURES).replace("CONVERSION", conversion)
}

#[derive(Debug, Clone)]
struct Asked {
    common: Question,
    /// Which events reach the goal.
    goal: Value,
}

impl Asked {
    /// The filter of the question and that of the goal.
    fn both(&self) -> Value {
        let asked = if self.common.filter.is_null() { json!({}) } else { self.common.filter.clone() };
        json!({ "and": [asked, self.goal] })
    }
}

/// A question about a goal that is often reached.
fn asked(name: &'static str, anchor: i64) -> impl Strategy<Value = Asked> {
    let goal = prop_oneof![
        4 => event_type().prop_map(|name| json!({ "eventType": { "eq": name } })),
        2 => path().prop_map(|path| json!({ "pagePath": { "eq": path } })),
        // An empty filter is no goal.
        2 => filter().prop_map(|filter| json!({ "and": [filter] })),
    ];
    (question(name, anchor), goal).prop_map(|(common, goal)| Asked { common, goal })
}

/// What a server says of the goal, and of the events that reach it.
async fn answers(site: &Site, number: usize, asked: &Asked) -> (Value, Value) {
    let input = json!({ "appId": site.app_id, "name": format!("goal {number}"), "filter": asked.goal });
    let made = site.owner.mutate("createGoal", input, "goal { id filter }").await.data()["createGoal"]["goal"].clone();
    let question = &asked.common;
    let variables = json!({
        "app": site.app_id, "goal": made["id"], "range": question.range.asked, "filter": question.filter,
        "both": asked.both(), "zone": question.zone, "compare": question.compare, "interval": question.interval,
        "bots": question.bots,
    });
    let data = site.owner.graphql(&document(), variables).await.data();
    (data["node"]["conversion"].clone(), data["app"].clone())
}

/// The figures of a range, by the model.
fn figures(events: &[Event], range: (i64, i64), asked: &Asked) -> Value {
    let own = |filter: &Value| model::figures(&model::select(events, range, filter, asked.common.bots));
    let (all, reached) = (own(&asked.common.filter), own(&asked.both()));
    let rate = |name: &str| match all[name].as_f64().unwrap() {
        0.0 => Value::Null,
        all => json!(reached[name].as_f64().unwrap() / all),
    };
    json!({
        "completions": reached["events"],
        "visitors": reached["uniqueUsers"], "allVisitors": all["uniqueUsers"], "visitorRate": rate("uniqueUsers"),
        "sessions": reached["sessions"], "allSessions": all["sessions"], "sessionRate": rate("sessions"),
        "revenue": reached["revenue"],
    })
}

fn expected(events: &[Event], asked: &Asked) -> Value {
    let question = &asked.common;
    let (from, to) = question.range.is;
    let before = question.compare.map(|comparison| question.range.before(comparison, &zone(question.zone)));
    let reached = |range| model::select(events, range, &asked.both(), question.bots);
    let previous = before.map(reached);
    let timeline = model::timeline(
        &reached((from, to)),
        (from, to),
        question.interval,
        question.zone,
        previous.as_deref().zip(before),
    );
    let mut expected = figures(events, (from, to), asked);
    expected["from"] = super::time::written(from).into();
    expected["to"] = super::time::written(to).into();
    expected["previous"] = before.map_or(Value::Null, |range| figures(events, range, asked));
    expected["timeline"] = timeline;
    expected
}

async fn check(
    servers: &Servers,
    events: &[Event],
    steps: &[(usize, Step)],
    questions: &[Asked],
) -> Result<(), TestCaseError> {
    let sites = filled(servers, events, steps).await;
    let events = &kept(events, steps);
    for (number, asked) in questions.iter().enumerate() {
        let answers = futures::future::join_all(sites.iter().map(|site| answers(site, number, asked))).await;
        let (conversion, app) = &answers[0];
        let difference = difference("", conversion, &expected(events, asked));
        prop_assert!(difference.is_none(), "{}\n{:#?}", difference.unwrap_or_default(), asked);
        // One thing has one number, wherever it is shown.
        prop_assert_eq!(&conversion["timeline"], &app["timeline"]);
        let summary = json!({
            "events": conversion["completions"], "uniqueUsers": conversion["visitors"],
            "sessions": conversion["sessions"], "revenue": conversion["revenue"],
        });
        prop_assert_eq!(&summary, &app["summary"]);
        let buckets = conversion["timeline"]["buckets"].as_array().unwrap();
        let sum: u64 = buckets.iter().map(|bucket| bucket["events"].as_u64().unwrap()).sum();
        prop_assert_eq!(json!(sum), conversion["completions"].clone());
        prop_assert_eq!(&answers[0], &answers[1], "SQLite and Postgres differ");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_conversion_equals_the_model_on_both_stores() {
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
