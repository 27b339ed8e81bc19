//! Panels of one request that look at the same events read them once.

use serde_json::json;

use super::sealing::event;
use crate::support::{binary::Binary, people::Site};

const PANELS: &str = "
    summary(range: { preset: TODAY }, filter: $filter) { bounceRate }
    timeline(range: { preset: TODAY }, filter: $filter, interval: HOUR) { buckets { sessions } }
    breakdown(range: { preset: TODAY }, filter: $filter, by: [PAGE_PATH]) { rows { uniqueUsers } }
    sessions(range: { preset: TODAY }, filter: $filter) { medianSeconds }
    funnel(range: { preset: TODAY }, filter: $filter, windowSeconds: 60,
           steps: [{ name: \"a\", filter: {} }, { name: \"b\", filter: {} }]) { steps { users } }";

/// How many segments the server has read so far.
async fn segments_read(server: &Binary) -> f64 {
    let text = server.anonymous().get("/metrics").await.expect(200).text;
    let line = text.lines().find_map(|line| line.strip_prefix("uea_segments_read_total "));
    line.map_or(0.0, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn panels_that_share_range_and_filter_share_a_scan() {
    let server = Binary::serve(&[]).await;
    let mut owner = server.anonymous();
    owner.email = "alice@example.com".to_owned();
    owner.register().await;
    let site = Site::of(owner, "Site").await;
    // As many as are sealed at once.
    let now = jiff::Timestamp::now().as_millisecond();
    for batch in 0..14 {
        let events: Vec<_> = (0..2_500)
            .map(|number| {
                let mut event = event(batch * 2_500 + number);
                event["timestamp"] = json!(now);
                event
            })
            .collect();
        assert_eq!(site.post(events).await.ok()["accepted"], 2_500);
    }
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while site.ask("verification { segments }").await["verification"]["segments"] == 0 {
        assert!(std::time::Instant::now() < until, "nothing is sealed");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let ask = async |panels: &str, filter: serde_json::Value| {
        let query = format!("query($app: ID!, $filter: EventFilter) {{ app(id: $app) {{ {panels} }} }}");
        let before = segments_read(&server).await;
        site.owner.graphql(&query, json!({ "app": site.app_id, "filter": filter })).await.data();
        segments_read(&server).await - before
    };
    let one =
        ask("summary(range: { preset: TODAY }, filter: $filter) { bounceRate }", json!({ "url": { "exists": true } }))
            .await;
    assert!(one >= 1.0, "{one}");
    assert_eq!(ask(PANELS, json!({ "url": { "contains": "example" } })).await, one, "five panels read as much as one");
    // Those that ask about other events read for themselves.
    let two = PANELS.replacen("TODAY", "LAST_24_HOURS", 1);
    assert_eq!(ask(&two, json!({ "url": { "contains": "example.com" } })).await, 2.0 * one);
}
