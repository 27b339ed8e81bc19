//! The schema as a product: current, described, and of one habit.

use std::{env, fs, path::Path};

use event_analytics::graphql;
use serde_json::{Value, json};

use crate::support::app::{Store, TestApp};

/// GraphiQL's own introspection.
const INTROSPECTION: &str = include_str!("introspection.graphql");

#[test]
fn the_committed_file_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let now = graphql::sdl();
    if env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == now, "schema.graphql is stale: run UPDATE_SCHEMA=1 cargo test the_committed_file_is_current");
}

/// The schema as a stranger may read it.
async fn schema() -> Value {
    let app = TestApp::start(Store::Sqlite).await;
    app.anonymous().graphql(INTROSPECTION, json!({})).await.data()["__schema"].clone()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap()
}

/// The name of a type without lists and non-nulls.
fn named(mut of: &Value) -> &str {
    while of["ofType"].is_object() {
        of = &of["ofType"];
    }
    name(of)
}

#[tokio::test]
async fn every_element_is_described() {
    let mut silent = Vec::new();
    let mut check = |path: String, element: &Value| {
        if element["description"].as_str().unwrap_or_default().trim().is_empty() {
            silent.push(path);
        }
    };
    let schema = schema().await;
    for of in list(&schema, "types").iter().filter(|of| !name(of).starts_with("__") && name(of) != "ID") {
        check(name(of).to_owned(), of);
        for part in ["fields", "inputFields", "enumValues"] {
            for field in list(of, part) {
                let path = format!("{}.{}", name(of), name(field));
                for argument in list(field, "args") {
                    check(format!("{path}({})", name(argument)), argument);
                }
                check(path, field);
            }
        }
    }
    assert!(silent.is_empty(), "without a description: {silent:#?}");
}

#[tokio::test]
async fn connections_are_paged_alike() {
    let schema = schema().await;
    let types = list(&schema, "types");
    let connections: Vec<_> = types.iter().filter(|of| name(of).ends_with("Connection")).collect();
    assert!(connections.len() >= 4, "apps, keys, events and users");
    for connection in connections {
        for field in ["edges", "nodes", "pageInfo"] {
            assert!(list(connection, "fields").iter().any(|f| name(f) == field), "{}.{field}", name(connection));
        }
    }
    for of in types {
        for field in list(of, "fields").iter().filter(|field| named(&field["type"]).ends_with("Connection")) {
            let argument = |wanted: &str| list(field, "args").iter().find(|argument| name(argument) == wanted);
            let path = format!("{}.{}", name(of), name(field));
            assert_eq!(argument("first").unwrap()["type"]["kind"], "NON_NULL", "{path} must require first");
            assert_eq!(argument("after").unwrap()["type"]["name"], "String", "{path} must take after");
        }
    }
}

#[tokio::test]
async fn mutations_take_one_input_and_return_a_payload() {
    let schema = schema().await;
    let mutation = list(&schema, "types").iter().find(|of| name(of) == "Mutation").unwrap();
    for field in list(mutation, "fields") {
        let payload = named(&field["type"]);
        assert!(payload.ends_with("Payload"), "{} returns {payload}", name(field));
        let arguments: Vec<_> = list(field, "args").iter().map(name).collect();
        assert!(arguments.is_empty() || arguments == ["input"], "{} takes {arguments:?}", name(field));
    }
}

#[tokio::test]
async fn whatever_has_an_id_is_a_node() {
    let schema = schema().await;
    for of in list(&schema, "types").iter().filter(|of| of["kind"] == "OBJECT") {
        let has_id = list(of, "fields").iter().any(|field| name(field) == "id" && named(&field["type"]) == "ID");
        let is_node = list(of, "interfaces").iter().any(|interface| name(interface) == "Node");
        assert_eq!(has_id, is_node, "{}", name(of));
    }
}
