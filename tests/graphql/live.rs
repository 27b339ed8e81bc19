//! Answers that come again when they have changed: over WebSocket and as server-sent events.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    app::{NOW, Store, TestApp},
    people::{Person, Site},
    socket::Socket,
    until,
};

const EVENTS: &str =
    "subscription($app: ID!) { live(appId: $app) { events(first: 10) { arrived nodes { eventType } } } }";
const SUMMARY: &str = "subscription($app: ID!) { live(appId: $app) { app { summary(range: { preset: TODAY }) { events uniqueUsers } } } }";
/// So long nothing comes when nothing has to.
const SILENCE: Duration = Duration::from_millis(1_500);

fn types(live: &Value) -> Vec<&str> {
    let nodes = live["live"]["events"]["nodes"].as_array().unwrap();
    nodes.iter().map(|event| event["eventType"].as_str().unwrap()).collect()
}

fn events(live: &Value) -> &Value {
    &live["live"]["app"]["summary"]["events"]
}

async fn post(site: &Site, kind: &str, user: &str) {
    site.post(json!({ "event_type": kind, "user_id": user })).await.ok();
}

both_stores! {
    async fn events_come_as_they_are_stored(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        post(&site, "early", "ada").await;
        let mut socket = Socket::of(&site.owner).await;
        socket.subscribe("1", EVENTS, json!({ "app": site.app_id })).await;
        let first = socket.data().await;
        assert_eq!((types(&first), &first["live"]["events"]["arrived"]), (vec!["early"], &Value::Null));
        for kind in ["one", "two", "three"] {
            post(&site, kind, "ada").await;
            app.clock.advance(1);
        }
        // In one answer or in several, each once and in order.
        let (mut met, mut arrived) = (Vec::new(), 0);
        while met.len() < 3 {
            let live = socket.data().await;
            met.extend(types(&live).into_iter().rev().map(str::to_owned));
            arrived += live["live"]["events"]["arrived"].as_i64().unwrap();
        }
        assert_eq!((met, arrived), (vec!["one".to_owned(), "two".to_owned(), "three".to_owned()], 3));
    }

    async fn what_comes_late_comes_too(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        // More than an answer shows, all of them later than what is yet to come.
        let many: Vec<_> = (0..20).map(|n| json!({ "event_type": "usual", "user_id": format!("{n}") })).collect();
        site.post(many).await.ok();
        let mut socket = Socket::of(&site.owner).await;
        socket.subscribe("1", EVENTS, json!({ "app": site.app_id })).await;
        assert_eq!(types(&socket.data().await), ["usual"; 10]);
        // From a queue on a device that was away, the second one stored with others in a segment before it is shown.
        for (kind, time) in [("hours", "2026-11-22T01:00:00Z"), ("days", "2026-11-12T01:00:00Z")] {
            site.post(json!({ "event_type": kind, "user_id": "ada", "timestamp": time })).await.ok();
            let answer = socket.data().await;
            assert_eq!((types(&answer), &answer["live"]["events"]["arrived"]), (vec![kind], &json!(1)));
            app.app.columnar.seal(Uuid::parse_str(site.app_id.trim_start_matches("app_")).unwrap()).await.unwrap();
        }
        let odd = "subscription($app: ID!) { live(appId: $app) { events(first: 10, filter: { eventType: { eq: \"odd\" } }) { arrived nodes { eventType } } } }";
        socket.subscribe("2", odd, json!({ "app": site.app_id })).await;
        assert_eq!(types(&socket.data().await), [""; 0]);
        site.post(json!([{ "event_type": "odd", "timestamp": "2026-10-01T00:00:00Z" }, { "event_type": "even" }])).await.ok();
        let mut met = [socket.data().await, socket.data().await].map(|answer| types(&answer).join(" "));
        met.sort();
        assert_eq!(met, ["even odd", "odd"]);
    }

    async fn a_report_is_sent_again_when_it_has_changed_and_equals_the_query(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let mut socket = Socket::of(&site.owner).await;
        socket.subscribe("1", SUMMARY, json!({ "app": site.app_id })).await;
        assert_eq!(events(&socket.data().await), 0);
        post(&site, "a", "ada").await;
        post(&site, "a", "bob").await;
        let mut latest = socket.data().await;
        while events(&latest) != 2 {
            latest = socket.data().await;
        }
        let asked = site.ask("summary(range: { preset: TODAY }) { events uniqueUsers }").await;
        assert_eq!(latest["live"]["app"], asked);
        // A commit that changes nothing of it is not told.
        site.post(json!({ "event_type": "a", "user_id": "ada", "timestamp": "2026-01-01T00:00:00Z" })).await.ok();
        assert_eq!(socket.hear_within(SILENCE).await, None);
    }

    async fn what_another_instance_stores_comes_too(store: Store) {
        let vars: &[_] = if store == Store::Postgres { &[("REDIS_URL", "")] } else { &[] };
        let app = TestApp::with(store, vars).await;
        let (site, sibling) = (app.site().await, app.sibling().await);
        let elsewhere = Site { owner: Person { url: sibling.url.clone(), ..site.owner.clone() }, ..site.clone() };
        let mut socket = Socket::of(&site.owner).await;
        socket.subscribe("1", SUMMARY, json!({ "app": site.app_id })).await;
        assert_eq!(events(&socket.data().await), 0);
        post(&elsewhere, "a", "ada").await;
        assert_eq!(events(&socket.data().await), 1);

        // And whoever is signed out there hears nothing more here.
        let own = elsewhere.owner.clone();
        own.graphql("mutation { signOut { __typename } }", json!({})).await.data();
        post(&elsewhere, "a", "bob").await;
        assert_eq!(socket.end().await, 4401);
    }

    async fn it_ends_with_the_right_to_see(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let reading = json!({ "appId": site.app_id, "name": "Reads", "scope": "READ" });
        let made = site.owner.mutate("createApiKey", reading, "key apiKey { id }").await.data();
        let server = Person { token: made["createApiKey"]["key"].as_str().map(str::to_owned), ..app.anonymous() };
        let mut by_key = Socket::of(&server).await;
        by_key.subscribe("1", SUMMARY, json!({ "app": site.app_id })).await;
        assert_eq!(events(&by_key.data().await), 0);
        let id = &made["createApiKey"]["apiKey"]["id"];
        site.owner.mutate("revokeApiKey", json!({ "id": id }), "apiKey { id }").await.data();
        assert_eq!(by_key.end().await, 4401);

        let mut owner = Socket::of(&site.owner).await;
        owner.subscribe("1", SUMMARY, json!({ "app": site.app_id })).await;
        assert_eq!(events(&owner.data().await), 0);
        site.owner.mutate("deleteApp", json!({ "id": site.app_id }), "deletedAppId").await.data();
        let end = owner.hear().await;
        let code = if end["type"] == "error" { &end["payload"][0] } else { &end["payload"]["errors"][0] };
        assert_eq!(code["extensions"]["code"], "NOT_FOUND", "{end}");

        app.clock.advance(7 * 24 * 60 * 60 * 1000);
        assert_eq!(owner.end().await, 4401, "the session is over, though nothing is followed");
    }

    async fn nobody_sees_what_is_none_of_theirs(store: Store) {
        let app = TestApp::start(store).await;
        let (site, eve) = (app.site().await, app.user("eve").await);
        let mut socket = Socket::of(&eve).await;
        for id in [site.app_id.as_str(), "app_00000000000000000000000000000000"] {
            socket.subscribe(id, SUMMARY, json!({ "app": id })).await;
            let refused = socket.hear().await;
            assert_eq!(refused["payload"]["errors"][0]["extensions"]["code"], "NOT_FOUND", "{refused}");
            assert_eq!(socket.hear().await, json!({ "type": "complete", "id": id }));
        }
        let ingest = Person { token: Some(site.key.clone()), ..app.anonymous() };
        for (who, code) in [(&app.anonymous(), 4403), (&ingest, 4403)] {
            let mut socket = Socket::open(&app.url, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap();
            socket.say(json!({ "type": "connection_init", "payload": { "token": who.token } })).await;
            assert_eq!(socket.end().await, code);
        }
    }

    async fn a_stream_of_events_says_the_same(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let ask = |query: &str| {
            let body = json!({ "query": query, "variables": { "app": site.app_id } });
            site.owner.request("POST", "/graphql").header("accept", "text/event-stream").json(&body)
        };
        let mut response = ask(SUMMARY).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["ratelimit-limit"], "1000000");
        let mut next = async || {
            let chunk = tokio::time::timeout(Duration::from_secs(20), response.chunk()).await.expect("in time");
            String::from_utf8(chunk.unwrap().expect("more").to_vec()).unwrap()
        };
        let data = |text: &str| -> Value {
            let json = text.strip_prefix("event: next\ndata: ").unwrap_or_else(|| panic!("{text}"));
            serde_json::from_str::<Value>(json.trim()).unwrap()["data"].clone()
        };
        assert_eq!(events(&data(&next().await)), 0);
        post(&site, "a", "ada").await;
        assert_eq!(events(&data(&next().await)), 1);
        site.owner.graphql("mutation { signOut { __typename } }", json!({})).await.data();
        let end = next().await;
        assert!(end.contains("UNAUTHENTICATED") && end.starts_with("event: next\n"), "{end}");
        let ended = next().await;
        assert!(ended.starts_with("event: complete\n"), "{ended}");
    }
}

/// The code by which a connection ends after these words.
async fn end_of(app: &TestApp, words: &[Value]) -> u16 {
    let mut socket = Socket::open(&app.url, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap();
    for word in words {
        socket.say(word.clone()).await;
    }
    socket.end().await
}

#[tokio::test]
async fn whoever_breaks_the_protocol_is_told_how() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let init = json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {}", site.owner.token.as_ref().unwrap()) } });
    let operation =
        json!({ "id": "1", "type": "subscribe", "payload": { "query": SUMMARY, "variables": { "app": site.app_id } } });
    assert_eq!(end_of(&app, std::slice::from_ref(&operation)).await, 4401, "who?");
    assert_eq!(end_of(&app, &[init.clone(), init.clone()]).await, 4429);
    assert_eq!(end_of(&app, &[init.clone(), operation.clone(), operation]).await, 4409);
    for nonsense in [json!("x"), json!({}), json!({ "type": "nothing" }), json!({ "type": "subscribe", "id": 1 })] {
        assert_eq!(end_of(&app, &[init.clone(), nonsense]).await, 4400);
    }
    let long = json!({ "id": "i".repeat(129), "type": "subscribe", "payload": { "query": "{ a }" } });
    assert_eq!(end_of(&app, &[init, long]).await, 4400);
    assert_eq!(end_of(&app, &[]).await, 4408, "silence");
    // Another protocol, or none.
    let mut none = Socket::open(&app.url, &[]).await.unwrap();
    assert_eq!(none.end().await, 4406);
}

#[tokio::test]
async fn a_socket_asks_and_does_not_change() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let mut socket = Socket::of(&site.owner).await;
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await, json!({ "type": "pong" }));
    socket.subscribe("q", "{ viewer { email } }", json!({})).await;
    assert_eq!(socket.data().await["viewer"]["email"], "alice@example.com");
    assert_eq!(socket.hear().await, json!({ "type": "complete", "id": "q" }));
    for (query, code) in [
        ("mutation { signOut { __typename } }", "BAD_USER_INPUT"),
        ("{ nonsense }", "BAD_USER_INPUT"),
        ("{", "BAD_USER_INPUT"),
        (&*"{".repeat(100), "COST_EXCEEDED"),
    ] {
        socket.subscribe("q", query, json!({})).await;
        let refused = socket.hear().await;
        let errors = if refused["type"] == "error" { &refused["payload"] } else { &refused["payload"]["errors"] };
        assert_eq!(errors[0]["extensions"]["code"], code, "{query}: {refused}");
        if refused["type"] == "next" {
            assert_eq!(socket.hear().await["type"], "complete");
        }
    }
    // What has ended may be named again, and what was left is not told of.
    socket.subscribe("s", EVENTS, json!({ "app": site.app_id })).await;
    socket.data().await;
    socket.say(json!({ "type": "complete", "id": "s" })).await;
    post(&site, "a", "ada").await;
    assert_eq!(socket.hear_within(SILENCE).await, None);
    socket.subscribe("s", EVENTS, json!({ "app": site.app_id })).await;
    assert_eq!(types(&socket.data().await), ["a"]);
}

#[tokio::test]
async fn a_cookie_counts_for_our_own_pages_alone() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let cookie = format!("uea_session={}", site.owner.token.as_ref().unwrap());
    let host = app.url.trim_start_matches("http://").replace("127.0.0.1", "localhost");
    let here = format!("http://{host}");
    for (origin, is_ours) in [(app.url.as_str(), true), (&here, true), ("https://evil.example", false)] {
        let mut headers =
            vec![("sec-websocket-protocol", "graphql-transport-ws"), ("cookie", &*cookie), ("origin", origin)];
        if origin == here {
            headers.push(("host", &host));
        }
        let mut socket = Socket::open(&app.url, &headers).await.unwrap();
        socket.say(json!({ "type": "connection_init" })).await;
        if is_ours {
            assert_eq!(socket.hear().await["type"], "connection_ack");
        } else {
            assert_eq!(socket.end().await, 4403);
        }
    }
}

#[tokio::test]
async fn nobody_follows_without_end() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let mut socket = Socket::of(&site.owner).await;
        for n in 0..20 {
            socket.subscribe(&n.to_string(), EVENTS, json!({ "app": site.app_id })).await;
            socket.data().await;
        }
        sockets.push(socket);
    }
    sockets[0].subscribe("more", EVENTS, json!({ "app": site.app_id })).await;
    assert_eq!(sockets[0].hear().await["payload"][0]["extensions"]["code"], "COST_EXCEEDED");
    let mut third = Socket::of(&site.owner).await;
    third.subscribe("more", EVENTS, json!({ "app": site.app_id })).await;
    assert_eq!(third.hear().await["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    // Others are not concerned, and what is given back is there again.
    let bob = Site::of(app.user("bob").await, "Bob's").await;
    let mut socket = Socket::of(&bob.owner).await;
    socket.subscribe("1", EVENTS, json!({ "app": bob.app_id })).await;
    socket.data().await;
    drop(sockets);
    until("something is given back", async || {
        third.subscribe("more", EVENTS, json!({ "app": site.app_id })).await;
        let message = third.hear().await;
        let is_answer = message["type"] == "next";
        assert!(is_answer || message["payload"][0]["extensions"]["code"] == "RATE_LIMITED", "{message}");
        is_answer
    })
    .await;
}

#[tokio::test]
async fn answers_that_come_by_themselves_keep_nobody_from_asking() {
    let app = TestApp::with(Store::Sqlite, &[("RATE_LIMIT_ANALYTICS_POINTS_PER_MINUTE", "10000")]).await;
    let site = app.site().await;
    let mut socket = Socket::of(&site.owner).await;
    let reports = (0..80).map(|n| format!("r{n}: summary(range: {{ preset: TODAY }}) {{ events }}"));
    let dear = format!(
        "subscription($app: ID!) {{ live(appId: $app) {{ app {{ {} }} }} }}",
        reports.collect::<Vec<_>>().join(" ")
    );
    socket.subscribe("1", &dear, json!({ "app": site.app_id })).await;
    socket.data().await;
    // There are points for no second answer yet, which is therefore left out, and for questions as ever.
    post(&site, "a", "ada").await;
    assert_eq!(socket.hear_within(SILENCE).await, None);
    assert_eq!(site.ask("summary(range: { preset: TODAY }) { events }").await["summary"]["events"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_read_skips_answers() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let mut socket = Socket::of(&site.owner).await;
    // Large answers, of which the system's buffers hold few.
    let wide = "subscription($app: ID!) { live(appId: $app) { events(first: 100) { nodes { id metadata } } app { summary(range: { preset: TODAY }) { events } } } }";
    socket.subscribe("1", wide, json!({ "app": site.app_id })).await;
    socket.data().await;
    let padding = "x".repeat(20_000);
    for round in 1..=12 {
        let many: Vec<_> = (0..100).map(|_| json!({ "event_type": "a", "metadata": { "padding": padding } })).collect();
        site.post(many).await.ok();
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert!(round <= 12);
    }
    let mut answers = 0;
    while events(&socket.data().await) != 1_200 {
        answers += 1;
    }
    assert!(answers < 9, "{answers} of twelve changes had piled up");
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let mut socket = Socket::of(&site.owner).await;
    socket.subscribe("1", EVENTS, json!({ "app": site.app_id })).await;
    socket.data().await;
    let (_, code) = tokio::join!(app.stop(), socket.end());
    assert_eq!(code, 1001);
}

#[tokio::test]
async fn lists_of_operations_hold_here_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("live.graphql"), SUMMARY).unwrap();
    let vars = [("GRAPHQL_STORED_OPERATIONS", folder.path().to_str().unwrap())];
    let app = TestApp::with(Store::Sqlite, &vars).await;
    let mut owner = Person { email: "ada@example.com".into(), ..app.anonymous() };
    let register = include_str!("../../dashboard/operations/register.graphql");
    let input = json!({ "email": owner.email, "password": crate::support::people::PASSWORD, "name": "Ada" });
    let registered = owner.graphql(register, json!({ "input": input })).await;
    let cookie = registered.header("set-cookie").split(';').next().unwrap().to_owned();
    owner.token = cookie.strip_prefix("uea_session=").map(str::to_owned);
    let mut socket = Socket::of(&owner).await;
    socket.subscribe("1", EVENTS, json!({ "app": "app_0" })).await;
    assert_eq!(socket.hear().await["payload"][0]["extensions"]["code"], "FORBIDDEN");
    socket.subscribe("1", SUMMARY, json!({ "app": "app_00000000000000000000000000000000" })).await;
    assert_eq!(socket.hear().await["payload"]["errors"][0]["extensions"]["code"], "NOT_FOUND");
    assert_eq!(app.clock.now_ms(), NOW);
}
