//! What a key is good for: letting events in or asking, the secret before it for a while, and how much it is used.

use event_analytics::entity::api_key_day;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::support::{
    app::{Store, TestApp},
    people::{Person, Site},
    reply::Reply,
};

const DAY: i64 = 24 * 60 * 60 * 1_000;

/// A server of the site's owner, with a key that reads.
async fn reader(site: &Site) -> Person {
    let input = json!({ "appId": site.app_id, "name": "Server", "scope": "READ" });
    Person { token: Some(site.owner.create_key_with(input).await), ..site.owner.clone() }
}

/// The id of the key that was made last.
async fn latest(site: &Site) -> Value {
    site.ask("apiKeys(first: 1) { nodes { id } }").await["apiKeys"]["nodes"][0]["id"].clone()
}

/// What the owner sees of the key that was made last.
async fn seen(site: &Site, selection: &str) -> Value {
    site.ask(&format!("apiKeys(first: 1) {{ nodes {{ {selection} }} }}")).await["apiKeys"]["nodes"][0].clone()
}

async fn knock(site: &Site, key: &str) -> u16 {
    Site { key: key.to_owned(), ..site.clone() }.post(json!({ "event_type": "knock" })).await.status.as_u16()
}

both_stores! {
    async fn a_key_that_reads_asks_about_its_app_and_nothing_else(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(json!([{ "event_type": "a" }, { "event_type": "b" }])).await.ok();
        let other = Site::of(site.owner.clone(), "Another").await;
        let asking = Site { owner: reader(&site).await, ..site.clone() };
        let figures = asking.ask("name myRole organization { id } summary(range: { preset: TODAY }) { events }").await;
        let expected = json!({ "name": "Alice's site", "myRole": "VIEWER", "organization": null, "summary": { "events": 2 } });
        assert_eq!(figures, expected);
        let asked = asking.owner.graphql("{ viewer { email } rateLimit { limit } }", json!({})).await.data();
        assert_eq!(asked["viewer"], Value::Null);

        let strange = Site { app_id: other.app_id.clone(), ..asking.clone() };
        assert_eq!(strange.try_ask("name").await.error_code(), "NOT_FOUND");
        assert_eq!(asking.try_ask("apiKeys(first: 1) { nodes { prefix } }").await.error_code(), "FORBIDDEN");
        assert_eq!(asking.try_ask("erasures(first: 1) { __typename }").await.error_code(), "FORBIDDEN");
        let owned = site.ask("apiKeys(first: 1) { nodes { id } } organization { id }").await;
        for id in [&owned["apiKeys"]["nodes"][0]["id"], &owned["organization"]["id"]] {
            let reply = asking.owner.graphql(&format!("{{ node(id: {id}) {{ id }} }}"), json!({})).await;
            assert_eq!(reply.error_code(), "NOT_FOUND");
        }
        for (mutation, input) in [
            ("updateApp", json!({ "id": site.app_id, "name": "Mine" })),
            ("createApiKey", json!({ "appId": site.app_id, "name": "Mine", "scope": "READ" })),
            ("signIn", json!({ "email": "alice@example.com", "password": "correct horse battery staple" })),
            ("register", json!({ "email": "key@example.com", "password": "correct horse battery", "name": "x" })),
        ] {
            let reply = asking.owner.mutate(mutation, input, "__typename").await.expect(403);
            assert_eq!(reply.error_code(), "FORBIDDEN", "{mutation}");
        }
        let key = asking.owner.token.clone().unwrap();
        assert_eq!(knock(&site, &key).await, 403, "it lets no events in");
        let lets_in = Person { token: Some(site.key.clone()), ..site.owner.clone() };
        assert_eq!(lets_in.graphql("{ __typename }", json!({})).await.expect(403).error_code(), "FORBIDDEN");
        // Whatever comes from a page comes from whoever looks at it.
        for (header, value) in [("origin", app.url.as_str()), ("sec-fetch-site", "same-origin")] {
            let request = asking.owner.request("POST", "/graphql").header(header, value);
            let reply = Reply::of(request.json(&json!({ "query": "{ __typename }" }))).await.expect(403);
            assert_eq!(reply.error_code(), "FORBIDDEN");
        }
        let forged = format!("{}{}", &key[..52], if key.ends_with('x') { 'y' } else { 'x' });
        for wrong in [forged.as_str(), "uea_", "uea_short"] {
            let forger = Person { token: Some(wrong.to_owned()), ..site.owner.clone() };
            assert_eq!(forger.graphql("{ __typename }", json!({})).await.expect(401).error_code(), "UNAUTHENTICATED");
        }
        site.owner.mutate("revokeApiKey", json!({ "id": latest(&site).await }), "apiKey { id }").await.data();
        assert_eq!(asking.try_ask("name").await.expect(401).error_code(), "UNAUTHENTICATED");
    }

    async fn a_key_that_reads_has_a_rate_and_a_use_of_its_own(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        for (field, value) in [("eventsPerMinute", json!(5)), ("allowedOrigins", json!(["https://shop.example"]))] {
            let mut input = json!({ "appId": site.app_id, "name": "Server", "scope": "READ" });
            input[field] = value;
            let reply = site.owner.mutate("createApiKey", input, "key").await;
            assert_eq!(reply.at("/errors/0/extensions/field"), &json!(format!("input.{field}")));
        }
        let input = json!({ "appId": site.app_id, "name": "Server", "scope": "READ", "requestsPerMinute": 3 });
        let key = site.owner.create_key_with(input).await;
        let asking = Site { owner: Person { token: Some(key), ..site.owner.clone() }, ..site.clone() };
        let origins = json!({ "id": latest(&site).await, "allowedOrigins": ["https://shop.example"] });
        assert_eq!(site.owner.mutate("updateApiKey", origins, "apiKey { id }").await.error_code(), "BAD_USER_INPUT");
        for left in (0..3).rev() {
            let reply = asking.try_ask("name").await.expect(200);
            assert_eq!((reply.header("ratelimit-limit"), reply.header("ratelimit-remaining")), ("3", &*left.to_string()));
        }
        assert_eq!(asking.try_ask("name").await.expect(429).error_code(), "RATE_LIMITED");
        assert_eq!(site.try_ask("name").await.status, 200, "the owner has a rate of their own");
        app.app.api_keys.flush_usage().await.unwrap();
        let shown = seen(&site, "scope usageCount lastUsedAt").await;
        assert_eq!(shown, json!({ "scope": "READ", "usageCount": 3, "lastUsedAt": "2026-11-22T12:00:00.000Z" }));
    }

    async fn a_replaced_key_works_on_for_as_long_as_was_said(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let (id, fields) = (latest(&site).await, "prefix previousPrefix previousWorksUntil expiresAt");
        let replace = async |until: Option<&str>| {
            let input = json!({ "id": id, "previousWorksUntil": until });
            site.owner.mutate("regenerateApiKey", input, &format!("key apiKey {{ {fields} }}")).await
        };
        for wrong in ["2026-11-22T12:00:00Z", "2020-01-01T00:00:00Z", "2026-11-29T12:00:00.001Z"] {
            let reply = replace(Some(wrong)).await;
            assert_eq!(reply.at("/errors/0/extensions/field"), "input.previousWorksUntil", "{wrong}");
        }
        let first = site.key.clone();
        let made = replace(Some("2026-11-29T12:00:00Z")).await.data()["regenerateApiKey"].clone();
        let second = made["key"].as_str().unwrap().to_owned();
        let expected = json!({
            "prefix": &second[..12], "previousPrefix": &first[..12], "expiresAt": null,
            "previousWorksUntil": "2026-11-29T12:00:00.000Z",
        });
        assert_eq!(made["apiKey"], expected);
        assert_eq!((knock(&site, &first).await, knock(&site, &second).await), (200, 200));

        // The one before the one before is good for nothing any more.
        let made = replace(Some("2026-11-22T13:00:00Z")).await.data()["regenerateApiKey"].clone();
        let third = made["key"].as_str().unwrap().to_owned();
        assert_eq!((knock(&site, &first).await, knock(&site, &second).await), (401, 200));
        app.clock.advance(DAY / 24 - 1);
        assert_eq!(knock(&site, &second).await, 200);
        app.clock.advance(1);
        assert_eq!((knock(&site, &second).await, knock(&site, &third).await), (401, 200), "though it was in the cache");
        let shown = seen(&site, fields).await;
        assert_eq!((&shown["previousPrefix"], &shown["previousWorksUntil"]), (&Value::Null, &Value::Null));

        // Use of either is use of the key; to revoke it ends both.
        let made = replace(Some("2026-11-23T12:00:00Z")).await.data()["regenerateApiKey"].clone();
        let fourth = made["key"].as_str().unwrap().to_owned();
        assert_eq!((knock(&site, &third).await, knock(&site, &fourth).await), (200, 200));
        app.app.api_keys.flush_usage().await.unwrap();
        assert_eq!(seen(&site, "usageCount").await["usageCount"], 7);
        app.app.api_keys.read_again().await.unwrap();
        site.owner.mutate("revokeApiKey", json!({ "id": id }), "apiKey { id }").await.data();
        assert_eq!((knock(&site, &third).await, knock(&site, &fourth).await), (401, 401));
        assert_eq!(seen(&site, fields).await["previousWorksUntil"], Value::Null);
    }

    async fn use_is_told_by_day_and_what_is_unusual_stands_out(store: Store) {
        let app = TestApp::start(store).await;
        let mut site = app.site().await;
        let usage = "isUnusual usage(days: 3) { start uses isUnusual }";
        for _ in 0..7 {
            site.post(json!({ "event_type": "a" })).await.ok();
            app.clock.advance(DAY);
        }
        site.owner.sign_in().await;
        let shown = seen(&site, usage).await;
        assert_eq!(shown["isUnusual"], false);
        let many: Vec<_> = (0..1_001).map(|_| json!({ "event_type": "a" })).collect();
        // From two instances, which know nothing of each other's count.
        let sibling = app.sibling().await;
        let there = Site { owner: Person { url: sibling.url.clone(), ..site.owner.clone() }, ..site.clone() };
        site.post(&many[..600]).await.ok();
        there.post(&many[600..]).await.ok();
        for instance in [&app, &sibling] {
            instance.app.api_keys.flush_usage().await.unwrap();
        }
        let expected = json!({ "isUnusual": true, "usage": [
            { "start": "2026-11-29T00:00:00.000Z", "uses": 1001, "isUnusual": true },
            { "start": "2026-11-28T00:00:00.000Z", "uses": 1, "isUnusual": false },
            { "start": "2026-11-27T00:00:00.000Z", "uses": 1, "isUnusual": false },
        ] });
        assert_eq!(seen(&site, usage).await, expected);
        assert_eq!(seen(&site, "usage { uses }").await["usage"].as_array().unwrap().len(), 8, "since it was made");
        app.clock.advance(2 * DAY);
        assert_eq!(seen(&site, "isUnusual").await["isUnusual"], false);
        for days in [0, 401, -1] {
            let reply = site.try_ask(&format!("apiKeys(first: 1) {{ nodes {{ usage(days: {days}) {{ uses }} }} }}")).await;
            assert_eq!(reply.at("/errors/0/extensions/field"), "days");
        }
        let days = || async { api_key_day::Entity::find().count(&*app.app.db).await.unwrap() };
        assert_eq!(days().await, 8);
        app.clock.advance(396 * DAY);
        app.app.api_keys.forget_old_days().await.unwrap();
        assert_eq!(days().await, 3, "400 days are kept");
        // What is counted of a key whose app has gone meanwhile is no trouble to others.
        site.post(json!({ "event_type": "a" })).await.ok();
        let other = Site::of(app.user("bob").await, "Another").await;
        other.post(json!({ "event_type": "a" })).await.ok();
        site.owner.sign_in().await;
        site.owner.mutate("deleteApp", json!({ "id": site.app_id }), "deletedAppId").await.data();
        app.app.api_keys.flush_usage().await.unwrap();
        assert_eq!(days().await, 1);
    }
}
