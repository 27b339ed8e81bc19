//! What owners decide about their events, at the door: origins, addresses, exclusions, bots.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{counts, rows};
use crate::support::{
    app::{Store, TestApp},
    people::Site,
    reply::Reply,
};

const PROXIED: (&str, &str) = ("TRUSTED_PROXIES", "127.0.0.0/8");
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const GOOGLEBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

async fn change(site: &Site, mut input: Value) {
    input["id"] = json!(site.app_id);
    site.owner.mutate("updateApp", input, "app { id }").await.data();
}

async fn knock(site: &Site, headers: &[(&str, &str)]) -> Reply {
    let request = headers.iter().fold(site.events(), |request, (name, value)| request.header(*name, *value));
    Reply::of(request.json(&json!({ "event_type": "knock", "url": "https://shop.example/admin/users" }))).await
}

both_stores! {
    async fn only_listed_origins_may_send(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let from = async |site: &Site, origin: &str| knock(site, &[("origin", origin)]).await.status;
        assert_eq!(from(&site, "https://anywhere.example").await, StatusCode::OK);
        change(&site, json!({ "allowedOrigins": ["https://shop.example", "https://*.shop.example"] })).await;
        assert_eq!(from(&site, "https://shop.example").await, StatusCode::OK);
        assert_eq!(from(&site, "https://www.shop.example").await, StatusCode::OK);
        for other in ["https://evil.example", "http://shop.example", "https://shop.example.evil.example", "null", ""] {
            let refused = knock(&site, &[("origin", other)]).await;
            assert_eq!(refused.refused(403), "FORBIDDEN", "{other:?}");
        }
        assert_eq!(knock(&site, &[]).await.status, StatusCode::OK, "a server names no origin");

        let input = json!({ "appId": site.app_id, "name": "In the page", "allowedOrigins": ["https://www.shop.example"] });
        let open = Site { key: site.owner.create_key_with(input).await, ..site.clone() };
        assert_eq!(from(&open, "https://www.shop.example").await, StatusCode::OK);
        assert_eq!(knock(&open, &[("origin", "https://shop.example")]).await.refused(403), "FORBIDDEN");
        assert_eq!(knock(&open, &[]).await.refused(403), "FORBIDDEN", "whoever copies it out of the page");
        // Of an image, browsers tell only the page.
        assert_eq!(knock(&open, &[("referer", "https://www.shop.example/a?b")]).await.status, StatusCode::OK);
        assert_eq!(knock(&open, &[("referer", "https://evil.example/")]).await.refused(403), "FORBIDDEN");
        assert_eq!(knock(&open, &[("referer", "nonsense")]).await.refused(403), "FORBIDDEN");

        change(&site, json!({ "allowedOrigins": [] })).await;
        assert_eq!(from(&site, "https://evil.example").await, StatusCode::OK);
        assert_eq!(rows(&app, &site).await.len(), 7);
    }

    async fn excluded_addresses_and_paths_are_left_out(store: Store) {
        let app = TestApp::with(store, &[PROXIED]).await;
        let site = app.site().await;
        change(&site, json!({ "excludedIps": ["203.0.113.0/24", "2001:db8::7"], "excludedPaths": ["/admin/*"] })).await;
        let of = async |ip: &str, path: &str| {
            let request = site.events().header("x-forwarded-for", ip);
            let event = json!({ "id": format!("{ip} {path}"), "event_type": "x", "url": format!("https://shop.example{path}") });
            Reply::of(request.json(&event)).await.ok()
        };
        for (ip, path) in [("203.0.113.9", "/"), ("::ffff:203.0.113.9", "/"), ("2001:db8::7", "/"), ("8.8.8.8", "/admin/x")] {
            let data = of(ip, path).await;
            assert_eq!((counts(&data), &data["ignored"]), ((0, 0, 0), &json!(1)), "{ip} {path}");
            let item = &data["items"][0];
            assert_eq!((&item["status"], &item["code"], &item["id"]), (&json!("ignored"), &json!("EXCLUDED"), &json!(format!("{ip} {path}"))));
        }
        for (ip, path) in [("203.0.114.9", "/"), ("2001:db8::8", "/"), ("8.8.8.8", "/admin")] {
            assert_eq!(counts(&of(ip, path).await), (1, 0, 0), "{ip} {path}");
        }
        assert_eq!(rows(&app, &site).await.len(), 3);
        // The visitor's address counts, not that of the server that sends for them.
        let event = json!({ "event_type": "x", "ip": "203.0.113.9" });
        assert_eq!(site.post(event).await.ok()["ignored"], 1);
    }

    async fn addresses_are_kept_as_the_app_says(store: Store) {
        let app = TestApp::with(store, &[PROXIED]).await;
        let site = app.site().await;
        for (mode, kept) in [
            ("SERVER_DEFAULT", Some("203.0.113.0")),
            ("FULL", Some("203.0.113.9")),
            ("NETWORK", Some("203.0.113.0")),
            ("NONE", None),
        ] {
            change(&site, json!({ "ipMode": mode })).await;
            knock(&site, &[("x-forwarded-for", "203.0.113.9"), ("user-agent", FIREFOX)]).await.ok();
            assert_eq!(rows(&app, &site).await.pop().unwrap().ip_address.as_deref(), kept, "{mode}");
        }
    }

    async fn bots_are_marked_dropped_or_counted(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let of = async |agent: &str| knock(&site, &[("user-agent", agent)]).await.ok();
        let marked = of(GOOGLEBOT).await;
        assert_eq!(counts(&marked), (1, 0, 0));
        assert_eq!((&marked["items"][0]["status"], &marked["items"][0]["code"]), (&json!("accepted"), &json!("BOT")));
        assert_eq!(of(FIREFOX).await["items"], json!([]));
        let counted = async || rows(&app, &site).await.into_iter().filter(|row| row.is_bot).count();
        assert_eq!(counted().await, 1);
        change(&site, json!({ "botPolicy": "DROP" })).await;
        let dropped = of(GOOGLEBOT).await;
        assert_eq!((counts(&dropped), &dropped["ignored"]), ((0, 0, 0), &json!(1)));
        assert_eq!((&dropped["items"][0]["status"], &dropped["items"][0]["code"]), (&json!("ignored"), &json!("BOT_DROPPED")));
        assert_eq!(rows(&app, &site).await.len(), 2);
        change(&site, json!({ "botPolicy": "COUNT" })).await;
        assert_eq!(of(GOOGLEBOT).await["items"], json!([]));
        assert_eq!((rows(&app, &site).await.len(), counted().await), (3, 1));
    }
}
