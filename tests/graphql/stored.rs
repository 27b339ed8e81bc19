//! Documents named by their digests, lists of what may be asked, and what a server tells of its schema.

use std::fs;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{
    app::{Store, TestApp},
    people::{PASSWORD, Person},
    reply::Reply,
};

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Names a document by this digest, and sends its text where that is given.
async fn send(person: &Person, text: Option<&str>, digest: &str) -> Reply {
    let mut body = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": digest } } });
    if let Some(text) = text {
        body["query"] = json!(text);
    }
    Reply::of(person.request("POST", "/graphql").json(&body)).await
}

both_stores! {
    async fn a_document_that_was_sent_once_may_be_named(store: Store) {
        let app = TestApp::start(store).await;
        let alice = app.user("alice").await;
        let text = "{ viewer { email } }";
        let hash = digest(text);
        let unknown = send(&alice, None, &hash).await;
        assert_eq!((unknown.error_message(), unknown.error_code()), ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND"));
        // What strangers send is not kept: they could fill the cache with it.
        send(&app.anonymous(), Some(text), &hash).await.data();
        assert_eq!(send(&alice, None, &hash).await.error_code(), "PERSISTED_QUERY_NOT_FOUND");

        send(&alice, Some(text), &hash).await.data();
        assert_eq!(send(&alice, None, &hash).await.data()["viewer"]["email"], "alice@example.com");
        assert_eq!(send(&app.anonymous(), None, &hash.to_uppercase()).await.data()["viewer"], Value::Null);
        let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } }).to_string();
        let get = alice.request("GET", "/graphql").query(&[("extensions", &extensions)]);
        assert_eq!(Reply::of(get).await.data()["viewer"]["email"], "alice@example.com");
        if store == Store::Postgres {
            let sibling = app.sibling().await;
            let there = Person { url: sibling.url.clone(), ..alice.clone() };
            assert_eq!(send(&there, None, &hash).await.data()["viewer"]["email"], "alice@example.com");
        }

        // Under its own digest and no other, and nothing that may hold what is secret.
        let other = "{ viewer { id } }";
        assert_eq!(send(&alice, Some(other), &hash).await.expect(400).error_code(), "BAD_USER_INPUT");
        let mutation = "mutation { signOut { signedOut } }";
        send(&app.user("bob").await, Some(mutation), &digest(mutation)).await;
        assert_eq!(send(&alice, None, &digest(mutation)).await.error_code(), "PERSISTED_QUERY_NOT_FOUND");
        for broken in ["{ viewer { ", "{ viewer { nothing } }", "query($a: Nothing) { viewer { id } }"] {
            send(&alice, Some(broken), &digest(broken)).await;
            assert_eq!(send(&alice, None, &digest(broken)).await.error_code(), "PERSISTED_QUERY_NOT_FOUND", "{broken}");
        }
    }
}

#[tokio::test]
async fn what_names_a_document_is_checked() {
    let app = TestApp::start(Store::Sqlite).await;
    let alice = app.user("alice").await;
    for persisted in [
        json!({ "version": 2, "sha256Hash": digest("x") }),
        json!({ "version": 1, "sha256Hash": "x" }),
        json!({ "version": 1, "sha256Hash": "é".repeat(32) }),
        json!({ "version": 1 }),
        json!("x"),
        json!([1, "x"]),
    ] {
        let body = json!({ "extensions": { "persistedQuery": persisted } });
        let reply = Reply::of(alice.request("POST", "/graphql").json(&body)).await.expect(400);
        assert_eq!(reply.error_code(), "BAD_USER_INPUT", "{body}");
    }
    let body = json!({ "query": "{ __typename }", "extensions": { "of": "others" } });
    Reply::of(alice.request("POST", "/graphql").json(&body)).await.data();
}

#[tokio::test]
async fn with_a_list_nothing_else_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let listed = "query Mine { viewer { email } }";
    fs::write(folder.path().join("mine.graphql"), format!("{listed}\n")).unwrap();
    fs::write(folder.path().join("notes.txt"), "{ __typename }").unwrap();
    let app = TestApp::with(Store::Sqlite, &[("GRAPHQL_STORED_OPERATIONS", folder.path().to_str().unwrap())]).await;
    // The dashboard's own are on every list.
    let alice = app.anonymous();
    let register = include_str!("../../dashboard/operations/register.graphql");
    let input = json!({ "email": "alice@example.com", "password": PASSWORD, "name": "Alice" });
    alice.graphql(register, json!({ "input": input })).await.data();

    assert_eq!(alice.graphql(&format!("{listed}  "), json!({})).await.data()["viewer"], Value::Null);
    assert_eq!(send(&alice, None, &digest(listed)).await.data()["viewer"], Value::Null);
    for other in ["{ __typename }", "query Mine { viewer { id } }", "{ __schema { types { name } } }"] {
        assert_eq!(alice.graphql(other, json!({})).await.expect(403).error_code(), "FORBIDDEN", "{other}");
        assert_eq!(send(&alice, Some(other), &digest(other)).await.expect(403).error_code(), "FORBIDDEN");
        assert_eq!(send(&alice, None, &digest(other)).await.error_code(), "PERSISTED_QUERY_NOT_FOUND");
    }
}

#[tokio::test]
async fn the_schema_and_its_names_can_be_kept_back() {
    let off = [("GRAPHQL_INTROSPECTION", "false"), ("GRAPHQL_SUGGESTIONS", "false")];
    let app = TestApp::with(Store::Sqlite, &off).await;
    let stranger = app.anonymous();
    for asks in [
        include_str!("introspection.graphql"),
        "{ __type(name: \"App\") { name } }",
        "{ ...f } fragment f on Query { __schema { types { name } } }",
    ] {
        let reply = stranger.graphql(asks, json!({})).await.expect(403);
        assert_eq!(reply.error_code(), "FORBIDDEN");
        assert!(reply.body.get("data").is_none());
    }
    assert_eq!(stranger.graphql("{ __typename }", json!({})).await.data()["__typename"], "Query");
    let told = stranger.graphql("{ viewr { id } }", json!({})).await;
    assert!(told.text.contains("viewr") && !told.text.contains("viewer"), "{}", told.text);
    let told = TestApp::start(Store::Sqlite).await.anonymous().graphql("{ viewr { id } }", json!({})).await;
    assert!(told.text.contains("viewer"), "{}", told.text);
}
