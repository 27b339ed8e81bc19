//! Sessions that the server makes where the client sends none.

use std::collections::{BTreeSet, HashMap};

use futures::future::join_all;
use serde_json::{Value, json};

use super::rows;
use crate::support::{
    app::{NOW, Store, TestApp},
    people::{Person, Site},
};

const MINUTE: i64 = 60_000;

/// An event of `ada` so many minutes before now.
fn event(id: &str, minutes_ago: i64) -> Value {
    json!({ "id": id, "event_type": "page_view", "user_id": "ada", "timestamp": NOW - minutes_ago * MINUTE })
}

fn with(mut event: Value, name: &str, value: &str) -> Value {
    event[name] = json!(value);
    event
}

/// A landing on a page by a campaign.
fn by(id: &str, minutes_ago: i64, source: &str) -> Value {
    with(event(id, minutes_ago), "url", &format!("https://shop.example/?utm_source={source}"))
}

/// Sessions by the ids of events.
async fn sessions(app: &TestApp, site: &Site) -> HashMap<String, Option<String>> {
    rows(app, site).await.into_iter().map(|row| (row.client_id.unwrap(), row.session_id)).collect()
}

/// Which events share a session, each group in the order of their ids.
async fn groups(app: &TestApp, site: &Site) -> BTreeSet<Vec<String>> {
    let mut groups: HashMap<Option<String>, Vec<String>> = HashMap::new();
    for (id, session) in sessions(app, site).await {
        groups.entry(session).or_default().push(id);
    }
    groups.values_mut().for_each(|ids| ids.sort());
    groups.into_values().collect()
}

fn expected(groups: &[&[&str]]) -> BTreeSet<Vec<String>> {
    groups.iter().map(|ids| ids.iter().map(|id| (*id).to_owned()).collect()).collect()
}

both_stores! {
    async fn half_an_hour_of_silence_ends_a_session(store: Store) {
        let app = TestApp::start(store).await;
        let events = [event("a", 300), event("b", 271), event("c", 241), event("d", 210), event("e", 30), event("f", 0)];
        // One by one, all at once, and in any order within a group.
        let one_by_one = app.site().await;
        for event in &events {
            one_by_one.post(event).await.ok();
        }
        let wanted = expected(&[&["a", "b", "c"], &["d"], &["e", "f"]]);
        assert_eq!(groups(&app, &one_by_one).await, wanted);
        let at_once = Site::of(one_by_one.owner.clone(), "At once").await;
        at_once.post(events.iter().rev().collect::<Vec<_>>()).await.ok();
        // 241 to 210 is more than half an hour, 271 to 241 exactly that.
        assert_eq!(groups(&app, &at_once).await, wanted);
        let ids: Vec<_> = sessions(&app, &at_once).await.into_values().map(Option::unwrap).collect();
        assert!(ids.iter().all(|id| uuid::Uuid::parse_str(id).unwrap().get_version_num() == 8), "{ids:?}");
        // Other visitors and other apps have their own.
        at_once.post(with(event("h", 0), "user_id", "bob")).await.ok();
        let now = sessions(&app, &at_once).await;
        assert!(now["h"].is_some() && now["h"] != now["f"]);
        assert_ne!(sessions(&app, &one_by_one).await["f"], now["f"]);
    }

    async fn a_new_campaign_begins_a_session(store: Store) {
        let app = TestApp::start(store).await;
        let events = [
            event("a", 60), by("b", 59, "ads"), event("c", 58), by("d", 57, "ads"), event("e", 40), by("f", 39, "mail"), event("g", 38),
        ];
        let wanted = expected(&[&["a"], &["b", "c", "d", "e"], &["f", "g"]]);
        let one_by_one = app.site().await;
        for event in &events {
            one_by_one.post(event).await.ok();
        }
        assert_eq!(groups(&app, &one_by_one).await, wanted);
        let at_once = Site::of(one_by_one.owner.clone(), "At once").await;
        at_once.post(&events[..]).await.ok();
        assert_eq!(groups(&app, &at_once).await, wanted);
        let halves = Site::of(one_by_one.owner.clone(), "Halves").await;
        halves.post(&events[..3]).await.ok();
        halves.post(&events[3..]).await.ok();
        assert_eq!(groups(&app, &halves).await, wanted);
    }

    async fn late_events_and_other_peoples_sessions(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(json!([event("b", 100), event("d", 50)])).await.ok();
        // Before, between (nearer to what came before it), and too early for any.
        site.post(json!([event("a", 120), event("c", 75), event("0", 160)])).await.ok();
        assert_eq!(groups(&app, &site).await, expected(&[&["0"], &["a", "b", "c"], &["d"]]));
        // The client's own session is kept, and joined by what has none.
        let told = Site::of(site.owner.clone(), "Told").await;
        told.post(with(event("a", 20), "session_id", "mine")).await.ok();
        told.post(json!([event("b", 10), with(event("c", 5), "session_id", "other"), event("d", 1), event("z", 45)])).await.ok();
        let sessions = sessions(&app, &told).await;
        let of = |id: &str| sessions[id].as_deref().unwrap();
        assert_eq!((of("a"), of("b"), of("c"), of("d"), of("z")), ("mine", "mine", "other", "other", "mine"));
        // Repeated, it changes nothing.
        assert_eq!(told.post(event("b", 10)).await.ok()["duplicates"], 1);
    }

    async fn nobody_has_no_session(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(json!({ "event_type": "cron" })).await.ok();
        site.post(with(event("bot", 0), "user_agent", "Mozilla/5.0 (compatible; Googlebot/2.1)")).await.ok();
        assert!(rows(&app, &site).await.iter().all(|row| row.session_id.is_none()));
        let answer = site.ask("summary(range: { preset: TODAY }) { events sessions bounceRate }").await;
        assert_eq!(answer["summary"], json!({ "events": 1, "sessions": 0, "bounceRate": null }));
    }

    async fn signing_in_goes_on_in_the_same_session(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let known = |id: &str, ago| with(event(id, ago), "anonymous_id", "a1");
        let mut before = known("a", 20);
        before["user_id"] = json!(null);
        site.post(before).await.ok();
        site.post(known("b", 10)).await.ok();
        site.post(event("c", 0)).await.ok();
        assert_eq!(groups(&app, &site).await, expected(&[&["a", "b", "c"]]));
    }

    async fn instances_agree_on_sessions(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let sibling = app.sibling().await;
        let other = Site { owner: Person { url: sibling.url.clone(), ..site.owner.clone() }, ..site.clone() };
        for round in 0..5 {
            let posts = (0..20).map(|n| {
                let site = if n % 2 == 0 { &site } else { &other };
                site.post(with(event(&format!("{round} {n}"), 3), "user_id", &format!("user {round}")))
            });
            for reply in join_all(posts).await {
                reply.ok();
            }
        }
        let sessions: BTreeSet<_> = sessions(&app, &site).await.into_values().collect();
        assert_eq!(sessions.len(), 5, "{sessions:?}");
    }
}
