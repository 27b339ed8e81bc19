//! Events that an app keeps no longer.

use event_analytics::entity::{app, dead_letter, identity, organization_member, role::Role};
use sea_orm::{ActiveModelTrait, EntityTrait, Set};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{agrees, dump::places, id_of};
use crate::support::{
    app::{Store, TestApp},
    people::Site,
};

const DAY: i64 = 86_400_000;
/// 2027-01-01 in Berlin, an hour before the year ends in UTC.
const NEW_YEAR: i64 = 1_798_758_000_000;
/// The first instant that is kept where thirty days are: 2026-12-02 in Berlin.
const KEPT: i64 = NEW_YEAR - 30 * DAY;
const TRACE: &str = "zanzibar";

async fn set(site: &Site, days: Value) -> Value {
    let input = json!({ "id": site.app_id, "timezone": "Europe/Berlin", "retentionDays": days });
    let reply = site.owner.mutate("updateApp", input, "app { retentionDays }").await;
    reply.data()["updateApp"]["app"]["retentionDays"].clone()
}

fn event(person: &str, timestamp: i64) -> Value {
    json!({ "event_type": "view", "user_id": person, "session_id": format!("{person}-session"), "timestamp": timestamp })
}

async fn events(site: &Site) -> Value {
    site.ask("summary(range: { preset: ALL_TIME }) { events uniqueUsers }").await["summary"].clone()
}

both_stores! {
    async fn what_is_older_than_an_app_keeps_goes_everywhere(store: Store) {
        let app = TestApp::start(store).await;
        let (mut site, columnar) = (app.site().await, &app.app.columnar);
        let id = id_of(&site);
        let old = format!("{TRACE}-user");
        for user in [&*old, "ada"] {
            let device = format!("{user}-device");
            site.post(json!({ "event_type": "identify", "anonymous_id": device, "user_id": user })).await.ok();
        }
        // A whole segment that is too old, and later one that is in part.
        assert!(columnar.seal(id).await.unwrap());
        app.clock.advance(NEW_YEAR - app.clock.now_ms());
        site.owner.sign_in().await;
        site.post([event(&old, KEPT - 1), event("ada", KEPT - 1), event("ada", KEPT), event("ada", NEW_YEAR)]).await.ok();
        assert!(columnar.seal(id).await.unwrap());
        site.post([event(&old, KEPT - 2), event("bob", KEPT)]).await.ok();
        for (n, at) in [(1, KEPT - 1), (2, KEPT)] {
            let letter = dead_letter::ActiveModel {
                app_id: Set(id),
                id: Set(Uuid::from_u128(n)),
                received_at: Set(at),
                failed_at: Set(at),
                code: Set("NOT_STORABLE".to_owned()),
                reason: Set("…".to_owned()),
                event: Set("{}".to_owned()),
            };
            letter.insert(app.app.db.writer()).await.unwrap();
        }

        app.app.eraser().expire().await.unwrap();
        assert_eq!(events(&site).await, json!({ "events": 8, "uniqueUsers": 3 }), "kept for ever unless told");
        assert_eq!(set(&site, json!(30)).await, 30);
        app.app.eraser().expire().await.unwrap();
        assert_eq!(events(&site).await, json!({ "events": 3, "uniqueUsers": 2 }));
        agrees(&app.app, id, 3).await;
        assert_eq!(places(&app.app.db, TRACE).await, [""; 0]);
        let letters = dead_letter::Entity::find().all(&*app.app.db).await.unwrap();
        assert_eq!(letters.iter().map(|letter| letter.id.as_u128()).collect::<Vec<_>>(), [2]);
        let links = identity::Entity::find().all(&*app.app.db).await.unwrap();
        assert_eq!(links.iter().map(|link| &*link.user_id).collect::<Vec<_>>(), ["ada"]);

        // The next day takes one day more, and nothing is left to do in between.
        app.clock.advance(DAY - 1);
        app.app.eraser().expire().await.unwrap();
        assert_eq!(events(&site).await["events"], 3);
        app.clock.advance(1);
        app.app.eraser().expire().await.unwrap();
        assert_eq!(events(&site).await, json!({ "events": 1, "uniqueUsers": 1 }));
        agrees(&app.app, id, 1).await;
        assert_eq!(set(&site, json!(0)).await, Value::Null);
        app.clock.advance(400 * DAY);
        site.owner.sign_in().await;
        app.app.eraser().expire().await.unwrap();
        assert_eq!(events(&site).await["events"], 1);
    }

    async fn what_is_merged_meanwhile_goes_as_well(store: Store) {
        let app = TestApp::start(store).await;
        let (site, columnar) = (app.site().await, &app.app.columnar);
        let (id, now) = (id_of(&site), app.clock.now_ms());
        // A large one, and four that are merged; in the first and in the last something is too old.
        for (young, old) in [(1_300, 1), (400, 0), (400, 0), (400, 0), (400, 1)] {
            let young = (0..young).map(|_| event("ada", now));
            let old = (0..old).map(|_| event("ada", now - 20 * DAY));
            site.post(young.chain(old).collect::<Vec<_>>()).await.ok();
            assert!(columnar.seal(id).await.unwrap());
        }
        // The merge begins first, so the large one is written anew when the others, known already, are no more.
        let expire = || columnar.expire(id, now - 10 * DAY);
        let (merged, expired) = tokio::join!(columnar.merge(id), expire());
        assert!(merged.unwrap());
        if !expired.unwrap().all {
            assert!(expire().await.unwrap().all);
        }
        assert_eq!(events(&site).await["events"], 2_900);
        agrees(&app.app, id, 2_900).await;
    }

    async fn what_is_no_number_of_days_is_refused(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        for wrong in [-1, 36_501] {
            let input = json!({ "id": site.app_id, "retentionDays": wrong });
            let reply = site.owner.mutate("updateApp", input, "app { id }").await;
            assert_eq!((reply.error_code(), reply.at("/errors/0/extensions/field")), ("BAD_USER_INPUT", &json!("input.retentionDays")));
        }
        assert_eq!(set(&site, json!(36_500)).await, 36_500);
        app.app.eraser().expire().await.unwrap();
    }

    async fn an_admin_changes_the_app_and_not_how_long_it_keeps_events(store: Store) {
        let app = TestApp::start(store).await;
        let (site, bob) = (app.site().await, app.user("bob").await);
        let viewer = bob.graphql("{ viewer { id } }", json!({})).await.data()["viewer"]["id"].clone();
        let organization = app::Entity::find_by_id(id_of(&site)).one(&*app.app.db).await.unwrap().unwrap().organization_id;
        let admin = organization_member::ActiveModel {
            organization_id: Set(organization),
            user_id: Set(viewer.as_str().unwrap().split_once('_').unwrap().1.parse().unwrap()),
            role: Set(Role::Admin),
            created_at: Set(0),
        };
        admin.insert(app.app.db.writer()).await.unwrap();
        let renamed = bob.mutate("updateApp", json!({ "id": site.app_id, "name": "Other" }), "app { name }").await;
        assert_eq!(renamed.data()["updateApp"]["app"]["name"], "Other");
        let shorter = json!({ "id": site.app_id, "name": "Third", "retentionDays": 1 });
        assert_eq!(bob.mutate("updateApp", shorter, "app { name }").await.error_code(), "FORBIDDEN");
        assert_eq!(site.ask("name retentionDays").await, json!({ "name": "Other", "retentionDays": null }));
    }
}
