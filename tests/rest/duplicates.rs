//! An id counts once, whatever happens around it.

use std::collections::HashMap;

use futures::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};

use super::{counts, row, rows};
use crate::support::{
    app::{Store, TestApp},
    people::Site,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn event(n: usize) -> Value {
    json!({"id": format!("order-{n}"), "event_type": "buy", "metadata": {"n": n}})
}

both_stores! {
    async fn the_first_of_an_id_stays(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let first = json!({"id": "o-1", "event_type": "buy", "user_id": "ada", "timestamp": "2026-11-20T00:00:00Z"});
        assert_eq!(counts(&site.post(&first).await.ok()), (1, 0, 0));
        let stored = row(&app, &site).await;
        for other in [
            json!({"id": "o-1", "event_type": "buy", "user_id": "ada", "timestamp": "2026-10-01T00:00:00Z"}),
            json!({"id": "o-1", "event_type": "sell", "user_id": "bob"}),
            first,
        ] {
            assert_eq!(counts(&site.post(other).await.ok()), (0, 1, 0));
        }
        // A group in which nothing was new leaves no trace, not even in the numbers of commits.
        assert_eq!(row(&app, &site).await, stored);
        site.post(json!({"event_type": "later"})).await.ok();
        assert_eq!(rows(&app, &site).await[1].seq, 2);
    }

    async fn an_id_is_known_after_thirty_days_and_in_another_month(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        assert_eq!(counts(&site.post(event(1)).await.ok()), (1, 0, 0));
        app.clock.advance(30 * DAY_MS);
        let other = json!({"id": "order-1", "event_type": "sell"});
        assert_eq!(counts(&site.post([other, event(2)]).await.ok()), (1, 1, 0));
        // No partition was made for this month ahead of its time.
        app.clock.advance(120 * DAY_MS);
        assert_eq!(counts(&site.post([event(3), event(3)]).await.ok()), (1, 1, 0));
        let types: Vec<_> = rows(&app, &site).await.into_iter().map(|row| row.event_type).collect();
        assert_eq!(types, ["buy", "buy", "buy"], "the first of an id stays");
        if store == Store::Postgres {
            let sql = "SELECT count(DISTINCT tableoid) FROM events";
            let partitions = Statement::from_string(DbBackend::Postgres, sql);
            let partitions = app.app.db.query_one_raw(partitions).await.unwrap().unwrap();
            assert_eq!(partitions.try_get_by_index::<i64>(0).unwrap(), 3);
        }
    }

    async fn ids_are_uuids_or_any_text(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let ids = [
            "0193a5f0-7c1e-7000-8000-0123456789ab",
            "0193A5F0-7C1E-7000-8000-0123456789AB", // the same UUID
            "0193a5f07c1e700080000123456789ab",     // text of its own
            "0193A5F0-7C1E-7000-8000-0000000000AB", // as some platforms write it
            "O-1",
            "o-1",
            " o-1",
            "订单",
            &"x".repeat(100),
        ];
        let events: Vec<_> = ids.iter().map(|id| json!({"id": id, "event_type": "x"})).collect();
        let data = site.post(&events).await.ok();
        assert_eq!(counts(&data), (8, 1, 0));
        assert_eq!(data["items"][0]["id"], ids[1], "a client sees its own spelling");
        assert_eq!(counts(&site.post(&events).await.ok()), (0, 9, 0));
        let rows = rows(&app, &site).await;
        let texts: HashMap<_, _> = rows.iter().map(|row| (row.client_id.clone(), row.id)).collect();
        assert_eq!(texts.len(), 8);
        assert_eq!(texts[&None].to_string(), ids[0]);
        assert_eq!(texts[&Some(ids[3].to_owned())].to_string(), ids[3].to_lowercase());
        let others = texts.iter().filter(|(text, _)| text.as_ref().is_some_and(|text| text != ids[3]));
        assert!(others.into_iter().all(|(_, id)| id.get_version_num() == 8));
    }

    async fn an_app_has_its_own_ids(store: Store) {
        let app = TestApp::start(store).await;
        let alice = app.site().await;
        let second = Site::of(alice.owner.clone(), "Second").await;
        assert_eq!(counts(&alice.post(event(1)).await.ok()), (1, 0, 0));
        assert_eq!(counts(&second.post(event(1)).await.ok()), (1, 0, 0));
        assert_eq!((rows(&app, &alice).await.len(), rows(&app, &second).await.len()), (1, 1));
    }

    async fn concurrent_duplicates_count_one(store: Store) {
        let app = TestApp::start(store).await;
        let sites = [app.site().await];
        let sites = [sites[0].clone(), Site::of(sites[0].owner.clone(), "Second").await];
        let instance = app.sibling().await;
        // Overlapping batches in opposite order, to two instances, for two apps.
        let tasks = (0..24).map(|task: usize| {
            let mut site = sites[task % 2].clone();
            if task % 4 < 2 {
                site.owner.url.clone_from(&instance.url);
            }
            async move {
                let mut events: Vec<_> = (0..200).map(|n| event(n + 10 * (task / 8))).collect();
                if task.is_multiple_of(3) {
                    events.reverse();
                }
                counts(&site.post(events).await.ok())
            }
        });
        let verdicts = join_all(tasks.map(tokio::spawn)).await;
        let verdicts: Vec<_> = verdicts.into_iter().map(Result::unwrap).collect();
        assert!(verdicts.iter().all(|(accepted, duplicates, rejected)| accepted + duplicates == 200 && *rejected == 0));
        let accepted: u64 = verdicts.iter().map(|(accepted, _, _)| accepted).sum();
        assert_eq!(accepted, 2 * 220, "each id was accepted by exactly one request");
        for site in &sites {
            assert_eq!(rows(&app, site).await.len(), 220);
        }
        instance.stop().await;
    }

    async fn ids_are_known_after_a_restart(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let events: Vec<_> = (0..50).map(event).collect();
        assert_eq!(counts(&site.post(&events).await.ok()), (50, 0, 0));
        let app = app.stop().await.start().await;
        let mut site = site;
        site.owner.url.clone_from(&app.url);
        assert_eq!(counts(&site.post(&events).await.ok()), (0, 50, 0));
        assert_eq!(rows(&app, &site).await.len(), 50);
    }
}
