//! Segments that cannot hold what a question asks for are not read, and answers are the same.

use std::collections::BTreeSet;

use event_analytics::entity::event_segment;
use sea_orm::{ActiveModelTrait as _, ConnectionTrait as _, EntityTrait as _, IntoActiveModel as _, Set};
use serde_json::{Value, json};

use super::{event::Event, model, sealing::id_of};
use crate::support::{
    app::{NOW, Store, TestApp},
    people::Site,
};

/// A question fails that reads a column of other segments than these. Filters stay as they are.
async fn damage_all_but(app: &TestApp, segments: &[i64]) {
    let kept = segments.iter().map(i64::to_string).chain(["0".to_owned()]).collect::<Vec<_>>().join(", ");
    for sql in [
        "UPDATE segment_columns SET data = (SELECT data FROM kept WHERE kept.segment_id = segment_columns.segment_id \
         AND kept.name = segment_columns.name)",
        &format!(
            "UPDATE segment_columns SET data = substr(data, 2) WHERE segment_id NOT IN ({kept}) AND name NOT LIKE 'm:%'"
        ),
    ] {
        app.app.db.writer().execute_unprepared(sql).await.unwrap();
    }
}

const EVENTS: i64 = 2_000;
const SEGMENTS: i64 = 4;

/// One of many, in no order that would make columns small.
fn one_of(many: i64, number: i64) -> i64 {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 27)) >> 1) as i64 % many
}

/// An event of a segment: its paths, orders and visitors occur in no other.
fn event(segment: i64, number: i64) -> Event {
    let mut properties = vec![
        ("order".to_owned(), json!(format!("order {segment}-{}", one_of(1_000, number)))),
        ("n".to_owned(), json!(number % 40)),
        ("m".to_owned(), json!(segment as f64 * 1_000.0 + one_of(100, number) as f64 / 10.0)),
    ];
    properties.extend((segment == 3).then(|| ("third".to_owned(), json!("yes"))));
    let event_type = match (segment, number % 10) {
        (2, 0) => "rare",
        (_, 1) => "signup",
        _ => "page_view",
    };
    Event {
        id: format!("00000000-0000-4000-8000-{segment:06x}{number:06x}"),
        // All segments are of the same time.
        at: NOW - 3_600_000 + number,
        event_type: event_type.to_owned(),
        user: Some(format!("u{segment}-{}", one_of(500, number))),
        anonymous: None,
        session: Some(format!("s{segment}-{}", one_of(700, number))),
        page: Some(("shop.example".to_owned(), format!("/{segment}/{}", one_of(900, number)))),
        campaign: None,
        referrer: None,
        agent: None,
        country: None,
        city: None,
        language: None,
        title: None,
        revenue: Some((if segment == 4 { 7_500_000 } else { 2_000_000 }, Some("EUR".to_owned()))),
        screen: (None, None),
        properties,
    }
}

/// A filter, and the segments that hold what it lets through.
fn questions() -> Vec<(Value, Vec<i64>)> {
    let all = || vec![1, 2, 3, 4];
    let text = |segment: i64, name: &str| event(segment, 7).text(name).unwrap();
    let [one, three] = [1, 3].map(|segment| text(segment, "pagePath"));
    let order = event(4, 9).property("order").unwrap();
    let property = |key: &str, test: Value| {
        let mut property = json!({ "key": key });
        property.as_object_mut().unwrap().extend(test.as_object().unwrap().clone());
        json!({ "property": [property] })
    };
    vec![
        // Few values, listed.
        (json!({ "eventType": { "eq": "rare" } }), vec![2]),
        (json!({ "eventType": { "startsWith": "ra" } }), vec![2]),
        (json!({ "eventType": { "in": ["rare", "none such"] } }), vec![2]),
        (json!({ "eventType": { "eq": "none such" } }), vec![]),
        (json!({ "eventType": { "exists": false } }), vec![]),
        (json!({ "not": { "eventType": { "exists": true } } }), vec![]),
        (json!({ "revenue": { "gt": 5 } }), vec![4]),
        (json!({ "not": { "revenue": { "lte": 5 } } }), vec![4]),
        (json!({ "browser": { "exists": true } }), vec![]),
        (property("third", json!({ "string": { "eq": "yes" } })), vec![3]),
        (property("third", json!({ "exists": true })), vec![3]),
        (property("absent", json!({ "exists": true })), vec![]),
        // Too many to be listed, and numbers.
        (property("n", json!({ "number": { "gt": 1000 } })), vec![]),
        (property("n", json!({ "number": { "gte": 39 } })), all()),
        (property("n", json!({ "number": { "gt": 39 } })), vec![]),
        (property("n", json!({ "number": { "lt": 0 } })), vec![]),
        (property("m", json!({ "number": { "gte": 3000 } })), vec![3, 4]),
        (property("m", json!({ "number": { "gt": 2000, "lt": 3000 } })), vec![2]),
        (property("m", json!({ "number": { "eq": 4000.5 } })), vec![4]),
        (property("m", json!({ "number": { "lte": 1000 } })), vec![1]),
        (property("m", json!({ "number": { "lte": 1000 }, "exists": true })), vec![1]),
        (property("m", json!({ "number": { "exists": false } })), all()),
        (property("order", json!({ "number": { "lt": 1000 } })), vec![]),
        // Many values, by a filter beside the column.
        (json!({ "pagePath": { "eq": three } }), vec![3]),
        (json!({ "pagePath": { "in": [three, one] } }), vec![1, 3]),
        (json!({ "url": { "eq": text(2, "url") } }), vec![2]),
        (json!({ "url": { "contains": text(2, "pagePath") } }), all()),
        (property("order", json!({ "string": { "eq": order } })), vec![4]),
        (property("order", json!({ "string": { "in": [] } })), vec![]),
        (json!({ "userId": { "eq": text(2, "userId") } }), vec![2]),
        (json!({ "userId": { "eq": "nobody" } }), vec![]),
        (json!({ "userId": { "in": [text(1, "userId"), text(4, "userId"), "nobody"] } }), vec![1, 4]),
        (json!({ "userId": { "notEq": text(2, "userId") } }), all()),
        (json!({ "sessionId": { "eq": text(3, "sessionId") } }), vec![3]),
        // Together.
        (json!({ "pagePath": { "eq": three }, "eventType": { "eq": "rare" } }), vec![]),
        (json!({ "or": [{ "pagePath": { "eq": three } }, { "eventType": { "eq": "rare" } }] }), vec![2, 3]),
        (
            json!({ "and": [{ "userId": { "eq": text(1, "userId") } }, { "not": { "pagePath": { "eq": "/none" } } }] }),
            vec![1],
        ),
        (json!({ "not": { "or": [{ "revenue": { "eq": 7.5 } }, { "revenue": { "eq": 2 } }] } }), vec![]),
    ]
}

/// Asks for the number of events, of users, and for the latest event.
async fn ask(site: &Site, filter: &Value) -> Value {
    let query = "query($app: ID!, $filter: EventFilter) { app(id: $app) {
        summary(range: { preset: LAST_24_HOURS }, filter: $filter) { events uniqueUsers }
        events(range: { preset: LAST_24_HOURS }, filter: $filter, first: 1) { nodes { eventId } }
    } }";
    let reply = site.owner.graphql(query, json!({ "app": site.app_id, "filter": filter })).await;
    assert!(reply.body.get("errors").is_none(), "{filter}: {}", reply.text);
    let answer = &reply.body["data"]["app"];
    json!([answer["summary"]["events"], answer["summary"]["uniqueUsers"], answer["events"]["nodes"]])
}

/// The same by the model.
fn expected(events: &[Event], filter: &Value) -> Value {
    let own: Vec<&Event> = events.iter().filter(|event| model::matches(filter, event)).collect();
    let users: BTreeSet<_> = own.iter().filter_map(|event| event.visitor()).collect();
    let latest = own.iter().max_by_key(|event| (event.at, &event.id));
    json!([own.len(), users.len(), latest.map(|event| json!({ "eventId": event.id })).into_iter().collect::<Vec<_>>()])
}

/// A server that has read nothing yet.
async fn anew(app: TestApp, site: &mut Site) -> TestApp {
    let app = app.stop().await.start().await;
    site.owner.url.clone_from(&app.url);
    app
}

both_stores! {
    async fn only_segments_that_may_hold_what_is_asked_for_are_read(store: Store) {
        let mut app = TestApp::start(store).await;
        let mut site = app.site().await;
        let mut events = Vec::new();
        for segment in 1..=SEGMENTS {
            let own: Vec<Event> = (0..EVENTS).map(|number| event(segment, number)).collect();
            assert_eq!(site.post(own.iter().map(Event::sent).collect::<Vec<_>>()).await.ok()["accepted"], EVENTS);
            assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
            events.extend(own);
        }
        let keep = "CREATE TABLE kept AS SELECT segment_id, name, data FROM segment_columns";
        app.app.db.writer().execute_unprepared(keep).await.unwrap();
        let questions = questions();
        let all: BTreeSet<&Vec<i64>> = questions.iter().map(|(_, segments)| segments).collect();
        for segments in all {
            app = anew(app, &mut site).await;
            damage_all_but(&app, segments).await;
            for (filter, _) in questions.iter().filter(|(_, own)| own == segments) {
                assert_eq!(ask(&site, filter).await, expected(&events, filter), "{filter} of {segments:?}");
            }
        }
        // A question that has to read what is damaged fails.
        damage_all_but(&app, &[]).await;
        app = anew(app, &mut site).await;
        let signups =
            "summary(range: { preset: TODAY }, filter: { eventType: { eq: \"signup\" } }) { uniqueUsers }";
        let refused = site.try_ask(signups).await;
        assert_eq!(refused.error_code(), "INTERNAL");
        // What one visitor did is in one segment as well.
        damage_all_but(&app, &[2]).await;
        let id = event(2, 7).visitor().unwrap();
        let own = events.iter().filter(|event| event.visitor().as_ref() == Some(&id)).count();
        let ask = format!("user(userId: \"{id}\") {{ totals {{ events }} }} nobody: user(userId: \"x\") {{ userId }}");
        assert_eq!(site.ask(&ask).await, json!({ "user": { "totals": { "events": own } }, "nobody": null }));
        // Bots are in none.
        damage_all_but(&app, &[]).await;
        let bots = site.ask("summary(range: { preset: TODAY }, bots: ONLY) { events }").await;
        assert_eq!(bots["summary"]["events"], 0);
    }

    async fn segments_of_an_older_server_are_read_as_well(store: Store) {
        let mut app = TestApp::start(store).await;
        let mut site = app.site().await;
        let events: Vec<Event> = (1..=2).flat_map(|segment| (0..EVENTS).map(move |number| event(segment, number))).collect();
        for own in events.chunks(EVENTS as usize) {
            assert_eq!(site.post(own.iter().map(Event::sent).collect::<Vec<_>>()).await.ok()["accepted"], EVENTS);
            assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
        }
        // It knew neither filters nor ranges of numbers, nor how long texts are.
        let db = &app.app.db;
        for row in event_segment::Entity::find().all(db.writer()).await.unwrap() {
            let json = zstd::decode_all(&*row.header).unwrap();
            let mut header: Value = serde_json::from_slice(&json).unwrap();
            for stat in header["parts"].as_object_mut().unwrap().values_mut() {
                let stat = stat.as_object_mut().unwrap();
                stat.remove("members");
                stat.remove("range");
                stat.remove("numbers");
                stat.remove("text");
            }
            let mut row = row.into_active_model();
            row.header = Set(zstd::encode_all(header.to_string().as_bytes(), 3).unwrap());
            row.update(db.writer()).await.unwrap();
        }
        db.writer().execute_unprepared("DELETE FROM segment_columns WHERE name LIKE 'm:%'").await.unwrap();
        app = anew(app, &mut site).await;
        for (filter, _) in questions() {
            assert_eq!(ask(&site, &filter).await, expected(&events, &filter), "{filter}");
        }
        assert_eq!(app.app.columnar.verify(id_of(&site)).await.unwrap().drift, [""; 0]);
        // And merged as any others.
        for part in 0..2 {
            site.post((0..EVENTS).map(|number| event(3 + part, number).sent()).collect::<Vec<_>>()).await.ok();
            assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
        }
        assert!(app.app.columnar.merge(id_of(&site)).await.unwrap());
        assert_eq!(app.app.columnar.verify(id_of(&site)).await.unwrap().drift, [""; 0]);
    }
}
