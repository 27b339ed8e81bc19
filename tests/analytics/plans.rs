//! How Postgres finds things in tables that it knows nothing about yet.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use serde_json::json;

use super::sealing::{event, id_of};
use crate::support::{
    app::{NOW, Store, TestApp},
    people::Site,
    postgres::{TestDatabase, connect},
};

/// Visitors known before. They have no sessions, so that the index of visitors by number is the smaller one, and as
/// good as the other to a planner without statistics.
const KNOWN: i64 = 10_000;

/// How many rows of the tables whose names begin so were read so far, by connections that are closed.
async fn rows_read(postgres: &DatabaseConnection, tables: &str) -> i64 {
    let sql = format!(
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables WHERE relname LIKE '{tables}%'"
    );
    let row = postgres.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// How many entries of the indexes of the tables whose names begin so were read so far, by connections that are closed.
async fn entries_read(postgres: &DatabaseConnection, tables: &str) -> i64 {
    let sql = format!("SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname LIKE '{tables}%'");
    let row = postgres.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_looked_up_one_by_one_before_there_are_statistics() {
    let database = TestDatabase::new().await;
    let app = TestApp::with(Store::Postgres, &[("DATABASE_URL", database.url())]).await;
    let site = app.site().await;
    let postgres = connect(database.url()).await.unwrap();
    let id = id_of(&site);
    let fill = format!(
        "INSERT INTO event_codes (app_id, kind, value, code)
         SELECT '{id}', 0, 'known-' || n, n FROM generate_series(1, {KNOWN}) AS n;
         UPDATE segment_heads SET visitors = {KNOWN} WHERE app_id = '{id}'"
    );
    postgres.execute_unprepared(&fill).await.unwrap();
    // Connections tell what they have read when they are closed.
    let known = app.stop().await;
    let before = entries_read(&postgres, "event_codes").await;
    let app = known.start().await;
    let mut site = site;
    site.owner.url.clone_from(&app.url);
    site.post((0..200).map(event).collect::<Vec<_>>()).await.ok();
    let filtered = "summary(range: { preset: LAST_7_DAYS }, filter: { userId: { in: [\"u1\", \"known-7\", \"nobody\"] } }) { events }";
    assert_eq!(site.ask(filtered).await["summary"], json!({ "events": 3 }));
    assert!(app.app.columnar.seal(id).await.unwrap());
    assert_eq!(site.ask(filtered).await["summary"], json!({ "events": 3 }));
    let user = site.ask("user(userId: \"u1\") { totals { events } }").await;
    assert_eq!(user["user"]["totals"]["events"], 3);
    assert_eq!(app.app.columnar.verify(id).await.unwrap().drift, [""; 0]);
    app.stop().await;
    // 97 visitors and 200 sessions are looked up for the tail, to be sealed, and by the comparison.
    let read = entries_read(&postgres, "event_codes").await - before;
    assert!(read < 3_000, "{read} entries were read");
    postgres.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_sessions_reads_the_rows_of_its_own() {
    let database = TestDatabase::new().await;
    let app = TestApp::with(Store::Postgres, &[("DATABASE_URL", database.url())]).await;
    let site = app.site().await;
    let postgres = connect(database.url()).await.unwrap();
    let (sessions, events) = (3_000, 6_000);
    let event = |number: i64| {
        let own = number % sessions;
        json!({
            "event_type": "x", "user_id": format!("u{own}"), "session_id": format!("s{own}"), "timestamp": NOW - own * 1_000,
        })
    };
    for from in (0..events).step_by(2_000) {
        site.post((from..from + 2_000).map(event).collect::<Vec<_>>()).await.ok();
    }
    assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
    // One more, of somebody who has no number yet.
    site.post([json!({ "event_type": "x", "user_id": "new", "session_id": "new", "timestamp": NOW })]).await.ok();
    postgres.execute_unprepared("ANALYZE event_codes").await.unwrap();
    let known = app.stop().await;
    let before = [rows_read(&postgres, "events").await, rows_read(&postgres, "event_codes").await];
    let app = known.start().await;
    let mut site = site;
    site.owner.url.clone_from(&app.url);
    let list =
        "sessionList(range: { preset: LAST_7_DAYS }, first: 10) { totalCount nodes { sessionId userId events } }";
    let found = site.ask(list).await["sessionList"].clone();
    assert_eq!(found["totalCount"], sessions + 1);
    let expected: Vec<_> = (0..9).map(|own| (format!("s{own}"), format!("u{own}"), 2)).collect();
    let expected = std::iter::once(("new".to_owned(), "new".to_owned(), 1)).chain(expected);
    let expected: Vec<_> = expected.map(|(s, u, n)| json!({ "sessionId": s, "userId": u, "events": n })).collect();
    let mut nodes = found["nodes"].as_array().unwrap().clone();
    // These two start together.
    nodes[..2].sort_by_key(|node| node["sessionId"].to_string());
    assert_eq!(nodes, expected);
    app.stop().await;
    let after = [rows_read(&postgres, "events").await, rows_read(&postgres, "event_codes").await];
    assert!(after[0] - before[0] < 500, "{} rows were read", after[0] - before[0]);
    assert!(after[1] - before[1] < 500, "{} visitors and sessions were read", after[1] - before[1]);
    postgres.close().await.unwrap();
}

/// What statistics know of another app says nothing about this one: Postgres takes it for empty, and every index for as
/// good as any other.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_new_to_the_statistics_is_read_by_its_keys() {
    let database = TestDatabase::new().await;
    let app = TestApp::with(Store::Postgres, &[("DATABASE_URL", database.url())]).await;
    let known = app.site().await;
    let site = Site::of(known.owner.clone(), "New").await;
    let postgres = connect(database.url()).await.unwrap();
    known.post((0..500).map(event).collect::<Vec<_>>()).await.ok();
    assert!(app.app.columnar.seal(id_of(&known)).await.unwrap());
    postgres.execute_unprepared("ANALYZE events; ANALYZE event_codes").await.unwrap();
    let events = 6_000;
    let own = |number: i64| {
        json!({
            "id": format!("e{number}"), "event_type": "x", "user_id": format!("u{number}"),
            "session_id": format!("s{number}"), "timestamp": NOW - number * 1_000,
        })
    };
    for from in (0..events).step_by(2_000) {
        site.post((from..from + 2_000).map(own).collect::<Vec<_>>()).await.ok();
    }
    assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
    let stopped = app.stop().await;
    let before = [entries_read(&postgres, "events").await, entries_read(&postgres, "event_codes").await];
    let app = stopped.start().await;
    let mut site = site;
    site.owner.url.clone_from(&app.url);
    let found = site.ask("events(range: { preset: LAST_7_DAYS }, first: 50) { nodes { eventId } }").await;
    assert_eq!(found["events"]["nodes"].as_array().unwrap().len(), 50);
    assert_eq!(found["events"]["nodes"][49]["eventId"], "e49");
    // The same people once more, in events that are in no segment.
    let again = (0..100).map(|number| json!({ "event_type": "y", "user_id": format!("u{number}"), "timestamp": NOW }));
    site.post(again.collect::<Vec<_>>()).await.ok();
    let users = site.ask("summary(range: { preset: LAST_7_DAYS }) { uniqueUsers }").await;
    assert_eq!(users["summary"]["uniqueUsers"], events);
    app.stop().await;
    let after = [entries_read(&postgres, "events").await, entries_read(&postgres, "event_codes").await];
    let [rows, codes] = [after[0] - before[0], after[1] - before[1]];
    assert!(rows < 3_000, "{rows} entries of rows were read");
    assert!(codes < 3_000, "{codes} entries of visitors and sessions were read");
    postgres.close().await.unwrap();
}

/// The first events of a month, or of all, find an empty table, for which every index is as good as any other. Plans
/// that are made then, and kept, are good ones all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_found_by_its_keys_though_the_month_has_just_begun() {
    let database = TestDatabase::new().await;
    let app = TestApp::with(Store::Postgres, &[("DATABASE_URL", database.url())]).await;
    let site = app.site().await;
    let postgres = connect(database.url()).await.unwrap();
    let own = |number: i64| json!({ "id": format!("e{number}"), "event_type": "x", "user_id": format!("u{number}") });
    let latest = "events(range: { preset: LAST_7_DAYS }, first: 50) { nodes { eventId } }";
    // Often enough for each connection to have kept its plans.
    for number in 0..60 {
        site.post(own(number)).await.ok();
        site.ask(latest).await;
    }
    for from in (1_000..13_000).step_by(1_000) {
        site.post((from..from + 1_000).map(own).collect::<Vec<_>>()).await.ok();
    }
    assert_eq!(site.post((5_000..6_000).map(own).collect::<Vec<_>>()).await.ok()["duplicates"], 1_000);
    for _ in 0..8 {
        assert_eq!(site.ask(latest).await["events"]["nodes"].as_array().unwrap().len(), 50);
    }
    app.stop().await;
    let read = entries_read(&postgres, "events").await;
    assert!(read < 500_000, "{read} entries were read to store 12,060 events and to list the latest");
    postgres.close().await.unwrap();
}
