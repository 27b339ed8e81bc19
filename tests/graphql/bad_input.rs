//! Questions that are wrong: each is told its code and its field, and no other owner's data.

use serde_json::{Value, json};

use crate::support::{
    app::{Store, TestApp},
    people::Site,
};

const TODAY: &str = "range: { preset: TODAY }";

/// The code and the field of the refusal of a selection on the site's app.
async fn refusal(site: &Site, selection: &str) -> (String, String) {
    let reply = site.try_ask(selection).await.expect(200);
    let field = reply.body.pointer("/errors/0/extensions/field").and_then(Value::as_str).unwrap_or_default();
    (reply.error_code().to_owned(), field.to_owned())
}

both_stores! {
    async fn every_wrong_argument_is_named(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let range = |from: &str, to: &str| format!("range: {{ from: \"{from}\", to: \"{to}\" }}");
        let years = range("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
        let nested = format!("{}{}", "{ not: ".repeat(12), format_args!("{{}}{}", " }".repeat(12)));
        for (selection, code, field) in [
            (format!("summary({}) {{ events }}", range("2026-11-22T01:00:00Z", "2026-11-22T00:00:00Z")), "BAD_USER_INPUT", "range.from"),
            (format!("summary({}) {{ events }}", range("0000-01-01T00:00:00Z", "2026-11-22T00:00:00Z")), "BAD_USER_INPUT", "range.from"),
            ("summary(range: {}) { events }".into(), "BAD_USER_INPUT", "range.preset"),
            ("summary(range: { preset: TODAY, to: \"2026-11-22T00:00:00Z\" }) { events }".into(), "BAD_USER_INPUT", "range.preset"),
            (format!("timeline({years}, interval: MINUTE) {{ interval }}"), "RANGE_TOO_LARGE", ""),
            (format!("timeline({TODAY}, timezone: \"Mars/Olympus\") {{ interval }}"), "BAD_USER_INPUT", "timezone"),
            (format!("summary({TODAY}, filter: {nested}) {{ events }}"), "BAD_USER_INPUT", "filter"),
            (format!("breakdown({TODAY}, by: []) {{ groups }}"), "BAD_USER_INPUT", "by"),
            (format!("breakdown({TODAY}, by: [OS, OS]) {{ groups }}"), "BAD_USER_INPUT", "by"),
            (format!("breakdown({TODAY}, by: [PROPERTY]) {{ groups }}"), "BAD_USER_INPUT", "property"),
            (format!("breakdown({TODAY}, by: [OS], property: \"x\") {{ groups }}"), "BAD_USER_INPUT", "property"),
            (format!("breakdown({TODAY}, by: [OS], limit: 0) {{ groups }}"), "BAD_USER_INPUT", "limit"),
            (format!("breakdown({TODAY}, by: [OS], limit: 1001) {{ groups }}"), "BAD_USER_INPUT", "limit"),
            (format!("events({TODAY}, first: 0) {{ nodes {{ id }} }}"), "BAD_USER_INPUT", "first"),
            (format!("events({TODAY}, first: -1) {{ nodes {{ id }} }}"), "BAD_USER_INPUT", "first"),
            (format!("users({TODAY}, first: 1000000000) {{ nodes {{ userId }} }}"), "BAD_USER_INPUT", "first"),
            ("apiKeys(first: 101) { nodes { id } }".into(), "BAD_USER_INPUT", "first"),
            // Found by the schema itself, which knows the place and not the field.
            ("nothing".into(), "BAD_USER_INPUT", ""),
            ("summary { events }".into(), "BAD_USER_INPUT", ""),
            (format!("events({TODAY}) {{ nodes {{ id }} }}"), "BAD_USER_INPUT", ""),
            (format!("events({TODAY}, first: 3000000000) {{ nodes {{ id }} }}"), "BAD_USER_INPUT", ""),
            ("summary(range: { from: \"yesterday\", to: \"2026-11-22T00:00:00Z\" }) { events }".into(), "BAD_USER_INPUT", ""),
        ] {
            let (got, at) = refusal(&site, &selection).await;
            assert_eq!((got.as_str(), at.split('.').take(2).collect::<Vec<_>>().join(".").as_str().get(..field.len())), (code, Some(field)), "{selection} {at}");
        }
        let wrong = "query($id: ID!, $range: TimeRange!) { app(id: $id) { summary(range: $range) { events } } }";
        for range in [json!("TODAY"), json!({ "preset": 7 }), json!({ "preset": "TODAY", "x": 1 }), Value::Null] {
            let reply = site.owner.graphql(wrong, json!({ "id": site.app_id, "range": range })).await;
            assert_eq!(reply.error_code(), "BAD_USER_INPUT", "{range}: {}", reply.text);
        }
    }

    async fn texts_that_no_event_can_hold_find_nothing(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let event = json!({ "event_type": "page_view", "timestamp": "2026-11-22T10:00:00Z", "metadata": { "plan": "a" } });
        site.post(event).await.ok();
        // As GraphQL writes the character NUL.
        let nul = r"\u0000";
        assert_eq!(site.ask(&format!("user(userId: \"a{nul}\") {{ userId }}")).await["user"], Value::Null);
        for filter in [
            format!("os: {{ eq: \"a{nul}\" }}"),
            format!("eventType: {{ contains: \"{nul}\" }}"),
            format!("userId: {{ in: [\"a{nul}\"] }}"),
            format!("property: {{ key: \"plan{nul}\", string: {{ eq: \"a\" }} }}"),
            format!("property: {{ key: \"plan\", string: {{ eq: \"a{nul}\" }} }}"),
        ] {
            let arguments = format!("{TODAY}, filter: {{ {filter} }}");
            let ask = format!("summary({arguments}) {{ events }} events({arguments}, first: 1) {{ nodes {{ id }} }}");
            assert_eq!(site.ask(&ask).await, json!({ "summary": { "events": 0 }, "events": { "nodes": [] } }), "{filter}");
        }
        let ask = format!("breakdown({TODAY}, by: [PROPERTY], property: \"plan{nul}\") {{ rows {{ label }} }}");
        assert_eq!(site.ask(&ask).await["breakdown"]["rows"], json!([{ "label": "(none)" }]));
    }

    async fn a_cursor_continues_only_the_list_it_came_from(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let event = |n: u32| json!({ "event_type": "page_view", "timestamp": format!("2026-11-22T10:00:{n:02}Z"), "user_id": format!("{n}") });
        site.post((0..5).map(event).collect::<Vec<_>>()).await.ok();
        let events = &site.ask(&format!("events({TODAY}, first: 1) {{ pageInfo {{ endCursor }} }}")).await["events"];
        let cursor = events["pageInfo"]["endCursor"].as_str().unwrap();
        let good = format!("events({TODAY}, first: 1, after: \"{cursor}\") {{ nodes {{ userId }} }}");
        assert_eq!(site.ask(&good).await["events"]["nodes"][0]["userId"], "3");
        let tampered = format!("{}A{}", &cursor[..20], &cursor[21..]);
        let long = "A".repeat(20_000);
        for selection in [
            good.replace("events(", "users("),
            good.replace(TODAY, "range: { preset: YESTERDAY }"),
            good.replace("first: 1", "first: 1, filter: { os: { eq: \"Linux\" } }"),
            good.replace(cursor, &tampered),
            good.replace(cursor, "x"),
            good.replace(cursor, ""),
            good.replace(cursor, "eyJ2IjoxfQ"),
            good.replace(cursor, &long),
            format!("apiKeys(first: 1, after: \"{cursor}\") {{ nodes {{ id }} }}"),
        ] {
            assert_eq!(refusal(&site, &selection).await, ("BAD_USER_INPUT".into(), "after".into()), "{selection:.120}");
        }
        // Bob's own list does not take Alice's cursor either.
        let other = Site::of(app.user("bob").await, "Bob's site").await;
        assert_eq!(refusal(&other, &good).await, ("BAD_USER_INPUT".into(), "after".into()));
    }

    async fn ids_of_others_name_nothing(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(json!({ "event_type": "page_view", "timestamp": "2026-11-22T10:00:00Z" })).await.ok();
        let known = site.ask(&format!("apiKeys(first: 1) {{ nodes {{ id }} }} events({TODAY}, first: 1) {{ nodes {{ id }} }}")).await;
        let alice = site.owner.graphql("{ viewer { id sessions { id } } }", json!({})).await.data();
        let bob = app.user("bob").await;
        let unknown = "app_00000000000070008000000000000000";
        let ids = [
            json!(site.app_id),
            known["apiKeys"]["nodes"][0]["id"].clone(),
            known["events"]["nodes"][0]["id"].clone(),
            alice["viewer"]["id"].clone(),
            alice["viewer"]["sessions"][0]["id"].clone(),
        ];
        let node = "query($id: ID!) { node(id: $id) { id } }";
        let refused = bob.graphql(node, json!({ "id": unknown })).await;
        for id in &ids {
            assert_eq!(site.owner.graphql(node, json!({ "id": id })).await.data()["node"]["id"], *id);
            let reply = bob.graphql(node, json!({ "id": id })).await;
            assert_eq!((&reply.body["data"], &reply.body["errors"]), (&refused.body["data"], &refused.body["errors"]), "{id}");
        }
        let app_query = "query($id: ID!) { app(id: $id) { name } }";
        let refused = bob.graphql(app_query, json!({ "id": unknown })).await;
        assert_eq!((refused.error_code(), &refused.body["data"]), ("NOT_FOUND", &json!({ "app": null })));
        for id in ids.iter().cloned().chain([json!(""), json!("app_"), json!("x".repeat(5_000)), json!("app_\u{0}")]) {
            let reply = bob.graphql(app_query, json!({ "id": id })).await;
            assert_eq!((&reply.body["data"], &reply.body["errors"]), (&refused.body["data"], &refused.body["errors"]), "{id}");
        }
    }
}
