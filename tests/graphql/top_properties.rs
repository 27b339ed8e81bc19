//! What an app sends, as a dashboard asks for it.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    app::{Store, TestApp},
    people::Site,
};

const TODAY: &str = "range: { preset: TODAY }";

fn sent(number: usize, metadata: Value) -> Value {
    json!({ "event_type": "e", "timestamp": "2026-11-22T08:00:00Z", "id": format!("{number}"), "metadata": metadata })
}

async fn seal(app: &TestApp, site: &Site) {
    let id = Uuid::parse_str(site.app_id.trim_start_matches("app_")).unwrap();
    assert!(app.app.columnar.seal(id).await.unwrap());
}

async fn properties(site: &Site, arguments: &str) -> Value {
    let fields = "differentProperties properties { key events share distinctValues types { type events } values { value isCut type events } }";
    site.ask(&format!("topProperties({TODAY}, {arguments}) {{ {fields} }}")).await["topProperties"].clone()
}

both_stores! {
    async fn properties_are_met_wherever_they_are_kept(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        // More keys than get columns of their own: each event has the common one and ten others.
        let many = |from: usize| (from..from + 70).map(|number| {
            let mut metadata = json!({ "common": number % 2 });
            (0..10).for_each(|key| metadata[format!("key {:03}", (number % 70) * 10 + key)] = json!(format!("v{}", number % 7)));
            sent(number, metadata)
        }).collect::<Vec<_>>();
        site.post(many(0)).await.ok();
        let expected = |times: u64| {
            let mut all = vec![json!({
                "key": "common", "events": 70 * times, "share": 1.0, "distinctValues": 2,
                "types": [{ "type": "NUMBER", "events": 70 * times }],
                "values": [{ "value": "0", "isCut": false, "type": "NUMBER", "events": 35 * times }],
            })];
            all.extend((0..199).map(|key| json!({
                "key": format!("key {key:03}"), "events": times, "share": 1.0 / 70.0, "distinctValues": 1,
                "types": [{ "type": "STRING", "events": times }],
                "values": [{ "value": format!("v{}", key / 10 % 7), "isCut": false, "type": "STRING", "events": times }],
            })));
            json!({ "differentProperties": 701, "properties": all })
        };
        assert_eq!(properties(&site, "limit: 200, values: 1").await, expected(1), "as rows");
        seal(&app, &site).await;
        assert_eq!(properties(&site, "limit: 200, values: 1").await, expected(1), "as columns");
        site.post(many(70)).await.ok();
        assert_eq!(properties(&site, "limit: 200, values: 1").await, expected(2), "as both");
        seal(&app, &site).await;
        assert_eq!(properties(&site, "limit: 200, values: 1").await, expected(2), "as two segments");
        // A filter on one of those without a column finds its events, and only their properties.
        let one = properties(&site, "values: 0, filter: { property: [{ key: \"key 699\", exists: true }] }").await;
        assert_eq!(one["differentProperties"], 11);
        assert_eq!(one["properties"][0]["events"], 2);
        assert_eq!(one["properties"][0]["values"], json!([]));
        let elsewhere = properties(&site, "filter: { eventType: { eq: \"other\" } }").await;
        assert_eq!(elsewhere, json!({ "differentProperties": 0, "properties": [] }));
    }

    async fn long_values_are_cut_and_answers_are_kept(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let long = "ü".repeat(201);
        site.post(json!([sent(1, json!({ "k": long })), sent(2, json!({ "k": "ü".repeat(200) })), sent(3, json!({ "k": { "a": [1] }, "none": null }))])).await.ok();
        let answer = properties(&site, "values: 10").await;
        let shown = |text: &str, is_cut: bool, kind: &str| json!({ "value": text, "isCut": is_cut, "type": kind, "events": 1 });
        assert_eq!(answer["properties"], json!([{
            "key": "k", "events": 3, "share": 1.0, "distinctValues": 3,
            "types": [{ "type": "STRING", "events": 2 }, { "type": "OBJECT", "events": 1 }],
            "values": [shown("{\"a\":[1]}", false, "OBJECT"), shown(&"ü".repeat(200), false, "STRING"), shown(&"ü".repeat(200), true, "STRING")],
        }]));
        let again = async || {
            let reply = site.try_ask(&format!("topProperties({TODAY}) {{ properties {{ key }} }}")).await;
            (reply.at("/extensions/cached") == true, reply.data()["app"]["topProperties"]["properties"].as_array().unwrap().len())
        };
        assert_eq!((again().await, again().await), ((false, 1), (true, 1)));
        site.post(sent(4, json!({ "more": true }))).await.ok();
        assert_eq!(again().await, (false, 2), "never stale");
    }

    async fn wrong_bounds_are_named_and_strangers_see_nothing(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        for (arguments, field) in [
            ("limit: 0", "limit"),
            ("limit: 201", "limit"),
            ("values: -1", "values"),
            ("values: 11", "values"),
            ("timezone: \"Mars/Olympus\"", "timezone"),
            ("filter: { property: [{ key: \"\" }] }", "filter.property.0.key"),
        ] {
            let reply = site.try_ask(&format!("topProperties({TODAY}, {arguments}) {{ events }}")).await;
            assert_eq!((reply.error_code(), reply.at("/errors/0/extensions/field")), ("BAD_USER_INPUT", &json!(field)), "{arguments}");
        }
        let eve = Site { owner: app.user("eve").await, ..site.clone() };
        assert_eq!(eve.try_ask(&format!("topProperties({TODAY}) {{ events }}")).await.error_code(), "NOT_FOUND");
        let stranger = Site { owner: app.anonymous(), ..site.clone() };
        assert_eq!(stranger.try_ask(&format!("topProperties({TODAY}) {{ events }}")).await.error_code(), "UNAUTHENTICATED");
        // Nobody asks for everything at once.
        let dear: String = (0..17).map(|n| format!("a{n}: topProperties({TODAY}) {{ properties {{ key }} eventTypes {{ events }} }} ")).collect();
        assert_eq!(site.try_ask(&dear).await.error_code(), "COST_EXCEEDED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_properties_than_can_be_told_apart_are_refused() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    for part in 0..3 {
        let keys = |number: usize| {
            let keys = (0..40).map(|key| (format!("k{}", number * 40 + key), json!(1)));
            sent(number, Value::Object(keys.collect()))
        };
        site.post((part * 84..(part + 1) * 84).map(keys).collect::<Vec<_>>()).await.ok();
    }
    let reply = site.try_ask(&format!("topProperties({TODAY}) {{ properties {{ key }} }}")).await;
    assert_eq!(reply.error_code(), "COST_EXCEEDED");
    assert!(reply.error_message().contains("different properties"), "{}", reply.text);
    let some = format!(
        "topProperties({TODAY}, filter: {{ property: [{{ key: \"k1\", exists: true }}] }}) {{ differentProperties }}"
    );
    assert_eq!(site.ask(&some).await["topProperties"]["differentProperties"], 40);
}
