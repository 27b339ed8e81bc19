//! Documents, variables, filters, cursors and ids, as the guard reads them and over the wire.

use std::fs;

use async_graphql::Variables;
use event_analytics::graphql::{guard, id::NodeId, page::Paginator};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{bent, fuzz};
use crate::support::{
    app::{Store, TestApp},
    people::{Person, Site},
    reply::Reply,
};

const WORDS: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "...",
    "\"",
    "\"\"\"",
    "\\",
    "#",
    "\n",
    "@include(if: true) ",
    "$a",
    ":",
    "!",
    "=",
    "fragment f on App { id }",
    "...f ",
    "a: id ",
    "query ",
    "mutation ",
    "subscription ",
    "__schema{types{name}} ",
    "é",
    "\u{0}",
    "99999999999999999999",
    "-1",
    "null",
    "{not: ",
    "{and: [",
    "first: 2147483648 ",
    "... on App {",
];

/// Every operation of the playground, with an app's id where one is asked for.
fn documents() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/playground/operations");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|kind| kind == "graphql"));
    let mut documents: Vec<_> = paths.map(|path| fs::read_to_string(path).unwrap()).collect();
    // A long text has its places far apart; this one is dense.
    documents.push("query($a:ID!=\"x\",$f:[EventFilter!]){app(id:$a){...f s:summary(range:{preset:TODAY},filter:{and:$f}){events}}}fragment f on App{id @skip(if:false)}".into());
    documents.sort();
    documents
}

#[test]
fn documents_before_they_are_parsed() {
    fuzz(&bent(documents(), WORDS, 5_000), |text| {
        let Ok(document) = guard::parse(&String::from_utf8_lossy(&text), &Variables::default()) else { return };
        guard::introspects(&document);
        guard::only_asks(&document);
        for (_, operation) in document.operations.iter() {
            guard::asks_one(&operation.node);
            guard::authentications(&document, &operation.node);
        }
    });
}

#[test]
fn cursors_and_ids() {
    let seal = "eyJ2IjoxLCJvZiI6IkFBQUFBQUFBQUFBQSIsImF0IjpbMSwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIl19";
    let seeds = [seal, "app_00000000000000000000000000000000", "evt_0_1", "key_"].map(str::to_owned).to_vec();
    fuzz(&bent(seeds, &["_", "=", "-", "A", "0", "é", "\0", "e30", "W1tb"], 5_000), |text| {
        let text = String::from_utf8_lossy(&text).into_owned();
        let _ = text.parse::<NodeId>();
        let page = Paginator::<(i64, uuid::Uuid)>::new(("list", 1), 10, Some(text));
        assert!(page.is_err(), "nobody else can make a cursor of this list");
    });
}

/// A question whose answer is a refusal, or figures; never a fault of the server.
fn ask(person: &Person, body: &Value) {
    let reply = Handle::current().block_on(Reply::of(person.request("POST", "/graphql").json(body)));
    assert!(reply.status.as_u16() < 500, "{}", reply.text);
    let codes = reply.body["errors"].as_array().into_iter().flatten().map(|error| &error["extensions"]["code"]);
    assert!(codes.clone().all(|code| code != "INTERNAL"), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_over_the_wire() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let variables = json!({ "app": site.app_id, "range": { "preset": "TODAY" }, "first": 3, "userId": "ada" });
    tokio::task::block_in_place(|| {
        fuzz(&bent(documents(), WORDS, 500), |text| {
            let text = String::from_utf8_lossy(&text);
            // What would change something is left to the guard.
            let person = if text.contains("mutation") { app.anonymous() } else { site.owner.clone() };
            ask(&person, &json!({ "query": text, "variables": variables }));
        });
    });
}

/// Whatever JSON stands where a filter should.
fn filter() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "and",
        "or",
        "not",
        "eq",
        "in",
        "gt",
        "isNull",
        "contains",
        "property",
        "key",
        "os",
        "eventType",
        "hasDone",
        "times",
        "within",
        "filter",
        "range",
        "preset",
        "from",
        "segment",
        "revenue",
        "country",
        "min",
        "max",
        "type",
        "pagePath",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["TODAY", "seg_0", "2026-11-22T00:00:00Z", "\0", "STRING"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone().prop_map(str::to_owned), inner), 1..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_ranges_and_cursors_over_the_wire() {
    let app = TestApp::start(Store::Sqlite).await;
    let site: Site = app.site().await;
    site.post(json!([{ "event_type": "a", "metadata": { "key": 1 } }])).await.ok();
    let query = "query($app: ID!, $filter: EventFilter, $range: TimeRange!, $zone: String, $after: String) {
        app(id: $app) { events(range: $range, filter: $filter, timezone: $zone, first: 2, after: $after) {
            nodes { id } } } }";
    let all = (
        filter(),
        prop::option::weighted(0.2, filter()),
        prop::option::weighted(0.2, ".{0,20}"),
        prop::option::weighted(0.2, ".{0,40}"),
    );
    tokio::task::block_in_place(|| {
        fuzz(&all, |(filter, range, zone, after)| {
            let range = range.unwrap_or_else(|| json!({ "preset": "TODAY" }));
            let variables =
                json!({ "app": site.app_id, "filter": filter, "range": range, "zone": zone, "after": after });
            ask(&site.owner, &json!({ "query": query, "variables": variables }));
        });
    });
}
