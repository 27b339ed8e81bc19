//! Attacks by the list of OWASP's API Security Top 10 (2023) that are tried nowhere else; SECURITY.md names
//! a test for each of the ten.

use std::fs;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{
    app::{Store, TestApp},
    binary::Binary,
    people::{PASSWORD, Site},
    reply::Reply,
};

#[test]
fn the_table_names_tests_that_are_there() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/SECURITY.md")).unwrap();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| API")).collect();
    assert_eq!(rows.len(), 10);
    let mut sources = String::new();
    let mut folders = vec![concat!(env!("CARGO_MANIFEST_DIR"), "/tests").into()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir::<std::path::PathBuf>(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                sources += &fs::read_to_string(path).unwrap();
            }
        }
    }
    for row in rows {
        let names: Vec<_> = row.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            assert!(sources.contains(&format!("fn {name}(")), "there is no test {name}");
        }
    }
}

#[tokio::test]
async fn api3_no_property_can_be_set_that_is_not_offered() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let register = json!({ "email": "eve@example.com", "password": PASSWORD, "name": "Eve" });
    let app_input = json!({ "name": "Mine" });
    let key = json!({ "appId": site.app_id, "name": "Key" });
    for (mutation, input, property, value) in [
        ("register", &register, "role", json!("OWNER")),
        ("register", &register, "emailVerified", json!(true)),
        ("createApp", &app_input, "ownerId", json!("usr_00000000000000000000000000000000")),
        ("createApp", &app_input, "id", json!(site.app_id)),
        ("createApiKey", &key, "digest", json!("0")),
        ("createApiKey", &key, "usageCount", json!(-1)),
        ("createApiKey", &key, "createdAt", json!("2020-01-01T00:00:00Z")),
    ] {
        let mut input = input.clone();
        input[property] = value;
        let reply = site.owner.mutate(mutation, input, "__typename").await;
        assert_eq!(reply.error_code(), "BAD_USER_INPUT", "{mutation} took {property}");
    }
    // Of an event, what the server finds out cannot be told to it.
    let event = json!({ "event_type": "a", "app_id": "x", "received_at": "2020-01-01T00:00:00Z", "is_bot": true });
    site.post(event).await.ok();
    let shown = site.ask("events(range: { preset: TODAY }, first: 1) { nodes { receivedAt } }").await;
    assert_eq!(shown["events"]["nodes"][0]["receivedAt"], "2026-11-22T12:00:00.000Z");
}

#[tokio::test]
async fn api3_no_secret_is_a_field() {
    let app = TestApp::start(Store::Sqlite).await;
    let schema = app.anonymous().graphql(include_str!("graphql/introspection.graphql"), json!({})).await.data();
    let mut secrets = Vec::new();
    for of in schema["__schema"]["types"].as_array().unwrap() {
        for field in of["fields"].as_array().into_iter().flatten() {
            let name = field["name"].as_str().unwrap();
            let odd =
                ["digest", "hash", "secret", "password", "salt"].iter().any(|word| name.to_lowercase().contains(word));
            if odd {
                secrets.push(format!("{}.{name}", of["name"].as_str().unwrap()));
            }
        }
    }
    // Not the thing itself: whether there is one, and changes of it.
    secrets.retain(|field| !field.starts_with("Mutation.") && !field.ends_with(".hasPassword"));
    assert_eq!(secrets, [""; 0], "fields that sound like secrets");
}

#[tokio::test]
async fn api6_accounts_are_not_made_in_masses() {
    let app = TestApp::with(Store::Sqlite, &[("RATE_LIMIT_AUTH_PER_15_MINUTES", "3")]).await;
    let mut made = 0;
    for i in 0..10 {
        let input = json!({ "email": format!("bot-{i}@example.com"), "password": PASSWORD, "name": "Bot" });
        let reply = app.anonymous().mutate("register", input, "token").await;
        match reply.body.get("errors") {
            None => made += 1,
            Some(_) => assert_eq!(reply.error_code(), "RATE_LIMITED"),
        }
    }
    assert_eq!(made, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn api7_no_address_in_a_request_is_called() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", trap.local_addr().unwrap());
    let event = json!({
        "event_type": "page_view", "url": address, "referrer": address, "title": address,
        "metadata": { "image": address, "webhook": address },
    });
    let sent = site.events().header("referer", &address).header("x-forwarded-host", &address).json(&event);
    Reply::of(sent).await.ok();
    let input = json!({ "appId": site.app_id, "name": address, "allowedOrigins": [address.trim_end_matches('/')] });
    site.owner.mutate("createApiKey", input, "key").await.data();
    site.ask("events(range: { preset: TODAY }, first: 5) { nodes { url referrer } }").await;
    for path in [format!("/auth/google?return_to={address}"), format!("/?url={address}")] {
        let reply = app.anonymous().get(&path).await;
        assert!(!reply.header("location").contains(&address), "{path} leads there");
    }
    let called = tokio::time::timeout(std::time::Duration::from_millis(500), trap.accept()).await;
    assert!(called.is_err(), "the server called an address that it was sent");
}

/// All that is said at the finest level that is of use, about requests full of secrets.
#[tokio::test(flavor = "multi_thread")]
async fn api8_nothing_secret_is_logged() {
    let vars = [("RUST_LOG", "debug"), ("TRUSTED_PROXIES", "127.0.0.1"), ("LOG_FORMAT", "json")];
    let server = Binary::serve(&vars).await;
    let mut owner = server.anonymous();
    owner.email = "ada.secret@example.com".to_owned();
    owner.register().await;
    let site = Site::of(owner.clone(), "Site").await;
    let reading = owner.create_key_with(json!({ "appId": site.app_id, "name": "R", "scope": "READ" })).await;
    let token = owner.token.clone().unwrap();
    let event =
        json!({ "event_type": "a", "user_id": "person.secret@example.com", "metadata": { "card": "4111-secret" } });
    for request in [
        site.events().header("x-forwarded-for", "203.0.113.77").json(&event),
        site.events().body("{\"password\":\"body-secret\""),
        owner.http.get(format!("{}/api/v1/pixel.gif?key={}&event_type=b", owner.url, site.key)),
        owner
            .http
            .post(format!("{}/graphql", owner.url))
            .header("cookie", format!("uea_session={token}"))
            .json(&json!({ "query": "{ viewer { email } }" })),
        owner
            .http
            .post(format!("{}/graphql", owner.url))
            .bearer_auth(&reading)
            .json(&json!({ "query": "{ viewer { email } }" })),
        owner
            .http
            .post(format!("{}/graphql", owner.url))
            .bearer_auth("uea_wrong-secret")
            .json(&json!({ "query": "{" })),
        owner.http.get(format!("{}/graphql", owner.url)).query(&[("query", "{ secretly }")]),
    ] {
        request.send().await.unwrap();
    }
    for password in [PASSWORD, "guess-secret"] {
        owner.mutate("signIn", json!({ "email": owner.email, "password": password }), "token").await;
    }
    site.ask("user(userId: \"person.secret@example.com\") { userId }").await;
    let log = server.daemon.log();
    assert!(log.lines().count() > 10, "something was logged: {log}");
    for secret in
        [PASSWORD, "secret", &site.key, &reading, &token, token.rsplit('.').next().unwrap(), "203.0.113.77", "secretly"]
    {
        let told = log.lines().find(|line| line.contains(secret));
        assert_eq!(told, None, "{secret} was logged");
    }
}

#[tokio::test]
async fn api9_what_is_not_described_is_not_there() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    for path in [
        "/api/v0/events",
        "/api/v2/events",
        "/api/events",
        "/api/v1/users",
        "/api/v1/apps",
        "/api/v1/keys",
        "/admin",
        "/debug",
        "/actuator",
        "/.env",
        "/.git/config",
        "/data/secrets",
        "/graphql/v1",
        "/graphiql",
        "/server-status",
        "/v2/batch",
    ] {
        for method in ["GET", "POST"] {
            let request = site.owner.request(method, path).header("x-api-key", &site.key).json(&Value::Null);
            let reply = Reply::of(request).await;
            assert!(matches!(reply.status.as_u16(), 404 | 405), "{method} {path}: {}", reply.status);
        }
    }
    for (method, path) in [("TRACE", "/health"), ("DELETE", "/api/v1/events"), ("PUT", "/graphql")] {
        let status = Reply::of(site.owner.request(method, path)).await.status;
        assert!(status.is_client_error(), "{method} {path}: {status}");
    }
}
