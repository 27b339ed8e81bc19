//! Links to dashboards: what whoever has one sees, and that it is nothing else.

use serde_json::{Value, json};

use super::goals::viewer;
use crate::support::{
    app::{Store, TestApp},
    people::{Person, Site},
    reply::Reply,
};

const SHOWN: &str = "{ sharedDashboard { name appName timezone expiresAt panels { title document variables listsPeople } } rateLimit { cost } }";
const FIGURES: &str =
    "query($app: ID!, $range: TimeRange!) { app(id: $app) { summary(range: $range) { events uniqueUsers } } }";
const PEOPLE: &str = "query($app: ID!, $range: TimeRange!) { app(id: $app) { name ...f } } fragment f on App { someone: users(range: $range, first: 3) { nodes { userId } } }";
const PASSWORD: &str = "four purple random elephants";

/// A panel for everybody, and one that lists people.
fn panels(site: &Site) -> Value {
    let variables = json!({ "app": site.app_id, "range": { "preset": "TODAY" } });
    let panel = |title: &str, y: i32, document: &str| {
        json!({
            "title": title, "display": "TABLE", "x": 0, "y": y, "width": 12, "height": 4, "document": document,
            "variables": variables,
        })
    };
    json!([panel("Figures", 0, FIGURES), panel("People", 4, PEOPLE)])
}

/// The id of a dashboard of the site, with those panels.
async fn board(site: &Site) -> Value {
    let input = json!({ "appId": site.app_id, "name": "Mornings", "panels": panels(site) });
    let made =
        site.owner.mutate("createDashboard", input, "dashboard { id panels { title listsPeople } }").await.data();
    let board = &made["createDashboard"]["dashboard"];
    assert_eq!(
        board["panels"],
        json!([{ "title": "Figures", "listsPeople": false }, { "title": "People", "listsPeople": true }])
    );
    board["id"].clone()
}

/// A link's id and its token.
async fn share(site: &Site, mut input: Value, board: &Value) -> (Value, String) {
    input["dashboardId"] = board.clone();
    let made = site.owner.mutate("shareDashboard", input, "share { id } url").await.data()["shareDashboard"].clone();
    let (page, token) = made["url"].as_str().unwrap().split_once('#').unwrap();
    assert!(page.ends_with("/shared"), "{page}");
    (made["share"]["id"].clone(), token.to_owned())
}

async fn unlock(app: &TestApp, token: &str, password: Option<&str>) -> Reply {
    let input = json!({ "token": token, "password": password });
    app.anonymous().mutate("openSharedDashboard", input, "bearer expiresAt").await
}

/// Somebody who has but a link, and has opened it.
async fn holder(app: &TestApp, token: &str, password: Option<&str>) -> Person {
    let opened = unlock(app, token, password).await.data();
    let bearer = opened["openSharedDashboard"]["bearer"].as_str().unwrap().to_owned();
    Person { token: Some(bearer), ..app.anonymous() }
}

async fn figures(person: &Person, site: &Site) -> Reply {
    person.graphql(FIGURES, json!({ "app": site.app_id, "range": { "preset": "TODAY" } })).await
}

both_stores! {
    async fn whoever_has_a_link_sees_what_the_dashboard_shows(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(json!([{ "event_type": "a", "user_id": "ada" }, { "event_type": "b", "user_id": "bob" }])).await;
        let board = board(&site).await;
        let (_, token) = share(&site, json!({ "name": "For the board" }), &board).await;
        let guest = holder(&app, &token, None).await;
        let shown = guest.graphql(SHOWN, json!({})).await.data()["sharedDashboard"].clone();
        assert_eq!((&shown["name"], &shown["expiresAt"]), (&json!("Mornings"), &Value::Null));
        assert_eq!(shown["timezone"], "UTC");
        let panels = shown["panels"].as_array().unwrap();
        assert_eq!(panels.iter().map(|panel| &panel["title"]).collect::<Vec<_>>(), ["Figures"], "people are not shown");
        let panel = &panels[0];
        let answer = guest.graphql(panel["document"].as_str().unwrap(), panel["variables"].clone()).await.data();
        assert_eq!(answer["app"]["summary"], json!({ "events": 2, "uniqueUsers": 2 }));

        // For half a minute everybody is shown the same answer; then what is there by then.
        site.post(json!({ "event_type": "c" })).await;
        assert_eq!(figures(&guest, &site).await.data()["app"]["summary"]["events"], 2);
        app.clock.advance(30_000);
        assert_eq!(figures(&guest, &site).await.data()["app"]["summary"]["events"], 3);

        // The dashboard is shown as it is at the time.
        let change = json!({ "id": board, "revision": 1, "name": "Evenings", "panels": [] });
        site.owner.mutate("updateDashboard", change, "dashboard { id }").await.data();
        let shown = guest.graphql(SHOWN, json!({})).await.data()["sharedDashboard"].clone();
        assert_eq!((&shown["name"], &shown["panels"]), (&json!("Evenings"), &json!([])));
        assert_eq!(figures(&guest, &site).await.error_code(), "FORBIDDEN");
    }

    async fn a_link_opens_nothing_else(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let board = board(&site).await;
        let (id, token) = share(&site, json!({ "name": "One" }), &board).await;
        let guest = holder(&app, &token, None).await;
        let own = |fields: &str| format!("{{ app(id: \"{}\") {{ {fields} }} }}", site.app_id);
        for query in [
            own("name"), own("apiKeys(first: 1) { nodes { id } }"), own("dashboards(first: 1) { nodes { id } }"),
            "{ __schema { types { name } } }".into(), "{ viewer { id } }".into(), "{ sharedDashboard { name } viewer { id } }".into(),
            "{ ...f } fragment f on Query { a: sharedDashboard { name } b: registration }".into(),
            format!("query A {{ sharedDashboard {{ name }} }} query B {}", own("name")),
            format!("{{ node(id: {board}) {{ id }} }}"), format!("{{ node(id: {id}) {{ id }} }}"),
            format!("subscription {{ live(appId: \"{}\") {{ app {{ name }} }} }}", site.app_id),
            format!("mutation {{ revokeDashboardShare(input: {{ id: {id} }}) {{ revokedShareId }} }}"),
            "mutation { signOut(input: {}) { signedOut } }".into(), "mutation { sharedDashboard { name } }".into(),
        ] {
            let reply = guest.graphql(&query, json!({})).await;
            assert_eq!(reply.error_code(), "FORBIDDEN", "{query}");
        }
        // A panel with other variables, in other words, or about people.
        let range = json!({ "preset": "TODAY" });
        for (document, variables) in [
            (FIGURES.to_owned(), json!({ "app": site.app_id, "range": { "preset": "YESTERDAY" } })),
            (FIGURES.to_owned(), json!({ "app": site.app_id, "range": range, "more": 1 })),
            (format!("{FIGURES} "), json!({ "app": site.app_id, "range": range })),
            (PEOPLE.to_owned(), json!({ "app": site.app_id, "range": range })),
        ] {
            assert_eq!(guest.graphql(&document, variables).await.error_code(), "FORBIDDEN", "{document}");
        }
        // Another dashboard's panel is none of this link's.
        let other = Site::of(site.owner.clone(), "Another").await;
        self::board(&other).await;
        assert_eq!(figures(&guest, &other).await.error_code(), "FORBIDDEN");
        // Nor does it follow anything.
        let streamed = guest.request("POST", "/graphql").header("accept", "text/event-stream");
        let variables = json!({ "app": site.app_id, "range": range });
        let streamed = streamed.json(&json!({ "query": FIGURES, "variables": variables })).send().await.unwrap();
        assert_eq!(streamed.status(), 403);
        // Others are not told of what it shows.
        for (person, code) in [(&app.anonymous(), "UNAUTHENTICATED"), (&site.owner, "FORBIDDEN")] {
            assert_eq!(person.graphql("{ sharedDashboard { name } }", json!({})).await.error_code(), code);
        }
    }

    async fn a_link_may_take_a_password_expire_and_be_revoked(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let board = board(&site).await;
        let expires = "2026-11-22T13:00:00.000Z";
        let input = json!({ "name": "Guarded", "password": PASSWORD, "expiresAt": expires });
        let (id, token) = share(&site, input, &board).await;
        let missing = unlock(&app, &token, None).await;
        assert_eq!((missing.error_code(), &missing.body["errors"][0]["extensions"]["field"]), ("BAD_USER_INPUT", &json!("input.password")));
        assert_eq!(unlock(&app, &token, Some("four purple random tigers")).await.error_code(), "UNAUTHENTICATED");
        // What the token alone would send.
        for bearer in [format!("link_{token}"), format!("link_{token}."), format!("link_{token}.{}", "A".repeat(43))] {
            let guest = Person { token: Some(bearer), ..app.anonymous() };
            assert_eq!(guest.graphql(SHOWN, json!({})).await.error_code(), "UNAUTHENTICATED");
        }
        let guest = holder(&app, &token, Some(PASSWORD)).await;
        assert_eq!(guest.graphql(SHOWN, json!({})).await.data()["sharedDashboard"]["expiresAt"], expires);
        let list = "dashboardShares(first: 5) { nodes { id name hasPassword expiresAt dashboard { name } } }";
        let listed = json!([{ "id": id, "name": "Guarded", "hasPassword": true, "expiresAt": expires, "dashboard": { "name": "Mornings" } }]);
        assert_eq!(site.ask(list).await["dashboardShares"]["nodes"], listed);

        app.clock.advance(60 * 60 * 1_000);
        assert_eq!(figures(&guest, &site).await.error_code(), "UNAUTHENTICATED");
        assert_eq!(unlock(&app, &token, Some(PASSWORD)).await.error_code(), "UNAUTHENTICATED");

        let (open, token) = share(&site, json!({ "name": "Open" }), &board).await;
        let guest = holder(&app, &token, None).await;
        figures(&guest, &site).await.data();
        site.owner.mutate("revokeDashboardShare", json!({ "id": open }), "revokedShareId").await.data();
        assert_eq!(figures(&guest, &site).await.error_code(), "UNAUTHENTICATED", "what was kept of the answer is not shown");
        assert_eq!(site.owner.mutate("revokeDashboardShare", json!({ "id": open }), "revokedShareId").await.error_code(), "NOT_FOUND");
        site.owner.mutate("deleteDashboard", json!({ "id": board }), "deletedDashboardId").await.data();
        assert_eq!(site.ask(list).await["dashboardShares"]["nodes"], json!([]), "links go with their dashboard");

        let log = "{ viewer { organizations(first: 1) { nodes { auditLog(first: 4) { nodes { action targetName changes { field after } } } } } } }";
        let log = site.owner.graphql(log, json!({})).await.data().to_string();
        for said in ["DASHBOARD_SHARED", "DASHBOARD_UNSHARED", "Mornings", "Open"] {
            assert!(log.contains(said), "{said} in {log}");
        }
        assert!(!log.contains(&token), "{log}");
    }

    async fn links_are_their_admins_to_make(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let board = board(&site).await;
        let looker = viewer(&app, &site, "looker").await;
        let input = json!({ "dashboardId": board, "name": "One" });
        assert_eq!(looker.mutate("shareDashboard", input.clone(), "url").await.error_code(), "FORBIDDEN");
        let refused = async |field: &str, value: Value| {
            let mut input = input.clone();
            input[field] = value;
            let reply = site.owner.mutate("shareDashboard", input, "url").await;
            assert_eq!((reply.error_code(), &reply.body["errors"][0]["extensions"]["field"]), ("BAD_USER_INPUT", &json!(format!("input.{field}"))));
        };
        refused("name", json!("")).await;
        refused("password", json!("short")).await;
        refused("password", json!("password1234")).await;
        refused("expiresAt", json!("2026-11-22T12:00:00.000Z")).await;
        for _ in 0..20 {
            site.owner.mutate("shareDashboard", input.clone(), "url").await.data();
        }
        assert_eq!(site.owner.mutate("shareDashboard", input, "url").await.error_code(), "CONFLICT");
        let page = site.ask("dashboardShares(first: 15) { nodes { id } pageInfo { endCursor } }").await;
        let after = &page["dashboardShares"]["pageInfo"]["endCursor"];
        let rest = site.ask(&format!("dashboardShares(first: 15, after: {after}) {{ nodes {{ id }} }}")).await;
        assert_eq!(rest["dashboardShares"]["nodes"].as_array().unwrap().len(), 5);
    }
}

/// The panels' titles, and whether each lists people.
async fn listing(site: &Site, panels: &[(&str, Value)]) -> Vec<bool> {
    let panels = panels.iter().enumerate().map(|(n, (document, variables))| {
        let mut variables = variables.clone();
        variables["app"] = json!(site.app_id);
        json!({
            "title": format!("Panel {n}"), "display": "TABLE", "x": 0, "y": 0, "width": 12, "height": 4,
            "document": document, "variables": variables,
        })
    });
    let input = json!({ "appId": site.app_id, "name": "Filtered", "panels": panels.collect::<Vec<_>>() });
    let made = site.owner.mutate("createDashboard", input, "dashboard { id panels { listsPeople } }").await.data();
    let board = &made["createDashboard"]["dashboard"];
    let listing =
        board["panels"].as_array().unwrap().iter().map(|panel| panel["listsPeople"].as_bool().unwrap()).collect();
    site.owner.mutate("deleteDashboard", json!({ "id": board["id"] }), "deletedDashboardId").await.data();
    listing
}

both_stores! {
    async fn a_filter_that_tells_one_person_from_others_is_about_people(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let save = async |kind: &str, name: &str, filter: Value| {
            let lower = format!("{}{}", kind[..1].to_lowercase(), &kind[1..]);
            let input = json!({ "appId": site.app_id, "name": name, "filter": filter });
            let made = site.owner.mutate(&format!("create{kind}"), input, &format!("{lower} {{ id }}")).await.data();
            made.pointer(&format!("/create{kind}/{lower}/id")).unwrap().clone()
        };
        let everybody = save("SavedSegment", "All", json!({ "country": { "eq": "DE" } })).await;
        let one = save("SavedSegment", "One", json!({ "or": [{ "hasDone": { "filter": { "userId": { "eq": "ada" } } } }] })).await;
        let summary = "query($app: ID!, $filter: EventFilter) { app(id: $app) { summary(range: { preset: TODAY }, filter: $filter) { events } } }";
        let literal = |filter: &str| format!("query($app: ID!) {{ app(id: $app) {{ ...f }} }} fragment f on App {{ summary(range: {{ preset: TODAY }}, filter: {filter}) {{ events }} }}");
        let goals = "query($app: ID!) { app(id: $app) { goals(first: 3) { nodes { name } } } }";
        let by_default = summary.replace("EventFilter)", "EventFilter = { sessionId: { eq: \"s\" } })");
        let filter = |filter: Value| json!({ "filter": filter });
        let ask: Vec<(&str, Value, bool)> = vec![
            (summary, json!({}), false),
            (summary, filter(json!({ "country": { "eq": "DE" }, "userId": null })), false),
            (summary, filter(json!({ "property": [{ "key": "userId", "string": { "eq": "ada" } }] })), false),
            (summary, filter(json!({ "and": [{ "not": { "userId": { "eq": "ada" } } }] })), true),
            (summary, filter(json!({ "hasNotDone": { "filter": { "sessionId": { "eq": "s" } } } })), true),
            (by_default.as_str(), json!({}), true),
            (summary, filter(json!({ "segment": everybody })), false),
            (summary, filter(json!({ "or": [{ "segment": one }] })), true),
            (goals, json!({}), false),
        ];
        let panels: Vec<_> = ask.iter().map(|(document, variables, _)| (*document, variables.clone())).collect();
        assert_eq!(listing(&site, &panels).await, ask.iter().map(|(.., lists)| *lists).collect::<Vec<_>>());
        let one_visit = literal("{ sessionId: { startsWith: \"a\" } }");
        let of_segment = literal(&format!("{{ segment: {one} }}"));
        let plain = literal("{ country: { eq: \"DE\" } }");
        let panels: Vec<_> = [&one_visit, &of_segment, &plain].map(|document| (document.as_str(), json!({}))).into();
        assert_eq!(listing(&site, &panels).await, [true, true, false]);
        // What a goal or a segment says may change: then so does what its panels show.
        save("Goal", "Hers", json!({ "segment": one })).await;
        let of_all = literal(&format!("{{ segment: {everybody} }}"));
        assert_eq!(listing(&site, &[(goals, json!({})), (&of_all, json!({}))]).await, [true, false]);
        let change = json!({ "id": everybody, "filter": { "userId": { "eq": "ada" } } });
        site.owner.mutate("updateSavedSegment", change, "savedSegment { id }").await.data();
        assert_eq!(listing(&site, &[(&of_all, json!({}))]).await, [true]);
    }

    async fn what_links_show_is_not_an_editors_to_change(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let board = board(&site).await;
        let organization = site.ask("organization { id }").await["organization"]["id"].clone();
        let editor = app.user("editor").await;
        let input = json!({ "organizationId": organization, "email": editor.email, "role": "EDITOR" });
        let invited = site.owner.mutate("inviteMember", input, "token").await.data()["inviteMember"]["token"].clone();
        editor.mutate("acceptInvitation", json!({ "token": invited }), "organization { id }").await.data();
        let rename = |revision: i32| json!({ "id": board, "revision": revision, "name": format!("Number {revision}") });
        editor.mutate("updateDashboard", rename(1), "dashboard { id }").await.data();

        let (id, _) = share(&site, json!({ "name": "One" }), &board).await;
        share(&site, json!({ "name": "Brief", "expiresAt": "2026-11-22T12:01:00Z" }), &board).await;
        assert_eq!(editor.mutate("updateDashboard", rename(2), "dashboard { id }").await.error_code(), "FORBIDDEN");
        assert_eq!(editor.mutate("deleteDashboard", json!({ "id": board }), "deletedDashboardId").await.error_code(), "FORBIDDEN");
        site.owner.mutate("updateDashboard", rename(2), "dashboard { id }").await.data();
        site.owner.mutate("revokeDashboardShare", json!({ "id": id }), "revokedShareId").await.data();
        assert_eq!(editor.mutate("updateDashboard", rename(3), "dashboard { id }").await.error_code(), "FORBIDDEN");
        app.clock.advance(60_000);
        editor.mutate("updateDashboard", rename(3), "dashboard { id }").await.data();
        editor.mutate("deleteDashboard", json!({ "id": board }), "deletedDashboardId").await.data();
    }
}

#[tokio::test]
async fn a_link_is_hashed_a_password_for_once_it_can_be_made() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let board = board(&site).await;
    let weak = |board: &Value| json!({ "dashboardId": board, "name": "One", "password": "password1234" });
    let attempt =
        async |board: &Value| site.owner.mutate("shareDashboard", weak(board), "url").await.error_code().to_owned();
    // Whether there is such a dashboard, and room for a link, comes before the password.
    let nothing = json!(format!("{}{}", &board.as_str().unwrap()[..37], "0".repeat(32)));
    assert_eq!(attempt(&nothing).await, "NOT_FOUND");
    assert_eq!(attempt(&board).await, "BAD_USER_INPUT");
    let two = "mutation($input: ShareDashboardInput!) { a: shareDashboard(input: $input) { url } b: shareDashboard(input: $input) { url } }";
    assert_eq!(site.owner.graphql(two, json!({ "input": weak(&board) })).await.error_code(), "COST_EXCEEDED");
    let mut codes = Vec::new();
    for _ in 0..61 {
        codes.push(attempt(&board).await);
    }
    assert_eq!((codes[0].as_str(), codes[60].as_str()), ("BAD_USER_INPUT", "RATE_LIMITED"));
    let mut input = weak(&board);
    input["password"] = Value::Null;
    for _ in 0..20 {
        site.owner.mutate("shareDashboard", input.clone(), "url").await.data();
    }
    assert_eq!(attempt(&board).await, "CONFLICT");
}

#[tokio::test]
async fn a_link_answers_no_panel_that_is_not_on_the_list_of_operations() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestApp::start(Store::Sqlite).await;
    let site = server.site().await;
    let board = board(&site).await;
    let (_, token) = share(&site, json!({ "name": "One" }), &board).await;
    let guest = holder(&server, &token, None).await;
    figures(&guest, &site).await.data();

    std::fs::write(folder.path().join("a.graphql"), SHOWN).unwrap();
    let listed = [("GRAPHQL_STORED_OPERATIONS", folder.path().to_str().unwrap())];
    let server = server.stop().await.start_with(&listed).await;
    let guest = Person { url: server.url.clone(), ..guest };
    guest.graphql(SHOWN, json!({})).await.data();
    assert_eq!(figures(&guest, &site).await.error_code(), "FORBIDDEN");
    std::fs::write(folder.path().join("b.graphql"), FIGURES).unwrap();
    let server = server.stop().await.start_with(&listed).await;
    figures(&Person { url: server.url.clone(), ..guest }, &site).await.data();
}

#[tokio::test]
async fn whoever_has_a_link_pays_for_their_own_words_and_the_link_for_its_panels() {
    let app = TestApp::with(Store::Sqlite, &[("RATE_LIMIT_ANALYTICS_POINTS_PER_MINUTE", "10000")]).await;
    let site = app.site().await;
    let (_, token) = share(&site, json!({ "name": "One" }), &board(&site).await).await;
    let guest = holder(&app, &token, None).await;
    let dear: String =
        (0..50).map(|n| format!("s{n}: sharedDashboard {{ panels {{ title document variables }} }} ")).collect();
    for _ in 0..200 {
        if guest.graphql(&format!("{{ {dear} }}"), json!({})).await.status == 429 {
            break;
        }
    }
    assert_eq!(guest.graphql(&format!("{{ {dear} }}"), json!({})).await.error_code(), "RATE_LIMITED");
    figures(&guest, &site).await.data();
}

#[tokio::test]
async fn links_and_passwords_can_not_be_guessed_at_leisure() {
    let app = TestApp::start(Store::Sqlite).await;
    let mut codes = Vec::new();
    for _ in 0..62 {
        let guest = Person { token: Some(format!("link_{}{}", "0".repeat(32), "A".repeat(43))), ..app.anonymous() };
        codes.push(guest.graphql(SHOWN, json!({})).await.error_code().to_owned());
    }
    assert_eq!((codes[0].as_str(), codes[61].as_str()), ("UNAUTHENTICATED", "RATE_LIMITED"));

    let app = TestApp::with(Store::Sqlite, &[("RATE_LIMIT_AUTH_PER_15_MINUTES", "3")]).await;
    let site = app.site().await;
    let board = board(&site).await;
    let (_, token) = share(&site, json!({ "name": "Guarded", "password": PASSWORD }), &board).await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(unlock(&app, &token, Some("four purple random tigers")).await.error_code().to_owned());
    }
    assert_eq!(codes.last().map(String::as_str), Some("RATE_LIMITED"), "{codes:?}");
}
