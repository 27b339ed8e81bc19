//! The SDK for browsers, on a site of its own, in a real browser: what visitors do arrives, once.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    app::{Store, TestApp},
    binary::Binary,
    people::Site,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_visitors_do_arrives_once() {
    let server = Binary::serve(&[]).await;
    let mut owner = server.anonymous();
    owner.email = "alice@example.com".to_owned();
    owner.register().await;
    let site = Site::of(owner, "Shop").await;
    let mut node = Command::new("node");
    node.arg("check.js").current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sdk"));
    node.env("HOST", &server.url).env("KEY", &site.key);
    let output = tokio::task::spawn_blocking(move || node.output()).await.unwrap().expect("node starts");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&said), server.daemon.log());

    let events = everything(&site).await;
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for event in &events {
        // What follows `#` is checked where it is sent.
        let page = event["pagePath"].as_str().unwrap().split('#').next().unwrap();
        *counts.entry(page).or_default().entry(event["eventType"].as_str().unwrap()).or_default() += 1;
    }
    let told = |(kind, count): (&&str, &usize)| match count {
        1 => (*kind).to_owned(),
        more => format!("{kind}*{more}"),
    };
    let found: Vec<(&str, String)> =
        counts.iter().map(|(page, kinds)| (*page, kinds.iter().map(told).collect::<Vec<_>>().join(" "))).collect();
    let expected = [
        ("/account", "early*2 identify page_view*2 signed_in signed_out still_signed_in"),
        ("/asked", "after_consent before_consent early page_view web_vitals"),
        ("/asked-one", "agreed early page_view"),
        ("/asked-two", "agreed early page_view taken_back"),
        ("/by-hand", "early"),
        ("/by-hand-two", "page_view"),
        ("/callback", "early outbound_link page_view"),
        ("/crowd", "early page_view"),
        ("/elsewhere", "early page_view"),
        ("/forbidden", "early in_again kept_nowhere page_view"),
        ("/hash", "early page_view*3"),
        ("/in-again", "download page_view"),
        ("/left", "early page_view tab"),
        ("/list", "early page_view"),
        ("/list-two", "page_view*2"),
        ("/module", "from_a_module page_view"),
        ("/narrow", "early item*24 page_view"),
        ("/next", "download early form_submit identify order outbound_link page_view*2"),
        ("/offline", "early page_view without_network"),
        ("/one", "early page_view"),
        ("/online", "early page_view"),
        ("/out", "early page_view"),
        ("/patient", "early impatient*12 page_view"),
        ("/prerendered", "early looked_at page_view"),
        ("/returned", "early page_view*2"),
        ("/right", "early page_view tab"),
        ("/signed-in", "page_view"),
        ("/slow", "afterwards early meanwhile page_view"),
        ("/slow-clock", "early page_view"),
        ("/start", "early page_view"),
        ("/thanks", "early page_view"),
        ("/three", "download page_view"),
        ("/troubled", "early page_view"),
        ("/two", "early in_again page_view"),
    ];
    assert_eq!(found, expected.map(|(page, kinds)| (page, kinds.to_owned())));

    let find = |kind: &str, path: &str| -> &Value {
        events.iter().find(|event| event["eventType"] == kind && event["pagePath"] == path).unwrap()
    };
    let start = find("page_view", "/start");
    assert_eq!((&start["utmSource"], &start["pageTitle"]), (&json!("mail"), &json!("Page /start")));
    assert_eq!(
        (&start["browser"], &start["screenWidth"], &start["referrer"]),
        (&json!("Chrome"), &json!(1200), &Value::Null)
    );
    let order = find("order", "/next");
    assert_eq!((&order["eventId"], &order["userId"]), (&json!("order-1"), &json!("ada")));
    assert_eq!(order["revenue"], json!({ "amount": "24.50", "currency": "EUR" }));
    // The page before is told, and is no site that sent the visitor.
    assert!(order["referrer"].as_str().unwrap().ends_with("/start?utm_source=mail"));
    assert_eq!((&order["referrerDomain"], &order["metadata"]), (&Value::Null, &json!({ "items": 2 })));
    let form = find("form_submit", "/next");
    assert_eq!(form["metadata"], json!({ "id": "contact", "action": "/thanks" }), "nothing of what was written");
    assert!(find("outbound_link", "/next")["metadata"]["url"].as_str().unwrap().contains("other.example"));
    assert!(find("download", "/next")["metadata"]["url"].as_str().unwrap().ends_with("/price-list.pdf"));
    // Before leave is given the server makes an id of the day, and the browser's own comes after.
    let [before, after] =
        ["before_consent", "after_consent"].map(|kind| find(kind, "/asked")["anonymousId"].as_str().unwrap());
    assert!(before.starts_with("anon_") && !after.starts_with("anon_"), "{before} {after}");
    let vitals = &find("web_vitals", "/asked")["metadata"];
    assert!(
        vitals["ttfb"].as_f64().unwrap() > 0.0 && vitals["lcp"].is_number() && vitals["cls"].is_number(),
        "{vitals}"
    );
    // A clock that is a day slow is put right.
    let slow = find("page_view", "/slow-clock");
    let [at, arrived] =
        ["timestamp", "receivedAt"].map(|time| slow[time].as_str().unwrap().parse::<jiff::Timestamp>().unwrap());
    assert!((arrived - at).get_seconds().abs() < 60, "{at} {arrived}");
}

/// Every event of the app.
async fn everything(site: &Site) -> Vec<Value> {
    let fields = "eventType eventId timestamp receivedAt userId anonymousId pagePath pageTitle language utmSource
        referrer referrerDomain screenWidth browser revenue { amount currency } metadata";
    let mut events = Vec::new();
    let mut after = Value::Null;
    loop {
        let place = if after.is_null() { String::new() } else { format!(", after: {after}") };
        let page = format!(
            "events(range: {{ preset: LAST_24_HOURS }}, first: 100{place}) {{
                nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }}
            }}"
        );
        let mut app = site.ask(&page).await;
        let Value::Array(nodes) = app["events"]["nodes"].take() else { panic!("no events: {app}") };
        events.extend(nodes);
        if app["events"]["pageInfo"]["hasNextPage"] != true {
            return events;
        }
        after = app["events"]["pageInfo"]["endCursor"].take();
    }
}

#[tokio::test]
async fn any_page_may_load_it_and_keep_it() {
    let app = TestApp::start(Store::Sqlite).await;
    let code = "text/javascript; charset=utf-8";
    for (path, kind) in [("/sdk.js", code), ("/sdk.mjs", code), ("/sdk.d.mts", "text/plain; charset=utf-8")] {
        // Under any name, as events are taken.
        let reply = app.http.get(format!("{}{path}", app.url)).header("host", "events.example").send().await.unwrap();
        let head = |name: &str| reply.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(reply.status(), StatusCode::OK);
        assert_eq!(head("content-type"), kind);
        assert_eq!(
            (head("access-control-allow-origin"), head("cross-origin-resource-policy")),
            ("*".into(), "cross-origin".into())
        );
        assert_eq!(head("cache-control"), "public, max-age=3600");
        let again =
            app.http.get(format!("{}{path}", app.url)).header("if-none-match", head("etag")).send().await.unwrap();
        assert_eq!((again.status(), again.bytes().await.unwrap().len()), (StatusCode::NOT_MODIFIED, 0));
    }
}

#[tokio::test]
async fn its_types_hold_a_page_to_what_there_is() {
    let app = TestApp::start(Store::Sqlite).await;
    let types = app.http.get(format!("{}/sdk.d.mts", app.url)).send().await.unwrap().text().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk");
    fs::write(folder.path().join("sdk.d.mts"), types).unwrap();
    fs::copy(sdk.join("check/sample.ts"), folder.path().join("sample.ts")).unwrap();
    // As docs/sdk.md says.
    let options = json!({
        "strict": true, "noEmit": true, "types": [], "module": "ESNext", "moduleResolution": "bundler",
        "paths": { "https://stats.example.com/sdk.mjs": ["./sdk.d.mts"] },
    });
    fs::write(folder.path().join("tsconfig.json"), json!({ "compilerOptions": options }).to_string()).unwrap();
    let mut tsc = Command::new("node");
    tsc.arg(sdk.join("node_modules/typescript/bin/tsc")).current_dir(folder.path());
    let output = tokio::task::spawn_blocking(move || tsc.output()).await.unwrap().expect("node starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
