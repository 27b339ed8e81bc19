//! Register, sign in, sign out, and what a session is worth.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::{
    app::{NOW, Store, TestApp},
    people::{PASSWORD, Person},
    reply::Reply,
};

const DAY: i64 = 24 * 60 * 60 * 1000;

async fn sign_in(person: &Person, email: &str, password: &str) -> Reply {
    person.mutate("signIn", json!({ "email": email, "password": password }), "token user { id email }").await
}

async fn register(app: &TestApp, input: Value) -> Reply {
    app.anonymous().mutate("register", input, "token").await
}

/// Whether the person's token still opens anything.
async fn is_known(person: &Person) -> bool {
    let reply = person.graphql("{ viewer { id } }", json!({})).await;
    if reply.body["errors"].is_array() {
        assert_eq!(reply.error_code(), "UNAUTHENTICATED");
        return false;
    }
    reply.data()["viewer"]["id"].is_string()
}

both_stores! {
    async fn an_account_is_made_and_used(store: Store) {
        let app = TestApp::start(store).await;
        let input = json!({ "email": " Ada@Example.com ", "password": PASSWORD, "name": "  Ada Lovelace " });
        let selection = "token expiresAt user { id email name createdAt } session { id current createdAt expiresAt revokedAt }";
        let reply = app.anonymous().mutate("register", input, selection).await;
        let cookie = reply.header("set-cookie").to_owned();
        let made = reply.data()["register"].clone();
        assert_eq!(made["user"]["email"], "ada@example.com");
        assert_eq!(made["user"]["name"], "Ada Lovelace");
        assert_eq!(made["expiresAt"], "2026-11-29T12:00:00.000Z");
        assert_eq!(made["session"]["expiresAt"], made["expiresAt"]);
        assert_eq!(made["session"]["revokedAt"], Value::Null);
        let token = made["token"].as_str().unwrap();
        assert_eq!(cookie, format!("uea_session={token}; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax"));

        let ada = Person { token: Some(token.into()), ..app.anonymous() };
        let viewer = ada.graphql("{ viewer { id email sessions { id current } } }", json!({})).await.data();
        assert_eq!(viewer["viewer"]["id"], made["user"]["id"]);
        assert_eq!(viewer["viewer"]["sessions"], json!([{ "id": made["session"]["id"], "current": true }]));

        let again = sign_in(&app.anonymous(), "ADA@example.com", PASSWORD).await.data();
        assert_eq!(again["signIn"]["user"]["id"], made["user"]["id"]);
        assert_eq!(app.anonymous().graphql("{ viewer { id } }", json!({})).await.data()["viewer"], Value::Null);
    }

    async fn what_cannot_be_an_account_is_refused_by_name(store: Store) {
        let app = TestApp::start(store).await;
        let good = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada" });
        let long = |n: usize| "x".repeat(n);
        for (field, value) in [
            ("email", String::new()),
            ("email", "ada".into()),
            ("email", "@example.com".into()),
            ("email", "ada@".into()),
            ("email", "ada@example..com".into()),
            ("email", "ada@example@com".into()),
            ("email", "a da@example.com".into()),
            ("email", "ada\0@example.com".into()),
            ("email", format!("{}@example.com", long(65))),
            ("email", format!("a@{}.com", long(250))),
            ("password", String::new()),
            ("password", "eleven char".into()),
            ("password", long(129)),
            ("name", " ".into()),
            ("name", "A\0da".into()),
            ("name", "A\nda".into()),
            ("name", long(101)),
        ] {
            let mut input = good.clone();
            input[field] = value.clone().into();
            let reply = register(&app, input).await;
            assert_eq!(reply.error_code(), "BAD_USER_INPUT", "{field}: {value:?}");
            assert_eq!(reply.at("/errors/0/extensions/field"), &json!(format!("input.{field}")));
            assert_eq!(reply.header("set-cookie"), "");
        }
        // The bounds themselves, and characters that are not letters of ours.
        let varied: String = (0..128).map(|n| char::from_u32(0xe0 + n * n * 7 % 31).unwrap()).collect();
        let input = json!({ "email": "ädä@exämple.com", "password": varied, "name": "名".repeat(100) });
        register(&app, input).await.data();
        register(&app, good.clone()).await.data();
        let taken = register(&app, good).await;
        assert_eq!((taken.error_code(), taken.at("/errors/0/extensions/field")), ("CONFLICT", &json!("input.email")));
    }

    async fn what_was_wrong_with_a_sign_in_is_not_said(store: Store) {
        let app = TestApp::start(store).await;
        app.user("ada").await;
        let stranger = app.anonymous();
        let mut said = Vec::new();
        for (email, password) in [
            ("ada@example.com", "not the right password"),
            ("ada@example.com", ""),
            ("ada@example.com", &"x".repeat(10_000)),
            ("ada@example.com", "with a \0 character"),
            ("nobody@example.com", PASSWORD),
            ("no address", PASSWORD),
            ("nul\0@example.com", PASSWORD),
        ] {
            let reply = sign_in(&stranger, email, password).await;
            assert_eq!(reply.error_code(), "UNAUTHENTICATED");
            assert_eq!(reply.header("set-cookie"), "");
            said.push(reply.error_message().to_owned());
        }
        said.dedup();
        assert_eq!(said.len(), 1, "{said:?}");
    }

    async fn a_session_that_has_ended_is_dead_at_once_everywhere(store: Store) {
        let app = TestApp::start(store).await;
        let (ada, eve) = (app.user("ada").await, app.user("eve").await);
        let mut others = Vec::new();
        for _ in 0..4 {
            let token = sign_in(&app.anonymous(), &ada.email, PASSWORD).await.data()["signIn"]["token"].clone();
            others.push(Person { token: Some(token.as_str().unwrap().into()), ..ada.clone() });
        }
        let sibling = app.sibling().await;
        let there = |person: &Person| Person { url: sibling.url.clone(), ..person.clone() };
        let id = |person: &Person| {
            let person = person.clone();
            async move {
                let data = person.graphql("{ viewer { sessions { id current } } }", json!({})).await.data();
                let sessions = data["viewer"]["sessions"].as_array().unwrap().clone();
                let mine = sessions.iter().find(|session| session["current"] == true).unwrap();
                mine["id"].as_str().unwrap().to_owned()
            }
        };

        // By hand, from another session; again changes nothing; nobody else can.
        let target = id(&others[0]).await;
        let revoke = |who: &Person, id: &str| {
            let who = who.clone();
            let input = json!({ "id": id });
            async move { who.mutate("revokeSession", input, "session { id revokedAt }").await }
        };
        assert_eq!(revoke(&eve, &target).await.error_code(), "NOT_FOUND");
        assert_eq!(revoke(&app.anonymous(), &target).await.error_code(), "UNAUTHENTICATED");
        assert!(is_known(&there(&others[0])).await);
        let first = revoke(&ada, &target).await.data();
        assert!(!is_known(&others[0]).await && !is_known(&there(&others[0])).await);
        app.clock.advance(1_000);
        assert_eq!(revoke(&ada, &target).await.data(), first);
        for nonsense in ["", "ses_0", "ses_00000000000000000000000000000000", "app_00000000000000000000000000000000", "\0"] {
            assert_eq!(revoke(&ada, nonsense).await.error_code(), "NOT_FOUND", "{nonsense:?}");
        }

        // By signing out.
        let out = others[1].graphql("mutation { signOut { session { id } } }", json!({})).await;
        assert_eq!(out.header("set-cookie"), "uea_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
        assert!(out.data()["signOut"]["session"]["id"].is_string());
        assert!(!is_known(&there(&others[1])).await);
        let stranger = app.anonymous().graphql("mutation { signOut { session { id } } }", json!({})).await.data();
        assert_eq!(stranger["signOut"]["session"], Value::Null);

        // All others.
        let rest = ada.graphql("mutation { revokeOtherSessions { revoked } }", json!({})).await.data();
        assert_eq!(rest["revokeOtherSessions"]["revoked"], 2);
        assert!(is_known(&ada).await && !is_known(&others[2]).await && !is_known(&there(&others[3])).await);
        assert!(is_known(&eve).await);

        // By time.
        app.clock.advance(7 * DAY - 2_000);
        assert!(is_known(&ada).await);
        app.clock.advance(1_000);
        assert!(!is_known(&ada).await && !is_known(&there(&ada)).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_must_be_ours_whole_and_current() {
    let app = TestApp::start(Store::Sqlite).await;
    let ada = app.user("ada").await;
    let token = ada.token.clone().unwrap();
    let claims: Value = serde_json::from_slice(
        &base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, token.split('.').nth(1).unwrap())
            .unwrap(),
    )
    .unwrap();
    assert_eq!(claims["exp"], NOW / 1000 + 7 * 24 * 60 * 60);
    let sign = |claims: &Value, algorithm, secret: &str| {
        jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    };
    let with = |field: &str, value: Value| {
        let mut claims = claims.clone();
        claims[field] = value;
        claims
    };
    let secret = "j".repeat(64);
    let known = |token: String| {
        let person = Person { token: Some(token), ..ada.clone() };
        async move { is_known(&person).await }
    };
    assert!(known(sign(&claims, Algorithm::HS256, &secret)).await, "the same token made here");
    let eve = app.user("eve").await;
    let of_eve = eve.graphql("{ viewer { sessions { id } } }", json!({})).await.data();
    let of_eve = of_eve["viewer"]["sessions"][0]["id"].as_str().unwrap().replace("ses_", "");
    let unsigned = {
        let encode = |part: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, part);
        format!("{}.{}.", encode(br#"{"alg":"none","typ":"JWT"}"#), encode(claims.to_string().as_bytes()))
    };
    for forged in [
        sign(&claims, Algorithm::HS256, "another secret"),
        sign(&claims, Algorithm::HS512, &secret),
        sign(&with("iss", "another".into()), Algorithm::HS256, &secret),
        sign(&with("aud", "another".into()), Algorithm::HS256, &secret),
        sign(&with("exp", (NOW / 1000).into()), Algorithm::HS256, &secret),
        sign(&with("sid", of_eve.into()), Algorithm::HS256, &secret),
        sign(&with("sid", uuid::Uuid::now_v7().to_string().into()), Algorithm::HS256, &secret),
        sign(&json!({}), Algorithm::HS256, &secret),
        unsigned,
        token[..token.len() - 2].to_owned(),
        "x".repeat(5_000),
        ".".into(),
    ] {
        assert!(!known(forged.clone()).await, "{forged}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_limited_by_address_however_they_are_packed() {
    let app = TestApp::with(Store::Sqlite, &[("RATE_LIMIT_AUTH_PER_15_MINUTES", "5")]).await;
    app.user("ada").await;
    let stranger = app.anonymous();
    let attempt = "signIn(input: { email: \"ada@example.com\", password: \"a wrong password\" }) { token }";
    let packed = format!("mutation {{ a: {attempt} }}");
    for _ in 0..3 {
        assert_eq!(stranger.graphql(&packed, json!({})).await.error_code(), "UNAUTHENTICATED");
    }
    let packed = format!("mutation {{ a: {attempt} b: {attempt} }}");
    assert_eq!(stranger.graphql(&packed, json!({})).await.error_code(), "COST_EXCEEDED", "one at a time");
    assert_eq!(sign_in(&stranger, "ada@example.com", "a wrong password").await.error_code(), "UNAUTHENTICATED");
    let reply = sign_in(&stranger, "ada@example.com", PASSWORD).await;
    assert_eq!(reply.error_code(), "RATE_LIMITED");
    assert!(reply.at("/errors/0/extensions/retryAfter").as_u64().unwrap() > 0);
    let input = json!({ "email": "eve@example.com", "password": PASSWORD, "name": "Eve" });
    assert_eq!(register(&app, input).await.error_code(), "RATE_LIMITED");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_takes_as_long_as_a_known_one() {
    let app = TestApp::start(Store::Sqlite).await;
    app.user("ada").await;
    let stranger = app.anonymous();
    let time = async |email: &str| {
        let start = std::time::Instant::now();
        sign_in(&stranger, email, "a wrong password").await;
        start.elapsed()
    };
    time("warm-up@example.com").await;
    // By turns, and the fastest of each, because other tests keep the machine busy. Without a hash
    // a request takes a twentieth of the time.
    let (mut known, mut unknown) = (std::time::Duration::MAX, std::time::Duration::MAX);
    for _ in 0..8 {
        known = known.min(time("ada@example.com").await);
        unknown = unknown.min(time("nobody@example.com").await);
    }
    assert!(unknown > known / 4, "known {known:?}, unknown {unknown:?}");
}
