//! API keys: shown once, expired by the clock, revoked at once, counted without loss.

use event_analytics::entity::api_key;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value, json};

use crate::support::{
    app::{Store, TestApp},
    people::{Person, Site},
};

const FIELDS: &str =
    "id name prefix status createdAt expiresAt revokedAt lastUsedAt usageCount requestsPerMinute eventsPerMinute";

/// The app's keys as its owner sees them, newest first.
async fn keys(site: &Site) -> Vec<Value> {
    let app = site.ask(&format!("apiKeys(first: 100) {{ nodes {{ {FIELDS} }} }}")).await;
    app["apiKeys"]["nodes"].as_array().unwrap().clone()
}

/// The HTTP status of an event let in, or not, by `key`.
async fn knock(site: &Site, key: &str) -> u16 {
    let site = Site { key: key.to_owned(), ..site.clone() };
    site.post(json!({ "event_type": "knock" })).await.status.as_u16()
}

async fn change(owner: &Person, mutation: &str, id: &Value) -> Value {
    let selection = if mutation == "revokeApiKey" {
        format!("apiKey {{ {FIELDS} }}")
    } else {
        format!("key apiKey {{ {FIELDS} }}")
    };
    owner.mutate(mutation, json!({ "id": id }), &selection).await.data()[mutation].clone()
}

both_stores! {
    async fn a_key_is_shown_once_and_lets_events_in(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let input = json!({
            "appId": site.app_id, "name": " Web ", "expiresAt": "2026-11-22T13:00:00+00:00",
            "requestsPerMinute": 50, "eventsPerMinute": 1000,
        });
        let made = site.owner.mutate("createApiKey", input, &format!("key apiKey {{ {FIELDS} }}")).await.data();
        let (key, shown) = (made["createApiKey"]["key"].as_str().unwrap(), &made["createApiKey"]["apiKey"]);
        assert!(key.starts_with("uea_") && key.len() == 53, "{key}");
        let expected = json!({
            "id": shown["id"], "name": "Web", "prefix": &key[..12], "status": "ACTIVE",
            "createdAt": "2026-11-22T12:00:00.000Z", "expiresAt": "2026-11-22T13:00:00.000Z", "revokedAt": null,
            "lastUsedAt": null, "usageCount": 0, "requestsPerMinute": 50, "eventsPerMinute": 1000,
        });
        assert_eq!(shown, &expected);
        assert_eq!(knock(&site, key).await, 200);
        assert_eq!(keys(&site).await.len(), 2);
        let dump = site.owner.graphql("{ viewer { apps(first: 9) { nodes { apiKeys(first: 9) { nodes { prefix } } } } } }", json!({})).await;
        assert!(!dump.text.contains(&key[12..]));

        // What is stored is a digest that says nothing about the key.
        let stored = api_key::Entity::find().all(&*app.app.db).await.unwrap();
        for row in stored {
            assert!(row.digest.len() == 64 && row.digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert!(!key.contains(&row.digest));
        }
    }

    async fn what_cannot_be_a_key_is_refused_by_name(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        for (field, value) in [
            ("name", json!("")),
            ("name", json!("x".repeat(101))),
            ("name", json!("\0")),
            ("expiresAt", json!("2026-11-22T12:00:00Z")),
            ("expiresAt", json!("2020-01-01T00:00:00Z")),
            ("requestsPerMinute", json!(0)),
            ("requestsPerMinute", json!(-1)),
            ("eventsPerMinute", json!(0)),
            ("eventsPerMinute", json!(2_000_000_000)),
        ] {
            let mut input = json!({ "appId": site.app_id, "name": "Web" });
            input[field] = value.clone();
            let reply = site.owner.mutate("createApiKey", input, "key").await;
            assert_eq!(reply.error_code(), "BAD_USER_INPUT", "{field}: {value}");
            assert_eq!(reply.at("/errors/0/extensions/field"), &json!(format!("input.{field}")));
        }
        for (field, value) in [("expiresAt", json!("tomorrow")), ("requestsPerMinute", json!("many"))] {
            let mut input = json!({ "appId": site.app_id, "name": "Web" });
            input[field] = value;
            assert_eq!(site.owner.mutate("createApiKey", input, "key").await.error_code(), "BAD_USER_INPUT");
        }
        assert_eq!(keys(&site).await.len(), 1);
    }

    async fn a_key_expires_by_the_clock_alone(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let input = json!({ "appId": site.app_id, "name": "Short", "expiresAt": "2026-11-22T12:01:00Z" });
        let key = site.owner.create_key_with(input).await;
        assert_eq!(knock(&site, &key).await, 200);
        app.clock.advance(59_999);
        assert_eq!(knock(&site, &key).await, 200);
        app.clock.advance(1);
        assert_eq!(knock(&site, &key).await, 401, "though it was in the cache");
        assert_eq!(keys(&site).await[0]["status"], "EXPIRED");
        assert_eq!(keys(&site).await[1]["status"], "ACTIVE");
    }

    async fn a_revoked_or_replaced_key_stops_at_once(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let old = site.key.clone();
        assert_eq!(knock(&site, &old).await, 200);
        let id = keys(&site).await[0]["id"].clone();

        let replaced = change(&site.owner, "regenerateApiKey", &id).await;
        let new = replaced["key"].as_str().unwrap().to_owned();
        assert_ne!(new, old);
        assert_eq!((&replaced["apiKey"]["id"], &replaced["apiKey"]["prefix"]), (&id, &json!(&new[..12])));
        assert_eq!(knock(&site, &old).await, 401);
        assert_eq!(knock(&site, &new).await, 200);

        app.clock.advance(1_000);
        let revoked = change(&site.owner, "revokeApiKey", &id).await;
        assert_eq!(revoked["apiKey"]["status"], "REVOKED");
        assert_eq!(revoked["apiKey"]["revokedAt"], "2026-11-22T12:00:01.000Z");
        assert_eq!(knock(&site, &new).await, 401);
        app.clock.advance(1_000);
        let again = change(&site.owner, "revokeApiKey", &id).await;
        assert_eq!(again["apiKey"]["revokedAt"], revoked["apiKey"]["revokedAt"], "the first time counts");
        let reply = site.owner.mutate("regenerateApiKey", json!({ "id": id }), "key").await;
        assert_eq!(reply.error_code(), "CONFLICT");
        assert_eq!(knock(&site, &new).await, 401);
    }

    async fn nobody_reaches_another_owners_keys(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let eve = app.user("eve").await;
        let id = keys(&site).await[0]["id"].clone();
        let before = keys(&site).await;
        for mutation in ["revokeApiKey", "regenerateApiKey"] {
            let theirs = eve.mutate(mutation, json!({ "id": id }), "apiKey { id }").await;
            let unknown = json!({ "id": "key_00000000000000000000000000000000" });
            let unknown = eve.mutate(mutation, unknown, "apiKey { id }").await;
            assert_eq!(theirs.error_code(), "NOT_FOUND");
            assert_eq!(theirs.error_message(), unknown.error_message(), "no hint that it exists");
            for malformed in ["", "key_1", site.app_id.as_str(), "\0"] {
                let reply = site.owner.mutate(mutation, json!({ "id": malformed }), "apiKey { id }").await;
                assert_eq!(reply.error_code(), "NOT_FOUND", "{malformed:?}");
            }
            let stranger = app.anonymous().mutate(mutation, json!({ "id": id }), "apiKey { id }").await;
            assert_eq!(stranger.error_code(), "UNAUTHENTICATED");
        }
        let into = json!({ "appId": site.app_id, "name": "Mine" });
        assert_eq!(eve.mutate("createApiKey", into.clone(), "key").await.error_code(), "NOT_FOUND");
        assert_eq!(app.anonymous().mutate("createApiKey", into, "key").await.error_code(), "UNAUTHENTICATED");
        assert_eq!(keys(&site).await, before);
        assert_eq!(knock(&site, &site.key).await, 200);
    }

    async fn use_is_counted_and_never_lost(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let sibling = app.sibling().await;
        let there = Site { owner: Person { url: sibling.url.clone(), ..site.owner.clone() }, ..site.clone() };
        site.post(json!([{ "event_type": "a" }, { "event_type": "b" }, { "event_type": "" }])).await.ok();
        app.clock.advance(5_000);
        there.post(json!({ "event_type": "c" })).await.ok();

        // Nothing is lost while the table cannot be written.
        let write = |sql: &'static str| app.app.db.writer().execute_unprepared(sql);
        write("ALTER TABLE api_keys RENAME TO away").await.unwrap();
        assert!(app.app.api_keys.flush_usage().await.is_err());
        write("ALTER TABLE away RENAME TO api_keys").await.unwrap();

        // The later use wins, whichever instance writes last.
        sibling.app.api_keys.flush_usage().await.unwrap();
        app.app.api_keys.flush_usage().await.unwrap();
        let key = keys(&site).await.remove(0);
        assert_eq!((&key["usageCount"], &key["lastUsedAt"]), (&json!(3), &json!("2026-11-22T12:00:05.000Z")));

        // And nothing at a stop.
        site.post(json!({ "event_type": "d" })).await.ok();
        let app = app.stop().await.start().await;
        let site = Site { owner: Person { url: app.url.clone(), ..site.owner.clone() }, ..site };
        assert_eq!(keys(&site).await[0]["usageCount"], 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_key_is_told_from_an_unknown_one() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let other = TestApp::start(Store::Sqlite).await.site().await;
    let mangled = site.key.replace("uea_", "uea_x");
    for (key, says) in [("nonsense", "malformed"), (mangled.as_str(), "malformed"), (other.key.as_str(), "unknown")] {
        let reply = Site { key: key.to_owned(), ..site.clone() }.post(json!({ "event_type": "knock" })).await;
        assert_eq!(reply.clone().refused(401), "UNAUTHENTICATED");
        assert!(reply.text.contains(says), "{}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_has_a_bounded_number_of_keys() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    for _ in 1..100 {
        site.owner.create_key(&site.app_id).await;
    }
    let input = json!({ "appId": site.app_id, "name": "One too many" });
    assert_eq!(site.owner.mutate("createApiKey", input.clone(), "key").await.error_code(), "CONFLICT");
    let id = keys(&site).await[0]["id"].clone();
    change(&site.owner, "revokeApiKey", &id).await;
    site.owner.mutate("createApiKey", input, "key").await.data();
}
