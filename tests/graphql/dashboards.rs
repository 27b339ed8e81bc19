//! Dashboards: made, changed and deleted by editors; and what their panels may ask.

use std::collections::BTreeSet;

use event_analytics::{auth::permission::PANEL_FIELDS, graphql::sdl};
use serde_json::{Value, json};

use super::goals::viewer;
use crate::support::{
    app::{Store, TestApp},
    people::Site,
    reply::Reply,
};

const FIELDS: &str = "dashboard { id name revision panels { panelId title display x y width height document variables } createdAt updatedAt }";
const DOCUMENT: &str = "query($app: ID!, $n: Int!) { app(id: $app) { ...f users(range: { preset: TODAY }, first: $n) { totalCount } } } fragment f on App { name }";

fn panel(site: &Site, title: &str) -> Value {
    json!({
        "title": title, "display": "TABLE", "x": 6, "y": 2, "width": 6, "height": 4, "document": DOCUMENT,
        "variables": { "app": site.app_id, "n": 3 },
    })
}

async fn create(site: &Site, name: &str, panels: Value) -> Reply {
    let input = json!({ "appId": site.app_id, "name": name, "panels": panels });
    site.owner.mutate("createDashboard", input, FIELDS).await
}

fn refusal(reply: &Reply) -> (String, String) {
    let field = reply.body.pointer("/errors/0/extensions/field").and_then(Value::as_str).unwrap_or_default();
    (reply.error_code().to_owned(), field.to_owned())
}

both_stores! {
    async fn a_dashboard_is_made_changed_listed_and_deleted(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let made = create(&site, " Mornings ", json!([panel(&site, "One")])).await.data()["createDashboard"]["dashboard"].clone();
        assert_eq!((&made["name"], &made["revision"]), (&json!("Mornings"), &json!(1)));
        let mut shown = made["panels"][0].clone();
        assert_eq!(shown["panelId"].as_str().unwrap().len(), 32);
        shown.as_object_mut().unwrap().remove("panelId");
        assert_eq!(shown, panel(&site, "One"));
        // What is stored is asked again as it stands.
        let answer = site.owner.graphql(shown["document"].as_str().unwrap(), shown["variables"].clone()).await.data();
        assert_eq!(answer["app"]["users"]["totalCount"], 0);

        app.clock.advance(1_000);
        let other = create(&site, "Evenings", json!([])).await.data()["createDashboard"]["dashboard"]["id"].clone();
        let list = &site.ask("dashboards(first: 1) { nodes { id } pageInfo { endCursor } }").await["dashboards"];
        assert_eq!(list["nodes"], json!([{ "id": other }]));
        let more = format!("dashboards(first: 5, after: {}) {{ nodes {{ name }} }}", list["pageInfo"]["endCursor"]);
        assert_eq!(site.ask(&more).await["dashboards"]["nodes"], json!([{ "name": "Mornings" }]));

        let id = &made["id"];
        let change = json!({ "id": id, "revision": 1, "panels": [panel(&site, "A"), panel(&site, "B")] });
        let changed = site.owner.mutate("updateDashboard", change.clone(), FIELDS).await.data()["updateDashboard"]["dashboard"].clone();
        assert_eq!((&changed["name"], &changed["revision"], &changed["panels"][1]["title"]), (&json!("Mornings"), &json!(2), &json!("B")));
        assert_eq!((&changed["createdAt"], &changed["updatedAt"]), (&json!("2026-11-22T12:00:00.000Z"), &json!("2026-11-22T12:00:01.000Z")));
        // Whoever has seen only the first revision does not take that back.
        let late = site.owner.mutate("updateDashboard", change, FIELDS).await;
        assert_eq!(refusal(&late), ("CONFLICT".into(), "input.revision".into()));
        let same = site.owner.mutate("updateDashboard", json!({ "id": id, "revision": 2, "name": "Evenings" }), FIELDS).await;
        assert_eq!(refusal(&same), ("CONFLICT".into(), "input.name".into()));
        let node = "query($id: ID!) { node(id: $id) { ... on Dashboard { revision panels { title } } } }";
        let kept = site.owner.graphql(node, json!({ "id": id })).await.data();
        assert_eq!(kept["node"], json!({ "revision": 2, "panels": [{ "title": "A" }, { "title": "B" }] }));

        let input = json!({ "id": id });
        let deleted = site.owner.mutate("deleteDashboard", input.clone(), "deletedDashboardId").await.data();
        assert_eq!(&deleted["deleteDashboard"]["deletedDashboardId"], id);
        assert_eq!(site.owner.mutate("deleteDashboard", input, "deletedDashboardId").await.error_code(), "NOT_FOUND");
    }

    async fn what_is_out_of_bounds_is_refused_by_name(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let padded = format!("{DOCUMENT} #{}", "x".repeat(16_384));
        for (field, value) in [
            ("title", json!("")), ("x", json!(-1)), ("x", json!(7)), ("y", json!(-1)), ("y", json!(1_000)), ("width", json!(0)),
            ("width", json!(13)), ("height", json!(0)), ("height", json!(25)), ("document", json!(padded)),
            ("variables", json!([])), ("variables", json!({ "app": site.app_id, "n": 3, "x": "x".repeat(8_192) })),
        ] {
            let mut bad = panel(&site, "Bad");
            bad[field] = value.clone();
            let reply = create(&site, "Bounds", json!([panel(&site, "Good"), bad])).await;
            assert_eq!(refusal(&reply), ("BAD_USER_INPUT".into(), format!("input.panels.1.{field}")), "{value:.40}");
        }
        let many = vec![panel(&site, "One"); 31];
        assert_eq!(refusal(&create(&site, "Bounds", json!(many)).await), ("BAD_USER_INPUT".into(), "input.panels".into()));
        assert_eq!(refusal(&create(&site, "", json!([])).await), ("BAD_USER_INPUT".into(), "input.name".into()));
        create(&site, "Full", json!(many[..30])).await.data();
        for i in 1..100 {
            create(&site, &format!("Empty {i}"), json!([])).await.data();
        }
        assert_eq!(create(&site, "One more", json!([])).await.error_code(), "CONFLICT");
    }

    async fn panels_ask_one_query_about_their_own_app_and_nothing_else(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let other = Site::of(site.owner.clone(), "Another").await;
        let own = |fields: &str| format!("query($app: ID!) {{ app(id: $app) {{ {fields} }} }}");
        let literal = format!("{{ app(id: \"{}\") {{ name }} }}", site.app_id);
        for good in [own("name"), own("a: name ... { ... on App { timezone } }"), literal.clone()] {
            let mut fine = panel(&site, "Fine");
            fine["document"] = json!(good);
            create(&site, &good[..40.min(good.len())], json!([fine])).await.data();
        }
        let foreign = literal.replace(&site.app_id, &other.app_id);
        for bad in [
            String::new(), "{".into(), foreign.clone(), "{ viewer { id } }".into(), "{ __schema { types { name } } }".into(),
            "{ __typename }".into(), own("__typename"), format!("{literal} {literal}"), format!("query A {literal} query B {literal}"),
            format!("{{ ...r }} fragment r on Query {}", foreign), own("name } viewer { id"), own("nothing"),
            own("summary { events }"), own("events(range: { preset: TODAY }, first: \"x\") { totalCount }"),
            own("apiKeys(first: 1) { nodes { id } }"), own("...k } } fragment k on App { apiKeys(first: 1) { nodes { id } }"),
            own("name: allowedOrigins"), own("dashboards(first: 1) { nodes { name } }"), own("guests(first: 1) { nodes { role } }"),
            "query($app: ID! = \"app_0\") { app(id: $app) { name } }".replace("$app:", "$b:").replace("$app", "$b"),
            "mutation { signOut(input: {}) { signedOut } }".into(), "subscription { events { id } }".into(),
            own(&"name ".repeat(10_001)), own(&format!("{}name{}", "... {".repeat(31), "}".repeat(31))),
        ] {
            let mut panel = panel(&site, "Bad");
            panel["document"] = json!(bad);
            let reply = create(&site, "Bad", json!([panel])).await;
            assert_eq!(refusal(&reply), ("BAD_USER_INPUT".into(), "input.panels.0.document".into()), "{bad:.200}");
        }
        let mut elsewhere = panel(&site, "Elsewhere");
        elsewhere["variables"]["app"] = json!(other.app_id);
        assert_eq!(refusal(&create(&site, "Bad", json!([elsewhere])).await).1, "input.panels.0.document");
        assert_eq!(site.ask("dashboards(first: 9) { nodes { name } }").await["dashboards"]["nodes"].as_array().unwrap().len(), 3);
    }

    async fn dashboards_are_their_editors_to_change_and_their_viewers_to_see(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let made = create(&site, "Mornings", json!([panel(&site, "One")])).await.data();
        let id = &made["createDashboard"]["dashboard"]["id"];
        let (looker, bob) = (viewer(&app, &site, "looker").await, app.user("bob").await);
        let new = json!({ "appId": site.app_id, "name": "New" });
        for (person, code) in [(&looker, "FORBIDDEN"), (&bob, "NOT_FOUND"), (&app.anonymous(), "UNAUTHENTICATED")] {
            for (mutation, input) in [
                ("createDashboard", new.clone()), ("updateDashboard", json!({ "id": id, "revision": 1, "name": "New" })),
                ("deleteDashboard", json!({ "id": id })),
            ] {
                assert_eq!(person.mutate(mutation, input, "__typename").await.error_code(), code, "{mutation}");
            }
        }
        let node = "query($id: ID!) { node(id: $id) { ... on Dashboard { name } } }";
        assert_eq!(looker.graphql(node, json!({ "id": id })).await.data()["node"]["name"], "Mornings");
        assert_eq!(bob.graphql(node, json!({ "id": id })).await.body["data"]["node"], Value::Null);
        let log = "{ viewer { organizations(first: 1) { nodes { auditLog(first: 50) { nodes { action targetId targetName changes { field before after } } } } } } }";
        let change = json!({ "id": id, "revision": 1, "name": "Evenings", "panels": [] });
        site.owner.mutate("updateDashboard", change, FIELDS).await.data();
        let log = site.owner.graphql(log, json!({})).await.data();
        let entries = log["viewer"]["organizations"]["nodes"][0]["auditLog"]["nodes"].clone();
        assert_eq!(entries[0], json!({
            "action": "DASHBOARD_UPDATED", "targetId": id, "targetName": "Evenings",
            "changes": [{ "field": "name", "before": "Mornings", "after": "Evenings" }, { "field": "panels", "before": null, "after": null }],
        }));
    }
}

/// The fields of each object of the schema, with the types they are of.
fn objects() -> Vec<(String, Vec<(String, String)>)> {
    let sdl = sdl();
    let document = async_graphql::parser::parse_schema(&sdl).unwrap();
    let mut objects = vec![];
    for definition in document.definitions {
        use async_graphql::parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};
        fn base(of: &Type) -> String {
            match &of.base {
                BaseType::Named(name) => name.to_string(),
                BaseType::List(of) => base(of),
            }
        }
        let TypeSystemDefinition::Type(of) = definition else { continue };
        let fields = match &of.node.kind {
            TypeKind::Object(object) => &object.fields,
            TypeKind::Interface(interface) => &interface.fields,
            _ => continue,
        };
        let fields = fields.iter().map(|field| (field.node.name.node.to_string(), base(&field.node.ty.node)));
        objects.push((of.node.name.node.to_string(), fields.collect()));
    }
    objects
}

#[test]
fn a_panel_reaches_figures_and_events_and_nothing_of_accounts() {
    let objects = objects();
    let fields =
        |of: &str| objects.iter().find(|(name, _)| name == of).map(|(_, fields)| fields.clone()).unwrap_or_default();
    let app = fields("App");
    let mut next = vec![];
    for field in PANEL_FIELDS {
        let known = app.iter().find(|(name, _)| name == field);
        next.push(known.unwrap_or_else(|| panic!("App has no {field}")).1.clone());
    }
    let mut reached = BTreeSet::new();
    while let Some(of) = next.pop() {
        if reached.insert(of.clone()) {
            next.extend(fields(&of).into_iter().map(|(_, of)| of));
        }
    }
    assert!(reached.contains("Event") && reached.contains("Goal"), "{reached:?}");
    for closed in [
        "Query",
        "App",
        "User",
        "Organization",
        "Session",
        "ApiKey",
        "AuditEvent",
        "Invitation",
        "Dashboard",
        "Node",
        "DeadLetter",
        "Erasure",
        "Verification",
    ] {
        assert!(!fields(closed).is_empty(), "{closed} is a type");
        assert!(!reached.contains(closed), "{closed} is within reach of panels");
    }
}
