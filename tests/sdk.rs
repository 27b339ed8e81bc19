//! Real clients: the packages that people use, with only their host and key changed, against a running
//! server; and the documentation, which shows the very scripts that are run here.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use serde_json::{Value, json};

use crate::support::{binary::Binary, people::Site};

fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sdk");
    assert!(folder.join("node_modules").is_dir(), "the clients are not installed: run `make sdks` first");
    folder
}

/// A running server with a site, and what the site's client has sent by now.
struct Shop {
    site: Site,
    _server: Binary,
}

impl Shop {
    /// Runs a script to its end: by itself, or in the page of a browser.
    async fn after(arguments: &[&str]) -> Self {
        let server = Binary::serve(&[]).await;
        let mut owner = server.anonymous();
        owner.email = "alice@example.com".to_owned();
        owner.register().await;
        let site = Site::of(owner, "Shop").await;
        let mut node = Command::new("node");
        node.args(arguments).current_dir(folder()).env("HOST", &server.url).env("KEY", &site.key);
        let output = tokio::task::spawn_blocking(move || node.output()).await.unwrap().expect("node starts");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&said), server.daemon.log());
        Self { site, _server: server }
    }

    /// The events by their type. Each type occurs once.
    async fn events(&self) -> BTreeMap<String, Value> {
        let fields = "eventType eventId userId anonymousId sessionId url hostname pagePath pageTitle language referrer
            utmSource country userAgent browser os device screenWidth screenHeight revenue { amount currency } metadata";
        let question = format!("events(range: {{ preset: LAST_24_HOURS }}, first: 50) {{ nodes {{ {fields} }} }}");
        let app = self.site.ask(&question).await;
        let nodes = app["events"]["nodes"].as_array().unwrap();
        let events: BTreeMap<String, Value> =
            nodes.iter().map(|event| (event["eventType"].as_str().unwrap().to_owned(), event.clone())).collect();
        assert_eq!(events.len(), nodes.len(), "{nodes:#?}");
        events
    }
}

/// Fails unless the event has these fields, and whatever others.
#[track_caller]
fn assert_fields(event: &Value, expected: Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&event[name], value, "{name} of {event:#}");
    }
}

#[track_caller]
fn assert_types(events: &BTreeMap<String, Value>, types: &[&str]) {
    assert_eq!(events.keys().map(String::as_str).collect::<Vec<_>>(), types);
}

#[tokio::test(flavor = "multi_thread")]
async fn native() {
    let shop = Shop::after(&["native.js"]).await;
    let events = shop.events().await;
    assert_types(&events, &["identify", "purchase"]);
    assert_fields(
        &events["purchase"],
        json!({
            "eventId": "order-1001", "userId": "ada", "pagePath": "/thanks", "pageTitle": "Thank you",
            "revenue": {"amount": "24.50", "currency": "EUR"}, "metadata": {"coupon": "AUTUMN"}, "browser": null, "device": null,
        }),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn beacon_and_pixel() {
    let shop = Shop::after(&["browser.js", "./beacon.js"]).await;
    let events = shop.events().await;
    assert_types(&events, &["leave", "open"]);
    assert_fields(
        &events["leave"],
        json!({
            "hostname": "shop.example", "pagePath": "/cart", "utmSource": "mail", "browser": "Chrome", "device": "desktop",
            "metadata": {"seconds": 12},
        }),
    );
    // Of another origin's page, browsers tell no more than the origin.
    assert_fields(&events["open"], json!({"hostname": "shop.example", "pagePath": "/", "browser": "Chrome"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn segment_analytics_node() {
    let shop = Shop::after(&["segment.js"]).await;
    let events = shop.events().await;
    assert_types(&events, &["Order Completed", "identify", "page_view"]);
    assert_fields(
        &events["Order Completed"],
        json!({"userId": "ada", "revenue": {"amount": "24.50", "currency": "EUR"}, "device": null}),
    );
    assert_eq!(events["Order Completed"]["metadata"]["coupon"], "AUTUMN");
    assert_eq!(events["Order Completed"]["metadata"]["context"]["library"]["name"], "@segment/analytics-node");
    assert!(events["Order Completed"]["eventId"].as_str().unwrap().starts_with("node-next-"));
    assert_fields(&events["identify"], json!({"userId": "ada", "anonymousId": "a-77f2"}));
    assert_eq!(events["identify"]["metadata"]["plan"], "pro");
    assert_fields(
        &events["page_view"],
        json!({
            "anonymousId": "a-77f2", "url": "https://shop.example/?utm_source=mail", "utmSource": "mail", "pageTitle": "Coffee",
        }),
    );
    assert_eq!(events["page_view"]["metadata"]["name"], "Start");
}

#[tokio::test(flavor = "multi_thread")]
async fn posthog_node() {
    let shop = Shop::after(&["posthog-node.js"]).await;
    let events = shop.events().await;
    assert_types(&events, &["alias", "bought", "identify"]);
    assert_fields(
        &events["bought"],
        json!({"userId": "ada", "anonymousId": null, "revenue": {"amount": "24.50", "currency": "EUR"}, "device": null}),
    );
    assert_eq!(events["identify"]["metadata"]["$set"], json!({"plan": "pro"}));
    assert_fields(&events["alias"], json!({"userId": "ada"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn posthog_js() {
    let shop = Shop::after(&["browser.js", "./posthog-js.js"]).await;
    let events = shop.events().await;
    assert_types(&events, &["bought", "identify", "page_view", "rated"]);
    let place = json!({
        "hostname": "shop.example", "pagePath": "/cart", "utmSource": "mail", "referrer": null, "language": "de-CH",
        "browser": "Chrome", "os": "Linux", "device": "desktop", "screenWidth": 1200, "screenHeight": 800,
    });
    events.values().for_each(|event| assert_fields(event, place.clone()));
    // The library sends out of order: what arrives after the identify counts for the user already.
    let bought = &events["bought"];
    assert_fields(bought, json!({"revenue": {"amount": "24.50", "currency": "EUR"}}));
    assert!(bought["userId"].is_null() || bought["userId"] == "ada", "{bought:#}");
    let anonymous = bought["anonymousId"].as_str().unwrap();
    assert_fields(&events["identify"], json!({"userId": "ada", "anonymousId": anonymous}));
    assert_fields(&events["rated"], json!({"userId": "ada", "anonymousId": anonymous}));
    assert_eq!(events["page_view"]["pageTitle"], "Cart");
    let sessions: Vec<_> = events.values().map(|event| event["sessionId"].as_str().unwrap()).collect();
    assert!(sessions.iter().all(|session| *session == sessions[0]), "{sessions:?}");
    assert!(events.values().all(|event| event["metadata"].get("token").is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn umami_node() {
    let shop = Shop::after(&["umami.js"]).await;
    let events = shop.events().await;
    assert_types(&events, &["page_view", "signup"]);
    assert_fields(
        &events["page_view"],
        json!({
            "url": "https://shop.example/cart", "pageTitle": "Cart", "language": "de-CH", "screenWidth": 1536, "screenHeight": 864,
        }),
    );
    assert_fields(&events["signup"], json!({"metadata": {"plan": "pro"}}));
}

#[tokio::test(flavor = "multi_thread")]
async fn plausible_tracker() {
    let shop = Shop::after(&["browser.js", "./plausible.js"]).await;
    let events = shop.events().await;
    assert_types(&events, &["page_view", "signup"]);
    let place = json!({
        "hostname": "shop.example", "pagePath": "/cart", "utmSource": "mail", "referrer": null, "browser": "Chrome",
        "device": "desktop", "screenWidth": 1200,
    });
    events.values().for_each(|event| assert_fields(event, place.clone()));
    assert_fields(&events["signup"], json!({"metadata": {"plan": "pro"}}));
}

/// Every script of the folder but the one that runs others stands in the documentation as it is.
#[test]
fn the_documentation_shows_what_was_run() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ingestion.md")).unwrap();
    let scripts = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let scripts =
        scripts.filter(|path| path.extension().is_some_and(|kind| kind == "js") && !path.ends_with("browser.js"));
    let mut count = 0;
    for script in scripts {
        let block = format!("```js\n{}```\n", fs::read_to_string(&script).unwrap());
        assert!(page.contains(&block), "{} is not in docs/ingestion.md as it is", script.display());
        count += 1;
    }
    assert_eq!(count, 7);
}

/// Where packages come from is for whoever installs them to say.
#[test]
fn lock_files_name_no_host() {
    for lock in ["tests/sdk", "tests/audit", "playground", "geo"] {
        let lock = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(lock).join("package-lock.json");
        let hosts = fs::read_to_string(&lock).unwrap().matches("\"resolved\"").count();
        assert_eq!(hosts, 0, "{}", lock.display());
    }
}
