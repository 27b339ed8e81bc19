//! A person's data, downloaded.

use event_analytics::{
    auth::export::LIFETIME_MS,
    entity::{app_member, dead_letter, event, export},
};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, Set};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{dump::places, erase, id_of};
use crate::support::{
    app::{NOW, Store, TestApp},
    binary::Binary,
    people::{Person, Site},
    reply::Reply,
};

const PAYLOAD: &str = "app { id } export { url expiresAt events ids }";
const ROBOT: &str = "Googlebot/2.1 (+http://www.google.com/bot.html)";

async fn export(site: &Site, id: &str) -> Value {
    let input = json!({ "appId": site.app_id, "userId": id });
    let data = site.owner.mutate("exportUser", input, PAYLOAD).await.data();
    assert_eq!(data["exportUser"]["app"]["id"], site.app_id);
    data["exportUser"]["export"].clone()
}

/// As whoever got the link: nobody who is signed in.
async fn follow(site: &Site, url: &str) -> Reply {
    Reply::of(site.owner.http.get(url)).await
}

async fn download(site: &Site, export: &Value) -> Vec<Value> {
    let reply = follow(site, export["url"].as_str().unwrap()).await.expect(200);
    assert!(reply.text.ends_with('\n'));
    reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn event(id: &str, person: &str, minutes: i64) -> Value {
    json!({ "id": id, "timestamp": NOW - 60_000 * minutes, "event_type": "x", "user_id": person, "session_id": "s" })
}

fn letter(app: Uuid, n: u128, who: &str) -> dead_letter::ActiveModel {
    let event = json!({ "app_id": app, "id": Uuid::from_u128(n), "client_id": format!("letter-{n}"), "user_id": who });
    dead_letter::ActiveModel {
        app_id: Set(app),
        id: Set(Uuid::from_u128(n)),
        received_at: Set(NOW),
        failed_at: Set(NOW),
        code: Set("NOT_STORABLE".to_owned()),
        reason: Set("…".to_owned()),
        event: Set(json!({ "event": event }).to_string()),
    }
}

/// Ids of the events of an export, in its order.
fn ids(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter(|line| line.get("event_type").is_some()).map(|line| line["id"].as_str().unwrap()).collect()
}

both_stores! {
    async fn an_export_holds_all_that_counts_for_a_person(store: Store) {
        let app = TestApp::start(store).await;
        let (site, columnar) = (app.site().await, &app.app.columnar);
        let id = id_of(&site);
        let anonymous = |name: &str, device: &str| json!({ "id": name, "event_type": "before", "anonymous_id": device });
        let identify = |device: &str| json!({ "event_type": "identify", "anonymous_id": device, "user_id": "ada" });
        site.post([anonymous("early-1", "phone"), anonymous("early-2", "laptop"), anonymous("other", "tablet")]).await.ok();
        site.post(identify("phone")).await.ok();
        assert!(columnar.seal(id).await.unwrap());
        // More than are read at once, beside those of others, over a second segment and the tail.
        let events: Vec<_> = (1..=700).map(|n| event(&format!("e{n}"), if n % 10 == 0 { "bob" } else { "ada" }, n)).collect();
        site.post(&events[..650]).await.ok();
        assert!(columnar.seal(id).await.unwrap());
        site.post(&events[650..]).await.ok();
        site.post(identify("laptop")).await.ok();
        let mut robot = event("robot", "ada", 0);
        robot["user_agent"] = ROBOT.into();
        site.post(robot).await.ok();
        for (n, who) in [(1, "ada"), (2, "bob"), (3, "phone")] {
            letter(id, n, who).insert(app.app.db.writer()).await.unwrap();
        }

        let made = export(&site, "laptop").await;
        assert_eq!(made["expiresAt"], "2026-11-22T12:15:00.000Z");
        assert!(made["url"].as_str().unwrap().starts_with(&format!("{}/api/v1/exports/", app.url)), "{made}");
        // What arrives after it was asked for is not in it.
        site.post(event("later", "ada", 0)).await.ok();
        let lines = download(&site, &made).await;
        let of_user = site.ask("user(userId: \"ada\", bots: INCLUDE) { totals { events } }").await;
        let of_user = of_user["user"]["totals"]["events"].as_u64().unwrap() - 1;
        assert_eq!(of_user, 630 + 2 + 1);
        assert_eq!(made["events"], of_user + 2);
        let (first, last) = (&lines[0]["export"], &lines[lines.len() - 1]["end"]);
        assert_eq!(first["app"], json!({ "id": site.app_id, "name": "Alice's site" }));
        assert_eq!((&first["user_id"], &first["as_of"]), (&json!("ada"), &json!("2026-11-22T12:00:00.000Z")));
        assert_eq!(first["ids"][0], json!({ "id": "ada", "events": of_user }));
        for device in ["phone", "laptop"] {
            assert!(first["ids"].as_array().unwrap().contains(&json!({ "id": device, "events": 1 })), "{first}");
        }
        assert_eq!(made["ids"].as_array().unwrap().len(), 3);
        assert_eq!(first["links"].as_array().unwrap().len(), 2);
        assert_eq!((&first["events"], &last["events"], &last["dead_letters"]), (&made["events"], &made["events"], &json!(2)));
        assert_eq!(lines.len() as u64, made["events"].as_u64().unwrap() + 4);
        let times: Vec<_> = lines.iter().filter_map(|line| line["timestamp"].as_str()).collect();
        assert!(times.is_sorted_by(|a, b| a >= b));
        let found = ids(&lines);
        for n in 1..=700 {
            assert_eq!(found.contains(&format!("e{n}").as_str()), n % 10 != 0, "e{n}");
        }
        assert!(["early-1", "early-2", "robot"].iter().all(|id| found.contains(id)));
        assert!(["other", "later"].iter().all(|id| !found.contains(id)));
        let letters: Vec<_> = lines.iter().filter_map(|line| line["dead_letter"]["event"]["id"].as_str()).collect();
        assert_eq!(letters, ["letter-1", "letter-3"]);
        // And of whom nothing is known, nothing.
        let nobody = export(&site, "nobody").await;
        assert_eq!((&nobody["events"], &nobody["ids"]), (&json!(0), &json!(["nobody"])));
        assert_eq!(download(&site, &nobody).await[1], json!({ "end": { "events": 0, "dead_letters": 0 } }));
    }

    async fn an_event_comes_back_as_it_was_sent(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let sent = json!({
            "id": "order-1", "event_type": "purchase", "timestamp": "2026-11-22T11:00:00.123Z",
            "user_id": "ada", "anonymous_id": "a", "session_id": "s", "title": "Checkout \u{2028} ü",
            "url": "https://shop.example/checkout?utm_source=mail", "referrer": "https://example.org/",
            "screen_width": 1_536, "screen_height": 864, "language": "de-CH", "revenue": "49.9", "currency": "EUR",
            "country": "DE", "region": "Bavaria", "city": "Munich", "metadata": { "n": 0.1, "of": { "a": [1, null] } },
        });
        site.post(&sent).await.ok();
        let made = export(&site, "ada").await;
        let reply = follow(&site, made["url"].as_str().unwrap()).await.expect(200);
        for (name, value) in [
            ("content-type", "application/x-ndjson"),
            ("content-disposition", "attachment; filename=\"export.ndjson\""),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(reply.header(name), value);
        }
        let line: Value = serde_json::from_str(reply.text.lines().nth(1).unwrap()).unwrap();
        for (name, value) in sent.as_object().unwrap() {
            assert_eq!(&line[name], value, "{name}");
        }
        // And what the server made of it; every column but the store's own.
        for (name, value) in [("path", "/checkout"), ("utm_source", "mail"), ("referrer_domain", "example.org")] {
            assert_eq!(line[name], value);
        }
        let stored = event::Entity::find().one(&*app.app.db).await.unwrap().unwrap();
        let stored = serde_json::to_value(stored).unwrap();
        let names = stored.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str());
        for name in names.filter(|name| !["app_id", "client_id", "seq"].contains(name)) {
            assert!(line.get(if name == "ip_address" { "ip" } else { name }).is_some(), "{name}");
        }
        // Another app takes it as it is.
        let other = Site::of(site.owner.clone(), "Other").await;
        other.post(&line).await.ok();
        let again = download(&other, &export(&other, "ada").await).await;
        assert_eq!(again[1]["metadata"], line["metadata"]);
        assert_eq!((&again[1]["revenue"], &again[1]["url"]), (&line["revenue"], &line["url"]));
    }

    async fn a_link_works_for_a_quarter_of_an_hour_and_for_nobody_who_guesses(store: Store) {
        let app = TestApp::start(store).await;
        let mut site = app.site().await;
        let bob = Site::of(app.user("bob").await, "Bob's").await;
        site.post(event("e", "ada", 1)).await.ok();
        bob.post(event("e", "ada", 1)).await.ok();
        let input = json!({ "appId": site.app_id, "userId": "ada" });
        let refused = async |who: &Person, input: &Value| {
            who.mutate("exportUser", input.clone(), PAYLOAD).await.error_code().to_owned()
        };
        assert_eq!(refused(&bob.owner, &input).await, "NOT_FOUND");
        assert_eq!(refused(&app.anonymous(), &input).await, "UNAUTHENTICATED");
        for wrong in ["", "\0", &"x".repeat(2_000)] {
            assert_eq!(refused(&site.owner, &json!({ "appId": site.app_id, "userId": wrong })).await, "BAD_USER_INPUT");
        }
        assert!(export::Entity::find().all(&*app.app.db).await.unwrap().is_empty());

        let made = export(&site, "ada").await;
        let url = made["url"].as_str().unwrap();
        let (server, token) = url.rsplit_once('/').unwrap();
        // Whoever reads the table, or the address, learns nothing of use.
        assert_eq!(places(&app.app.db, token).await, [""; 0]);
        assert!(!token.contains("ada"));
        let at = |place: usize| {
            let other = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
            format!("{}{other}{}", &token[..place], &token[place + 1..])
        };
        let of_bob = export(&bob, "ada").await["url"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
        // Bob's app with the secret of Alice's link.
        let mixed = format!("{}{}", &of_bob[..22], &token[22..]);
        let session = site.owner.token.clone().unwrap();
        for wrong in [at(0), at(30), at(token.len() - 2), mixed, token[..40].to_owned(), session, site.key.clone(), "%FF".to_owned()] {
            assert_eq!(follow(&site, &format!("{server}/{wrong}")).await.refused(404), "NOT_FOUND", "{wrong}");
        }
        for method in ["POST", "DELETE"] {
            let reply = Reply::of(site.owner.http.request(method.parse().unwrap(), url)).await;
            assert_eq!(reply.refused(405), "METHOD_NOT_ALLOWED");
        }
        app.clock.advance(LIFETIME_MS - 1);
        assert_eq!(download(&site, &made).await.len(), 3);
        app.clock.advance(1);
        assert_eq!(follow(&site, url).await.refused(404), "NOT_FOUND");
        app.app.eraser().expire().await.unwrap();
        assert!(export::Entity::find().all(&*app.app.db).await.unwrap().is_empty());

        // Of somebody who is no owner any more.
        site.owner.sign_in().await;
        let made = export(&site, "ada").await;
        app.app.db.writer().execute_unprepared("UPDATE organization_members SET role = 'viewer'").await.unwrap();
        assert_eq!(refused(&site.owner, &input).await, "FORBIDDEN");
        assert_eq!(follow(&site, made["url"].as_str().unwrap()).await.refused(404), "NOT_FOUND");
        app_member::Entity::delete_many().exec(app.app.db.writer()).await.unwrap();
        assert_eq!(follow(&site, made["url"].as_str().unwrap()).await.refused(404), "NOT_FOUND");
    }

    async fn of_whom_or_what_is_gone_nothing_can_be_downloaded(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let identify = json!({ "event_type": "identify", "anonymous_id": "zanzibar-phone", "user_id": "zanzibar" });
        site.post([identify, event("e", "zanzibar", 1), event("f", "bob", 1)]).await.ok();
        let links = [export(&site, "zanzibar").await, export(&site, "zanzibar-phone").await];
        let of_bob = export(&site, "bob").await;
        assert!(places(&app.app.db, "zanzibar").await.iter().any(|place| place == "exports.person_id"));
        erase(&site, "zanzibar").await;
        for link in links {
            assert_eq!(follow(&site, link["url"].as_str().unwrap()).await.refused(404), "NOT_FOUND");
        }
        assert_eq!(places(&app.app.db, "zanzibar").await, [""; 0]);
        assert_eq!(export(&site, "zanzibar").await["events"], 0);
        assert_eq!(ids(&download(&site, &of_bob).await), ["f"]);
        site.owner.mutate("deleteApp", json!({ "id": site.app_id }), "deletedEvents").await.data();
        assert_eq!(follow(&site, of_bob["url"].as_str().unwrap()).await.refused(404), "NOT_FOUND");
        assert!(export::Entity::find().all(&*app.app.db).await.unwrap().is_empty());
    }

    async fn so_many_can_wait_and_be_tried(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let input = json!({ "appId": site.app_id, "userId": "ada" });
        for _ in 0..100 {
            export(&site, "ada").await;
        }
        assert_eq!(site.owner.mutate("exportUser", input, PAYLOAD).await.error_code(), "CONFLICT");
        app.clock.advance(LIFETIME_MS);
        let url = export(&site, "ada").await["url"].as_str().unwrap().to_owned();
        assert_eq!(export::Entity::find().all(&*app.app.db).await.unwrap().len(), 1);
        let mut followed = 0;
        let refused = loop {
            let reply = follow(&site, &url).await;
            if reply.status != 200 {
                break reply;
            }
            followed += 1;
            // One more each second, however slow the machine.
            assert!(followed < 1_000);
        };
        assert!(followed >= 60, "{followed}");
        assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
        assert_eq!(refused.refused(429), "RATE_LIMITED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_holds_a_link_or_a_person() {
    let mut binary = Binary::serve(&[("RUST_LOG", "trace"), ("API_KEY_SECRET", &"k".repeat(64))]).await;
    let mut owner = Person { email: "alice@example.com".to_owned(), ..binary.anonymous() };
    owner.register().await;
    let site = Site::of(owner, "Site").await;
    site.post(event("e", "zanzibar", 1)).await.ok();
    let made = export(&site, "zanzibar").await;
    let token = made["url"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
    let url = format!("{}/api/v1/exports/{token}", binary.url);
    assert!(follow(&site, &url).await.expect(200).text.contains("\"events\":"));
    follow(&site, &format!("{url}A")).await.expect(404);
    assert_eq!(binary.terminate(), 0);
    let log = binary.daemon.log();
    assert!(log.contains("/api/v1/exports/{token}"), "the log tells of requests:\n{log}");
    assert!(!log.contains(&token[22..]) && !log.contains("zanzibar"), "{log}");
}

#[tokio::test]
async fn an_app_downloads_one_export_at_a_time_and_keeps_no_other_waiting() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let other = Site::of(site.owner.clone(), "Another").await;
    let made = [export(&site, "ada").await, export(&other, "ada").await];
    let id: Uuid = site.app_id.trim_start_matches("app_").parse().unwrap();
    let turn = app.app.exports.take(id).unwrap();
    let get = async |made: &Value| follow(&site, made["url"].as_str().unwrap()).await;
    assert!(!get(&made[0]).await.expect(503).header("retry-after").is_empty());
    get(&made[1]).await.expect(200);
    drop(turn);
    get(&made[0]).await.expect(200);
}
