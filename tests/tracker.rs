//! The SDK for browsers, on a site of its own, in a real browser: what visitors do arrives, once.

use std::{collections::BTreeMap, process::Command};

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

    let fields = "eventType eventId timestamp receivedAt userId anonymousId pagePath pageTitle language utmSource
        referrer referrerDomain screenWidth browser revenue { amount currency } metadata";
    let app =
        site.ask(&format!("events(range: {{ preset: LAST_24_HOURS }}, first: 100) {{ nodes {{ {fields} }} }}")).await;
    let events = app["events"]["nodes"].as_array().unwrap();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in events {
        let place = [&event["eventType"], &event["pagePath"]].map(|text| text.as_str().unwrap());
        *counts.entry((place[0], place[1])).or_default() += 1;
    }
    let expected = [
        (("after_consent", "/asked"), 1),
        (("before_consent", "/asked"), 1),
        (("download", "/next"), 1),
        (("early", "/asked"), 1),
        (("early", "/left"), 1),
        (("early", "/next"), 1),
        (("early", "/offline"), 1),
        (("early", "/online"), 1),
        (("early", "/out"), 1),
        (("early", "/right"), 1),
        (("early", "/slow-clock"), 1),
        (("early", "/start"), 1),
        (("early", "/thanks"), 1),
        (("early", "/troubled"), 1),
        (("form_submit", "/next"), 1),
        (("identify", "/next"), 1),
        (("in_again", "/never"), 1),
        (("order", "/next"), 1),
        (("outbound_link", "/next"), 1),
        (("page_view", "/asked"), 1),
        (("page_view", "/left"), 1),
        (("page_view", "/next"), 2),
        (("page_view", "/offline"), 1),
        (("page_view", "/online"), 1),
        (("page_view", "/out"), 1),
        (("page_view", "/right"), 1),
        (("page_view", "/slow-clock"), 1),
        (("page_view", "/start"), 1),
        (("page_view", "/thanks"), 1),
        (("page_view", "/troubled"), 1),
        (("tab", "/left"), 1),
        (("tab", "/right"), 1),
        (("web_vitals", "/asked"), 1),
        (("without_network", "/offline"), 1),
    ];
    assert_eq!(counts, BTreeMap::from(expected));

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

#[tokio::test]
async fn any_page_may_load_it_and_keep_it() {
    let app = TestApp::start(Store::Sqlite).await;
    for path in ["/sdk.js", "/sdk.mjs"] {
        // Under any name, as events are taken.
        let reply = app.http.get(format!("{}{path}", app.url)).header("host", "events.example").send().await.unwrap();
        let head = |name: &str| reply.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(reply.status(), StatusCode::OK);
        assert_eq!(head("content-type"), "text/javascript; charset=utf-8");
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
