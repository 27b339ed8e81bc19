//! Documents that were written to do harm. After each the server must still be there.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    app::{Store, TestApp},
    people::Person,
};

/// Sends a document as a stranger and returns the code of its refusal, which must come at once.
async fn refused(stranger: &Person, query: &str) -> String {
    let start = Instant::now();
    let reply = stranger.graphql(query, json!({})).await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?} for {:.80}", start.elapsed(), query);
    reply.error_code().to_owned()
}

#[tokio::test]
async fn a_document_cannot_cost_more_than_its_text() {
    let app = TestApp::start(Store::Sqlite).await;
    let stranger = app.anonymous();

    let nested = |open: &str, close: &str, levels: usize| {
        format!("{{ app(id: {}1{}) {{ id }} }}", open.repeat(levels), close.repeat(levels))
    };
    let fan_out = |fragments: usize| {
        let mut query = String::from("{ ...f0 }");
        for i in 0..fragments {
            query += &format!(" fragment f{i} on Query {{ ...f{0} ...f{0} }}", i + 1);
        }
        query + &format!(" fragment f{fragments} on Query {{ viewer {{ id }} }}")
    };
    let aliases: String = (0..1_000).map(|i| format!("a{i}: __typename ")).collect();
    let fields = |levels: usize| format!("{{ viewer {} {} }}", "{ x ".repeat(levels), "}".repeat(levels));
    for query in [
        nested("[", "]", 2_000),
        nested("{a:", "}", 1_300),
        nested("[{a:", "}]", 900),
        format!("{{ viewer {} id {} }}", "{ ... ".repeat(2_000), "}".repeat(2_000)),
        "{".repeat(4_000),
        "[".repeat(4_000),
        format!("query($a: {}Int{}) {{ viewer {{ id }} }}", "[".repeat(2_000), "]".repeat(2_000)),
        fan_out(20),
        fan_out(90),
        format!("{{ {aliases} }}"),
        format!("{{ viewer {} {{ id }} }}", "@include(if: true) ".repeat(1_000)),
        fields(25),
        format!("{{ viewer {{ id }} }} # {}", "x".repeat(64 * 1024 - 200)) + &" ".repeat(400),
    ] {
        assert!(matches!(refused(&stranger, &query).await.as_str(), "COST_EXCEEDED" | "BAD_USER_INPUT"), "{query:.80}");
    }
    for cycle in [
        "{ ...a } fragment a on Query { ...a }",
        "{ ...a } fragment a on Query { viewer { id } ...b } fragment b on Query { ...a }",
        "{ viewer { id } } fragment a on User { ...a }",
    ] {
        assert_eq!(refused(&stranger, cycle).await, "BAD_USER_INPUT", "{cycle}");
    }
    // As deep as documents may go.
    let deep = format!("{{ {} __typename {} }}", "... { ".repeat(29), "}".repeat(29));
    assert_eq!(stranger.graphql(&deep, json!({})).await.data()["__typename"], "Query");
    let of = format!("{{ __schema {{ types {{ {} name {} }} }} }}", "ofType { ".repeat(16), "}".repeat(16));
    stranger.graphql(&of, json!({})).await.data();
    // Brackets in strings and comments nest nothing.
    let harmless = format!("{{ __typename }} # {}", "[".repeat(1_000));
    assert_eq!(stranger.graphql(&harmless, json!({})).await.data()["__typename"], "Query");
}

#[tokio::test]
async fn points_are_counted_before_anything_is_read() {
    let app = TestApp::start(Store::Sqlite).await;
    let alice = app.user("alice").await;
    let reports: String =
        (0..99).map(|i| format!("s{i}: summary(range: {{ preset: TODAY }}) {{ events uniqueUsers }} ")).collect();
    let reply = alice.graphql(&format!("{{ app(id: \"x\") {{ {reports} }} }}"), json!({})).await;
    assert_eq!(reply.error_code(), "COST_EXCEEDED", "{}", reply.text);
    let reply =
        alice.graphql("{ viewer { apps(first: 100) { nodes { apiKeys(first: 100) { nodes { id } } } } } }", json!({}));
    assert_eq!(reply.await.error_code(), "COST_EXCEEDED");
    let reply = alice.graphql("{ viewer { apps(first: 10) { nodes { id name } } } }", json!({})).await;
    assert!(reply.at("/extensions/cost").as_u64().unwrap() > 10, "{}", reply.text);
    reply.data();
}

#[tokio::test]
async fn strangers_may_read_the_schema_and_nothing_else() {
    let app = TestApp::start(Store::Sqlite).await;
    let stranger = app.anonymous();
    let reply = stranger.graphql(include_str!("introspection.graphql"), json!({})).await;
    assert!(reply.data()["__schema"]["types"].as_array().unwrap().len() > 30);
    assert_eq!(stranger.graphql("{ viewer { id } }", json!({})).await.data()["viewer"], Value::Null);
    for query in [r#"{ app(id: "app_00000000000000000000000000000000") { id } }"#, r#"{ node(id: "x") { id } }"#] {
        assert_eq!(stranger.graphql(query, json!({})).await.error_code(), "UNAUTHENTICATED", "{query}");
    }
}

#[tokio::test]
async fn input_nests_only_so_deep() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    for (open, close) in [("{ not: ", " }"), ("{ and: [", "] }"), ("{ or: [{ not: ", " }] }")] {
        for levels in 1..40 {
            let filter = format!("{}{{ os: {{ eq: \"x\" }} }}{}", open.repeat(levels), close.repeat(levels));
            let reply =
                site.try_ask(&format!("summary(range: {{ preset: TODAY }}, filter: {filter}) {{ events }}")).await;
            if reply.body.get("errors").is_some() {
                assert!(levels > 3, "{}", reply.text);
                assert!(matches!(reply.error_code(), "COST_EXCEEDED" | "BAD_USER_INPUT"));
            }
        }
    }
    let query = "query($app: ID!, $filter: EventFilter) {
        app(id: $app) { summary(range: { preset: TODAY }, filter: $filter) { events } } }";
    let mut filter = json!({});
    for levels in 1..125 {
        filter = json!({ "not": filter });
        let reply = site.owner.graphql(query, json!({ "app": site.app_id, "filter": filter })).await;
        assert_eq!(reply.body.get("errors").is_some(), levels >= 8, "{levels}: {}", reply.text);
        if levels > 8 {
            assert!(matches!(reply.error_code(), "COST_EXCEEDED" | "BAD_USER_INPUT"));
        }
    }
}

#[tokio::test]
async fn passwords_are_tried_one_a_request() {
    let app = TestApp::start(Store::Sqlite).await;
    app.user("alice").await;
    let guess = |name: &str, password: &str| {
        format!("{name}: signIn(input: {{ email: \"alice@example.com\", password: \"{password}\" }}) {{ token }}")
    };
    let (wrong, right) = (guess("a", "incorrect horse battery"), guess("b", "correct horse battery staple"));
    for many in [
        format!("mutation {{ {wrong} {right} }}"),
        format!("mutation {{ {wrong} ... {{ {right} }} }}"),
        format!("mutation {{ ...f ...g }} fragment f on Mutation {{ {wrong} }} fragment g on Mutation {{ {right} }}"),
        format!(
            "mutation {{ {right} c: register(input: {{ email: \"b@example.com\", password: \"x\", name: \"b\" }}) {{ token }} }}"
        ),
    ] {
        let reply = app.anonymous().graphql(&many, json!({})).await;
        assert_eq!(reply.error_code(), "COST_EXCEEDED", "{many}");
        assert!(reply.body.get("data").is_none(), "none was tried");
    }
    app.anonymous().graphql(&format!("mutation {{ {right} }}"), json!({})).await.data();
}
