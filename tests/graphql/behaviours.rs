//! What visitors did, as a condition: small cases by hand, what is refused, and what it costs.

use serde_json::{Value, json};

use crate::support::{
    app::{Store, TestApp},
    people::Site,
};

const TODAY: &str = "range: { preset: TODAY }";
const BOUGHT: &str = r#"filter: { eventType: { eq: "purchase" } }"#;

fn event(kind: &str, who: Value, at: &str) -> Value {
    json!({ "event_type": kind, "user_id": who, "timestamp": at })
}

/// Ann bought twice today, Bob once today and once yesterday, Cid yesterday; one event is nobody's.
fn events() -> Value {
    json!([
        event("page_view", json!("ann"), "2026-11-22T08:00:00Z"),
        { "event_type": "purchase", "user_id": "ann", "timestamp": "2026-11-22T08:01:00Z", "metadata": { "plan": "a" } },
        event("purchase", json!("ann"), "2026-11-22T08:02:00Z"),
        event("page_view", json!("bob"), "2026-11-22T09:00:00Z"),
        event("purchase", json!("bob"), "2026-11-22T09:01:00Z"),
        event("purchase", json!("bob"), "2026-11-21T09:01:00Z"),
        { "event_type": "page_view", "user_id": "cid", "timestamp": "2026-11-22T10:00:00Z", "metadata": { "plan": "b" } },
        event("purchase", json!("cid"), "2026-11-21T10:00:00Z"),
        { "event_type": "purchase", "timestamp": "2026-11-22T11:00:00Z", "anonymous_id": "x", "user_id": "dan",
          "user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" },
    ])
}

async fn counted(site: &Site, arguments: &str) -> (u64, u64) {
    let summary = site.ask(&format!("summary({arguments}) {{ events uniqueUsers }}")).await["summary"].clone();
    (summary["events"].as_u64().unwrap(), summary["uniqueUsers"].as_u64().unwrap())
}

both_stores! {
    async fn events_are_chosen_by_what_their_visitors_did(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(events()).await.ok();
        let of = async |filter: &str| counted(&site, &format!("{TODAY}, filter: {{ {filter} }}")).await;
        assert_eq!(of(&format!("hasDone: {{ {BOUGHT} }}")).await, (5, 2));
        assert_eq!(of(&format!("hasNotDone: {{ {BOUGHT} }}")).await, (1, 1));
        assert_eq!(of(&format!("hasDone: {{ {BOUGHT}, atLeast: 2 }}")).await, (3, 1));
        assert_eq!(of(&format!("hasDone: {{ {BOUGHT}, range: {{ preset: YESTERDAY }} }}")).await, (3, 2));
        assert_eq!(of(&format!("hasDone: {{ {BOUGHT} }}, hasNotDone: {{ {BOUGHT}, range: {{ preset: YESTERDAY }} }}")).await, (3, 1));
        // The conditions beside it do not narrow what was done.
        assert_eq!(of(&format!("eventType: {{ eq: \"page_view\" }}, hasDone: {{ {BOUGHT} }}")).await, (2, 2));
        // Nothing was done in no time at all.
        let never = r#"range: { from: "2026-11-22T00:00:00Z", to: "2026-11-22T00:00:00Z" }"#;
        assert_eq!(of(&format!("hasDone: {{ {never} }}")).await, (0, 0));
        assert_eq!(of(&format!("hasNotDone: {{ {never} }}")).await, (6, 3));
        assert_eq!(counted(&site, &format!("{TODAY}, bots: ONLY, filter: {{ hasDone: {{ {BOUGHT} }} }}")).await, (1, 1));
        // Newcomers are those who did nothing before.
        let before = r#"range: { preset: YESTERDAY }"#;
        assert_eq!(of(&format!("hasNotDone: {{ {before} }}")).await, (3, 1));
        // Compared with yesterday, it is yesterday that counts.
        let compared = format!("summary({TODAY}, compare: PREVIOUS_PERIOD, filter: {{ hasDone: {{ {BOUGHT} }} }}) {{ previous {{ events uniqueUsers }} }}");
        assert_eq!(site.ask(&compared).await["summary"]["previous"], json!({ "events": 2, "uniqueUsers": 2 }));
        // It holds with the newest event, whatever was answered before.
        site.post(event("purchase", json!("cid"), "2026-11-22T11:30:00Z")).await.ok();
        assert_eq!(of(&format!("hasDone: {{ {BOUGHT} }}")).await, (7, 3));
    }

    async fn events_of_nobody_have_done_nothing_and_not_nothing(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let plain = |kind: &str| json!({ "event_type": kind, "timestamp": "2026-11-22T08:00:00Z" });
        site.post(json!([plain("purchase"), event("purchase", json!("ann"), "2026-11-22T08:00:00Z")])).await.ok();
        let nobody = r#"userId: { exists: false }"#;
        let of = async |filter: &str| counted(&site, &format!("{TODAY}, filter: {{ {nobody}, {filter} }}")).await.0;
        let all = of("").await;
        assert_eq!(of(&format!("hasDone: {{ {BOUGHT} }}")).await, 0);
        assert_eq!(of("hasNotDone: { filter: { eventType: { eq: \"never\" } } }").await, 0);
        assert_eq!(of(&format!("not: {{ hasDone: {{ {BOUGHT} }} }}")).await, all);
    }

    async fn every_list_and_way_takes_them_and_pages_keep_their_range(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(events()).await.ok();
        let filter = format!("filter: {{ hasDone: {{ {BOUGHT}, range: {{ preset: TODAY }} }} }}");
        let step = |name: &str, filter: &str| format!("{{ name: \"{name}\", filter: {{ {filter} }} }}");
        let (look, buy) = ("eventType: { eq: \"page_view\" }", "eventType: { eq: \"purchase\" }");
        let once = format!("hasNotDone: {{ {BOUGHT}, atLeast: 2 }}");
        let steps = [step("a", look), step("b", &format!("{buy}, {once}"))].join(", ");
        let answer = site.ask(&format!(
            "events({TODAY}, {filter}, first: 2) {{ nodes {{ userId eventType }} pageInfo {{ endCursor }} }}
             users({TODAY}, {filter}, first: 9) {{ totalCount nodes {{ userId events(first: 9, {filter}) {{ nodes {{ userId }} }} }} }}
             funnel({TODAY}, steps: [{steps}]) {{ steps {{ users }} }}
             retention({TODAY}, period: DAY, start: {{ {once} }}) {{ cohorts {{ users }} }}
             paths({TODAY}, anchor: {{ {once} }}) {{ sessions }}
             sessions({TODAY}, {filter}) {{ sessions }}
             topProperties({TODAY}, {filter}) {{ events properties {{ key events }} }}"
        )).await;
        assert_eq!(answer["events"]["nodes"], json!([{ "userId": "bob", "eventType": "purchase" }, { "userId": "bob", "eventType": "page_view" }]));
        assert_eq!(answer["users"]["totalCount"], 2);
        assert_eq!(answer["users"]["nodes"][0]["events"]["nodes"].as_array().unwrap().len(), 2);
        assert_eq!(answer["funnel"]["steps"], json!([{ "users": 3 }, { "users": 1 }]));
        assert_eq!(answer["retention"]["cohorts"], json!([{ "users": 2 }]));
        assert_eq!(answer["topProperties"], json!({ "events": 5, "properties": [{ "key": "plan", "events": 1 }] }));
        // The second page is asked for after midnight: it is of the same day all the same.
        app.clock.advance(13 * 60 * 60 * 1000);
        let after = &answer["events"]["pageInfo"]["endCursor"];
        let more = site.ask(&format!("events({TODAY}, {filter}, first: 9, after: {after}) {{ nodes {{ userId }} }}")).await;
        assert_eq!(more["events"]["nodes"], json!([{ "userId": "ann" }, { "userId": "ann" }, { "userId": "ann" }]));
    }

    async fn what_cannot_have_been_done_is_refused_by_name(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let many = |times: usize| format!("and: [{}]", "{ hasDone: {} }, ".repeat(times));
        for (filter, field) in [
            ("hasDone: { atLeast: 0 }", "filter.hasDone.atLeast"),
            ("not: { hasNotDone: { atLeast: -1 } }", "filter.not.hasNotDone.atLeast"),
            ("hasDone: { filter: { hasDone: {} } }", "filter.hasDone.filter.hasDone"),
            ("hasDone: { filter: { or: [{ hasNotDone: {} }] } }", "filter.hasDone.filter.or.0.hasNotDone"),
            ("hasDone: { range: {} }", "filter.hasDone.range.preset"),
            ("and: [{ hasDone: { range: { from: \"2026-11-22T00:00:00Z\" } } }]", "filter.and.0.hasDone.range.to"),
            ("hasDone: { filter: { property: [{ key: \"\" }] } }", "filter.hasDone.filter.property.0.key"),
            (&many(9), "filter.and.8.hasDone"),
        ] {
            let reply = site.try_ask(&format!("summary({TODAY}, filter: {{ {filter} }}) {{ events }}")).await;
            assert_eq!((reply.error_code(), reply.at("/errors/0/extensions/field")), ("BAD_USER_INPUT", &json!(field)), "{filter}");
        }
        for (question, field) in [
            ("retention(range: { preset: TODAY }, period: DAY, return: { hasDone: { atLeast: 0 } }) { period }", "return.hasDone.atLeast"),
            ("paths(range: { preset: TODAY }, anchor: { hasDone: { range: {} } }) { sessions }", "anchor.hasDone.range.preset"),
            ("funnel(range: { preset: TODAY }, steps: [{ name: \"a\" }, { name: \"b\", filter: { hasDone: { atLeast: 0 } } }]) { groups }", "steps.1.filter.hasDone.atLeast"),
        ] {
            let reply = site.try_ask(question).await;
            assert_eq!((reply.error_code(), reply.at("/errors/0/extensions/field")), ("BAD_USER_INPUT", &json!(field)), "{question}");
        }
    }

    async fn what_visitors_did_costs_a_pass_and_a_request_has_so_many(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(events()).await.ok();
        let cost = async |filter: &str| {
            let reply = site.try_ask(&format!("summary({TODAY}, filter: {{ {filter} }}) {{ events }}")).await;
            reply.at("/extensions/cost").as_u64().unwrap()
        };
        let plain = cost("").await;
        assert_eq!(cost("hasDone: {}").await, plain + 100);
        assert_eq!(cost("hasDone: {}, or: [{ not: { hasNotDone: {} } }]").await, plain + 200);
        // Equal ones are one; each range of time is another.
        let ask = |alias: &str, times: std::ops::Range<u32>| {
            let one = |times| format!("{alias}{times}: summary({TODAY}, filter: {{ hasDone: {{ atLeast: {times} }} }}) {{ events }}");
            times.map(one).collect::<Vec<_>>().join(" ")
        };
        let both = site.ask(&format!("{} {}", ask("a", 1..17), ask("b", 1..17))).await;
        assert_eq!((&both["a2"], &both["a3"]), (&both["b2"], &json!({ "events": 3 })));
        app.clock.advance(24 * 60 * 60 * 1000);
        assert_eq!(site.try_ask(&ask("a", 1..18)).await.error_code(), "COST_EXCEEDED");
    }
}
