//! What may be asked in a minute: by points, told beforehand and afterwards, over all instances together.

use event_analytics::entity::user_session;
use futures::FutureExt as _;
use sea_orm::{EntityTrait, sea_query::Expr};
use serde_json::json;

use crate::support::{
    app::{Store, TestApp},
    people::{Person, Site},
    socket::Socket,
};

const POINTS: &[(&str, &str)] = &[("RATE_LIMIT_ANALYTICS_POINTS_PER_MINUTE", "10000")];

/// A question of several thousand points.
fn dear(app: &str) -> String {
    let reports: String = (0..30).map(|i| format!("s{i}: summary(range: {{ preset: TODAY }}) {{ events }} ")).collect();
    format!("{{ app(id: \"{app}\") {{ {reports} }} rateLimit {{ limit cost remaining resetAt }} }}")
}

/// A server of the site's owner, with a key that reads.
async fn reader(site: &Site, requests: Option<i32>) -> Site {
    let input = json!({ "appId": site.app_id, "name": "Server", "scope": "READ", "requestsPerMinute": requests });
    let key = site.owner.create_key_with(input).await;
    Site { owner: Person { token: Some(key), ..site.owner.clone() }, ..site.clone() }
}

#[tokio::test]
async fn keys_of_an_app_have_one_budget_and_none_asks_more_often_than_the_server_lets() {
    let vars = [POINTS[0], ("RATE_LIMIT_ANALYTICS_PER_MINUTE", "50")];
    let app = TestApp::with(Store::Sqlite, &vars).await;
    let site = app.site().await;
    let [one, other] = [reader(&site, Some(100_000_000)).await, reader(&site, Some(7)).await];
    assert_eq!(one.try_ask("name").await.header("ratelimit-limit"), "50");
    assert_eq!(other.try_ask("name").await.header("ratelimit-limit"), "7");
    one.ask("verification { isConsistent }").await;
    assert_eq!(other.try_ask("verification { isConsistent }").await.expect(429).error_code(), "RATE_LIMITED");
    let another = Site::of(site.owner.clone(), "Another").await;
    reader(&another, None).await.ask("verification { isConsistent }").await;
}

#[tokio::test]
async fn verifications_are_few_at_a_time_and_one_a_request() {
    let app = TestApp::with(Store::Sqlite, &[("QUERY_TIMEOUT_SECONDS", "3")]).await;
    let site = app.site().await;
    let two = site.try_ask("a: verification { isConsistent } b: verification { isConsistent }").await;
    assert_eq!(two.error_code(), "COST_EXCEEDED");
    let mut turns = Vec::new();
    while let Some(turn) = app.app.db.long_read().now_or_never() {
        turns.push(turn.unwrap());
    }
    assert_eq!(site.try_ask("verification { isConsistent }").await.error_code(), "UNAVAILABLE");
    site.ask("summary(range: { preset: TODAY }) { events }").await;
    turns.pop();
    site.ask("verification { isConsistent }").await;
}

#[tokio::test]
async fn sessions_that_have_ended_are_read_no_more_and_asked_with_only_so_often() {
    let app = TestApp::with(Store::Sqlite, &[("RATE_LIMIT_ANALYTICS_PER_MINUTE", "5")]).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    alice.graphql("mutation { signOut { session { id } } }", json!({})).await.data();
    assert_eq!(alice.graphql("{ __typename }", json!({})).await.expect(401).error_code(), "UNAUTHENTICATED");
    let live = user_session::Entity::update_many().col_expr(user_session::Column::RevokedAt, Expr::value(None::<i64>));
    live.exec(app.app.db.writer()).await.unwrap();
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(alice.graphql("{ __typename }", json!({})).await.error_code().to_owned());
    }
    assert_eq!((codes[0].as_str(), codes[5].as_str()), ("UNAUTHENTICATED", "RATE_LIMITED"), "{codes:?}");
    bob.graphql("{ viewer { email } }", json!({})).await.data();
    let mut socket = Socket::open(&app.url, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap();
    socket.say(json!({ "type": "connection_init", "payload": { "token": alice.token } })).await;
    assert_ne!(socket.end().await, 4403, "it is told to wait");
}

both_stores! {
    async fn questions_cost_points_and_points_run_out(store: Store) {
        let app = TestApp::with(store, POINTS).await;
        let site = app.site().await;
        let question = dear(&site.app_id);
        // Making the site was asked already.
        let mut left = 9_990;
        let refused = loop {
            let reply = site.owner.graphql(&question, json!({})).await;
            if reply.status != 200 {
                break reply;
            }
            let (cost, told) = (reply.at("/extensions/cost").clone(), reply.data()["rateLimit"].clone());
            assert_eq!((&told["limit"], &told["cost"]), (&json!(10_000), &cost));
            let remaining = told["remaining"].as_i64().unwrap();
            // Some have come back meanwhile.
            assert!(remaining >= left - cost.as_i64().unwrap() && remaining < left, "{told} of {left}");
            assert!(told["resetAt"].as_str().unwrap() > "2026-11-22T12:00:0", "{told}");
            left = remaining;
        };
        assert_eq!((refused.status.as_u16(), refused.error_code()), (429, "RATE_LIMITED"), "{}", refused.text);
        assert!(refused.body.get("data").is_none(), "nothing was run");
        assert_eq!(refused.header("ratelimit-limit"), "10000");
        assert!(refused.header("ratelimit-remaining").parse::<i64>().unwrap() < 5_000);
        let wait: i64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait));
        // What costs less is still let in, and others have points of their own.
        assert_eq!(site.owner.graphql("{ viewer { email } }", json!({})).await.status, 200);
        let bob = app.user("bob").await;
        let told = bob.graphql("{ rateLimit { remaining } }", json!({})).await.data();
        assert!(told["rateLimit"]["remaining"].as_i64().unwrap() > 9_900, "{told}");
        // Strangers count by their address.
        let told = app.anonymous().graphql("{ rateLimit { limit remaining } }", json!({})).await.data();
        assert!(told["rateLimit"]["remaining"].as_i64().unwrap() > 9_000, "{told}");
    }

    async fn a_budget_of_events_is_told_when_it_is_used_up(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let input = json!({ "appId": site.app_id, "name": "Few", "eventsPerMinute": 3 });
        let site = Site { key: site.owner.create_key_with(input).await, ..site };
        let event = json!({ "event_type": "a" });
        site.post(json!([event, event])).await.ok();
        let refused = site.post(json!([event, event])).await;
        assert_eq!(refused.header("ratelimit-limit"), "3");
        assert!((1..=60).contains(&refused.header("retry-after").parse().unwrap()));
        assert_eq!(refused.refused(429), "RATE_LIMITED");
        assert_eq!(site.post(json!([event])).await.header("ratelimit-limit"), "1000000");
    }

    async fn signing_in_says_when_to_try_again(store: Store) {
        let app = TestApp::with(store, &[("RATE_LIMIT_AUTH_PER_15_MINUTES", "3")]).await;
        let guess = || async {
            let input = json!({ "email": "alice@example.com", "password": "wrong horse battery" });
            app.anonymous().mutate("signIn", input, "token").await
        };
        for _ in 0..3 {
            assert_eq!(guess().await.error_code(), "UNAUTHENTICATED");
        }
        let refused = guess().await;
        assert_eq!(refused.error_code(), "RATE_LIMITED");
        let wait: i64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=900).contains(&wait));
    }
}

/// Two instances on one Redis let through what one would.
#[tokio::test(flavor = "multi_thread")]
async fn instances_share_what_is_left() {
    let rates = [("RATE_LIMIT_INGEST_PER_MINUTE", "40"), ("RATE_LIMIT_ANALYTICS_PER_MINUTE", "40")];
    let app = TestApp::with(Store::Postgres, &rates).await;
    let site = app.site().await;
    let sibling = app.sibling().await;
    let there = Site { owner: Person { url: sibling.url.clone(), ..site.owner.clone() }, ..site.clone() };
    let start = std::time::Instant::now();
    let ask = |site: &Site| {
        let site = site.clone();
        tokio::spawn(async move {
            let sent = site.post(json!({ "event_type": "a" })).await.status.as_u16();
            let asked = site.owner.graphql("{ viewer { email } }", json!({})).await.status.as_u16();
            [sent, asked]
        })
    };
    let both = (0..100).map(|i| ask(if i % 2 == 0 { &site } else { &there }));
    let answers: Vec<_> = futures::future::join_all(both).await.into_iter().map(|answer| answer.unwrap()).collect();
    // Those that came back while this ran may have been taken as well; and making the site was asked already.
    let returned = 1 + start.elapsed().as_secs() as usize;
    for kind in [0, 1] {
        let granted = answers.iter().filter(|answer| answer[kind] == 200).count();
        assert!(answers.iter().all(|answer| answer[kind] == 200 || answer[kind] == 429), "{answers:?}");
        assert!((38..=40 + returned).contains(&granted), "{granted}");
    }
}
