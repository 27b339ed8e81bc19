//! How soon what was acknowledged is shown to whoever looks on, while the server is under load.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    http::Connection,
    load::{Load, Outcome},
    support::people::Site,
};

/// Between two events that are watched for.
const PROBE_EVERY: Duration = Duration::from_millis(37);
/// How long after the load the last of them may take.
const PATIENCE: Duration = Duration::from_secs(10);

const QUESTION: &str = "subscription($app: ID!) { live(appId: $app) {
    app { summary(range: { preset: LAST_30_MINUTES }) { events uniqueUsers } }
    events(first: 100, filter: { eventType: { eq: \"probe\" } }) { nodes { eventId } }
} }";

/// Probes among the events of `load`: its latencies are from the acknowledgement of each to the answer that shows it.
pub(super) async fn freshness(site: &Site, load: &Load<'_>, lasting: Duration) -> Outcome {
    let (shown, mut seen) = mpsc::unbounded_channel();
    let watching = tokio::spawn(watch(site.clone(), shown));
    // The first answer: from here on somebody looks.
    seen.recv().await.expect("an answer");
    let until = Instant::now() + lasting;
    let (loaded, acknowledged) = tokio::join!(load.run(lasting), probe(load, until));
    let mut open: HashMap<String, Instant> = acknowledged.into_iter().collect();
    let probes = open.len() as u64;
    let mut latencies = Vec::new();
    let collect = async {
        while !open.is_empty() {
            let (at, ids): (Instant, Vec<String>) = seen.recv().await.expect("further answers");
            let found = ids.iter().filter_map(|id| open.remove(id));
            latencies.extend(found.map(|acked| at.saturating_duration_since(acked).as_micros() as u32));
        }
    };
    let all = tokio::time::timeout(PATIENCE, collect).await;
    watching.abort();
    assert!(all.is_ok(), "{} of {probes} acknowledged events were never shown", open.len());
    latencies.sort_unstable();
    Outcome { events: loaded.events + probes, per_second: loaded.per_second, latencies }
}

/// Sends marked events, one after the other; when each was acknowledged.
async fn probe(load: &Load<'_>, until: Instant) -> Vec<(String, Instant)> {
    let mut connection = Connection::open(load.url.trim_start_matches("http://")).await.unwrap();
    let mut acknowledged = Vec::new();
    while Instant::now() < until {
        let id = format!("probe-{}", acknowledged.len());
        let body = json!({ "event_type": "probe", "id": id, "user_id": "watcher" }).to_string();
        assert_eq!(connection.post(load.key, &body).await.unwrap(), 200);
        acknowledged.push((id, Instant::now()));
        tokio::time::sleep(PROBE_EVERY).await;
    }
    acknowledged
}

/// Follows the app by server-sent events, as a dashboard would: when each answer came, and which probes it showed.
async fn watch(site: Site, shown: mpsc::UnboundedSender<(Instant, Vec<String>)>) {
    let body = json!({ "query": QUESTION, "variables": { "app": site.app_id } });
    let request = site.owner.request("POST", "/graphql").header("accept", "text/event-stream").json(&body);
    let mut response = request.send().await.unwrap();
    let mut text = String::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        text += std::str::from_utf8(&chunk).unwrap();
        while let Some((event, rest)) = text.split_once("\n\n") {
            if let Some(data) = event.strip_prefix("event: next\ndata: ") {
                let answer: Value = serde_json::from_str(data).unwrap();
                let nodes = answer["data"]["live"]["events"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
                let ids = nodes.iter().map(|node| node["eventId"].as_str().unwrap().to_owned()).collect();
                let _ = shown.send((Instant::now(), ids));
            }
            text = rest.to_owned();
        }
    }
}
