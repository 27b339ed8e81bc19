//! Ids of visitors who bring none: one a day, made of address, browser and site.

use std::time::{Duration, Instant};

use event_analytics::entity::visitor_salt;
use sea_orm::EntityTrait;
use serde_json::json;

use super::rows;
use crate::support::{
    app::{Store, TestApp},
    people::{Person, Site},
    postgres::OwnPostgres,
    reply::Reply,
};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1";
const PROXIED: (&str, &str) = ("TRUSTED_PROXIES", "127.0.0.0/8");
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Visitor and session of an event without any id.
async fn visit(app: &TestApp, site: &Site, ip: &str, agent: &str, host: &str) -> (Option<String>, Option<String>) {
    let event = json!({ "event_type": "page_view", "url": format!("https://{host}/") });
    let request = site.events().header("x-forwarded-for", ip).header("user-agent", agent);
    Reply::of(request.json(&event)).await.ok();
    let row = rows(app, site).await.pop().unwrap();
    (row.anonymous_id, row.session_id)
}

/// The status of a view of a page, which tells the event from others.
async fn visit_at(site: &Site, ip: &str, path: &str) -> u16 {
    let event = json!({ "event_type": "page_view", "url": format!("https://shop.example{path}") });
    let request = site.events().header("x-forwarded-for", ip).header("user-agent", FIREFOX);
    Reply::of(request.json(&event)).await.status.as_u16()
}

both_stores! {
    async fn a_visitor_without_an_id_is_one_for_a_day(store: Store) {
        let app = TestApp::with(store, &[PROXIED]).await;
        let site = app.site().await;
        let of = async |ip: &str, agent: &str, host: &str| visit(&app, &site, ip, agent, host).await.0;
        let known = of("203.0.113.9", FIREFOX, "shop.example").await.unwrap();
        assert!(known.starts_with("anon_") && known.len() == 37, "{known}");
        assert_eq!(of("203.0.113.9", FIREFOX, "shop.example").await.as_ref(), Some(&known));
        for (ip, agent, host) in [
            ("203.0.113.10", FIREFOX, "shop.example"),
            ("203.0.113.9", SAFARI, "shop.example"),
            ("203.0.113.9", FIREFOX, "blog.example"),
        ] {
            let other = of(ip, agent, host).await.unwrap();
            assert_ne!(other, known, "{ip} {agent} {host}");
        }
        // Another app, and another instance.
        let second = Site::of(site.owner.clone(), "Second").await;
        assert_ne!(visit(&app, &second, "203.0.113.9", FIREFOX, "shop.example").await.0.unwrap(), known);
        let sibling = app.sibling().await;
        let elsewhere = Site { owner: Person { url: sibling.url.clone(), ..site.owner.clone() }, ..site.clone() };
        assert_eq!(visit(&app, &elsewhere, "203.0.113.9", FIREFOX, "shop.example").await.0.as_ref(), Some(&known));
        // An address that is not kept tells visitors apart all the same.
        site.owner.mutate("updateApp", json!({ "id": site.app_id, "ipMode": "NONE" }), "app { id }").await.data();
        assert_eq!(of("203.0.113.9", FIREFOX, "shop.example").await.as_ref(), Some(&known));
        app.clock.advance(24 * HOUR);
        let next_day = of("203.0.113.9", FIREFOX, "shop.example").await.unwrap();
        assert_ne!(next_day, known);
        // Of the days before yesterday nothing is left that could tell whose an id was.
        app.clock.advance(24 * HOUR);
        of("203.0.113.9", FIREFOX, "shop.example").await;
        app.app.enricher.salts().forget_old(app.clock.now_ms()).await.unwrap();
        let salts = visitor_salt::Entity::find().all(&*app.app.db).await.unwrap();
        let today = app.clock.now_ms().div_euclid(24 * HOUR);
        let mut days: Vec<_> = salts.iter().map(|salt| salt.day).collect();
        days.sort_unstable();
        assert_eq!(days, [today - 1, today]);
        assert!(salts.iter().all(|salt| salt.salt.len() == 32));
    }

    async fn servers_bots_and_the_known_get_none(store: Store) {
        let app = TestApp::with(store, &[PROXIED]).await;
        let site = app.site().await;
        for agent in ["curl/8.14.1", "python-requests/2.32.5", "", "Mozilla/5.0 (compatible; Googlebot/2.1)"] {
            let made = visit(&app, &site, "203.0.113.9", agent, "shop.example").await;
            assert_eq!(made, (None, None), "{agent}");
        }
        let post = async |agent: &str, event: serde_json::Value| {
            let request = site.events().header("x-forwarded-for", "203.0.113.9").header("user-agent", agent);
            Reply::of(request.json(&event)).await.ok();
            let row = rows(&app, &site).await.pop().unwrap();
            (row.user_id, row.anonymous_id)
        };
        let known = |user: &str| Some(user.to_owned());
        assert_eq!(post(FIREFOX, json!({ "event_type": "x", "user_id": "ada" })).await, (known("ada"), None));
        assert_eq!(post(FIREFOX, json!({ "event_type": "x", "anonymous_id": "a1" })).await, (None, known("a1")));
        // A server that tells the browser of its visitor and not the address knows no visitor.
        assert_eq!(post("node", json!({ "event_type": "x", "user_agent": FIREFOX })).await, (None, None));
        let told = post("node", json!({ "event_type": "x", "user_agent": FIREFOX, "ip": "198.51.100.1" })).await.1;
        let own = post(FIREFOX, json!({ "event_type": "x" })).await.1;
        assert!(told.is_some() && own.is_some() && told != own);
    }

    async fn midnight_breaks_neither_visitor_nor_session(store: Store) {
        let app = TestApp::with(store, &[PROXIED]).await;
        let site = app.site().await;
        let here = async || visit(&app, &site, "203.0.113.9", FIREFOX, "shop.example").await;
        app.clock.advance(11 * HOUR + 50 * MINUTE);
        let before = here().await;
        assert!(before.0.is_some() && before.1.is_some());
        for _ in 0..3 {
            app.clock.advance(20 * MINUTE);
            assert_eq!(here().await, before);
        }
        // Somebody else who comes after midnight is new.
        let other = visit(&app, &site, "203.0.113.10", FIREFOX, "shop.example").await;
        assert_ne!(other.1, before.1);
        app.clock.advance(31 * MINUTE);
        let later = here().await;
        assert!(later.0 != before.0 && later.1 != before.1);
        app.clock.advance(20 * MINUTE);
        assert_eq!(here().await, later);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_begins_without_the_database_is_like_any_other() {
    let mut postgres = OwnPostgres::start().await;
    let url = postgres.url();
    let vars = [PROXIED, ("DATABASE_URL", url.as_str()), ("SPOOL_MAX_BYTES", "1048576")];
    let app = TestApp::with(Store::Sqlite, &vars).await;
    let site = app.site().await;
    let visit = async |ip: &str, path: &str| visit_at(&site, ip, path).await;
    let [known, new] = ["203.0.113.9", "203.0.113.10"];
    app.clock.advance(11 * HOUR + 50 * MINUTE);
    assert_eq!(visit(known, "/before").await, 200);
    tokio::task::block_in_place(|| postgres.stop());
    app.clock.advance(20 * MINUTE);
    assert_eq!(visit(known, "/turn").await, 202);
    assert_eq!(visit(new, "/new").await, 202);
    postgres.restart().await;
    let until = Instant::now() + Duration::from_secs(60);
    while app.app.writer.spool().unwrap().events() > 0 {
        assert!(Instant::now() < until, "the spool is not drained");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.clock.advance(20 * MINUTE);
    assert_eq!(visit(known, "/after").await, 200);
    app.clock.advance(9 * HOUR);
    assert_eq!(visit(new, "/later").await, 200);
    // The salt of the day is everybody's by now.
    let sibling = app.sibling().await;
    let owner = Person { url: sibling.url.clone(), ..site.owner.clone() };
    let elsewhere = visit_at(&Site { owner, ..site.clone() }, new, "/elsewhere").await;
    assert_eq!(elsewhere, 200);
    let rows = rows(&app, &site).await;
    let of = |path: &str| {
        let row = rows.iter().find(|row| row.path.as_deref() == Some(path)).unwrap();
        (row.anonymous_id.clone().unwrap(), row.session_id.clone().unwrap())
    };
    assert_eq!(rows.len(), 6);
    assert_eq!([of("/turn"), of("/after")], [of("/before"), of("/before")]);
    assert_ne!(of("/new").0, of("/turn").0);
    assert_eq!([of("/later").0, of("/elsewhere").0], [of("/new").0, of("/new").0], "one visitor all day");
}
