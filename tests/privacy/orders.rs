//! Writing, sealing, merging, erasing and expiring in random orders: what is left is what a list says.

use std::collections::BTreeMap;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use super::{agrees, erase, id_of};
use crate::support::{
    app::{NOW, Store, TestApp},
    people::Site,
};

const DAY: i64 = 86_400_000;
/// Days that are kept beside today's.
const KEPT: i64 = 10;
/// Orders tried on each store, and the steps of each.
const ORDERS: u64 = 4;
const STEPS: u32 = 40;

/// An event as the list has it: whose, of which session, and when.
type Kept = (String, String, i64);

async fn compare(site: &Site, kept: &[Kept], seed: u64) {
    let mut of_users = BTreeMap::<&str, u64>::new();
    kept.iter().for_each(|(person, ..)| *of_users.entry(person).or_default() += 1);
    let mut sessions: Vec<_> = kept.iter().map(|(_, session, _)| session).collect();
    sessions.sort_unstable();
    sessions.dedup();
    let asked = "summary(range: { preset: ALL_TIME }) { events uniqueUsers sessions } \
                 users(first: 100, range: { preset: ALL_TIME }) { totalCount nodes { userId totals { events } } }";
    let found = site.ask(asked).await;
    let expected = json!({ "events": kept.len(), "uniqueUsers": of_users.len(), "sessions": sessions.len() });
    assert_eq!(found["summary"], expected, "seed {seed}");
    let nodes = found["users"]["nodes"].as_array().unwrap();
    let users = nodes.iter().map(|user| (user["userId"].as_str().unwrap(), user["totals"]["events"].as_u64().unwrap()));
    assert_eq!(users.collect::<BTreeMap<_, _>>(), of_users, "seed {seed}");
}

async fn play(app: &TestApp, site: &mut Site, seed: u64) {
    let (id, columnar, mut random) = (id_of(site), &app.app.columnar, StdRng::seed_from_u64(seed));
    let (mut kept, mut number) = (Vec::<Kept>::new(), 0);
    for _ in 0..STEPS {
        match random.random_range(0..10) {
            0..5 => {
                let mut batch = Vec::new();
                for _ in 0..random.random_range(1..12) {
                    number += 1;
                    let person = format!("user-{}", random.random_range(0..8));
                    let session = format!("{person}-{}", random.random_range(0..3));
                    let at = app.clock.now_ms() - random.random_range(0..KEPT + 4) * DAY;
                    batch.push(json!({
                        "id": format!("{seed}-{number}"), "event_type": "x", "timestamp": at,
                        "user_id": person, "session_id": session,
                    }));
                    kept.push((person, session, at));
                }
                site.post(batch).await.ok();
            }
            5..7 => drop(columnar.seal(id).await.unwrap()),
            7 => drop(columnar.merge(id).await.unwrap()),
            8 => {
                let person = format!("user-{}", random.random_range(0..8));
                let before = kept.len();
                kept.retain(|(own, ..)| *own != person);
                assert_eq!(erase(site, &person).await["events"], before - kept.len(), "seed {seed}");
                // What arrives in the same millisecond would be late.
                app.clock.advance(1);
            }
            _ => {
                app.clock.advance(random.random_range(0..DAY));
                app.app.eraser().expire().await.unwrap();
                let today = app.clock.now_ms().div_euclid(DAY) * DAY;
                kept.retain(|(.., at)| *at >= today - KEPT * DAY);
                site.owner.sign_in().await;
            }
        }
        compare(site, &kept, seed).await;
    }
    agrees(&app.app, id, kept.len() as u64).await;
    assert!(number > 0 && app.clock.now_ms() > NOW, "seed {seed}");
}

both_stores! {
    async fn in_any_order_what_is_left_is_what_a_list_says(store: Store) {
        let app = TestApp::start(store).await;
        let alice = app.user("alice").await;
        for seed in 0..ORDERS {
            let mut site = Site::of(alice.clone(), &format!("Order {seed}")).await;
            site.owner.sign_in().await;
            let input = json!({ "id": site.app_id, "timezone": "UTC", "retentionDays": KEPT });
            let set: Value = site.owner.mutate("updateApp", input, "app { retentionDays }").await.data();
            assert_eq!(set["updateApp"]["app"]["retentionDays"], KEPT);
            play(&app, &mut site, seed).await;
        }
    }
}
