//! Where an event comes from and on what: of apps on telephones, of browsers, and of servers, whose own
//! place and device are nobody's.

use event_analytics::entity::event::Model;
use serde_json::{Value, json};

use super::{fresh, plausible::FIREFOX};
use crate::{
    rest::{geo, row},
    support::{
        app::{Store, TestApp},
        people::Site,
        reply::Reply,
    },
};

/// An address that the database of these tests has in France.
const FRENCH: &str = "8.8.8.8";

/// A server behind a proxy that knows countries, and a folder that must outlive it.
async fn server() -> (TestApp, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countries.mmdb");
    std::fs::write(&path, geo::database()).unwrap();
    let vars = [("GEOIP_DATABASE", path.to_str().unwrap()), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    (TestApp::with(Store::Sqlite, &vars).await, folder)
}

/// The row of an event that came from France.
async fn from_france(app: &TestApp, site: &Site, agent: &str, path: &str, body: Value) -> Model {
    let request = app.http.post(format!("{}{path}", app.url)).header("x-api-key", &site.key);
    let request = request.header("x-forwarded-for", FRENCH).header("user-agent", agent);
    let reply = Reply::of(request.json(&body)).await;
    assert!(reply.status.is_success(), "{path}: {}", reply.text);
    row(app, site).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_of_a_server_is_not_that_of_its_visitors() {
    let (app, _folder) = server().await;
    let track = |context: Value| json!({"event": "x", "userId": "ada", "context": context});
    let capture = |properties: Value| json!({"event": "x", "distinct_id": "ada", "properties": properties});
    let (none, france) = ((None, None), (Some("FR"), Some("8.8.8.0")));
    let austin = (Some("US"), Some("145.1.1.0"));
    let cases = [
        (FIREFOX, "/api/v1/events", json!({"event_type": "x"}), france),
        ("curl/8.14.1", "/api/v1/events", json!({"event_type": "x"}), none),
        ("", "/api/v1/events", json!({"event_type": "x"}), none),
        ("node", "/api/v1/events", json!({"event_type": "x", "ip": "145.1.1.1"}), austin),
        ("node", "/api/v1/events", json!({"event_type": "x", "user_agent": FIREFOX}), none),
        ("node", "/api/v1/events", json!({"event_type": "x", "country": "JP"}), (Some("JP"), None)),
        ("@segment/analytics-node/2.3.0", "/v1/track", track(json!({})), none),
        ("@segment/analytics-node/2.3.0", "/v1/track", track(json!({"ip": "145.1.1.1"})), austin),
        ("posthog-node/5.0.0", "/e", capture(json!({})), none),
        ("posthog-python/6.7.6", "/e", capture(json!({"$os": "Linux", "$ip": "145.1.1.1"})), austin),
        // Of an app on a telephone, the library's own agent says nothing, and the address is the visitor's.
        ("posthog-android/3.20.0", "/e", capture(json!({"$device_type": "Mobile", "$os": "Android"})), france),
        ("analytics-kotlin/1.19.1", "/v1/track", track(json!({"device": {"type": "android"}})), france),
        // Who asks for no place gets none; the address is kept as ever.
        (FIREFOX, "/e", capture(json!({"$geoip_disable": true})), (None, Some("8.8.8.0"))),
        (FIREFOX, "/e", capture(json!({"$geoip_disable": false})), france),
        ("posthog-node/5.0.0", "/e", capture(json!({"$geoip_disable": true, "$ip": FRENCH})), (None, Some("8.8.8.0"))),
    ];
    for (place, (agent, path, body, expected)) in cases.into_iter().enumerate() {
        let site = fresh(&app, &format!("u{place}")).await;
        let row = from_france(&app, &site, agent, path, body.clone()).await;
        assert_eq!((row.country.as_deref(), row.ip_address.as_deref()), expected, "{agent} {body}");
        assert!(row.metadata.is_none_or(|metadata| metadata.get("$geoip_disable").is_none()));
    }
    // An address that is left out is left out whoever sends from it.
    let site = app.site().await;
    let exclude = json!({"id": site.app_id, "excludedIps": [FRENCH]});
    site.owner.mutate("updateApp", exclude, "app { id }").await.data();
    let request = site.events().header("x-forwarded-for", FRENCH).header("user-agent", "curl/8.14.1");
    assert_eq!(Reply::of(request.json(&json!({"event_type": "x"}))).await.ok()["ignored"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_posthog_knows_of_the_place_is_kept() {
    let (app, _folder) = server().await;
    let site = app.site().await;
    let body = json!({"event": "x", "distinct_id": "ada", "properties": {
        "$geoip_country_code": "DE", "$geoip_subdivision_1_name": "Bavaria", "$geoip_city_name": "Munich",
    }});
    let row = from_france(&app, &site, FIREFOX, "/e", body).await;
    let place = (row.country.as_deref(), row.region.as_deref(), row.city.as_deref());
    assert_eq!(place, (Some("DE"), Some("Bavaria"), Some("Munich")));
    assert_eq!(row.metadata, None);
}

/// What is found out of an event: system, its version, device, browser, its version.
fn described(row: &Model) -> [Option<&str>; 5] {
    [&row.os, &row.os_version, &row.device, &row.browser, &row.browser_version].map(|text| text.as_deref())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_says_what_it_runs_on() {
    let (app, _folder) = server().await;
    let segment = |device: Value, os: Value| {
        ("/v1/track", json!({"event": "x", "userId": "ada", "context": {"device": device, "os": os}}))
    };
    let posthog = |properties: Value| ("/e", json!({"event": "x", "distinct_id": "ada", "properties": properties}));
    let okhttp = "okhttp/5.1.0";
    let cases = [
        (
            okhttp,
            segment(json!({"type": "android", "model": "Pixel 9"}), json!({"name": "Android", "version": "15.0.1"})),
            [Some("Android"), Some("15"), Some("mobile"), None, None],
        ),
        (
            "",
            segment(json!({"type": "ios", "model": "iPad14,1"}), json!({"name": "iPadOS", "version": "18.6.2"})),
            [Some("iOS"), Some("18.6"), Some("tablet"), None, None],
        ),
        (
            "posthog-ios/3.30.0",
            posthog(json!({"$device_type": "Desktop", "$os": "Mac OS X", "$os_version": "15.6.1"})),
            [Some("macOS"), Some("15.6"), Some("desktop"), None, None],
        ),
        (
            "node",
            posthog(json!({
                "$device_type": "Mobile", "$os": "iOS", "$os_version": "18.6", "$browser": "Mobile Safari",
                "$browser_version": 18.6,
            })),
            [Some("iOS"), Some("18.6"), Some("mobile"), Some("Safari"), Some("18")],
        ),
        // Names that nobody knows are nobody's.
        (
            okhttp,
            posthog(json!({"$device_type": "TV", "$os": "HAL 9000", "$os_version": "1", "$browser": "Nobody's"})),
            [None, None, Some("tv"), None, None],
        ),
        // Servers describe themselves, and no device.
        (
            "posthog-python/6.7.6",
            posthog(json!({"$os": "Linux", "$os_version": "6.1", "$browser": "Chrome"})),
            [None; 5],
        ),
        (okhttp, segment(json!({"type": 7}), json!({"name": "Android"})), [None; 5]),
        // A browser says it itself.
        (
            FIREFOX,
            posthog(json!({"$device_type": "Mobile", "$os": "iOS", "$browser": "Safari"})),
            [Some("Linux"), None, Some("desktop"), Some("Firefox"), Some("145")],
        ),
    ];
    for (place, (agent, (path, body), expected)) in cases.into_iter().enumerate() {
        let site = fresh(&app, &format!("u{place}")).await;
        let row = from_france(&app, &site, agent, path, body.clone()).await;
        assert_eq!(described(&row), expected, "{agent} {body}");
    }
}
