//! Questions as a dashboard asks them, over HTTP.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{
    app::{Store, TestApp},
    people::Site,
};

const TODAY: &str = "range: { preset: TODAY }";

/// A page view by a user at a time of 2026-11-22, such as `10:00:00`.
fn view(user: &str, time: &str, path: &str) -> Value {
    json!({
        "event_type": "page_view",
        "timestamp": format!("2026-11-22T{time}Z"),
        "user_id": user,
        "session_id": format!("session of {user}"),
        "url": format!("https://shop.example{path}"),
    })
}

async fn count(site: &Site) -> (u64, bool) {
    let reply = site.try_ask(&format!("summary({TODAY}) {{ events }}")).await;
    let cached = reply.at("/extensions/cached").as_bool().unwrap();
    assert!(reply.at("/extensions/asOf").as_str().unwrap().ends_with('Z'));
    (reply.data()["app"]["summary"]["events"].as_u64().unwrap(), cached)
}

/// Walks a connection to its end; `between` runs after every page.
async fn walk(site: &Site, list: &str, key: &str, between: impl AsyncFn(usize)) -> Vec<String> {
    let (name, arguments) = list.split_once('(').unwrap();
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    for page in 0.. {
        let ask = format!(
            "{name}(first: 4, after: {after}, {arguments} {{ edges {{ cursor node {{ {key} }} }} nodes {{ {key} }}
             pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}"
        );
        let answer = site.ask(&ask).await[name].clone();
        let nodes = answer["nodes"].as_array().unwrap();
        seen.extend(nodes.iter().map(|node| node[key].as_str().unwrap().to_owned()));
        assert_eq!(answer["pageInfo"]["hasPreviousPage"], page > 0);
        assert_eq!(answer["pageInfo"]["endCursor"], answer["edges"][nodes.len() - 1]["cursor"]);
        if answer["pageInfo"]["hasNextPage"] == false {
            return seen;
        }
        after = answer["pageInfo"]["endCursor"].clone();
        between(page).await;
    }
    unreachable!()
}

both_stores! {
    async fn an_acknowledged_event_is_in_the_next_answer_and_an_old_one_comes_from_the_cache(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        assert_eq!(count(&site).await, (0, false));
        for n in 1..=3 {
            site.post(view("ann", "10:00:00", "/")).await.ok();
            assert_eq!(count(&site).await, (n, false), "never stale");
            assert_eq!(count(&site).await, (n, true), "never computed twice");
        }
        // A repeated event changes nothing.
        let event = json!({ "id": "once", "event_type": "page_view", "timestamp": "2026-11-22T09:00:00Z" });
        site.post(&event).await.ok();
        assert_eq!(count(&site).await, (4, false));
        site.post(&event).await.ok();
        assert_eq!(count(&site).await, (4, true));
    }

    async fn an_overview_holds_together(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let mut events = vec![view("ann", "08:00:00", "/"), view("ann", "08:01:40", "/a"), view("bob", "09:30:00", "/a")];
        events.push(json!({ "event_type": "purchase", "timestamp": "2026-11-22T08:02:00Z", "user_id": "ann", "session_id": "session of ann" }));
        events.push(json!({ "event_type": "page_view", "timestamp": "2026-11-21T09:00:00Z", "user_id": "cid" }));
        site.post(events).await.ok();
        let overview = &site.ask(&format!(
            "overview({TODAY}, compare: PREVIOUS_PERIOD) {{
               summary {{ events uniqueUsers sessions pageViews bounceRate averageSessionSeconds firstEventAt lastEventAt from to
                          byEventType {{ eventType events }} previous {{ events uniqueUsers }} }}
               timeline {{ interval timezone buckets {{ start events }} total {{ events }} }}
               topPages {{ rows {{ label values pageViews share }} other {{ events }} total {{ events }} groups }}
               topEventTypes(limit: 1) {{ rows {{ label events }} other {{ events }} }}
             }}"
        )).await["overview"];
        assert_eq!(overview["summary"], json!({
            "events": 4, "uniqueUsers": 2, "sessions": 2, "pageViews": 3, "bounceRate": 0.5, "averageSessionSeconds": 60.0,
            "firstEventAt": "2026-11-22T08:00:00.000Z", "lastEventAt": "2026-11-22T09:30:00.000Z",
            "from": "2026-11-22T00:00:00.000Z", "to": "2026-11-23T00:00:00.000Z",
            "byEventType": [{ "eventType": "page_view", "events": 3 }, { "eventType": "purchase", "events": 1 }],
            "previous": { "events": 1, "uniqueUsers": 1 },
        }));
        assert_eq!(overview["timeline"]["interval"], "HOUR");
        let buckets = overview["timeline"]["buckets"].as_array().unwrap();
        assert_eq!(buckets.len(), 24);
        assert_eq!(buckets.iter().map(|bucket| bucket["events"].as_u64().unwrap()).sum::<u64>(), 4);
        assert_eq!(buckets[8], json!({ "start": "2026-11-22T08:00:00.000Z", "events": 3 }));
        assert_eq!(overview["topPages"]["rows"], json!([
            { "label": "/a", "values": ["/a"], "pageViews": 2, "share": 0.5 },
            { "label": "/", "values": ["/"], "pageViews": 1, "share": 0.25 },
            { "label": "(none)", "values": [null], "pageViews": 0, "share": 0.25 },
        ]));
        assert_eq!((&overview["topPages"]["other"], &overview["topPages"]["groups"]), (&Value::Null, &json!(3)));
        assert_eq!(overview["topEventTypes"]["rows"], json!([{ "label": "page_view", "events": 3 }]));
        assert_eq!(overview["topEventTypes"]["other"]["events"], 1);
    }

    async fn what_goes_on_is_compared_with_as_much_of_what_was_before(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        // It is noon of the 22nd, a Sunday.
        let times = ["2026-11-22T08:00:00Z", "2026-11-21T08:00:00Z", "2026-11-21T11:59:00Z", "2026-11-21T20:00:00Z", "2025-11-22T20:00:00Z"];
        site.post(json!(times.map(|at| json!({ "event_type": "a", "timestamp": at })))).await.ok();
        let answer = site.ask(&format!(
            "today: summary({TODAY}, compare: PREVIOUS_PERIOD) {{ events to previous {{ events }} }}
             year: summary({TODAY}, compare: PREVIOUS_YEAR) {{ previous {{ events }} }}
             given: summary(range: {{ from: \"2026-11-22T00:00:00Z\", to: \"2026-11-23T00:00:00Z\" }}, compare: PREVIOUS_PERIOD) {{ previous {{ events }} }}
             timeline({TODAY}, interval: HOUR, compare: PREVIOUS_PERIOD) {{ buckets {{ previous {{ events }} }} previousTotal {{ events }} }}"
        )).await;
        assert_eq!(answer["today"], json!({ "events": 1, "to": "2026-11-23T00:00:00.000Z", "previous": { "events": 2 } }));
        assert_eq!(answer["year"]["previous"]["events"], 0, "that evening is not over");
        assert_eq!(answer["given"]["previous"]["events"], 3, "moments are taken as they are");
        let before: Vec<_> = answer["timeline"]["buckets"].as_array().unwrap().iter().map(|bucket| &bucket["previous"]["events"]).collect();
        assert_eq!((before[8], before[11], before[12], before[13]), (&json!(1), &json!(1), &json!(0), &Value::Null));
        assert_eq!(answer["timeline"]["previousTotal"]["events"], 2);
        app.clock.advance(9 * 60 * 60 * 1000);
        let later = site.ask(&format!("summary({TODAY}, compare: PREVIOUS_PERIOD) {{ previous {{ events }} }}")).await;
        assert_eq!(later["summary"]["previous"]["events"], 3);
    }

    async fn all_time_begins_with_the_first_event(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let all = "range: { preset: ALL_TIME }";
        let ask = format!(
            "summary({all}) {{ from to events }} timeline({all}, timezone: \"Europe/Berlin\") {{ interval buckets {{ start }} }}
             retention({all}) {{ period cohorts {{ users }} }}"
        );
        let empty = site.ask(&ask).await;
        assert_eq!(empty["summary"], json!({ "from": "2026-11-22T00:00:00.000Z", "to": "2026-11-24T00:00:00.000Z", "events": 0 }));
        site.post(json!([
            { "event_type": "a", "user_id": "ann", "timestamp": "2026-10-02T22:30:00Z" },
            { "event_type": "a", "user_id": "bob", "timestamp": "2026-11-22T10:00:00Z" },
        ])).await.ok();
        let answer = site.ask(&ask).await;
        assert_eq!(answer["summary"], json!({ "from": "2026-10-02T00:00:00.000Z", "to": "2026-11-24T00:00:00.000Z", "events": 2 }));
        assert_eq!((&answer["timeline"]["interval"], &answer["timeline"]["buckets"][0]["start"]), (&json!("DAY"), &json!("2026-10-02T22:00:00.000Z")));
        assert_eq!(answer["retention"]["period"], "WEEK");
        // Years of it are not too many periods.
        site.post(json!({ "event_type": "a", "user_id": "ann", "timestamp": "2021-12-01T00:00:00Z" })).await.ok();
        let answer = site.ask(&ask).await;
        assert_eq!((&answer["timeline"]["interval"], &answer["retention"]["period"]), (&json!("MONTH"), &json!("MONTH")));
        assert_eq!(answer["retention"]["cohorts"].as_array().unwrap().len(), 60);
    }

    async fn days_follow_the_clocks_of_their_zone(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let day = "range: { from: \"2026-10-25T00:00:00+02:00\", to: \"2026-10-26T00:00:00+01:00\" }";
        let ask = format!("timeline({day}, interval: HOUR, timezone: \"europe/berlin\") {{ timezone buckets {{ start end events }} }}");
        let timeline = &site.ask(&ask).await["timeline"];
        assert_eq!(timeline["timezone"], "Europe/Berlin");
        assert_eq!(timeline["buckets"].as_array().unwrap().len(), 25, "the hour from two to three comes twice");
        let days = &site.ask(&ask.replace("HOUR", "DAY")).await["timeline"]["buckets"];
        assert_eq!(days, &json!([{ "start": "2026-10-24T22:00:00.000Z", "end": "2026-10-25T23:00:00.000Z", "events": 0 }]));
    }

    async fn pages_show_every_event_and_user_once_while_new_ones_arrive(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        // Pairs share a millisecond, so that ids must break ties.
        let events: Vec<_> = (0..11).map(|n| {
            let mut event = view(&format!("user {n}"), &format!("10:00:{:02}", n / 2), "/");
            event["id"] = json!(format!("event {n}"));
            event
        }).collect();
        site.post(&events).await.ok();
        let more = async |page: usize| {
            let mut new = view(&format!("user {page}"), "11:00:00", "/");
            site.post(json!([new.clone(), view("late", "09:00:00", "/"), view("user 10", "11:30:00", "/")])).await.ok();
            new["user_id"] = json!(format!("new {page}"));
            site.post(new).await.ok();
        };
        let seen = walk(&site, &format!("events({TODAY})"), "eventId", more).await;
        let sent: BTreeSet<_> = (0..11).map(|n| format!("event {n}")).collect();
        assert_eq!((seen.len(), seen.iter().cloned().collect::<BTreeSet<_>>()), (11, sent), "{seen:?}");

        let site = Site::of(app.user("bob").await, "Bob's site").await;
        site.post(&events).await.ok();
        let more = async |page: usize| {
            site.post(json!([view(&format!("user {page}"), "11:00:00", "/"), view("new", "11:00:00", "/")])).await.ok();
        };
        for order in ["LAST_SEEN", "FIRST_SEEN", "EVENTS"] {
            let known: BTreeSet<_> = walk(&site, &format!("users({TODAY}, orderBy: {order})"), "userId", async |_| {}).await.into_iter().collect();
            let seen = walk(&site, &format!("users({TODAY}, orderBy: {order})"), "userId", &more).await;
            assert_eq!((seen.len(), seen.iter().cloned().collect::<BTreeSet<_>>()), (known.len(), known), "{order}: {seen:?}");
        }
    }

    async fn the_activity_of_a_user_is_of_the_list_they_are_on(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(json!([view("ann", "08:00:00", "/"), view("bob", "09:00:00", "/"), view("ann", "08:30:00", "/a")])).await.ok();
        let parts = "pageInfo { endCursor } nodes { userId totals { events } events(first: 1) { pageInfo { endCursor } nodes { pagePath } } }";
        let first = &site.ask(&format!("users({TODAY}, first: 1) {{ {parts} }}")).await["users"];
        assert_eq!(first["nodes"][0]["userId"], "bob");
        site.post(view("ann", "08:45:00", "/late")).await.ok();
        let after = &first["pageInfo"]["endCursor"];
        let ann = &site.ask(&format!("users({TODAY}, first: 1, after: {after}) {{ {parts} }}")).await["users"]["nodes"][0];
        assert_eq!((&ann["totals"]["events"], &ann["events"]["nodes"]), (&json!(2), &json!([{ "pagePath": "/a" }])));
        // A cursor goes on within its own range, and in no other.
        let more = |range: &str, cursor: &Value| {
            format!("user(userId: \"ann\"{range}) {{ events(first: 5, after: {cursor}) {{ nodes {{ pagePath }} }} }}")
        };
        let cursor = &ann["events"]["pageInfo"]["endCursor"];
        let same = site.ask(&more(&format!(", {TODAY}"), cursor)).await;
        assert_eq!(same["user"]["events"]["nodes"], json!([{ "pagePath": "/" }]));
        for range in ["", ", range: { preset: LAST_7_DAYS }"] {
            assert_eq!(site.try_ask(&more(range, cursor)).await.error_code(), "BAD_USER_INPUT", "{range}");
        }
    }

    async fn a_user_is_known_by_what_they_did(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(json!([view("ann", "08:00:00", "/"), view("ann", "08:05:00", "/a"), view("ann", "08:06:00", "/a"), view("bob", "09:00:00", "/")])).await.ok();
        let parts = "userId firstSeenAt lastSeenAt totals { events sessions pageViews } topEvents { eventType events }
                     topPages { pagePath pageViews } visits { events } events(first: 2) { nodes { id pagePath timestamp } }";
        let answer = site.ask(&format!("user(userId: \"ann\") {{ {parts} }} nobody: user(userId: \"nobody\") {{ userId }}
             users({TODAY}, first: 5, filter: {{ pagePath: {{ eq: \"/a\" }} }}) {{ totalCount nodes {{ userId totals {{ events }} }} }}")).await;
        assert_eq!(answer["nobody"], Value::Null);
        let ann = &answer["user"];
        assert_eq!(ann["totals"], json!({ "events": 3, "sessions": 1, "pageViews": 3 }));
        assert_eq!(ann["topPages"], json!([{ "pagePath": "/a", "pageViews": 2 }, { "pagePath": "/", "pageViews": 1 }]));
        assert_eq!((&ann["firstSeenAt"], &ann["lastSeenAt"]), (&json!("2026-11-22T08:00:00.000Z"), &json!("2026-11-22T08:06:00.000Z")));
        assert_eq!(ann["events"]["nodes"][0]["timestamp"], "2026-11-22T08:06:00.000Z");
        assert_eq!(answer["users"], json!({ "totalCount": 1, "nodes": [{ "userId": "ann", "totals": { "events": 2 } }] }));
        // The event is a node.
        let id = ann["events"]["nodes"][0]["id"].as_str().unwrap();
        let query = "query($id: ID!) { node(id: $id) { __typename id ... on Event { pagePath userId } } }";
        let node = site.owner.graphql(query, json!({ "id": id })).await.data();
        assert_eq!(node["node"], json!({ "__typename": "Event", "id": id, "pagePath": "/a", "userId": "ann" }));
    }
}
