//! What was sent for an app and not kept, as its owner learns of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    app::{Store, TestApp},
    people::Site,
    reply::Reply,
};

const DAY_MS: i64 = 86_400_000;

async fn refused(site: &Site, arguments: &str) -> Vec<Value> {
    let selection = format!("refusedEvents{arguments} {{ code field message events lastAt }}");
    site.ask(&selection).await["refusedEvents"].as_array().unwrap().clone()
}

/// Waits until they are these, each as code, field and number: the server itself writes them every few seconds.
async fn comes_to(app: &TestApp, site: &Site, arguments: &str, expected: Value) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        app.app.refusals.flush().await.unwrap();
        let all = refused(site, arguments).await;
        let counts: Value = all.iter().map(|one| json!([one["code"], one["field"], one["events"]])).collect();
        if counts == expected {
            return;
        }
        assert!(Instant::now() < end, "{counts} is not {expected}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One event that is kept, and five that are not.
fn batch() -> Value {
    json!([
        { "event_type": "fine" },
        { "user_id": "nobody knows what happened" },
        { "event_type": "x", "timestamp": "yesterday" },
        { "event_type": "x", "metadata": { "a": "\0" } },
        { "event_type": "x", "metadata": { "b": "\0" } },
        { "event_type": "x", "user_id": "x".repeat(300) },
    ])
}

both_stores! {
    async fn owners_learn_why_events_were_not_kept(store: Store) {
        let app = TestApp::start(store).await;
        let mut site = app.site().await;
        comes_to(&app, &site, "", json!([])).await;
        assert_eq!(site.post(batch()).await.ok()["rejected"], 5);
        // A client of others is told that all is well.
        let calls = json!([{ "type": "track", "event": "x", "userId": "u" }, { "type": "track", "userId": "u" }]);
        let body = json!({ "writeKey": site.key, "batch": calls });
        Reply::of(site.owner.http.post(format!("{}/v1/batch", site.owner.url)).json(&body)).await.expect(200);
        let once = json!([
            ["MISSING_FIELD", "event_type", 2],
            ["NUL_CHARACTER", "metadata", 2],
            ["TIMESTAMP_INVALID", "timestamp", 1],
            ["TOO_LONG", "user_id", 1],
        ]);
        comes_to(&app, &site, "", once).await;
        assert_eq!(site.post(batch()).await.ok()["rejected"], 5);
        let twice = json!([
            ["NUL_CHARACTER", "metadata", 4],
            ["MISSING_FIELD", "event_type", 3],
            ["TIMESTAMP_INVALID", "timestamp", 2],
            ["TOO_LONG", "user_id", 2],
        ]);
        comes_to(&app, &site, "", twice).await;
        let first = &refused(&site, "").await[1];
        assert_eq!((&first["message"], &first["lastAt"]), (&json!("event_type is required."), &json!("2026-11-22T12:00:00.000Z")));
        // So does what they themselves want left out.
        let settings = json!({ "id": site.app_id, "excludedPaths": ["/admin*"] });
        site.owner.mutate("updateApp", settings, "app { id }").await.data();
        app.clock.advance(3 * DAY_MS);
        let event = json!({ "event_type": "x", "url": "https://shop.example/admin/orders" });
        assert_eq!(site.post(event).await.ok()["ignored"], 1);
        comes_to(&app, &site, "(days: 3)", json!([["EXCLUDED", null, 1]])).await;
        assert_eq!(refused(&site, "(days: 4)").await.len(), 5);
        for days in [0, 31] {
            assert_eq!(site.try_ask(&format!("refusedEvents(days: {days}) {{ code }}")).await.error_code(), "BAD_USER_INPUT");
        }
        app.clock.advance(27 * DAY_MS);
        app.app.refusals.forget_old().await.unwrap();
        site.owner.sign_in().await;
        comes_to(&app, &site, "(days: 30)", json!([["EXCLUDED", null, 1]])).await;
    }

    async fn what_was_refused_for_an_app_that_is_gone_keeps_nobody_up(store: Store) {
        let app = TestApp::start(store).await;
        let (gone, kept) = (app.site().await, Site::of(app.user("bob").await, "Bob's").await);
        for site in [&gone, &kept] {
            site.post(json!({ "user_id": "u" })).await.expect(422);
        }
        gone.owner.mutate("deleteApp", json!({ "id": gone.app_id }), "deletedEvents").await.data();
        comes_to(&app, &kept, "", json!([["MISSING_FIELD", "event_type", 1]])).await;
    }
}
