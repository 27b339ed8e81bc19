//! Rollups say what the columns say, and come and go with their segments.

use event_analytics::columnar::verify::Verification;
use sea_orm::{ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    app::{NOW, Store, TestApp},
    people::Site,
};

fn id_of(site: &Site) -> Uuid {
    Uuid::parse_str(site.app_id.trim_start_matches("app_")).unwrap()
}

/// Events of some hours, a few of bots.
fn event(number: i64) -> Value {
    let bot = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0";
    json!({
        "id": format!("00000000-0000-4000-8000-{number:012x}"),
        "timestamp": NOW - (number * 7_919_000) % 86_400_000,
        "event_type": if number % 3 == 0 { "page_view" } else { "click" },
        "user_id": format!("u{}", number % 97),
        "session_id": format!("s{}", number % 301),
        "user_agent": if number % 11 == 0 { bot } else { "curl/8" },
        "country": if number % 2 == 0 { "DE" } else { "US" },
        "revenue": if number % 5 == 0 { "1.25" } else { "0.5" },
        "currency": if number % 7 == 0 { None } else { Some("EUR") },
    })
}

async fn rows(app: &TestApp) -> u64 {
    event_analytics::entity::event_aggregation::Entity::find().count(&*app.app.db).await.unwrap()
}

fn sum(rows: &Value) -> i64 {
    rows.as_array().unwrap().iter().map(|row| row["events"].as_i64().unwrap()).sum()
}

async fn verified(app: &TestApp, site: &Site) -> Verification {
    app.app.columnar.verify(id_of(site)).await.unwrap()
}

const SUMMED: &str = "
    summary(range: { preset: LAST_7_DAYS }, bots: INCLUDE) { events uniqueUsers sessions pageViews }
    hours: timeline(range: { preset: LAST_24_HOURS }, interval: HOUR) { buckets { events uniqueUsers } }
    countries: breakdown(range: { preset: LAST_7_DAYS }, by: [COUNTRY]) { rows { values events pageViews } }";

both_stores! {
    async fn sums_are_right_while_segments_come_and_little_is_kept(store: Store) {
        let app = TestApp::with(store, &[("COLUMN_CACHE_BYTES", "1048576")]).await;
        let (site, columnar) = (app.site().await, &app.app.columnar);
        let id = id_of(&site);
        for round in 0..12 {
            let (before, after) = (round * 50, round * 50 + 50);
            let asks = (0..6).map(|hour| {
                // Always all events, and a range that nobody has asked for.
                let from = NOW - 7 * 86_400_000 - (round * 6 + hour) * 3_600_000;
                let from = jiff::Timestamp::from_millisecond(from).unwrap();
                let to = jiff::Timestamp::from_millisecond(NOW + 3_600_000).unwrap();
                let range = format!("range: {{ from: \"{from}\", to: \"{to}\" }}, bots: INCLUDE");
                let site = &site;
                async move {
                    let selection = format!("summary({range}) {{ events }} timeline({range}, interval: HOUR) {{ buckets {{ events }} }}");
                    let answer = site.ask(&selection).await;
                    (answer["summary"]["events"].as_i64().unwrap(), sum(&answer["timeline"]["buckets"]))
                }
            });
            let more = async {
                site.post((before..after).map(event).collect::<Vec<_>>()).await.ok();
                assert!(columnar.seal(id).await.unwrap());
            };
            let (answers, ()) = tokio::join!(futures::future::join_all(asks), more);
            for (events, in_time) in answers {
                assert!([before, after].contains(&events) && events == in_time, "{events} and {in_time} in round {round}");
            }
        }
    }

    async fn long_ranges_are_answered_from_rollups(store: Store) {
        let app = TestApp::start(store).await;
        let (site, columnar) = (app.site().await, &app.app.columnar);
        let id = id_of(&site);
        for (from, to) in [(0, 200), (200, 300)] {
            site.post((from..to).map(event).collect::<Vec<_>>()).await.ok();
            assert!(columnar.seal(id).await.unwrap());
        }
        let long_ago = || json!({ "event_type": "once", "timestamp": NOW - 40 * 86_400_000_i64 });
        site.post([long_ago()]).await.ok();
        assert!(columnar.seal(id).await.unwrap());
        // A rollup that is wrong shows in the answers: they are made of it.
        let wrong = "UPDATE event_aggregations SET data = (SELECT other.data FROM event_aggregations AS other \
            WHERE other.segment_id = 3) WHERE segment_id = 2";
        app.app.db.writer().execute_unprepared(wrong).await.unwrap();
        let summary = |events: i64, sessions: i64, views: i64| {
            json!({ "events": events, "uniqueUsers": 97, "sessions": sessions, "pageViews": views })
        };
        let answer = site.ask(SUMMED).await;
        assert_eq!(answer["summary"], summary(200, 200, 67));
        assert_eq!(sum(&answer["countries"]["rows"]), 181, "but for 19 of bots");
        // Made anew, all is counted, and nothing is remembered of the wrong one: no answer either.
        assert_eq!(columnar.rebuild_rollups(id).await.unwrap(), 3);
        let answer = site.ask(SUMMED).await;
        assert_eq!(answer["summary"], summary(300, 300, 100));
        assert_eq!(sum(&answer["countries"]["rows"]), 272, "but for 28 events of bots");
        // And the same when the segments are merged, with more behind them.
        site.post((300..420).map(event).collect::<Vec<_>>()).await.ok();
        assert!(columnar.seal(id).await.unwrap());
        assert!(columnar.merge(id).await.unwrap());
        site.post((420..430).map(event).collect::<Vec<_>>()).await.ok();
        assert_eq!(site.ask(SUMMED).await["summary"], summary(430, 301, 144));
    }

    async fn rollups_come_and_go_with_their_segments_and_are_verified(store: Store) {
        let app = TestApp::start(store).await;
        let (site, columnar) = (app.site().await, &app.app.columnar);
        let id = id_of(&site);
        for part in 0..4 {
            site.post((part * 100..(part + 1) * 100).map(event).collect::<Vec<_>>()).await.ok();
            assert!(columnar.seal(id).await.unwrap());
        }
        let found = verified(&app, &site).await;
        assert_eq!((found.segments, found.rollups, rows(&app).await, found.drift), (4, 4, 4, vec![]));
        assert!(columnar.merge(id).await.unwrap());
        let found = verified(&app, &site).await;
        assert_eq!((found.segments, found.rollups, rows(&app).await, found.drift), (1, 1, 1, vec![]));

        // One that says something else, or nothing that can be read, is named.
        site.post((400..450).map(event).collect::<Vec<_>>()).await.ok();
        assert!(columnar.seal(id).await.unwrap());
        let copy = "UPDATE event_aggregations SET data = \
            (SELECT other.data FROM event_aggregations AS other WHERE other.segment_id = 6) WHERE segment_id = 5";
        let change = |sql: &'static str| app.app.db.writer().execute_unprepared(sql);
        change(copy).await.unwrap();
        assert_eq!(verified(&app, &site).await.drift, ["the rollup of segment 5 differs from its columns"]);
        change("UPDATE event_aggregations SET segment_id = 7 WHERE segment_id = 6").await.unwrap();
        change("UPDATE segment_heads SET revision = revision + 1").await.unwrap();
        let strays = verified(&app, &site).await.drift;
        assert_eq!(strays[0], "there is a rollup of segment 7, which there is not");

        assert_eq!(columnar.rebuild_rollups(id).await.unwrap(), 2);
        let found = verified(&app, &site).await;
        assert_eq!((found.segments, found.rollups, found.drift), (2, 2, vec![]));
        change("DELETE FROM event_aggregations WHERE segment_id = 5").await.unwrap();
        assert_eq!(columnar.make_rollups(id).await.unwrap(), 1);
        assert_eq!(columnar.make_rollups(id).await.unwrap(), 0);
        assert_eq!((rows(&app).await, verified(&app, &site).await.drift), (2, vec![]));

        site.owner.mutate("deleteApp", json!({ "id": site.app_id }), "deletedAppId").await.data();
        assert_eq!(rows(&app).await, 0);
    }
}
