//! Ids that are known to be one person's, from the event on that says so.

use event_analytics::entity::{event_head, identity};
use reqwest::StatusCode;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::rows;
use crate::support::{
    app::{Store, TestApp},
    people::{Person, Site},
    reply::Reply,
};

/// A call in the words of the SDK that has them all.
async fn call(site: &Site, path: &str, body: Value) {
    let request = site.owner.http.post(format!("{}/v1/{path}", site.owner.url)).basic_auth(&site.key, Some(""));
    assert_eq!(Reply::of(request.json(&body)).await.status, StatusCode::OK, "{path} {body}");
}

async fn identify(site: &Site, anonymous: &str, user: &str) {
    call(site, "identify", json!({ "anonymousId": anonymous, "userId": user })).await;
}

async fn alias(site: &Site, previous: &str, user: &str) {
    call(site, "alias", json!({ "previousId": previous, "userId": user })).await;
}

/// Whom an event of an anonymous visitor, or of a user, counts for.
async fn who(app: &TestApp, site: &Site, field: &str, id: &str) -> Option<String> {
    site.post(json!({ "event_type": "x", field: id })).await.ok();
    let last = rows(app, site).await.pop().unwrap();
    last.user_id.or(last.anonymous_id)
}

async fn links(app: &TestApp) -> i64 {
    event_head::Entity::find().one(&*app.app.db).await.unwrap().unwrap().links
}

both_stores! {
    async fn activity_counts_for_the_user_from_the_link_on(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        assert_eq!(who(&app, &site, "anonymous_id", "a1").await.unwrap(), "a1");
        assert_eq!(links(&app).await, 0);
        identify(&site, "a1", "ada").await;
        assert_eq!(links(&app).await, 1);
        assert_eq!(who(&app, &site, "anonymous_id", "a1").await.unwrap(), "ada");
        assert_eq!(who(&app, &site, "anonymous_id", "a2").await.unwrap(), "a2");
        let last = rows(&app, &site).await;
        let linked = last.iter().find(|row| row.event_type == "x" && row.user_id.as_deref() == Some("ada")).unwrap();
        assert_eq!(linked.anonymous_id.as_deref(), Some("a1"), "what was sent is kept");
        // Another app, and another instance.
        let sibling = app.sibling().await;
        let there = Site { owner: Person { url: sibling.url.clone(), ..site.owner.clone() }, ..site.clone() };
        assert_eq!(who(&app, &there, "anonymous_id", "a1").await.unwrap(), "ada");
        let second = Site::of(site.owner.clone(), "Second").await;
        assert_eq!(who(&app, &second, "anonymous_id", "a1").await.unwrap(), "a1");
        // Said twice, it is one link.
        identify(&site, "a1", "ada").await;
        assert_eq!(identity::Entity::find().all(&*app.app.db).await.unwrap().len(), 1);

        let ask = async |id: &str| {
            site.ask(&format!("user(userId: \"{id}\") {{ userId totals {{ events }} }}")).await["user"].clone()
        };
        let ada = ask("ada").await;
        assert_eq!((&ada["userId"], &ada["totals"]["events"]), (&json!("ada"), &json!(4)));
        assert_eq!(ask("a1").await, ada, "a linked id gives the user");
        assert_eq!(ask("a2").await["totals"]["events"], 1);
        let users = site.ask("users(range: { preset: TODAY }, first: 9, orderBy: EVENTS) { nodes { userId totals { events } } }").await;
        assert_eq!(users["users"]["nodes"][0], json!({ "userId": "ada", "totals": { "events": 4 } }));

        site.owner.mutate("deleteApp", json!({ "id": site.app_id }), "deletedAppId").await.data();
        assert!(identity::Entity::find().all(&*app.app.db).await.unwrap().is_empty());
    }

    async fn links_are_followed_to_their_end_and_never_round(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        identify(&site, "a1", "old").await;
        alias(&site, "old", "new").await;
        assert_eq!(who(&app, &site, "anonymous_id", "a1").await.unwrap(), "new");
        assert_eq!(who(&app, &site, "user_id", "old").await.unwrap(), "new");
        // To a user who has moved on.
        identify(&site, "a2", "old").await;
        assert_eq!(who(&app, &site, "anonymous_id", "a2").await.unwrap(), "new");
        // Back again, and to oneself.
        alias(&site, "new", "old").await;
        alias(&site, "new", "a1").await;
        assert_eq!(who(&app, &site, "user_id", "new").await.unwrap(), "new");
        assert_eq!(who(&app, &site, "user_id", "old").await.unwrap(), "new");
        assert_eq!(links(&app).await, 3);
    }

    async fn posthog_s_alias_is_one_too(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let alias = json!({ "api_key": site.key, "event": "$create_alias", "distinct_id": "ada",
            "properties": { "distinct_id": "ada", "alias": "a1" } });
        Reply::of(site.owner.http.post(format!("{}/capture/", site.owner.url)).json(&alias)).await.expect(200);
        assert_eq!(who(&app, &site, "anonymous_id", "a1").await.unwrap(), "ada");
        assert_eq!(who(&app, &site, "user_id", "a1").await.unwrap(), "ada");
        assert_eq!(links(&app).await, 1);
    }

    async fn the_newest_sign_in_holds(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        identify(&site, "shared", "ada").await;
        assert_eq!(who(&app, &site, "anonymous_id", "shared").await.unwrap(), "ada");
        identify(&site, "shared", "bob").await;
        assert_eq!(who(&app, &site, "anonymous_id", "shared").await.unwrap(), "bob");
        assert_eq!(links(&app).await, 1);
        let ada = site.ask("user(userId: \"ada\") { totals { events } }").await;
        assert_eq!(ada["user"]["totals"]["events"], 2, "what was hers stays hers");
    }

    async fn a_batch_is_read_in_its_order(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let track = |name: &str| json!({ "type": "track", "event": name, "anonymousId": "a1" });
        let batch: Vec<Value> = (0..40)
            .map(|n| match n {
                20 => json!({ "type": "identify", "anonymousId": "a1", "userId": "ada" }),
                _ => track(&format!("{n:02}")),
            })
            .collect();
        call(&site, "batch", json!({ "batch": batch })).await;
        for row in rows(&app, &site).await.iter().filter(|row| row.event_type.len() == 2) {
            let user = (row.event_type.as_str() > "20").then_some("ada");
            assert_eq!(row.user_id.as_deref(), user, "{}", row.event_type);
        }
    }
}
