//! The image that stores an event.

use reqwest::RequestBuilder;
use serde_json::json;

use crate::{
    rest::{row, rows},
    support::{
        app::{Store, TestApp},
        people::Site,
        reply::Reply,
    },
};

fn pixel(site: &Site, query: &[(&str, &str)]) -> RequestBuilder {
    site.owner.http.get(format!("{}/api/v1/pixel.gif", site.owner.url)).query(query)
}

/// The status; fails unless the answer is the image, whatever the status.
async fn load(request: RequestBuilder) -> u16 {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "image/gif");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let image = response.bytes().await.unwrap();
    assert!(image.starts_with(b"GIF89a\x01\0\x01\0") && image.ends_with(b";"));
    status
}

both_stores! {
    async fn every_field_may_be_in_the_address(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let query = [
            ("key", site.key.as_str()), ("event_type", "open"), ("id", "mail-7"), ("userId", "ada"), ("url", "https://mail.example/7"),
            ("title", "Ünïcode & more"), ("screen_width", "800"), ("revenue", "1.5"), ("currency", "EUR"),
            ("metadata", r#"{"list":"news"}"#), ("url", "https://second.example/"), ("unknown", "ignored"),
        ];
        let request = pixel(&site, &query).header("referer", "https://other.example/");
        assert_eq!(load(request.try_clone().unwrap()).await, 200);
        assert_eq!(load(request).await, 200, "an image that is loaded again counts once");
        let row = row(&app, &site).await;
        assert_eq!((row.event_type.as_str(), row.client_id.as_deref()), ("open", Some("mail-7")));
        assert_eq!((row.user_id.as_deref(), row.url.as_deref()), (Some("ada"), Some("https://mail.example/7")));
        assert_eq!((row.title.as_deref(), row.screen_width), (Some("Ünïcode & more"), Some(800)));
        assert_eq!((row.revenue, row.currency.as_deref()), (Some(1_500_000), Some("EUR")));
        assert_eq!(row.metadata, Some(json!({"list": "news"})));
    }

    async fn the_page_that_shows_it_is_the_address(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let query = [("key", site.key.as_str()), ("event_type", "page_view")];
        let request = pixel(&site, &query).header("referer", "https://shop.example/cart?utm_source=mail");
        assert_eq!(load(request).await, 200);
        let row = row(&app, &site).await;
        assert_eq!((row.path.as_deref(), row.utm_source.as_deref()), (Some("/cart"), Some("mail")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_status_tells_what_was_wrong() {
    let app = TestApp::with(Store::Sqlite, &[("RATE_LIMIT_INGEST_PER_MINUTE", "8")]).await;
    let site = app.site().await;
    let key = ("key", site.key.as_str());
    let long = "x".repeat(101);
    assert_eq!(load(pixel(&site, &[])).await, 401);
    assert_eq!(load(pixel(&site, &[("key", "wrong"), ("event_type", "x")])).await, 401);
    for query in [
        vec![key],
        vec![key, ("event_type", "")],
        vec![key, ("event_type", &long)],
        vec![key, ("event_type", "a\0b")],
        vec![key, ("event_type", "x"), ("metadata", "text")],
        vec![key, ("event_type", "x"), ("screen_width", "wide")],
        vec![key, ("event_type", "x"), ("timestamp", "yesterday")],
        vec![key, ("event_type", "x"), ("userId", "a"), ("user_id", "b")],
    ] {
        assert_eq!(load(pixel(&site, &query)).await, 422, "{query:?}");
    }
    assert_eq!(load(pixel(&site, &[key, ("event_type", "x")])).await, 429);
    let address = format!("{}/api/v1/pixel.gif?event_type=x&key={}", app.url, site.key);
    Reply::of(app.http.head(&address)).await.expect(200);
    assert_eq!(Reply::of(app.http.post(&address)).await.refused(405), "METHOD_NOT_ALLOWED");
    assert_eq!(rows(&app, &site).await, []);
}

/// A provider of mail that fetches the image tells nothing of its reader.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_mails_that_names_itself_is_a_bot() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let proxy = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
    let query = [("key", site.key.as_str()), ("event_type", "open"), ("user_id", "ada")];
    assert_eq!(load(pixel(&site, &query).header("user-agent", proxy)).await, 200);
    let row = row(&app, &site).await;
    assert_eq!((row.is_bot, row.user_id.as_deref()), (true, Some("ada")));
}
