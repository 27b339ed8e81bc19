//! Countries of addresses, out of a database made here: one half of the addresses lies in France,
//! told the way free lists do, the other in the USA, told the way MaxMind does.

use serde_json::json;

use super::rows;
use crate::support::app::{Store, TestApp};

fn text(text: &str) -> Vec<u8> {
    let mut bytes = match u8::try_from(text.len()).unwrap() {
        length @ 0..29 => vec![2 << 5 | length],
        length => vec![2 << 5 | 29, length - 29],
    };
    bytes.extend(text.as_bytes());
    bytes
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let head = vec![7 << 5 | u8::try_from(entries.len()).unwrap()];
    entries.iter().fold(head, |bytes, (name, value)| [bytes, text(name), value.clone()].concat())
}

/// A tree of one node, which looks at the first bit of an address.
pub fn database() -> Vec<u8> {
    let flat = map(&[("country_code", text("fr")), ("state1", text("Bretagne")), ("city", text("Brest"))]);
    let english = |name: &str| map(&[("names", map(&[("de", text("anders")), ("en", text(name))]))]);
    let part = [vec![1, 4], english("Texas")].concat();
    let nested =
        map(&[("country", map(&[("iso_code", text("US"))])), ("city", english("Austin")), ("subdivisions", part)]);
    // A record past the nodes and 16 bytes points into the data.
    let node = [[0, 0, 17], [0, 0, 17 + u8::try_from(flat.len()).unwrap()]].concat();
    let (short, long) = (|n: u8| vec![5 << 5 | 1, n], |n: u8| vec![6 << 5 | 1, n]);
    let metadata = map(&[
        ("binary_format_major_version", short(2)),
        ("binary_format_minor_version", short(0)),
        ("build_epoch", vec![1, 2, 1]),
        ("database_type", text("Test")),
        ("description", map(&[])),
        ("ip_version", short(4)),
        ("languages", vec![0, 4]),
        ("node_count", long(1)),
        ("record_size", short(24)),
    ]);
    [node, vec![0; 16], flat, nested, b"\xab\xcd\xefMaxMind.com".to_vec(), metadata].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_have_countries() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countries.mmdb");
    std::fs::write(&path, database()).unwrap();
    let app = TestApp::with(Store::Sqlite, &[("GEOIP_DATABASE", path.to_str().unwrap())]).await;
    let site = app.site().await;
    let cases = [
        (json!({"ip": "8.8.8.8"}), Some("FR")),
        (json!({"ip": "145.1.1.1"}), Some("US")),
        (json!({"ip": "::ffff:145.1.1.1"}), Some("US")),
        (json!({"ip": "8.8.8.8", "country": "jp"}), Some("JP")),
        // Known to the database, and yet nobody's.
        (json!({"ip": "10.0.0.1"}), None),
        (json!({"ip": "192.168.1.1"}), None),
        (json!({"ip": "100.64.0.1"}), None),
        (json!({"ip": "2a00::1"}), None),
        // The test's own connection.
        (json!({}), None),
    ];
    for (mut event, country) in cases {
        event["event_type"] = json!("x");
        site.post(&event).await.ok();
        assert_eq!(rows(&app, &site).await.pop().unwrap().country.as_deref(), country, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_and_cities_are_those_of_the_owners_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cities.mmdb");
    std::fs::write(&path, database()).unwrap();
    let app = TestApp::with(Store::Sqlite, &[("GEOIP_DATABASE", path.to_str().unwrap())]).await;
    let site = app.site().await;
    let name = |name: &str| Some(name.to_owned());
    for (mut event, region, city) in [
        (json!({ "ip": "8.8.8.8" }), name("Bretagne"), name("Brest")),
        (json!({ "ip": "145.1.1.1" }), name("Texas"), name("Austin")),
        (json!({ "ip": "8.8.8.8", "city": "Quimper" }), name("Bretagne"), name("Quimper")),
        // Whoever says another country knows better than the database.
        (json!({ "ip": "8.8.8.8", "country": "JP" }), None, None),
    ] {
        event["event_type"] = json!("x");
        site.post(&event).await.ok();
        let row = rows(&app, &site).await.pop().unwrap();
        assert_eq!((row.region, row.city), (region, city), "{event}");
    }
}

/// `make` fetches them before it builds.
#[tokio::test(flavor = "multi_thread")]
async fn countries_are_built_in() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    for (ip, country) in
        [("8.8.8.8", Some("US")), ("193.0.6.139", Some("NL")), ("2001:4860:4860::8888", Some("US")), ("10.0.0.1", None)]
    {
        site.post(json!({ "event_type": "x", "ip": ip })).await.ok();
        assert_eq!(rows(&app, &site).await.pop().unwrap().country.as_deref(), country, "{ip}");
    }
}
