//! Every report equals the model, on both stores, whatever is asked.

use std::collections::BTreeMap;

use event_analytics::analytics::revenue::Decimal;
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{TestCaseError, TestError, TestRunner},
};
use serde_json::{Value, json};

use super::{
    event::{ANCHORS, Event, events, ms},
    filled::{Servers, Step, filled, kept, servers, steps},
    model::{self, Grouping},
    question::{Question, question},
    time::zone,
    way_model,
};
use crate::support::people::Site;

/// How many sets of events are tried, each with some questions.
const CASES: u32 = 48;

const FIGURES: &str =
    "events uniqueUsers sessions pageViews bounceRate averageSessionSeconds revenue { amount currency }";

fn document() -> String {
    let reports = "
        query($app: ID!, $range: TimeRange!, $filter: EventFilter, $zone: String!, $compare: Comparison,
              $interval: Interval!, $by: [Dimension!]!, $property: String, $limit: Int!, $order: Metric!, $user: String!,
              $bots: BotTraffic!) {
          app(id: $app) {
            summary(range: $range, filter: $filter, bots: $bots, timezone: $zone, compare: $compare) {
              FIGURES byEventType { eventType events } firstEventAt lastEventAt from to previous { FIGURES }
            }
            timeline(range: $range, filter: $filter, bots: $bots, timezone: $zone, compare: $compare, interval: $interval) {
              interval timezone buckets { start end FIGURES previous { FIGURES } }
              total { FIGURES } previousTotal { FIGURES }
            }
            breakdown(range: $range, filter: $filter, bots: $bots, timezone: $zone, compare: $compare,
                      by: $by, property: $property, limit: $limit, orderBy: $order) {
              rows { values label share FIGURES previous { FIGURES } } other { FIGURES } total { FIGURES } groups
            }
            user(userId: $user, range: $range, bots: $bots, timezone: $zone) {
              topEvents { eventType events } topPages { pagePath pageViews }
              devices { device browser os events } visits { sessionId startedAt endedAt events pageViews }
            }
          }
        }";
    reports.replace("FIGURES", FIGURES)
}

/// Reports for which sums over whole hours may do, with these figures.
fn sums(figures: &str) -> String {
    let reports = "
        query($app: ID!, $range: TimeRange!, $filter: EventFilter, $zone: String!, $compare: Comparison,
              $interval: Interval!, $limit: Int!, $bots: BotTraffic!) {
          app(id: $app) {
            summary(range: $range, filter: $filter, bots: $bots, timezone: $zone, compare: $compare) {
              FIGURES byEventType { eventType events } previous { FIGURES }
            }
            seen: summary(range: $range, filter: $filter, bots: $bots, timezone: $zone) {
              FIGURES firstEventAt lastEventAt
            }
            timeline(range: $range, filter: $filter, bots: $bots, timezone: $zone, compare: $compare, interval: $interval) {
              buckets { start end FIGURES previous { FIGURES } } total { FIGURES } previousTotal { FIGURES }
            }
            types: breakdown(range: $range, filter: $filter, bots: $bots, timezone: $zone, compare: $compare,
                             by: [EVENT_TYPE], limit: $limit) {
              rows { values share FIGURES previous { FIGURES } } other { FIGURES } total { FIGURES } groups
            }
            both: breakdown(range: $range, filter: $filter, bots: $bots, timezone: $zone, by: [COUNTRY, EVENT_TYPE]) {
              rows { values FIGURES } other { FIGURES } total { FIGURES } groups
            }
            devices: breakdown(range: $range, filter: $filter, bots: $bots, timezone: $zone, by: [DEVICE]) {
              rows { values FIGURES } total { FIGURES }
            }
            systems: breakdown(range: $range, filter: $filter, bots: $bots, timezone: $zone, by: [OS]) {
              rows { values FIGURES } total { FIGURES }
            }
          }
        }";
    reports.replace("FIGURES", figures)
}

/// Whether those reports say the same when sums may be used as when every event is looked at, which only
/// the figures of sessions one by one demand.
async fn check_rollups(site: &Site, number: usize, question: &Question) -> Result<(), TestCaseError> {
    let filters = [
        Value::Null,
        question.filter.clone(),
        json!({ "eventType": { "notEq": "page_view" } }),
        json!({ "or": [{ "device": { "eq": "mobile" } }, { "eventType": { "in": ["signup"] }, "device": { "exists": false } }] }),
    ];
    if let Some(filter) = filters.into_iter().cycle().nth(number % 4) {
        let variables = json!({
            "app": site.app_id, "range": question.range.asked, "filter": filter, "zone": question.zone,
            "compare": question.compare, "interval": question.interval, "limit": question.limit, "bots": question.bots,
        });
        let by_events = site.owner.graphql(&sums(FIGURES), variables.clone()).await.data();
        for figures in ["events pageViews", "events pageViews uniqueUsers sessions revenue { amount currency }"] {
            let summed = site.owner.graphql(&sums(figures), variables.clone()).await.data();
            let differs = deviation("", &summed, &by_events);
            prop_assert!(differs.is_none(), "{}\n{} of {:#?}", differs.unwrap_or_default(), figures, question);
        }
    }
    Ok(())
}

/// Where a part of an answer is not in the whole.
fn deviation(path: &str, part: &Value, whole: &Value) -> Option<String> {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().find_map(|(key, value)| deviation(&format!("{path}.{key}"), value, &whole[key]))
        }
        (Value::Array(part), Value::Array(all)) if part.len() == all.len() => {
            let pairs = part.iter().zip(all).enumerate();
            pairs.into_iter().find_map(|(i, (part, whole))| deviation(&format!("{path}.{i}"), part, whole))
        }
        _ => (part != whole).then(|| format!("{path}: is {part} by sums, and {whole} by events")),
    }
}

const EVENTS: &str = "
    query($app: ID!, $range: TimeRange!, $filter: EventFilter, $zone: String!, $first: Int!, $after: String, $bots: BotTraffic!) {
      app(id: $app) {
        list: events(range: $range, filter: $filter, bots: $bots, timezone: $zone, first: $first, after: $after) {
          edges { node { eventId timestamp } } pageInfo { hasNextPage endCursor }
        }
      }
    }";

const USERS: &str = "
    query($app: ID!, $range: TimeRange!, $filter: EventFilter, $zone: String!, $first: Int!, $after: String,
          $order: UserOrder!, $bots: BotTraffic!) {
      app(id: $app) {
        list: users(range: $range, filter: $filter, bots: $bots, timezone: $zone, first: $first, after: $after, orderBy: $order) {
          totalCount
          edges { node { userId totals { events sessions pageViews } firstSeenAt lastSeenAt } }
          pageInfo { hasNextPage endCursor }
        }
      }
    }";

const SESSIONS: &str = "
    query($app: ID!, $range: TimeRange!, $filter: EventFilter, $zone: String!, $first: Int!, $after: String,
          $bots: BotTraffic!) {
      app(id: $app) {
        list: sessionList(range: $range, filter: $filter, bots: $bots, timezone: $zone, first: $first, after: $after) {
          totalCount
          edges { node {
            sessionId startedAt endedAt seconds events pageViews userId entryPage exitPage referrerDomain utmSource
            country device browser
          } }
          pageInfo { hasNextPage endCursor }
        }
      }
    }";

/// The answers of a server to a question.
async fn asked(site: &Site, question: &Question) -> Value {
    let wants_property = question.by.contains(&"PROPERTY");
    let variables = json!({
        "app": site.app_id, "range": question.range.asked, "filter": question.filter, "zone": question.zone,
        "compare": question.compare, "interval": question.interval, "by": question.by,
        "property": wants_property.then_some(question.property), "limit": question.limit, "order": question.order,
        "user": question.user, "bots": question.bots,
    });
    let mut answer = site.owner.graphql(&document(), variables).await.data()["app"].clone();
    answer["events"] = json!(pages(site, question, EVENTS, Value::Null).await.0);
    let (users, total) = pages(site, question, USERS, json!(question.user_order)).await;
    answer["users"] = json!(users);
    answer["userCount"] = total;
    let (sessions, total) = pages(site, question, SESSIONS, Value::Null).await;
    answer["sessions"] = json!(sessions);
    answer["sessionCount"] = total;
    answer
}

/// All the pages of a list, and what it says of their number.
async fn pages(site: &Site, question: &Question, document: &str, order: Value) -> (Vec<Value>, Value) {
    let mut variables = json!({
        "app": site.app_id, "range": question.range.asked, "filter": question.filter, "zone": question.zone,
        "first": question.first, "bots": question.bots,
    });
    if !order.is_null() {
        variables["order"] = order;
    }
    let mut nodes = Vec::new();
    loop {
        let page = site.owner.graphql(document, variables.clone()).await.data()["app"]["list"].clone();
        let edges = page["edges"].as_array().unwrap();
        assert!(edges.len() <= question.first);
        nodes.extend(edges.iter().map(|edge| edge["node"].clone()));
        if page["pageInfo"]["hasNextPage"] == false {
            return (nodes, page["totalCount"].clone());
        }
        assert!(!edges.is_empty(), "a page that says more follow is not empty");
        variables["after"] = page["pageInfo"]["endCursor"].clone();
    }
}

/// The same answers by the model.
fn expected(events: &[Event], question: &Question) -> Value {
    let own = model::select(events, question.range.is, &question.filter, question.bots);
    let before = question.compare.map(|comparison| question.range.before(comparison, &zone(question.zone)));
    let previous = before.map(|range| model::select(events, range, &question.filter, question.bots));
    let previous = previous.as_deref();
    let grouping =
        Grouping { by: &question.by, property: question.property, limit: question.limit, order: question.order };
    let of_user =
        model::select(events, question.range.is, &json!({ "userId": { "eq": question.user } }), question.bots);
    let users = model::users(&own, question.user_order);
    let sessions = way_model::session_list(&own);
    json!({
        "summary": model::summary(&own, question.range.is, previous),
        "timeline":
            model::timeline(&own, question.range.is, question.interval, question.zone, previous.zip(before)),
        "breakdown": model::breakdown(&own, &grouping, previous),
        "user": if of_user.is_empty() { Value::Null } else { model::details(&of_user, &question.user) },
        "events": model::newest_first(&own),
        "userCount": users.len(),
        "users": users,
        "sessionCount": sessions.len(),
        "sessions": sessions,
    })
}

/// What must hold between reports, whatever the model says.
fn check_sums(answer: &Value) -> Result<(), TestCaseError> {
    for figure in ["events", "pageViews"] {
        let total = answer["summary"][figure].as_u64();
        let sum = |rows: &Value| rows.as_array().unwrap().iter().map(|row| row[figure].as_u64().unwrap()).sum::<u64>();
        prop_assert_eq!(Some(sum(&answer["timeline"]["buckets"])), total);
        let breakdown = &answer["breakdown"];
        prop_assert_eq!(Some(sum(&breakdown["rows"]) + breakdown["other"][figure].as_u64().unwrap_or(0)), total);
    }
    let money = |rows: &mut dyn Iterator<Item = &Value>| -> BTreeMap<String, i128> {
        let sums = rows.flat_map(|figures| figures["revenue"].as_array().cloned().unwrap_or_default());
        sums.fold(BTreeMap::new(), |mut sums, sum| {
            let millionths = Decimal::parse(sum["amount"].as_str().unwrap()).unwrap().0;
            *sums.entry(sum["currency"].to_string()).or_default() += millionths;
            sums
        })
    };
    let total = money(&mut std::iter::once(&answer["summary"]));
    let (buckets, breakdown) = (answer["timeline"]["buckets"].as_array().unwrap(), &answer["breakdown"]);
    prop_assert_eq!(money(&mut buckets.iter()), total.clone());
    let rows = breakdown["rows"].as_array().unwrap().iter().chain(std::iter::once(&breakdown["other"]));
    prop_assert_eq!(money(&mut rows.into_iter()), total);
    prop_assert_eq!(answer["summary"]["events"].as_u64(), Some(answer["events"].as_array().unwrap().len() as u64));
    Ok(())
}

/// The smallest part of an answer that differs from the model, for a message that can be read.
pub fn difference(path: &str, is: &Value, should: &Value) -> Option<String> {
    match (is, should) {
        (Value::Object(is), Value::Object(should)) if is.keys().eq(should.keys()) => {
            is.iter().find_map(|(key, value)| difference(&format!("{path}.{key}"), value, &should[key]))
        }
        (Value::Array(is), Value::Array(should)) if is.len() == should.len() => is
            .iter()
            .zip(should)
            .enumerate()
            .find_map(|(i, (is, should))| difference(&format!("{path}.{i}"), is, should)),
        _ => (is != should).then(|| format!("{path}: is {is}, should be {should}")),
    }
}

async fn check(
    servers: &Servers,
    events: &[Event],
    steps: &[(usize, Step)],
    questions: &[Question],
) -> Result<(), TestCaseError> {
    let sites = filled(servers, events, steps).await;
    let events = &kept(events, steps);
    for (number, question) in questions.iter().enumerate() {
        let answers = futures::future::join_all(sites.iter().map(|site| asked(site, question))).await;
        check_sums(&answers[0])?;
        // In turns, for it takes longer than all else.
        check_rollups(&sites[number / 2 % 2], number + events.len(), question).await?;
        let difference = difference("", &answers[0], &expected(events, question));
        prop_assert!(difference.is_none(), "{}\n{:#?}", difference.unwrap_or_default(), question);
        prop_assert_eq!(answers[0].to_string(), answers[1].to_string(), "SQLite and Postgres differ");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_report_equals_the_model_on_both_stores() {
    let servers = servers().await;
    let runtime = tokio::runtime::Handle::current();
    let outcome = tokio::task::spawn_blocking(move || {
        let config = ProptestConfig { cases: CASES, max_shrink_iters: 400, ..ProptestConfig::default() };
        let cases = select(&ANCHORS[..]).prop_flat_map(|(zone, anchor)| {
            (events(ms(anchor), 60), steps(), prop::collection::vec(question(zone, ms(anchor)), 1..=6))
        });
        TestRunner::new(config)
            .run(&cases, |(events, steps, questions)| runtime.block_on(check(&servers, &events, &steps, &questions)))
    });
    match outcome.await.unwrap() {
        Err(TestError::Fail(reason, (events, steps, questions))) => {
            panic!("{reason}\nwith {events:#?} in {steps:?}, asked {questions:#?}")
        }
        other => other.unwrap(),
    }
}
