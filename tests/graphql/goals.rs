//! Goals: made, changed and deleted by owners, and reached by visitors.

use event_analytics::entity::{app_member, goal, role::Role};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    app::{Store, TestApp},
    people::{Person, Site},
};

const FIELDS: &str = "goal { id name description filter createdAt updatedAt }";

/// The ways of three visitors: two look, one buys twice, one looks without an id.
fn visits() -> Value {
    let at = |time: &str| format!("2026-11-22T{time}Z");
    json!([
        { "event_type": "page_view", "timestamp": at("08:00:00"), "user_id": "ann", "session_id": "1" },
        { "event_type": "purchase", "timestamp": at("08:01:00"), "user_id": "ann", "session_id": "1", "revenue": "10.50", "currency": "EUR" },
        { "event_type": "purchase", "timestamp": at("09:30:00"), "user_id": "ann", "session_id": "2", "revenue": "2", "currency": "EUR" },
        { "event_type": "page_view", "timestamp": at("10:00:00"), "user_id": "bob", "session_id": "3", "country": "DE" },
        { "event_type": "purchase", "timestamp": "2026-11-21T08:00:00Z", "user_id": "cid", "session_id": "4" },
    ])
}

async fn make(site: &Site, name: &str, filter: Value) -> Value {
    let input = json!({ "appId": site.app_id, "name": name, "filter": filter });
    site.owner.mutate("createGoal", input, FIELDS).await.data()["createGoal"]["goal"].clone()
}

fn purchases() -> Value {
    json!({ "eventType": { "eq": "purchase" } })
}

/// Makes somebody a member who may only look.
pub async fn viewer(app: &TestApp, site: &Site, name: &str) -> Person {
    let person = app.user(name).await;
    let id = person.graphql("{ viewer { id } }", json!({})).await.data()["viewer"]["id"].clone();
    let uuid = |id: &str| id.split_once('_').unwrap().1.parse::<Uuid>().unwrap();
    let (app_id, user_id) = (uuid(&site.app_id), uuid(id.as_str().unwrap()));
    let member = app_member::ActiveModel {
        app_id: Set(app_id),
        user_id: Set(user_id),
        role: Set(Role::Viewer),
        created_at: Set(0),
    };
    member.insert(app.app.db.writer()).await.unwrap();
    person
}

both_stores! {
    async fn a_goal_is_made_changed_listed_and_deleted(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let filter = json!({ "or": [{ "eventType": { "in": ["purchase", "Größe ✓"] } }, { "revenue": { "gt": 1.5 } }], "not": { "property": [{ "key": "k", "exists": true }] } });
        let input = json!({ "appId": site.app_id, "name": " Bought ", "description": "A sale.\nOf anything.", "filter": filter });
        let made = site.owner.mutate("createGoal", input, FIELDS).await.data()["createGoal"]["goal"].clone();
        let now = "2026-11-22T12:00:00.000Z";
        assert_eq!(made, json!({
            "id": made["id"], "name": "Bought", "description": "A sale.\nOf anything.", "filter": filter,
            "createdAt": now, "updatedAt": now,
        }));
        app.clock.advance(1_000);
        let second = make(&site, "Signed up", json!({ "eventType": { "eq": "signup" }, "os": null })).await;
        assert_eq!((&second["description"], &second["filter"]), (&json!(""), &json!({ "eventType": { "eq": "signup" } })));

        // The latest first, page by page.
        let first = &site.ask("goals(first: 1) { nodes { name } pageInfo { hasNextPage endCursor } }").await["goals"];
        assert_eq!((&first["nodes"], &first["pageInfo"]["hasNextPage"]), (&json!([{ "name": "Signed up" }]), &json!(true)));
        let after = &first["pageInfo"]["endCursor"];
        let rest = &site.ask(&format!("goals(first: 1, after: {after}) {{ nodes {{ name }} pageInfo {{ hasNextPage }} }}")).await["goals"];
        assert_eq!(rest, &json!({ "nodes": [{ "name": "Bought" }], "pageInfo": { "hasNextPage": false } }));

        // What is not given stays.
        let change = async |input: Value| site.owner.mutate("updateGoal", input, FIELDS).await;
        let renamed = change(json!({ "id": made["id"], "name": "Paid" })).await.data()["updateGoal"]["goal"].clone();
        assert_eq!((&renamed["name"], &renamed["filter"], &renamed["createdAt"]), (&json!("Paid"), &filter, &json!(now)));
        assert_eq!(renamed["updatedAt"], "2026-11-22T12:00:01.000Z");
        let narrowed = change(json!({ "id": made["id"], "description": "", "filter": purchases() })).await.data();
        assert_eq!(narrowed["updateGoal"]["goal"]["filter"], purchases());
        assert_eq!(change(json!({ "id": made["id"] })).await.data()["updateGoal"]["goal"]["name"], "Paid");
        let node = "query($id: ID!) { node(id: $id) { __typename id ... on Goal { name } } }";
        let found = site.owner.graphql(node, json!({ "id": made["id"] })).await.data();
        assert_eq!(found["node"], json!({ "__typename": "Goal", "id": made["id"], "name": "Paid" }));

        // A name is of one goal, and free again when that is gone.
        let taken = change(json!({ "id": second["id"], "name": "Paid" })).await;
        assert_eq!((taken.error_code(), taken.at("/errors/0/extensions/field")), ("CONFLICT", &json!("input.name")));
        let again = json!({ "appId": site.app_id, "name": "Paid", "filter": purchases() });
        let taken = site.owner.mutate("createGoal", again.clone(), FIELDS).await;
        assert_eq!((taken.error_code(), taken.at("/errors/0/extensions/field")), ("CONFLICT", &json!("input.name")));
        let gone = site.owner.mutate("deleteGoal", json!({ "id": made["id"] }), "deletedGoalId").await.data();
        assert_eq!(gone["deleteGoal"]["deletedGoalId"], made["id"]);
        let unknown = site.owner.mutate("deleteGoal", json!({ "id": made["id"] }), "deletedGoalId").await;
        assert_eq!(unknown.error_code(), "NOT_FOUND");
        assert_eq!(change(json!({ "id": made["id"], "name": "x" })).await.error_code(), "NOT_FOUND");
        site.owner.mutate("createGoal", again, FIELDS).await.data();
        // Another app has names of its own.
        let other = Site::of(site.owner.clone(), "other").await;
        make(&other, "Paid", purchases()).await;
        site.owner.mutate("deleteApp", json!({ "id": site.app_id }), "deletedAppId").await.data();
        assert_eq!(goal::Entity::find().count(&*app.app.db).await.unwrap(), 1, "goals go with their app alone");
    }

    async fn what_cannot_be_a_goal_is_refused_by_name(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let id = make(&site, "Bought", purchases()).await["id"].clone();
        let deep = (0..9).fold(json!({}), |inner, _| json!({ "not": inner }));
        for (field, wrong, at) in [
            ("name", json!(""), "input.name"),
            ("name", json!("x".repeat(101)), "input.name"),
            ("name", json!("a\0"), "input.name"),
            ("description", json!("x".repeat(1_001)), "input.description"),
            ("description", json!("a\0"), "input.description"),
            ("filter", json!({}), "input.filter"),
            ("filter", json!({ "eventType": null }), "input.filter"),
            ("filter", json!({ "url": { "eq": "x".repeat(2_049) } }), "input.filter.url.eq"),
            ("filter", json!({ "property": [{ "key": "" }] }), "input.filter.property.0.key"),
            ("filter", deep, "input.filter.not.not.not.not.not.not.not.not"),
        ] {
            let mut create = json!({ "appId": site.app_id, "name": "Other", "filter": purchases() });
            let mut update = json!({ "id": id });
            for (mutation, input) in [("createGoal", &mut create), ("updateGoal", &mut update)] {
                input[field] = wrong.clone();
                let reply = site.owner.mutate(mutation, input.clone(), "goal { id }").await;
                assert_eq!(reply.error_code(), "BAD_USER_INPUT", "{mutation} {field}: {wrong}");
                assert_eq!(reply.at("/errors/0/extensions/field"), at, "{mutation} {wrong}");
            }
        }
        for input in [
            json!({ "appId": site.app_id, "name": "Other" }),
            json!({ "appId": site.app_id, "name": "Other", "filter": { "nothing": 1 } }),
        ] {
            assert_eq!(site.owner.mutate("createGoal", input, "goal { id }").await.error_code(), "BAD_USER_INPUT");
        }
        let conversion = async |arguments: &str| {
            site.try_ask(&format!("goals(first: 1) {{ nodes {{ conversion({arguments}) {{ completions }} }} }}")).await
        };
        for (arguments, field) in [
            ("range: {}", "range.preset"),
            ("range: { preset: TODAY }, timezone: \"Mars/Olympus\"", "timezone"),
            ("range: { preset: TODAY }, filter: { url: { in: [\"a\"] }, property: [{ key: \"\" }] }", "filter.property.0.key"),
        ] {
            let reply = conversion(arguments).await;
            assert_eq!((reply.error_code(), reply.at("/errors/0/extensions/field")), ("BAD_USER_INPUT", &json!(field)));
        }
        let page = site.try_ask("goals(first: 101) { nodes { id } }").await;
        assert_eq!((page.error_code(), page.at("/errors/0/extensions/field")), ("BAD_USER_INPUT", &json!("first")));
        let dear = "goals(first: 100) { nodes { conversion(range: { preset: TODAY }) { completions } } }";
        assert_eq!(site.try_ask(dear).await.error_code(), "COST_EXCEEDED");
        assert_eq!(goal::Entity::find().count(&*app.app.db).await.unwrap(), 1);
    }

    async fn only_owners_change_goals_and_only_members_see_them(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(visits()).await.ok();
        let id = make(&site, "Bought", purchases()).await["id"].clone();
        let unknown = "goal_00000000000070008000000000000000_00000000000070008000000000000000";
        let inputs = |id: &Value| [
            ("updateGoal", json!({ "id": id, "name": "Mine" })),
            ("deleteGoal", json!({ "id": id })),
        ];
        let create = json!({ "appId": site.app_id, "name": "Mine", "filter": purchases() });

        let looker = viewer(&app, &site, "looker").await;
        let seen = Site { owner: looker.clone(), ..site.clone() };
        let figures = "goals(first: 1) { nodes { name conversion(range: { preset: TODAY }) { completions } } }";
        assert_eq!(seen.ask(figures).await["goals"]["nodes"], json!([{ "name": "Bought", "conversion": { "completions": 2 } }]));
        for (mutation, input) in inputs(&id) {
            assert_eq!(looker.mutate(mutation, input, "__typename").await.error_code(), "FORBIDDEN", "{mutation}");
        }
        assert_eq!(looker.mutate("createGoal", create.clone(), "__typename").await.error_code(), "FORBIDDEN");

        let eve = app.user("eve").await;
        let node = "query($id: ID!) { node(id: $id) { id } }";
        for id in [&id, &json!(unknown), &json!("goal_1"), &json!(site.app_id), &json!("\0")] {
            assert_eq!(eve.graphql(node, json!({ "id": id })).await.error_code(), "NOT_FOUND", "{id}");
            for (mutation, input) in inputs(id) {
                let reply = eve.mutate(mutation, input.clone(), "__typename").await;
                assert_eq!((reply.error_code(), reply.error_message()), ("NOT_FOUND", "There is no such goal."), "{id}");
                let stranger = app.anonymous().mutate(mutation, input, "__typename").await;
                assert_eq!(stranger.error_code(), "UNAUTHENTICATED");
            }
        }
        assert_eq!(eve.mutate("createGoal", create.clone(), "__typename").await.error_code(), "NOT_FOUND");
        assert_eq!(app.anonymous().mutate("createGoal", create, "__typename").await.error_code(), "UNAUTHENTICATED");
        // The goal of one app under the id of another is no goal.
        let other = Site::of(eve.clone(), "Eve's").await;
        let goal = id.as_str().unwrap().rsplit_once('_').unwrap().1;
        let forged = json!(format!("goal_{}_{goal}", other.app_id.trim_start_matches("app_")));
        assert_eq!(eve.graphql(node, json!({ "id": forged })).await.error_code(), "NOT_FOUND");
        for (mutation, input) in inputs(&forged) {
            assert_eq!(eve.mutate(mutation, input, "__typename").await.error_code(), "NOT_FOUND");
        }
        assert_eq!(site.ask("goals(first: 1) { nodes { name } }").await["goals"]["nodes"], json!([{ "name": "Bought" }]));
    }

    async fn a_conversion_says_who_reached_it_of_whom(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(visits()).await.ok();
        make(&site, "Bought", purchases()).await;
        let ask = async |arguments: &str, fields: &str| {
            let reply = site.try_ask(&format!("goals(first: 1) {{ nodes {{ conversion({arguments}) {{ {fields} }} }} }}")).await;
            let cached = reply.at("/extensions/cached").clone();
            (reply.data()["app"]["goals"]["nodes"][0]["conversion"].clone(), cached)
        };
        let figures = "completions visitors allVisitors visitorRate sessions allSessions sessionRate revenue { amount currency }";
        let fields = format!("{figures} from to previous {{ {figures} }} timeline {{ interval buckets {{ start events }} total {{ events uniqueUsers }} }}");
        let (answer, cached) = ask("range: { preset: TODAY }, compare: PREVIOUS_PERIOD", &fields).await;
        let previous = json!({
            "completions": 1, "visitors": 1, "allVisitors": 1, "visitorRate": 1.0, "sessions": 1, "allSessions": 1,
            "sessionRate": 1.0, "revenue": [],
        });
        let mut without = answer.clone();
        let timeline = without.as_object_mut().unwrap().remove("timeline").unwrap();
        assert_eq!(without, json!({
            "completions": 2, "visitors": 1, "allVisitors": 2, "visitorRate": 0.5, "sessions": 2, "allSessions": 3,
            "sessionRate": 2.0 / 3.0, "revenue": [{ "amount": "12.50", "currency": "EUR" }],
            "from": "2026-11-22T00:00:00.000Z", "to": "2026-11-23T00:00:00.000Z", "previous": previous,
        }));
        assert_eq!((&timeline["interval"], &timeline["total"]), (&json!("HOUR"), &json!({ "events": 2, "uniqueUsers": 1 })));
        let hours: Vec<_> = timeline["buckets"].as_array().unwrap().iter().filter(|bucket| bucket["events"] != 0).collect();
        assert_eq!(hours, [&json!({ "start": "2026-11-22T08:00:00.000Z", "events": 1 }), &json!({ "start": "2026-11-22T09:00:00.000Z", "events": 1 })]);
        assert_eq!(cached, false);
        let again = ask("range: { preset: TODAY }, compare: PREVIOUS_PERIOD", &fields).await;
        assert_eq!(again, (answer, json!(true)), "as other answers are");

        // `filter` narrows both; nobody at all is no share.
        let (german, _) = ask("range: { preset: TODAY }, filter: { country: { eq: \"DE\" } }", figures).await;
        assert_eq!((&german["completions"], &german["allVisitors"], &german["visitorRate"]), (&json!(0), &json!(1), &json!(0.0)));
        let (nobody, _) = ask("range: { preset: TODAY }, filter: { country: { eq: \"FR\" } }", figures).await;
        assert_eq!((&nobody["visitorRate"], &nobody["sessionRate"]), (&Value::Null, &Value::Null));
        // A day on which the clocks are set back.
        let day = "range: { from: \"2026-10-25T00:00:00+02:00\", to: \"2026-10-26T00:00:00+01:00\" }, timezone: \"Europe/Berlin\"";
        let (hours, _) = ask(&format!("{day}, interval: HOUR"), "timeline { timezone buckets { start } }").await;
        assert_eq!((&hours["timeline"]["timezone"], hours["timeline"]["buckets"].as_array().unwrap().len()), (&json!("Europe/Berlin"), 25));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_has_a_bounded_number_of_goals() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    for number in 0..100 {
        make(&site, &format!("Goal {number}"), purchases()).await;
    }
    let input = json!({ "appId": site.app_id, "name": "One too many", "filter": purchases() });
    assert_eq!(site.owner.mutate("createGoal", input.clone(), FIELDS).await.error_code(), "CONFLICT");
    let id = site.ask("goals(first: 1) { nodes { id } }").await["goals"]["nodes"][0]["id"].clone();
    site.owner.mutate("deleteGoal", json!({ "id": id }), "deletedGoalId").await.data();
    site.owner.mutate("createGoal", input, FIELDS).await.data();
}
