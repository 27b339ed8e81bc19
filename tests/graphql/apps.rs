//! Apps: created, changed, deleted with all their data.

use std::time::{Duration, Instant};

use event_analytics::entity::{app as app_row, app_deletion, event_head};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ConnectionTrait, DbBackend, EntityTrait as _, Statement,
    TransactionTrait as _,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    app::{Store, TestApp},
    people::{Person, Site},
};

/// Rows of every table that belong to any app, by table.
async fn rows(app: &TestApp) -> Vec<(&'static str, i64)> {
    let mut rows = Vec::new();
    for table in [
        "apps",
        "app_members",
        "api_keys",
        "event_heads",
        "events",
        "identities",
        "goals",
        "app_deletions",
        "dead_letters",
        "segment_heads",
        "event_segments",
        "segment_columns",
        "event_aggregations",
        "event_codes",
    ] {
        let backend = if app.app.db.is_postgres() { DbBackend::Postgres } else { DbBackend::Sqlite };
        let count = Statement::from_string(backend, format!("SELECT COUNT(*) AS n FROM {table}"));
        let row = app.app.db.query_one_raw(count).await.unwrap().unwrap();
        rows.push((table, row.try_get("", "n").unwrap()));
    }
    rows
}

async fn names(person: &Person) -> Vec<Value> {
    let data = person.graphql("{ viewer { apps(first: 100) { nodes { name } } } }", json!({})).await.data();
    data["viewer"]["apps"]["nodes"].as_array().unwrap().iter().map(|app| app["name"].clone()).collect()
}

both_stores! {
    async fn an_app_is_created_and_changed(store: Store) {
        let app = TestApp::start(store).await;
        let ada = app.user("ada").await;
        let selection = "app { id name timezone createdAt updatedAt myRole }";
        let made = ada.mutate("createApp", json!({ "name": " Shop " }), selection).await.data()["createApp"]["app"].clone();
        assert_eq!((&made["name"], &made["timezone"], &made["myRole"]), (&json!("Shop"), &json!("UTC"), &json!("OWNER")));
        assert_eq!(made["createdAt"], "2026-11-22T12:00:00.000Z");
        let berlin = json!({ "name": "Café", "timezone": "europe/berlin" });
        let other = ada.mutate("createApp", berlin, selection).await.data()["createApp"]["app"].clone();
        assert_eq!(other["timezone"], "Europe/Berlin");
        assert_eq!(names(&ada).await, [json!("Shop"), json!("Café")]);

        app.clock.advance(1_000);
        let change = async |input: Value| {
            ada.mutate("updateApp", input, selection).await.data()["updateApp"]["app"].clone()
        };
        let id = &made["id"];
        assert_eq!(change(json!({ "id": id })).await, made, "nothing asked, nothing changed");
        let renamed = change(json!({ "id": id, "name": "Store" })).await;
        assert_eq!((&renamed["name"], &renamed["timezone"]), (&json!("Store"), &json!("UTC")));
        assert_eq!(renamed["updatedAt"], "2026-11-22T12:00:01.000Z");
        let moved = change(json!({ "id": id, "timezone": "America/Sao_Paulo", "name": null })).await;
        assert_eq!((&moved["name"], &moved["timezone"]), (&json!("Store"), &json!("America/Sao_Paulo")));
        assert_eq!(names(&ada).await, [json!("Store"), json!("Café")]);
    }

    async fn what_cannot_be_an_app_is_refused_by_name(store: Store) {
        let app = TestApp::start(store).await;
        let ada = app.user("ada").await;
        let id = ada.create_app("Shop").await;
        for (field, value) in [
            ("name", String::new()),
            ("name", "\t ".into()),
            ("name", "x".repeat(101)),
            ("name", "Sh\0op".into()),
            ("timezone", String::new()),
            ("timezone", "Mars/Olympus".into()),
            ("timezone", "UTC\0".into()),
            ("timezone", "+02:00".into()),
            ("timezone", "../../etc/passwd".into()),
        ] {
            let mut create = json!({ "name": "Other" });
            create[field] = value.clone().into();
            let mut update = json!({ "id": id });
            update[field] = value.clone().into();
            for (mutation, input) in [("createApp", create), ("updateApp", update)] {
                let reply = ada.mutate(mutation, input, "app { id }").await;
                assert_eq!(reply.error_code(), "BAD_USER_INPUT", "{mutation} {field}: {value:?}");
                assert_eq!(reply.at("/errors/0/extensions/field"), &json!(format!("input.{field}")));
            }
        }
        assert_eq!(names(&ada).await, [json!("Shop")]);
    }

    async fn nobody_reaches_into_another_owners_app(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let eve = app.user("eve").await;
        let before = rows(&app).await;
        let nonsense = "app_00000000000000000000000000000000";
        for (mutation, selection, extra) in [
            ("updateApp", "app { id }", json!({ "name": "Mine" })),
            ("deleteApp", "deletedAppId", json!({})),
        ] {
            let input = |id: &str| {
                let mut input = extra.clone();
                input["id"] = id.into();
                input
            };
            let theirs = eve.mutate(mutation, input(&site.app_id), selection).await;
            let unknown = eve.mutate(mutation, input(nonsense), selection).await;
            assert_eq!(theirs.error_code(), "NOT_FOUND");
            assert_eq!(theirs.error_message(), unknown.error_message(), "no hint that it exists");
            let malformed = eve.mutate(mutation, input("' OR 1=1 --\0"), selection).await;
            assert_eq!(malformed.error_code(), "NOT_FOUND");
            let stranger = app.anonymous().mutate(mutation, input(&site.app_id), selection).await;
            assert_eq!(stranger.error_code(), "UNAUTHENTICATED");
        }
        let stranger = app.anonymous().mutate("createApp", json!({ "name": "Mine" }), "app { id }").await;
        assert_eq!(stranger.error_code(), "UNAUTHENTICATED");
        assert_eq!(rows(&app).await, before);
        assert_eq!(names(&eve).await, Vec::<Value>::new());
    }

    async fn a_deleted_app_takes_all_its_data_along_and_nothing_else(store: Store) {
        let app = TestApp::start(store).await;
        let kept = app.site().await;
        kept.post(json!({ "event_type": "page_view" })).await.ok();
        let before = rows(&app).await;

        let site = Site::of(kept.owner.clone(), "Short-lived").await;
        site.owner.create_key(&site.app_id).await;
        let events: Vec<_> = (0..25).map(|n| json!({ "id": n.to_string(), "event_type": "click" })).collect();
        site.post(events).await.ok();
        let delete = || site.owner.mutate("deleteApp", json!({ "id": site.app_id }), "deletedAppId deletedEvents");
        let gone = delete().await.data();
        assert_eq!(gone["deleteApp"], json!({ "deletedAppId": site.app_id, "deletedEvents": 25 }));
        assert_eq!(rows(&app).await, before);

        assert_eq!(site.post(json!({ "event_type": "click" })).await.refused(401), "UNAUTHENTICATED");
        assert_eq!(site.try_ask("name").await.error_code(), "NOT_FOUND");
        assert_eq!(delete().await.error_code(), "NOT_FOUND");
        assert_eq!(names(&site.owner).await, [json!("Alice's site")]);
        kept.post(json!({ "event_type": "page_view" })).await.ok();
    }

    async fn an_interrupted_deletion_is_finished_after_a_restart(store: Store) {
        let app = TestApp::start(store).await;
        let kept = app.site().await;
        kept.post(json!({ "event_type": "page_view" })).await.ok();
        let before = rows(&app).await;
        let site = Site::of(kept.owner.clone(), "Half gone").await;
        site.post(vec![json!({ "event_type": "click" }); 25]).await.ok();
        // The first of the two steps; keys and memberships go with the app.
        let id = Uuid::parse_str(site.app_id.trim_start_matches("app_")).unwrap();
        let transaction = app.app.db.begin().await.unwrap();
        event_head::Entity::delete_by_id(id).exec(&transaction).await.unwrap();
        app_row::Entity::delete_by_id(id).exec(&transaction).await.unwrap();
        app_deletion::ActiveModel { app_id: Set(id) }.insert(&transaction).await.unwrap();
        transaction.commit().await.unwrap();

        let app = app.stop().await.start().await;
        let until = Instant::now() + Duration::from_secs(20);
        while rows(&app).await != before {
            assert!(Instant::now() < until, "{:?}", rows(&app).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn an_app_of_many_events_is_deleted_whole(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        for _ in 0..11 {
            site.post(vec![json!({ "event_type": "click" }); 1_000]).await.ok();
        }
        let gone = site.owner.mutate("deleteApp", json!({ "id": site.app_id }), "deletedEvents").await.data();
        assert_eq!(gone["deleteApp"]["deletedEvents"], 11_000);
        for (table, count) in rows(&app).await {
            assert_eq!(count, 0, "{table}");
        }
    }

    async fn events_that_race_with_the_deletion_leave_no_trace(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(json!({ "event_type": "first" })).await.ok();
        let posts = (0..40).map(|n| {
            let site = site.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(n)).await;
                site.post(json!({ "event_type": "late" })).await.status.as_u16()
            })
        });
        let posts: Vec<_> = posts.collect();
        tokio::time::sleep(Duration::from_millis(15)).await;
        site.owner.mutate("deleteApp", json!({ "id": site.app_id }), "deletedAppId").await.data();
        for post in posts {
            let status = post.await.unwrap();
            assert!(status < 500, "{status}");
        }
        for (table, count) in rows(&app).await {
            assert_eq!(count, 0, "{table}");
        }
    }
}

/// Postgres alone can hold a deletion up at a chosen place: at one of its events.
#[tokio::test(flavor = "multi_thread")]
async fn others_store_events_while_an_app_is_being_deleted() {
    let app = TestApp::start(Store::Postgres).await;
    let kept = app.site().await;
    let site = Site::of(kept.owner.clone(), "Large").await;
    site.post(vec![json!({ "event_type": "click" }); 25]).await.ok();
    let blocker = (*app.app.db).begin().await.unwrap();
    blocker.execute_unprepared("SELECT 1 FROM events FOR UPDATE").await.unwrap();
    let deletion = tokio::spawn({
        let site = site.clone();
        async move { site.owner.mutate("deleteApp", json!({ "id": site.app_id }), "deletedEvents").await.data() }
    });
    while app_deletion::Entity::find().one(&*app.app.db).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..5 {
        kept.post(json!({ "event_type": "page_view" })).await.ok();
    }
    assert_eq!(names(&site.owner).await, [json!("Alice's site")], "it is gone for its owner");
    assert_eq!(site.post(json!({ "event_type": "late" })).await.refused(401), "UNAUTHENTICATED");
    assert!(!deletion.is_finished());
    blocker.rollback().await.unwrap();
    assert_eq!(deletion.await.unwrap()["deleteApp"]["deletedEvents"], 25);
    assert_eq!(kept.ask("summary(range: { preset: TODAY }) { events }").await["summary"]["events"], 5);
}
