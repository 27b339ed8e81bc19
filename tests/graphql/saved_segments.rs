//! Saved segments: made, changed and deleted by owners, and used in every filter.

use event_analytics::entity::saved_segment;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use super::goals::viewer;
use crate::support::{
    app::{Store, TestApp},
    people::{Person, Site},
};

const FIELDS: &str = "savedSegment { id name description filter createdAt updatedAt }";
const TODAY: &str = "range: { preset: TODAY }";

fn events() -> Value {
    let event = |kind: &str, who: &str, minute: u32| json!({ "event_type": kind, "user_id": who, "timestamp": format!("2026-11-22T08:{minute:02}:00Z"), "session_id": who });
    json!([
        event("page_view", "ann", 0),
        event("purchase", "ann", 1),
        event("page_view", "bob", 2),
        event("signup", "cid", 3)
    ])
}

fn of_type(name: &str) -> Value {
    json!({ "eventType": { "eq": name } })
}

async fn save(site: &Site, name: &str, filter: Value) -> String {
    let input = json!({ "appId": site.app_id, "name": name, "filter": filter });
    let made = site.owner.mutate("createSavedSegment", input, FIELDS).await.data();
    made["createSavedSegment"]["savedSegment"]["id"].as_str().unwrap().to_owned()
}

/// The code and the field of a refusal.
fn refusal(reply: &crate::support::reply::Reply) -> (String, String) {
    let field = reply.body.pointer("/errors/0/extensions/field").and_then(Value::as_str).unwrap_or_default();
    (reply.error_code().to_owned(), field.to_owned())
}

async fn node(person: &Person, id: &str) -> Value {
    let query = "query($id: ID!) { node(id: $id) { __typename id ... on SavedSegment { name } } }";
    person.graphql(query, json!({ "id": id })).await.body["data"]["node"].clone()
}

both_stores! {
    async fn a_segment_is_saved_changed_listed_and_deleted(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let filter = json!({
            "or": [{ "revenue": { "gt": 1.5 } }, { "property": [{ "key": "größe", "exists": true }] }],
            "hasDone": { "filter": of_type("purchase"), "atLeast": 2, "range": { "preset": "LAST_30_DAYS" } },
            "hasNotDone": { "filter": {}, "atLeast": 1, "range": { "from": "2026-11-01T00:00:00.000Z", "to": "2026-11-02T00:00:00.000Z" } },
        });
        let input = json!({ "appId": site.app_id, "name": " Buyers ", "description": "Twice.", "filter": filter });
        let made = site.owner.mutate("createSavedSegment", input, FIELDS).await.data()["createSavedSegment"]["savedSegment"].clone();
        assert_eq!((&made["name"], &made["description"], &made["filter"]), (&json!("Buyers"), &json!("Twice."), &filter));
        let id = made["id"].as_str().unwrap();
        app.clock.advance(1_000);
        let other = save(&site, "Others", of_type("signup")).await;
        let list = &site.ask("savedSegments(first: 1) { nodes { id } pageInfo { endCursor hasNextPage } }").await["savedSegments"];
        assert_eq!((&list["nodes"][0]["id"], &list["pageInfo"]["hasNextPage"]), (&json!(other), &json!(true)));
        let more = format!("savedSegments(first: 5, after: {}) {{ nodes {{ id name }} }}", list["pageInfo"]["endCursor"]);
        assert_eq!(site.ask(&more).await["savedSegments"]["nodes"], json!([{ "id": id, "name": "Buyers" }]));
        assert_eq!(node(&site.owner, id).await["name"], "Buyers");

        let change = json!({ "id": id, "name": "All", "description": "", "filter": {} });
        let changed = site.owner.mutate("updateSavedSegment", change, FIELDS).await.data()["updateSavedSegment"]["savedSegment"].clone();
        assert_eq!((&changed["name"], &changed["description"], &changed["filter"]), (&json!("All"), &Value::Null, &json!({})));
        assert_eq!((&changed["createdAt"], &changed["updatedAt"]), (&json!("2026-11-22T12:00:00.000Z"), &json!("2026-11-22T12:00:01.000Z")));
        let same = site.owner.mutate("updateSavedSegment", json!({ "id": id, "name": "Others" }), FIELDS).await;
        assert_eq!(refusal(&same), ("CONFLICT".into(), "input.name".into()));
        let deleted = site.owner.mutate("deleteSavedSegment", json!({ "id": id }), "deletedSavedSegmentId").await.data();
        assert_eq!(deleted["deleteSavedSegment"]["deletedSavedSegmentId"], id);
        assert_eq!(site.owner.mutate("deleteSavedSegment", json!({ "id": id }), "deletedSavedSegmentId").await.error_code(), "NOT_FOUND");
        assert_eq!(node(&site.owner, id).await, Value::Null);
    }

    async fn every_filter_takes_one_and_meets_it_as_it_is_now(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(events()).await.ok();
        let id = save(&site, "Views", of_type("page_view")).await;
        let filter = format!("filter: {{ segment: \"{id}\" }}");
        let ask = format!(
            "summary({TODAY}, {filter}) {{ events }}
             timeline({TODAY}, {filter}) {{ total {{ events }} }}
             breakdown({TODAY}, {filter}, by: [EVENT_TYPE]) {{ rows {{ label }} }}
             events({TODAY}, {filter}, first: 9) {{ nodes {{ eventType }} }}
             users({TODAY}, {filter}, first: 9) {{ totalCount nodes {{ events({filter}, first: 9) {{ nodes {{ eventType }} }} }} }}
             funnel({TODAY}, steps: [{{ name: \"a\", filter: {{ segment: \"{id}\" }} }}, {{ name: \"b\" }}]) {{ steps {{ users }} }}
             retention({TODAY}, period: DAY, start: {{ segment: \"{id}\" }}) {{ cohorts {{ users }} }}
             paths({TODAY}, anchor: {{ segment: \"{id}\" }}, unit: EVENT_TYPE) {{ sessions }}
             sessions({TODAY}, {filter}) {{ sessions }}
             done: summary({TODAY}, filter: {{ hasDone: {{ {filter} }} }}) {{ events }}
             not: summary({TODAY}, filter: {{ not: {{ segment: \"{id}\" }} }}) {{ events }}
             both: summary({TODAY}, filter: {{ userId: {{ eq: \"ann\" }}, or: [{{ segment: \"{id}\" }}] }}) {{ events }}"
        );
        let answer = site.ask(&ask).await;
        assert_eq!(answer, json!({
            "summary": { "events": 2 }, "timeline": { "total": { "events": 2 } },
            "breakdown": { "rows": [{ "label": "page_view" }] },
            "events": { "nodes": [{ "eventType": "page_view" }, { "eventType": "page_view" }] },
            "users": { "totalCount": 2, "nodes": [{ "events": { "nodes": [{ "eventType": "page_view" }] } }, { "events": { "nodes": [{ "eventType": "page_view" }] } }] },
            "funnel": { "steps": [{ "users": 2 }, { "users": 1 }] },
            "retention": { "cohorts": [{ "users": 2 }] }, "paths": { "sessions": 2 }, "sessions": { "sessions": 2 },
            "done": { "events": 3 }, "not": { "events": 2 }, "both": { "events": 1 },
        }));
        let page = site.ask(&format!("events({TODAY}, {filter}, first: 1) {{ pageInfo {{ endCursor }} }}")).await;
        // Nothing was committed in between, and still no answer is of old.
        let change = json!({ "id": id, "filter": { "hasDone": { "filter": of_type("purchase") } } });
        site.owner.mutate("updateSavedSegment", change, FIELDS).await.data();
        assert_eq!(site.ask(&format!("summary({TODAY}, {filter}) {{ events }}")).await["summary"]["events"], 2);
        let bought = site.ask(&format!("breakdown({TODAY}, {filter}, by: [EVENT_TYPE]) {{ groups }}")).await;
        assert_eq!(bought["breakdown"]["groups"], 2);
        let more = format!("events({TODAY}, {filter}, first: 1, after: {}) {{ nodes {{ id }} }}", page["events"]["pageInfo"]["endCursor"]);
        assert_eq!(refusal(&site.try_ask(&more).await), ("BAD_USER_INPUT".into(), "after".into()), "it is another list now");
    }

    async fn what_cannot_be_saved_or_used_is_refused_by_name(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let id = save(&site, "Buyers", json!({ "hasDone": { "filter": of_type("purchase") } })).await;
        let long = "x".repeat(101);
        for (field, given) in [
            ("name", json!("")), ("name", json!(long)), ("description", json!("x".repeat(2_049))), ("description", json!("\0")),
            ("filter.and.0.segment", json!({ "and": [{ "segment": id }] })),
            ("filter.hasDone.filter.segment", json!({ "hasDone": { "filter": { "segment": id } } })),
            ("filter.hasDone.atLeast", json!({ "hasDone": { "atLeast": 0 } })),
            ("filter.hasDone.range.preset", json!({ "hasDone": { "range": {} } })),
        ] {
            let mut input = json!({ "appId": site.app_id, "name": "New", "filter": {} });
            input[field.split('.').next().unwrap()] = given.clone();
            let reply = site.owner.mutate("createSavedSegment", input, FIELDS).await;
            assert_eq!(refusal(&reply), ("BAD_USER_INPUT".into(), format!("input.{field}")), "{given}");
        }
        let reply = site.owner.mutate("createSavedSegment", json!({ "appId": site.app_id, "name": "Buyers", "filter": {} }), FIELDS).await;
        assert_eq!(refusal(&reply), ("CONFLICT".into(), "input.name".into()));

        let bob = Site::of(app.user("bob").await, "Bob's site").await;
        let foreign = save(&bob, "Mine", json!({})).await;
        let unknown = format!("{}{}", &id[..id.len() - 32], "0".repeat(32));
        for id in [foreign.as_str(), &unknown, &site.app_id, "", "seg_0_0", &format!("{id}\u{e9}")] {
            for (question, field) in [
                (format!("summary({TODAY}, filter: {{ segment: \"{id}\" }}) {{ events }}"), "filter.segment"),
                (format!("summary({TODAY}, filter: {{ or: [{{}}, {{ hasDone: {{ filter: {{ segment: \"{id}\" }} }} }}] }}) {{ events }}"), "filter.or.1.hasDone.filter.segment"),
                (format!("funnel({TODAY}, steps: [{{ name: \"a\" }}, {{ name: \"b\", filter: {{ segment: \"{id}\" }} }}]) {{ groups }}"), "steps.1.filter.segment"),
            ] {
                assert_eq!(refusal(&site.try_ask(&question).await), ("BAD_USER_INPUT".into(), field.into()), "{question}");
            }
        }
        // What visitors did cannot depend on it by way of a segment either, and there is a bound to it.
        let nested = format!("summary({TODAY}, filter: {{ hasDone: {{ filter: {{ segment: \"{id}\" }} }} }}) {{ events }}");
        assert_eq!(refusal(&site.try_ask(&nested).await), ("BAD_USER_INPUT".into(), "filter.hasDone.filter.segment.hasDone".into()));
        let many = format!("summary({TODAY}, filter: {{ and: [{}] }}) {{ events }}", format!("{{ segment: \"{id}\" }}, ").repeat(9));
        assert_eq!(refusal(&site.try_ask(&many).await), ("BAD_USER_INPUT".into(), "filter.and.8.segment.hasDone".into()));
        let plain = site.try_ask(&format!("summary({TODAY}) {{ events }}")).await.at("/extensions/cost").as_u64();
        let segmented = site.try_ask(&format!("summary({TODAY}, filter: {{ segment: \"{id}\" }}) {{ events }}")).await;
        assert_eq!(segmented.at("/extensions/cost").as_u64(), plain.map(|cost| cost + 100), "it may ask what visitors did");
    }

    async fn saved_segments_are_their_owners_to_change_and_their_viewers_to_use(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(events()).await.ok();
        let id = save(&site, "Views", of_type("page_view")).await;
        let (looker, bob) = (viewer(&app, &site, "looker").await, app.user("bob").await);
        let create = json!({ "appId": site.app_id, "name": "New", "filter": {} });
        let change = json!({ "id": id, "name": "New" });
        for (person, code) in [(&looker, "FORBIDDEN"), (&bob, "NOT_FOUND"), (&app.anonymous(), "UNAUTHENTICATED")] {
            for (mutation, input) in [("createSavedSegment", &create), ("updateSavedSegment", &change), ("deleteSavedSegment", &json!({ "id": id }))] {
                assert_eq!(person.mutate(mutation, input.clone(), "__typename").await.error_code(), code, "{mutation}");
            }
        }
        assert_eq!(node(&looker, &id).await["name"], "Views");
        assert_eq!(node(&bob, &id).await, Value::Null);
        let theirs = Site { owner: looker, ..site.clone() };
        assert_eq!(theirs.ask(&format!("summary({TODAY}, filter: {{ segment: \"{id}\" }}) {{ events }}")).await["summary"]["events"], 2);

        assert_eq!(saved_segment::Entity::find().count(&*app.app.db).await.unwrap(), 1);
        site.owner.mutate("deleteApp", json!({ "id": site.app_id }), "deletedEvents").await.data();
        assert_eq!(saved_segment::Entity::find().count(&*app.app.db).await.unwrap(), 0);
        assert_eq!(site.owner.mutate("updateSavedSegment", change, FIELDS).await.error_code(), "NOT_FOUND");
    }
}
