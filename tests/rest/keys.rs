//! Who may send, how often, and what is counted.

use event_analytics::entity::api_key;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, Set};
use serde_json::json;

use super::{counts, row, rows};
use crate::support::{
    app::{Store, TestApp},
    people::{Person, Site},
    reply::Reply,
};

both_stores! {
    async fn a_key_may_travel_in_several_places(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let post = || app.http.post(format!("{}/api/v1/events", app.url)).json(&json!({"event_type": "x"}));
        for request in [
            post().header("x-api-key", &site.key),
            post().bearer_auth(&site.key),
            post().basic_auth(&site.key, None::<&str>),
            post().basic_auth(&site.key, Some("")),
            post().query(&[("key", &site.key)]),
            // A header wins over the address.
            post().header("x-api-key", &site.key).query(&[("key", "wrong")]),
        ] {
            assert_eq!(counts(&Reply::of(request).await.ok()), (1, 0, 0));
        }
        assert_eq!(rows(&app, &site).await.len(), 6);
    }

    async fn requests_are_limited_per_key(store: Store) {
        let app = TestApp::with(store, &[("RATE_LIMIT_INGEST_PER_MINUTE", "3")]).await;
        let site = app.site().await;
        for left in [2, 1, 0] {
            let reply = site.post(json!({"event_type": "x"})).await;
            assert_eq!(reply.header("ratelimit-limit"), "3");
            assert_eq!(reply.header("ratelimit-remaining"), left.to_string());
            assert!(reply.header("ratelimit-reset").parse::<u64>().unwrap() <= 60);
            reply.ok();
        }
        let reply = site.post(json!({"event_type": "x"})).await;
        assert_eq!(reply.header("ratelimit-remaining"), "0");
        let wait: u64 = reply.header("retry-after").parse().unwrap();
        assert!((1..=20).contains(&wait), "{wait}");
        assert_eq!(reply.refused(429), "RATE_LIMITED");
        assert_eq!(rows(&app, &site).await.len(), 3);
    }

    async fn a_key_may_have_a_rate_and_a_budget_of_its_own(store: Store) {
        let app = TestApp::with(store, &[("RATE_LIMIT_INGEST_PER_MINUTE", "2")]).await;
        let site = app.site().await;
        let key = api_key::Entity::find().one(&*app.app.db).await.unwrap().unwrap();
        let mut key = key.into_active_model();
        key.requests_per_minute = Set(Some(50));
        key.events_per_minute = Set(Some(100));
        key.update(app.app.db.writer()).await.unwrap();
        let events = |count: usize| json!(vec![json!({"event_type": "x"}); count]);
        assert_eq!(site.post(events(60)).await.header("ratelimit-limit"), "50");
        let reply = site.post(events(60)).await;
        assert!(reply.header("retry-after").parse::<u64>().unwrap() <= 60);
        assert_eq!(reply.refused(429), "RATE_LIMITED");
        site.post(events(40)).await.ok();
        assert_eq!(site.post(events(101)).await.refused(413), "TOO_LARGE", "more than a whole minute's budget");
        assert_eq!(rows(&app, &site).await.len(), 100);
        let limits = app.http.get(format!("{}/api/v1/limits", app.url)).bearer_auth(&site.key);
        let data = Reply::of(limits).await.ok();
        assert_eq!((data["requests_per_minute"].as_u64(), data["events_per_minute"].as_u64()), (Some(50), Some(100)));
    }

    async fn strangers_have_few_guesses_and_good_keys_none_to_fear(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(json!({"event_type": "x"})).await.ok();
        let guess = async |n: u32| {
            let request = app.http.post(format!("{}/api/v1/events", app.url)).json(&json!({"event_type": "x"}));
            Reply::of(request.header("x-api-key", unknown_key(n))).await
        };
        for n in 0..60 {
            assert_eq!(guess(n).await.refused(401), "UNAUTHENTICATED");
        }
        let mut refused = 0;
        for n in 60..70 {
            let reply = guess(n).await;
            if reply.status == 429 {
                assert_eq!(reply.header("retry-after"), "1");
                refused += 1;
            }
        }
        assert!(refused >= 5, "permits come back one a second: {refused}");
        // Known keys pass, also when they have to be read anew.
        let app_id = site.app_id.strip_prefix("app_").unwrap().parse().unwrap();
        app.app.api_keys.forget(app_id);
        site.post(json!({"event_type": "x"})).await.ok();
        assert_eq!(rows(&app, &site).await.len(), 2);
    }

    async fn a_known_key_outlives_an_outage_and_a_revoked_or_unknown_one_does_not(store: Store) {
        let app = TestApp::with(store, &[("SPOOL_MAX_BYTES", "1048576")]).await;
        let site = app.site().await;
        let [revoked, elsewhere] = [Site::of(site.owner.clone(), "a").await, Site::of(site.owner.clone(), "b").await];
        for site in [&site, &revoked, &elsewhere] {
            site.post(json!({"event_type": "x"})).await.ok();
        }
        // What is changed of one app makes nobody forget the keys of another.
        revoke(&revoked, &app.url).await;
        let sibling = app.sibling().await;
        revoke(&elsewhere, &sibling.url).await;
        app.app.api_keys.read_again().await.unwrap();
        app.app.db.close().await;
        // Longer than what was read is trusted without asking.
        tokio::time::sleep(std::time::Duration::from_millis(5_200)).await;
        assert_eq!(site.post(json!({"event_type": "x"})).await.expect(202).at("/data/spooled"), 1);
        let stranger = Site { key: unknown_key(1), ..site.clone() };
        for site in [revoked, elsewhere, stranger] {
            assert_eq!(site.post(json!({"event_type": "x"})).await.refused(503), "UNAVAILABLE");
        }
    }

    async fn use_of_a_key_is_counted(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(json!([{"event_type": "x", "id": "1"}, {"event_type": "x"}, {}])).await.ok();
        site.post(json!([{"event_type": "x", "id": "1"}, {"event_type": "x"}])).await.ok();
        let app = app.stop().await.start().await;
        let key = api_key::Entity::find().one(&*app.app.db).await.unwrap().unwrap();
        assert_eq!(key.usage_count, 3, "duplicates and refused events are not use");
        assert!(key.last_used_at.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_does_not_name_its_app() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    site.post(json!({"event_type": "x", "app_id": "0193a5f0-7c1e-7000-8000-0123456789ab", "seq": 99})).await.ok();
    assert_eq!(row(&app, &site).await.seq, 1);
}

/// Ends the site's key through the instance at `url`.
async fn revoke(site: &Site, url: &str) {
    let keys = site.ask("apiKeys(first: 1) { nodes { id } }").await;
    let owner = Person { url: url.to_owned(), ..site.owner.clone() };
    let input = json!({"id": keys["apiKeys"]["nodes"][0]["id"]});
    owner.mutate("revokeApiKey", input, "apiKey { id }").await.data();
}

/// A well-formed key that nobody has made.
fn unknown_key(n: u32) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let random = format!("{n:043}");
    let crc = crc32fast::hash(random.as_bytes());
    let checksum = (0..6).rev().map(|place| char::from(DIGITS[(crc / 62u32.pow(place) % 62) as usize]));
    format!("uea_{random}{}", checksum.collect::<String>())
}
