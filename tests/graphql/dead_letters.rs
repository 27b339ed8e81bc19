//! Events that were acknowledged and that the database then refused.

use std::time::{Duration, Instant};

use event_analytics::entity::{dead_letter, event};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, PaginatorTrait, Set};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    app::{Store, TestApp},
    people::Site,
};

const POISON: &str = "poison";

/// Has the database refuse events of one type, until it is told to take them.
pub async fn poison(app: &TestApp, refused: bool) {
    let postgres = app.app.db.is_postgres();
    let sql = match (postgres, refused) {
        (true, true) => "ALTER TABLE events ADD CONSTRAINT picky CHECK (event_type <> 'poison')",
        (true, false) => "ALTER TABLE events DROP CONSTRAINT picky",
        (false, true) => {
            "CREATE TRIGGER picky BEFORE INSERT ON events WHEN NEW.event_type = 'poison' \
             BEGIN SELECT RAISE(ABORT, 'picky'); END"
        }
        (false, false) => "DROP TRIGGER picky",
    };
    app.app.db.writer().execute_unprepared(sql).await.unwrap();
}

/// Twenty events that are stored, and three that the database refuses once they are acknowledged. The app keeps
/// them on disk in between.
pub async fn refused(app: &TestApp, site: &Site) {
    poison(app, true).await;
    // Holds the app's head, so that events go to the spool.
    let blocker = app.app.db.begin().await.unwrap();
    blocker.execute_unprepared("UPDATE event_heads SET seq = seq").await.unwrap();
    let mut events: Vec<_> = (0..20).map(|n| json!({"event_type": "x", "id": format!("good-{n}")})).collect();
    events.extend((0..3).map(|n| json!({"event_type": POISON, "id": format!("bad-{n}")})));
    assert_eq!(site.post(&events).await.expect(202).at("/data/spooled"), 23);
    blocker.rollback().await.unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while dead_letter::Entity::find().count(&*app.app.db).await.unwrap() < 3 {
        assert!(Instant::now() < until, "the spool is not drained");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(event::Entity::find().count(&*app.app.db).await.unwrap(), 20);
}

async fn letters(site: &Site, arguments: &str) -> Value {
    let fields = "nodes { eventId receivedAt failedAt code reason event } pageInfo { hasNextPage endCursor }";
    site.ask(&format!("deadLetters({arguments}) {{ {fields} }}")).await["deadLetters"].clone()
}

/// A letter of which nothing can be read any more.
fn damaged(app_id: Uuid) -> dead_letter::ActiveModel {
    dead_letter::ActiveModel {
        app_id: Set(app_id),
        id: Set(Uuid::from_u128(7)),
        received_at: Set(1),
        failed_at: Set(2),
        code: Set("NOT_STORABLE".to_owned()),
        reason: Set("…".to_owned()),
        event: Set("{}".to_owned()),
    }
}

both_stores! {
    async fn what_the_database_refuses_out_of_the_spool_is_kept_and_replayed(store: Store) {
        let app = TestApp::with(store, &[("SPOOL_MAX_BYTES", "10000000")]).await;
        let site = app.site().await;
        refused(&app, &site).await;
        let first = letters(&site, "first: 2").await;
        assert_eq!((first["nodes"].as_array().unwrap().len(), &first["pageInfo"]["hasNextPage"]), (2, &json!(true)));
        let letter = &first["nodes"][0];
        assert_eq!((&letter["code"], &letter["event"]["event_type"]), (&json!("NOT_STORABLE"), &json!(POISON)));
        assert!(letter["event"]["client_id"].as_str().unwrap().starts_with("bad-"), "{letter}");
        let after = first["pageInfo"]["endCursor"].as_str().unwrap();
        let rest = letters(&site, &format!("first: 2, after: \"{after}\"")).await;
        assert_eq!(rest["nodes"].as_array().unwrap().len(), 1);

        // Still refused.
        let replay = async |ids: Value| {
            let input = json!({"appId": site.app_id, "eventIds": ids});
            let reply = site.owner.mutate("replayDeadLetters", input, "stored duplicates rejected app { id }").await;
            let told = reply.data()["replayDeadLetters"].clone();
            (told["stored"].as_u64().unwrap(), told["duplicates"].as_u64().unwrap(), told["rejected"].as_u64().unwrap())
        };
        assert_eq!(replay(json!([letter["eventId"]])).await, (0, 0, 1));
        poison(&app, false).await;
        assert_eq!(replay(json!([letter["eventId"]])).await, (1, 0, 0));
        let input = json!({"appId": site.app_id, "eventIds": [rest["nodes"][0]["eventId"], "evt_0_0", site.app_id]});
        let discarded = site.owner.mutate("discardDeadLetters", input, "discarded").await.data();
        assert_eq!(discarded["discardDeadLetters"]["discarded"], 1);
        // One that was damaged stays, and keeps no other up.
        let scope = app.app.api_keys.authenticate(&site.key).await.unwrap().scope;
        damaged(scope.app_id()).insert(app.app.db.writer()).await.unwrap();
        assert_eq!(replay(Value::Null).await, (1, 0, 1));
        let left = letters(&site, "first: 9").await;
        assert!(left["nodes"][0]["reason"].as_str().unwrap().contains("read"), "{left}");
        dead_letter::Entity::delete_many().exec(app.app.db.writer()).await.unwrap();
        assert_eq!(letters(&site, "first: 9").await["nodes"], json!([]));
        assert_eq!(site.ask("summary(range: {preset: TODAY}) { events }").await["summary"]["events"], 22);
    }

    async fn dead_letters_are_their_owners_alone(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let bob = Site::of(app.user("bob").await, "Bob's").await;
        let scope = app.app.api_keys.authenticate(&site.key).await.unwrap().scope;
        let id = Uuid::from_u128(7);
        damaged(scope.app_id()).insert(app.app.db.writer()).await.unwrap();
        let event = format!("evt_{}_{}", scope.app_id().simple(), id.simple());
        for (name, selection) in [("replayDeadLetters", "stored"), ("discardDeadLetters", "discarded")] {
            let foreign = json!({"appId": site.app_id, "eventIds": [event]});
            assert_eq!(bob.owner.mutate(name, foreign, selection).await.error_code(), "NOT_FOUND");
            let own = json!({"appId": bob.app_id, "eventIds": [event]});
            assert_eq!(bob.owner.mutate(name, own, selection).await.data()[name][selection], 0);
            let many = json!({"appId": site.app_id, "eventIds": vec![event.clone(); 101]});
            assert_eq!(site.owner.mutate(name, many, selection).await.error_code(), "BAD_USER_INPUT");
        }
        assert_eq!(letters(&site, "first: 9").await["nodes"].as_array().unwrap().len(), 1);
        site.owner.mutate("deleteApp", json!({"id": site.app_id}), "deletedEvents").await.data();
        assert_eq!(dead_letter::Entity::find().count(&*app.app.db).await.unwrap(), 0);
    }
}
