//! Rows become segments exactly once, whoever seals, merges and writes at the same time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use event_analytics::{columnar::Columnar, state::App};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    app::{NOW, Store, TestApp},
    people::Site,
};

pub fn id_of(site: &Site) -> Uuid {
    Uuid::parse_str(site.app_id.trim_start_matches("app_")).unwrap()
}

pub fn event(number: i64) -> Value {
    json!({
        "id": format!("00000000-0000-4000-8000-{number:012x}"),
        "timestamp": NOW - (number * 7_919) % 86_400_000,
        "event_type": if number % 3 == 0 { "page_view" } else { "click" },
        "user_id": format!("u{}", number % 97),
        "session_id": format!("s{}", number % 301),
        "url": format!("https://example.com/{}", number % 41),
        "metadata": { "n": number, "even": number % 2 == 0 },
    })
}

pub const COUNTS: &str = "summary(range: { preset: LAST_7_DAYS }) { events uniqueUsers sessions pageViews }";

pub fn expected(events: i64) -> Value {
    json!({
        "events": events, "uniqueUsers": events.min(97), "sessions": events.min(301), "pageViews": (events + 2) / 3,
    })
}

/// Seals and merges an app at random until told to stop.
pub async fn keep_sealing(columnar: Columnar, app: Uuid, seed: u64, stop: Arc<AtomicBool>) {
    let mut random = StdRng::seed_from_u64(seed);
    while !stop.load(Ordering::Relaxed) {
        match random.random_range(0..3) {
            0 => drop(columnar.merge(app).await.unwrap()),
            _ => drop(columnar.seal(app).await.unwrap()),
        }
        tokio::time::sleep(std::time::Duration::from_millis(random.random_range(0..15))).await;
    }
}

/// That the segments of every server hold what the rows say.
pub async fn agrees(app: &App, id: Uuid, events: i64) {
    let found = app.columnar.verify(id).await.unwrap();
    assert_eq!(found.drift, [""; 0]);
    assert_eq!((found.sealed_rows, found.sealed_rows + found.tail_rows), (found.sealed_events, events as u64));
}

both_stores! {
    async fn a_column_made_of_constants_is_made_when_all_others_are_known(store: Store) {
        let server = TestApp::start(store).await;
        let site = server.site().await;
        let events: Vec<_> = (0..3).map(|number| {
            let mut event = event(number);
            event["screen_width"] = json!(390);
            event["screen_height"] = json!(844);
            event
        }).collect();
        site.post(events).await.ok();
        assert!(server.app.columnar.seal(id_of(&site)).await.unwrap());
        let seen = site.ask("summary(range: { preset: LAST_7_DAYS }) { bounceRate }").await;
        assert_eq!(seen["summary"]["bounceRate"], 1.0 / 3.0, "{seen}");
        let screens = "breakdown(range: { preset: LAST_7_DAYS }, by: [SCREEN]) { rows { values events } }";
        assert_eq!(site.ask(screens).await["breakdown"]["rows"], json!([{ "values": ["390x844"], "events": 3 }]));
    }
}

both_stores! {
    async fn writers_sealers_and_merges_of_two_servers_lose_and_repeat_nothing(store: Store) {
        let one = TestApp::start(store).await;
        // Two processes share no SQLite file.
        let two = if store == Store::Postgres { Some(one.sibling().await) } else { None };
        let site = one.site().await;
        let id = id_of(&site);
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
        let servers: Vec<&TestApp> = std::iter::once(&one).chain(&two).collect();
        let sealers = servers.iter().zip(1..).map(|(server, seed)| {
            tokio::spawn(keep_sealing(server.app.columnar.clone(), id, seed, stop.clone()))
        });
        let sealers: Vec<_> = sealers.collect();
        let mut random = StdRng::seed_from_u64(7);
        while sent.load(Ordering::Relaxed) < 3_000 {
            let (first, some) = (sent.load(Ordering::Relaxed), random.random_range(1..120));
            let events: Vec<_> = (first..first + some).map(event).collect();
            assert_eq!(site.post(events).await.ok()["accepted"], some);
            sent.store(first + some, Ordering::Relaxed);
            // What was acknowledged is counted, once, while segments change.
            assert_eq!(site.ask(COUNTS).await["summary"], expected(first + some));
        }
        stop.store(true, Ordering::Relaxed);
        for sealer in sealers {
            sealer.await.unwrap();
        }
        let events = sent.load(Ordering::Relaxed);
        for server in &servers {
            agrees(&server.app, id, events).await;
        }
        while one.app.columnar.seal(id).await.unwrap() {}
        while one.app.columnar.merge(id).await.unwrap() {}
        for server in servers {
            agrees(&server.app, id, events).await;
        }
        assert_eq!(site.ask(COUNTS).await["summary"], expected(events));
    }

    async fn a_session_that_was_forgotten_keeps_its_number(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post((0..50).map(event).collect::<Vec<_>>()).await.ok();
        assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
        // As if it had been met so long ago that the server knows it no more.
        use sea_orm::ConnectionTrait as _;
        for change in [
            "INSERT INTO event_codes (app_id, kind, value, code) SELECT app_id, 1, 's60', sessions + 1 FROM segment_heads",
            "UPDATE segment_heads SET sessions = sessions + 1",
        ] {
            app.app.db.writer().execute_unprepared(change).await.unwrap();
        }
        for events in [50..100, 100..150] {
            site.post(events.map(event).collect::<Vec<_>>()).await.ok();
            assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
        }
        agrees(&app.app, id_of(&site), 150).await;
        assert_eq!(site.ask(COUNTS).await["summary"], expected(150));
    }

    async fn what_one_visitor_did_is_found_by_filters_that_all_events_pass(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let query = "query($app: ID!, $filter: EventFilter) { app(id: $app) { user(userId: \"u3\") {
            events(first: 100, filter: $filter) { nodes { eventId } }
        } } }";
        site.post((0..300).map(event).collect::<Vec<_>>()).await.ok();
        for is_sealed in [false, true] {
            if is_sealed {
                assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
            }
            for filter in [
                json!({ "userId": { "exists": true } }),
                json!({ "userId": { "notEq": "nobody" } }),
                json!({ "userId": { "notIn": ["nobody", "x"] } }),
                json!({ "not": { "userId": { "exists": false } } }),
                json!({ "eventType": { "exists": true } }),
                json!({}),
            ] {
                let reply = site.owner.graphql(query, json!({ "app": site.app_id, "filter": filter })).await.data();
                let found = reply["app"]["user"]["events"]["nodes"].as_array().unwrap().len();
                assert_eq!(found, 4, "{filter}, sealed: {is_sealed}");
            }
        }
    }

    async fn rows_are_read_in_pages_that_cut_commits(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        for part in 0..3 {
            site.post((part * 700..(part + 1) * 700).map(event).collect::<Vec<_>>()).await.ok();
        }
        // What was handed over is lost.
        let app = app.stop().await.start().await;
        let mut site = site;
        site.owner.url.clone_from(&app.url);
        assert_eq!(site.ask(COUNTS).await["summary"], expected(2_100));
        assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
        agrees(&app.app, id_of(&site), 2_100).await;
        assert_eq!(site.ask(COUNTS).await["summary"], expected(2_100));
    }

    async fn properties_beyond_those_with_columns_are_found_all_the_same(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let with = |number: usize| json!({
            "event_type": "seen", "metadata": { format!("key {}", number % 700): number % 2, "always": "yes" },
        });
        for part in 0..4 {
            site.post((part * 700..(part + 1) * 700).map(with).collect::<Vec<_>>()).await.ok();
            assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
        }
        while app.app.columnar.merge(id_of(&site)).await.unwrap() {}
        for key in ["key 3", "key 499", "key 500", "key 699"] {
            let report = format!(
                "breakdown(range: {{ preset: LAST_24_HOURS }}, by: [PROPERTY], property: \"{key}\") {{ rows {{ label events }} }}"
            );
            let answer = site.ask(&report).await;
            let parity = key.trim_start_matches("key ").parse::<u64>().unwrap() % 2;
            let rows = json!([{ "label": "(none)", "events": 2796 }, { "label": parity.to_string(), "events": 4 }]);
            assert_eq!(answer["breakdown"]["rows"], rows, "{key}");
        }
        agrees(&app.app, id_of(&site), 2_800).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_app_that_cannot_be_sealed_keeps_no_other_waiting() {
    use sea_orm::ConnectionTrait as _;
    let app = TestApp::start(Store::Sqlite).await;
    let first = app.site().await;
    let mut sites = vec![first.clone()];
    for name in ["good", "other"] {
        sites.push(Site::of(first.owner.clone(), name).await);
    }
    for site in &sites {
        site.post((0..10).map(event).collect::<Vec<_>>()).await.ok();
    }
    for site in [&sites[0], &sites[2]] {
        let id = id_of(site);
        let spoil = format!("UPDATE events SET id = 'no id ' || id WHERE app_id IN ('{id}', x'{}')", id.simple());
        app.app.db.writer().execute_unprepared(&spoil).await.unwrap();
    }
    // Without what was handed over, and when all have waited long enough.
    let app = app.stop().await.start().await;
    app.clock.advance(10 * 60 * 1_000);
    let until = Instant::now() + Duration::from_secs(30);
    while app.app.columnar.verify(id_of(&sites[1])).await.unwrap().segments == 0 {
        assert!(Instant::now() < until, "it waits for the others");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn few_large_events_are_sealed_before_they_are_many() {
    let large = [("MAX_EVENT_BYTES", "1048576"), ("MAX_BODY_BYTES", "67108864")];
    let app = TestApp::with(Store::Sqlite, &large).await;
    let site = app.site().await;
    for batch in 0..5 {
        let event = |number: i64| {
            let text = format!("{batch}-{number}-{}", "x".repeat(1_000_000));
            json!({ "event_type": "large", "metadata": { "text": text } })
        };
        assert_eq!(site.post((0..14).map(event).collect::<Vec<_>>()).await.ok()["accepted"], 14);
    }
    let until = Instant::now() + Duration::from_secs(60);
    while app.app.columnar.verify(id_of(&site)).await.unwrap().segments == 0 {
        assert!(Instant::now() < until, "they wait to be more");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    agrees(&app.app, id_of(&site), 70).await;
}
