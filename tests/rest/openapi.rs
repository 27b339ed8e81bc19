//! The document says what the server does, and says it in words.

use event_analytics::rest::openapi;
use serde_json::{Map, Value};

use super::{counts, row};
use crate::support::{
    app::{Store, TestApp},
    reply::Reply,
};

fn document() -> Value {
    serde_json::to_value(openapi::document()).unwrap()
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("{value}"))
}

/// Paths of schemas, properties, parameters and answers without a word.
fn silent(value: &Value, path: &str, found: &mut Vec<String>) {
    // What may be null says it on its other half.
    let words = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let says = |value: &Value| {
        words(&value["description"])
            || words(&value["oneOf"][0]["description"])
            || words(&value["oneOf"][1]["description"])
    };
    match value {
        Value::Object(fields) => {
            for (name, child) in fields {
                let path = format!("{path}/{name}");
                if ["properties", "responses", "securitySchemes"].contains(&name.as_str()) {
                    let unsaid = object(child).iter().filter(|(_, child)| !says(child) && child.get("$ref").is_none());
                    found.extend(unsaid.map(|(child, _)| format!("{path}/{child}")));
                }
                silent(child, &path, found);
            }
        }
        Value::Array(children) => {
            for (place, child) in children.iter().enumerate() {
                let path = format!("{path}/{place}");
                if path.contains("/parameters/") && child.is_object() && !says(child) {
                    found.push(path.clone());
                }
                silent(child, &path, found);
            }
        }
        _ => {}
    }
}

#[test]
fn everything_is_described() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut found = Vec::new();
    silent(&document, "", &mut found);
    for (name, schema) in object(&document["components"]["schemas"]) {
        if schema["description"].as_str().is_none_or(str::is_empty) {
            found.push(format!("schema {name}"));
        }
    }
    for (path, operations) in object(&document["paths"]) {
        for (method, operation) in object(operations) {
            for part in ["summary", "description", "operationId"] {
                assert!(operation[part].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}: {part}");
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_answers_as_described() {
    let app = TestApp::start(Store::Sqlite).await;
    let document: Value = app.anonymous().get("/api/v1/openapi.json").await.expect(200).body;
    assert_eq!(document, self::document());
    let mut paths = 0;
    for (path, operations) in object(&document["paths"]) {
        for (method, operation) in object(operations) {
            let request = app.anonymous().request(&method.to_uppercase(), path);
            let reply = Reply::of(request.header("sec-fetch-site", "same-origin")).await;
            let status = reply.status.as_u16().to_string();
            assert!(operation["responses"].get(&status).is_some(), "{method} {path} answered {status}: {}", reply.text);
            paths += 1;
        }
    }
    assert_eq!(paths, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_examples_work() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let document = document();
    let event = &document["components"]["schemas"]["NewEvent"];
    assert_eq!(counts(&site.post(&event["example"]).await.ok()), (1, 0, 0));
    let second = crate::support::people::Site::of(site.owner.clone(), "Second").await;
    let fields = object(&event["properties"]).iter();
    let fields: Map<_, _> =
        fields.filter_map(|(name, field)| Some((name.clone(), field.get("example")?.clone()))).collect();
    assert_eq!(counts(&second.post(&fields).await.ok()), (1, 0, 0));
    let stored = serde_json::to_value(row(&app, &second).await.browser).unwrap();
    assert_eq!(stored, "Firefox");
    let lines =
        &document["paths"]["/api/v1/events"]["post"]["requestBody"]["content"]["application/x-ndjson"]["example"];
    let reply = super::send(&site, "application/x-ndjson", lines.as_str().unwrap().to_owned()).await;
    assert_eq!(counts(&reply.ok()), (2, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_it() {
    let app = TestApp::start(Store::Sqlite).await;
    let stranger = app.anonymous();
    assert_eq!(stranger.get("/api-docs").await.expect(303).header("location"), "/api-docs/");
    let page = stranger.get("/api-docs/").await.expect(200);
    assert!(page.header("content-security-policy").contains("default-src 'self'"));
    assert!(page.text.contains("swagger-ui"));
    assert!(!page.text.contains("<script>"), "the policy forbids scripts inside the page");
    assert!(stranger.get("/api-docs/swagger-initializer.js").await.expect(200).text.contains("/api/v1/openapi.json"));
    stranger.get("/api-docs/swagger-ui-bundle.js").await.expect(200);
}
