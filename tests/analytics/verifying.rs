//! Whether segments hold what the rows say is told truly, whatever happens meanwhile, and what is wrong is put right.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::ConnectionTrait as _;
use serde_json::json;

use super::sealing::{COUNTS, agrees, event, expected, id_of, keep_sealing};
use crate::support::app::{Store, TestApp};

both_stores! {
    async fn drift_is_found_and_named(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post((0..50).map(event).collect::<Vec<_>>()).await.ok();
        assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
        let field = "verification { isConsistent sealedRows sealedEvents tailRows segments drift }";
        let consistent = json!({
            "isConsistent": true, "sealedRows": 50, "sealedEvents": 50, "tailRows": 0, "segments": 1, "drift": [],
        });
        assert_eq!(site.ask(field).await["verification"], consistent);
        let change = "UPDATE events SET url = 'https://example.com/other' WHERE url = 'https://example.com/7'";
        app.app.db.writer().execute_unprepared(change).await.unwrap();
        let found = site.ask(field).await["verification"].clone();
        assert_eq!((&found["isConsistent"], &found["drift"]), (&json!(false), &json!(["segment 1 differs from its rows in url"])));
        app.app.db.writer().execute_unprepared("DELETE FROM events WHERE user_id = 'u3'").await.unwrap();
        let found = site.ask(field).await["verification"].clone();
        assert_eq!(found["drift"][0], "49 rows are sealed, and segments hold 50 events");
    }

    async fn a_comparison_goes_on_where_the_last_had_no_more_time(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        for part in 0..3 {
            site.post((part * 10..(part + 1) * 10).map(event).collect::<Vec<_>>()).await.ok();
            assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
        }
        site.post((30..34).map(event).collect::<Vec<_>>()).await.ok();
        // Without any time, one segment each.
        let (mut after, mut rows, mut steps) = (0, 0, 0);
        loop {
            let found = app.app.columnar.verify_after(id_of(&site), after, Some(Duration::ZERO)).await.unwrap();
            assert_eq!((found.sealed_rows, found.sealed_events, found.tail_rows), (10, 10, 4));
            assert_eq!((found.segments, found.drift.len()), (3, 0));
            (rows, steps) = (rows + found.sealed_rows, steps + 1);
            match found.next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!((rows, steps), (30, 3));
        let rest = site.ask("verification(after: \"2\") { isConsistent sealedRows next }").await;
        assert_eq!(rest["verification"], json!({ "isConsistent": true, "sealedRows": 10, "next": null }));
        let refused = site.try_ask("verification(after: \"x\") { isConsistent }").await;
        assert_eq!(refused.at("/errors/0/extensions/field"), "after");
    }

    async fn what_is_lost_or_damaged_is_named_and_made_anew(store: Store) {
        let app = TestApp::start(store).await;
        let (site, columnar) = (app.site().await, &app.app.columnar);
        let id = id_of(&site);
        for part in 0..3 {
            site.post((part * 100..(part + 1) * 100).map(event).collect::<Vec<_>>()).await.ok();
            assert!(columnar.seal(id).await.unwrap());
        }
        let paths = "breakdown(range: { preset: LAST_7_DAYS }, by: [PAGE_PATH], limit: 3) { rows { values events } }";
        let before = site.ask(&format!("{COUNTS} {paths}")).await;
        for change in [
            "DELETE FROM segment_columns WHERE segment_id = 1 AND name = 'path'",
            "UPDATE segment_columns SET data = substr(data, 2) WHERE segment_id = 2 AND name = 'url'",
            "DELETE FROM segment_columns WHERE segment_id = 3",
            "DELETE FROM event_segments WHERE id = 3",
            "UPDATE segment_heads SET visitors = 5, revision = revision + 1",
        ] {
            app.app.db.writer().execute_unprepared(change).await.unwrap();
        }
        let app = app.stop().await.start().await;
        let mut site = site;
        site.owner.url.clone_from(&app.url);
        let columnar = &app.app.columnar;
        let refused = site.try_ask(&paths.replace("LAST_7_DAYS", "LAST_30_DAYS")).await;
        assert_eq!(refused.error_code(), "INTERNAL");
        let drift = columnar.verify(id).await.unwrap().drift;
        let told = |what: &str| assert!(drift.iter().any(|drift| drift.contains(what)), "{what} of {drift:?}");
        told("segment 1 cannot be read: column path of segment 1: it is not there");
        told("segment 2 cannot be read: column url of segment 2: a column of a segment is damaged");
        told("300 rows are sealed, and segments hold 200 events");
        told("there is a rollup of segment 3, which there is not");
        // An erasure that cannot be done says so.
        let input = json!({ "appId": site.app_id, "userId": "u3" });
        let refused = site.owner.mutate("eraseUser", input.clone(), "erasure { finishedAt }").await;
        assert_eq!(refused.error_code(), "INTERNAL");
        // What arrives in the same millisecond would be late.
        app.clock.advance(1);

        assert_eq!(columnar.rebuild_segments(id).await.unwrap(), 3);
        agrees(&app.app, id, 300).await;
        assert_eq!(site.ask(&format!("{COUNTS} {paths}")).await, before);
        // Nobody was given a number twice.
        site.post((300..400).map(event).collect::<Vec<_>>()).await.ok();
        assert!(columnar.seal(id).await.unwrap());
        agrees(&app.app, id, 400).await;
        assert_eq!(site.ask(COUNTS).await["summary"], expected(400));
        app.app.eraser().finish_all().await.unwrap();
        agrees(&app.app, id, 400 - 4).await;
    }

    async fn what_has_no_column_of_its_own_is_compared_as_well(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let with = |number: usize| json!({
            "id": format!("00000000-0000-4000-8000-{number:012}"), "event_type": "seen",
            "metadata": { format!("key {}", number % 700): number % 2, "always": "yes" },
        });
        site.post((0..1_400).map(with).collect::<Vec<_>>()).await.ok();
        assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
        agrees(&app.app, id_of(&site), 1_400).await;
        // Of these 700 keys, 500 have columns: those of the first events, in whatever order.
        let change = "UPDATE events SET metadata = '{\"always\":\"yes\",\"key 699\":7}' \
            WHERE CAST(metadata AS text) LIKE '%\"key 699\"%'";
        app.app.db.writer().execute_unprepared(change).await.unwrap();
        let drift = app.app.columnar.verify(id_of(&site)).await.unwrap().drift;
        assert_eq!(drift.len(), 1, "{drift:?}");
    }

    async fn comparing_finds_no_drift_while_all_changes(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let id = id_of(&site);
        let stop = Arc::new(AtomicBool::new(false));
        let sealer = tokio::spawn(keep_sealing(app.app.columnar.clone(), id, 3, stop.clone()));
        let (columnar, stopped) = (app.app.columnar.clone(), stop.clone());
        let comparing = tokio::spawn(async move {
            let mut compared = 0;
            while !stopped.load(Ordering::Relaxed) {
                assert_eq!(columnar.verify(id).await.unwrap().drift, [""; 0]);
                compared += 1;
            }
            compared
        });
        let until = Instant::now() + Duration::from_secs(4);
        let mut sent = 0;
        while Instant::now() < until {
            assert_eq!(site.post((sent..sent + 40).map(event).collect::<Vec<_>>()).await.ok()["accepted"], 40);
            sent += 40;
            if sent % 200 == 0 {
                let input = json!({ "appId": site.app_id, "userId": format!("u{}", sent / 200 % 97) });
                site.owner.mutate("eraseUser", input, "erasure { finishedAt }").await.data();
                // What arrives in the same millisecond would be late.
                app.clock.advance(1);
            }
        }
        stop.store(true, Ordering::Relaxed);
        sealer.await.unwrap();
        assert!(comparing.await.unwrap() > 2);
    }
}
