//! Fields beyond the first ones: title, language, place, money, campaign, and who was who.

use serde_json::{Value, json};

use super::{counts, row, rows};
use crate::support::{
    app::{Store, TestApp},
    people::Site,
};

/// Events that are refused, with the code and the field.
fn bad_fields() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (json!({"title": 7}), "WRONG_TYPE", "title"),
        (json!({"title": "a\u{0}"}), "NUL_CHARACTER", "title"),
        (json!({"language": "x".repeat(36)}), "TOO_LONG", "language"),
        (json!({"region": "x".repeat(101)}), "TOO_LONG", "region"),
        (json!({"city": ["Bern"]}), "WRONG_TYPE", "city"),
        (json!({"revenue": "free"}), "INVALID_VALUE", "revenue"),
        (json!({"revenue": "1,50"}), "INVALID_VALUE", "revenue"),
        (json!({"revenue": true}), "WRONG_TYPE", "revenue"),
        (json!({"revenue": 0.0000001}), "TOO_PRECISE", "revenue"),
        (json!({"revenue": "0.1234567"}), "TOO_PRECISE", "revenue"),
        (json!({"revenue": 9_300_000_000_000_i64}), "NUMBER_OUT_OF_RANGE", "revenue"),
        (json!({"revenue": 1e300}), "NUMBER_OUT_OF_RANGE", "revenue"),
        (json!({"currency": "Euro"}), "INVALID_VALUE", "currency"),
        (json!({"currency": "€uro"}), "INVALID_VALUE", "currency"),
        (json!({"previous_id": 7}), "WRONG_TYPE", "previous_id"),
        (json!({"previous_id": "x".repeat(201)}), "TOO_LONG", "previous_id"),
        (json!({"utm_source": 7}), "WRONG_TYPE", "utm_source"),
        (json!({"utm_term": "a\u{0}"}), "NUL_CHARACTER", "utm_term"),
    ]
}

fn event(fields: Value) -> Value {
    let mut event = json!({"event_type": "x"});
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event
}

async fn stored(app: &TestApp, name: &str, fields: Value) -> event_analytics::entity::event::Model {
    let site = Site::of(app.user(name).await, name).await;
    site.post(event(fields)).await.ok();
    row(app, &site).await
}

both_stores! {
    async fn they_are_stored(store: Store) {
        let app = TestApp::start(store).await;
        let row = stored(&app, "a", json!({
            "title": "Kaffee & Kuchen", "language": "de-CH", "country": "ch", "region": "Zürich", "city": "Winterthur",
            "revenue": "1234.567891", "currency": "chf",
        })).await;
        assert_eq!(row.title.as_deref(), Some("Kaffee & Kuchen"));
        assert_eq!(row.language.as_deref(), Some("de-CH"));
        let place = (row.country.as_deref(), row.region.as_deref(), row.city.as_deref());
        assert_eq!(place, (Some("CH"), Some("Zürich"), Some("Winterthur")));
        assert_eq!((row.revenue, row.currency.as_deref()), (Some(1_234_567_891), Some("CHF")));
    }

    async fn bad_ones_are_refused(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let bad = bad_fields();
        let events: Vec<Value> = bad.iter().map(|(fields, _, _)| event(fields.clone())).chain([event(json!({}))]).collect();
        let data = site.post(&events).await.ok();
        assert_eq!(counts(&data), (1, 0, bad.len() as u64));
        for (place, (fields, code, field)) in bad.iter().enumerate() {
            let item = &data["items"][place];
            assert_eq!((item["code"].as_str(), item["field"].as_str()), (Some(*code), Some(*field)), "{fields}");
        }
        assert_eq!(rows(&app, &site).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_exact() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let amounts = [
        ("0.1", 100_000),
        ("49.90", 49_900_000),
        ("-5", -5_000_000),
        ("1e3", 1_000_000_000),
        ("\"9223372036854.775807\"", i64::MAX),
        ("0.000001", 1),
        // What a client computes in floats.
        ("0.30000000000000004", 300_000),
    ];
    let events: Vec<String> =
        amounts.iter().map(|(amount, _)| format!(r#"{{"event_type":"x","revenue":{amount}}}"#)).collect();
    super::send(&site, "application/json", format!("[{}]", events.join(","))).await.ok();
    let mut stored: Vec<i64> = rows(&app, &site).await.into_iter().filter_map(|row| row.revenue).collect();
    let mut expected: Vec<i64> = amounts.iter().map(|(_, millionths)| *millionths).collect();
    stored.sort_unstable();
    expected.sort_unstable();
    assert_eq!(stored, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_the_address_s_own_or_the_one_that_was_sent() {
    let app = TestApp::start(Store::Sqlite).await;
    let sent = json!({"utm_source": "mail", "utmMedium": "email", "utm_campaign": "x".repeat(300), "url": "/a"});
    let row = stored(&app, "a", sent.clone()).await;
    assert_eq!((row.utm_source.as_deref(), row.utm_medium.as_deref()), (Some("mail"), Some("email")));
    assert_eq!(row.utm_campaign.map(|name| name.len()), Some(200), "cut");
    let mut sent = sent;
    sent["url"] = json!("/a?utm_source=own");
    let row = stored(&app, "b", sent).await;
    assert_eq!((row.utm_source.as_deref(), row.utm_medium), (Some("own"), None), "never a mixture");
}
