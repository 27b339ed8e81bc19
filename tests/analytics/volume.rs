//! More events than fit one batch, one stretch of a list or one page.

use serde_json::{Value, json};

use crate::support::app::{NOW, Store, TestApp};

const EVENTS: i64 = 20_000;
const RARE: i64 = 997;

/// Three events a second, backwards from now; five a session.
fn event(number: i64) -> Value {
    json!({
        "id": format!("00000000-0000-4000-8000-{number:012x}"),
        "timestamp": NOW - number / 3 * 1_000,
        "event_type": if number % RARE == 0 { "rare" } else { "page_view" },
        "user_id": format!("u{}", number % 501),
        "session_id": format!("s{}", number / 5),
    })
}

both_stores! {
    async fn figures_and_lists_go_on_from_batch_to_batch(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let numbers: Vec<i64> = (0..EVENTS).collect();
        for chunk in numbers.chunks(2_500) {
            let sent: Vec<_> = chunk.iter().copied().map(event).collect();
            assert_eq!(site.post(sent).await.ok()["accepted"], chunk.len());
        }

        let answer = site
            .ask(
                "summary(range: { preset: LAST_24_HOURS }) { events uniqueUsers sessions pageViews }
                 timeline(range: { preset: LAST_24_HOURS }, interval: MINUTE) { buckets { events } }
                 breakdown(range: { preset: LAST_24_HOURS }, by: [EVENT_TYPE], limit: 1) {
                   rows { label events sessions } other { events sessions }
                 }",
            )
            .await;
        let rare: Vec<i64> = numbers.iter().copied().filter(|number| number % RARE == 0).collect();
        let views = EVENTS - rare.len() as i64;
        let expected = json!({ "events": EVENTS, "uniqueUsers": 501, "sessions": EVENTS / 5, "pageViews": views });
        assert_eq!(answer["summary"], expected);
        let buckets = answer["timeline"]["buckets"].as_array().unwrap();
        assert_eq!(buckets.iter().map(|bucket| bucket["events"].as_i64().unwrap()).sum::<i64>(), EVENTS);
        assert_eq!(buckets[buckets.len() - 2]["events"], 180);
        let expected = json!({
            "rows": [{ "label": "page_view", "events": views, "sessions": EVENTS / 5 }],
            "other": { "events": rare.len(), "sessions": rare.len() },
        });
        assert_eq!(answer["breakdown"], expected);

        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let list = format!(
                "events(range: {{ preset: LAST_24_HOURS }}, filter: {{ eventType: {{ eq: \"rare\" }} }}, first: 8{after}) {{
                   edges {{ node {{ eventId }} }} pageInfo {{ hasNextPage endCursor }}
                 }}"
            );
            let page = site.ask(&list).await["events"].clone();
            found.extend(page["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["eventId"].clone()));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = format!(", after: {}", page["pageInfo"]["endCursor"]);
        }
        let expected: Vec<_> = rare.iter().map(|number| event(*number)["id"].clone()).collect();
        assert_eq!(found, expected);
    }
}
