//! Erasing a person from an app.

use event_analytics::entity::{dead_letter, erasure, event, identity};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, Set};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{agrees, dump::places, erase, id_of, links};
use crate::support::{
    app::{NOW, Store, TestApp},
    people::{Person, Site},
};

/// What is to be found of the person nowhere: a part of every id and value of theirs.
const TRACE: &str = "zanzibar";

fn event(person: &str, number: i64) -> Value {
    json!({
        "id": format!("{person}-event-{number}"),
        "timestamp": NOW - 60_000 * number,
        "event_type": "page_view",
        "user_id": person,
        "session_id": format!("{person}-session-{}", number / 4),
        "url": format!("https://example.com/{person}/{number}"),
        "metadata": { "who": person, format!("of {person}"): number },
    })
}

/// Somebody anonymous who becomes known.
async fn visit(site: &Site, anonymous: &str, user: &str) {
    site.post(json!({ "event_type": "before", "anonymous_id": anonymous })).await.ok();
    site.post(json!({ "event_type": "identify", "anonymous_id": anonymous, "user_id": user })).await.ok();
    site.post(json!({ "event_type": "after", "anonymous_id": anonymous })).await.ok();
}

const COUNTS: &str = "summary(range: { preset: LAST_30_DAYS }) { events uniqueUsers sessions }";

both_stores! {
    async fn nothing_of_a_person_is_left_in_any_table(store: Store) {
        let app = TestApp::start(store).await;
        let (site, columnar) = (app.site().await, &app.app.columnar);
        let id = id_of(&site);
        let person = format!("{TRACE}-user");
        // Two segments, a third without them, and the tail.
        for part in 0..2 {
            let of = |who: &str| (part * 10..part * 10 + 10).map(|n| event(who, n)).collect::<Vec<_>>();
            site.post(of(&person)).await.ok();
            site.post(of("else")).await.ok();
            assert!(columnar.seal(id).await.unwrap());
        }
        site.post((20..30).map(|n| event("else", n)).collect::<Vec<_>>()).await.ok();
        assert!(columnar.seal(id).await.unwrap());
        visit(&site, &format!("{TRACE}-device"), &person).await;
        site.post(json!({ "event_type": "x", "user_id": "else", "anonymous_id": format!("{TRACE}-device") })).await.ok();
        // Somebody on the same device, in the same visit, who signed in there.
        site.post(json!({ "event_type": "x", "user_id": "guest", "session_id": format!("{TRACE}-user-session-0") })).await.ok();
        let users = "users(first: 100, range: { preset: LAST_30_DAYS }) { nodes { userId } }";
        assert_eq!(site.ask(users).await["users"]["nodes"].as_array().unwrap().len(), 4);
        assert!(places(&app.app.db, TRACE).await.len() > 20);
        assert_eq!(links(&app.app).await, 1);

        let told = erase(&site, &person).await;
        assert_eq!((&told["events"], &told["segments"], &told["requestedBy"]), (&json!(23), &json!(2), &json!("alice@example.com")));
        agrees(&app.app, id, 32).await;
        assert_eq!(links(&app.app).await, 0);
        // Their session is still that of somebody else, and only named by it.
        let left = places(&app.app.db, TRACE).await;
        assert!(left.iter().all(|place| place.ends_with(".session_id")), "{left:?}");
        assert_eq!(left.len(), 1);
        let users = site.ask(users).await["users"]["nodes"].clone();
        assert_eq!(users.as_array().unwrap().len(), 2, "{users}");
        let told = erase(&site, "guest").await;
        assert_eq!((&told["events"], &told["sessions"], &told["segments"]), (&json!(1), &json!(1), &json!(0)));
        assert_eq!(places(&app.app.db, TRACE).await, [""; 0]);
        assert_eq!(site.ask(COUNTS).await["summary"], json!({ "events": 31, "uniqueUsers": 1, "sessions": 8 }));

        // Whoever comes again is new.
        app.clock.advance(1_000);
        site.post(event(&person, 1)).await.ok();
        visit(&site, &format!("{TRACE}-device"), "other").await;
        assert!(columnar.seal(id).await.unwrap());
        agrees(&app.app, id, 35).await;
        assert_eq!(erase(&site, &person).await["events"], 1);
        agrees(&app.app, id, 34).await;
    }

    async fn an_anonymous_id_leads_to_the_person(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        visit(&site, "a", "ada").await;
        visit(&site, "b", "ada").await;
        visit(&site, "c", "bob").await;
        assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
        assert_eq!(erase(&site, "b").await["events"], 6);
        assert_eq!(site.ask(COUNTS).await["summary"]["events"], 3);
        for id in ["a", "b", "ada"] {
            let found = site.ask(&format!("erasure(userId: \"{id}\") {{ events finishedAt }}")).await["erasure"].clone();
            assert_eq!(found["events"], 6, "{id}");
        }
        assert_eq!(site.ask("erasure(userId: \"bob\") { receiptId }").await["erasure"], Value::Null);
        let receipts = site.ask("erasures(first: 5) { nodes { receiptId events } pageInfo { hasNextPage } }").await;
        assert_eq!(receipts["erasures"]["nodes"].as_array().unwrap().len(), 1);
    }

    async fn what_waits_elsewhere_does_not_come_back(store: Store) {
        let app = TestApp::with(store, &[("SPOOL_MAX_BYTES", "10000000")]).await;
        let site = app.site().await;
        let id = id_of(&site);
        site.post([event("ada", 1), event("bob", 1)]).await.ok();
        let letter = |n: u128, who: &str| dead_letter::ActiveModel {
            app_id: Set(id),
            id: Set(Uuid::from_u128(n)),
            received_at: Set(1),
            failed_at: Set(2),
            code: Set("NOT_STORABLE".to_owned()),
            reason: Set("…".to_owned()),
            event: Set(json!({ "event": { "app_id": id, "id": Uuid::from_u128(n), "event_type": "x", "user_id": who } }).to_string()),
        };
        for (n, who) in [(1, "ada"), (2, "bob")] {
            letter(n, who).insert(app.app.db.writer()).await.unwrap();
        }
        let told = erase(&site, "ada").await;
        assert_eq!((&told["events"], &told["deadLetters"]), (&json!(1), &json!(1)));
        let left = dead_letter::Entity::find().all(&*app.app.db).await.unwrap();
        assert_eq!(left.iter().map(|letter| letter.id.as_u128()).collect::<Vec<_>>(), [2]);
        // One that another instance had taken before and brings only now.
        letter(3, "ada").insert(app.app.db.writer()).await.unwrap();
        let input = json!({ "appId": site.app_id });
        site.owner.mutate("replayDeadLetters", input, "stored rejected").await.data();
        let stored = event::Entity::find().all(&*app.app.db).await.unwrap();
        assert!(stored.iter().all(|event| event.user_id.as_deref() == Some("bob")), "{stored:?}");
        // The clock moves on: these are new.
        app.clock.advance(1_000);
        assert_eq!(site.post(event("ada", 2)).await.ok()["accepted"], 1);
    }

    async fn whoever_was_linked_to_very_many_ids_is_erased_with_all_of_them(store: Store) {
        let app = TestApp::start(store).await;
        let (site, db) = (app.site().await, app.app.db.writer());
        let id = id_of(&site);
        visit(&site, &format!("{TRACE}-first"), &format!("{TRACE}-user")).await;
        site.post((0..30).map(|n| event(&format!("{TRACE}-{}", n * 500), n)).collect::<Vec<_>>()).await.ok();
        // As anybody can do who has the key of a page.
        let linked = (0..15_000).map(|n| identity::ActiveModel {
            app_id: Set(id),
            from_id: Set(format!("{TRACE}-{n}")),
            user_id: Set(format!("{TRACE}-user")),
            created_at: Set(NOW),
        });
        for some in linked.collect::<Vec<_>>().chunks(500) {
            identity::Entity::insert_many(some.to_vec()).exec_without_returning(db).await.unwrap();
        }
        db.execute_unprepared("UPDATE event_heads SET links = links + 15000").await.unwrap();
        assert!(app.app.columnar.seal(id).await.unwrap());
        let input = json!({ "appId": site.app_id, "userId": format!("{TRACE}-user") });
        let exported = site.owner.mutate("exportUser", input, "export { events ids }").await.data();
        assert_eq!(exported["exportUser"]["export"]["events"], 33);
        assert_eq!(exported["exportUser"]["export"]["ids"].as_array().unwrap().len(), 15_002);

        let told = erase(&site, &format!("{TRACE}-first")).await;
        let receipts = site.ask("erasures(first: 5) { nodes { finishedAt events } }").await["erasures"]["nodes"].clone();
        let receipts = receipts.as_array().unwrap();
        assert!(receipts.len() == 2 && receipts.iter().all(|receipt| receipt["finishedAt"].is_string()), "{receipts:?}");
        assert_eq!(receipts.iter().map(|receipt| receipt["events"].as_u64().unwrap()).sum::<u64>(), 33);
        assert_eq!(receipts[1]["events"], told["events"]);
        assert_eq!((links(&app.app).await, places(&app.app.db, TRACE).await), (0, vec![]));
        agrees(&app.app, id, 0).await;
        for n in [0, 14_999] {
            let found = site.ask(&format!("erasure(userId: \"{TRACE}-{n}\") {{ finishedAt }}")).await["erasure"].clone();
            assert!(found["finishedAt"].is_string());
        }
    }

    async fn somebody_whose_rows_are_gone_is_erased_from_segments(store: Store) {
        let app = TestApp::start(store).await;
        let (site, columnar) = (app.site().await, &app.app.columnar);
        let (id, person) = (id_of(&site), format!("{TRACE}-user"));
        for part in 0..3 {
            let of = |who: &str| (part * 10..part * 10 + 10).map(|n| event(who, n)).collect::<Vec<_>>();
            if part < 2 {
                site.post(of(&person)).await.ok();
            }
            site.post(of("else")).await.ok();
            assert!(columnar.seal(id).await.unwrap());
        }
        app.app.db.writer().execute_unprepared(&format!("DELETE FROM events WHERE user_id = '{person}'")).await.unwrap();
        assert_ne!(columnar.verify(id).await.unwrap().drift, [""; 0]);
        let told = erase(&site, &person).await;
        assert_eq!((&told["events"], &told["segments"]), (&json!(20), &json!(2)));
        assert_eq!(places(&app.app.db, TRACE).await, [""; 0]);
        agrees(&app.app, id, 30).await;
        assert_eq!(site.ask(COUNTS).await["summary"], json!({ "events": 30, "uniqueUsers": 1, "sessions": 8 }));
    }

    async fn one_erasure_that_fails_keeps_no_other_from_its_end(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let id = id_of(&site);
        site.post([event("ada", 1), event("bob", 1)]).await.ok();
        let receipt = |n: u128, pending: Value| erasure::ActiveModel {
            app_id: Set(id),
            id: Set(Uuid::from_u128(n)),
            requested_at: Set(NOW),
            requested_by: Set(Uuid::nil()),
            finished_at: Set(None),
            until_seq: Set(i64::MAX),
            events: Set(0),
            sessions: Set(0),
            segments: Set(0),
            spooled: Set(0),
            dead_letters: Set(0),
            pending: Set(Some(pending.to_string())),
        };
        for (n, pending) in [(1, json!("?")), (2, json!({ "ids": ["ada"], "sessions": [] })), (3, json!("?"))] {
            receipt(n, pending).insert(app.app.db.writer()).await.unwrap();
        }
        app.app.eraser().finish_all().await.unwrap();
        let left = event::Entity::find().all(&*app.app.db).await.unwrap();
        assert_eq!(left.iter().map(|event| event.user_id.as_deref()).collect::<Vec<_>>(), [Some("bob")]);
    }

    async fn only_owners_erase_and_read_receipts(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let bob = Site::of(app.user("bob").await, "Bob's").await;
        site.post(event("ada", 1)).await.ok();
        let input = json!({ "appId": site.app_id, "userId": "ada" });
        let refused = async |who: &Person, input: &Value| {
            who.mutate("eraseUser", input.clone(), "erasure { receiptId }").await.error_code().to_owned()
        };
        assert_eq!(refused(&bob.owner, &input).await, "NOT_FOUND");
        assert_eq!(refused(&app.anonymous(), &input).await, "UNAUTHENTICATED");
        for wrong in ["", "\0", &"x".repeat(2_000)] {
            let input = json!({ "appId": site.app_id, "userId": wrong });
            assert_eq!(refused(&site.owner, &input).await, "BAD_USER_INPUT");
        }
        // A member who may only look.
        app.app.db.writer().execute_unprepared("UPDATE organization_members SET role = 'viewer'").await.unwrap();
        assert_eq!(refused(&site.owner, &input).await, "FORBIDDEN");
        for field in ["erasures(first: 1) { nodes { receiptId } }", "erasure(userId: \"ada\") { receiptId }"] {
            assert_eq!(site.try_ask(field).await.error_code(), "FORBIDDEN");
        }
        assert_eq!(event::Entity::find().all(&*app.app.db).await.unwrap().len(), 1);
    }
}
