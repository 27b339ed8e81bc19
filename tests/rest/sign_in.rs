//! Sign-in by redirect: what a ticket is signed with, whose address is taken, and which cookies there are.

use serde_json::{Value, json};

use super::oauth::{Browser, users};
use crate::support::{
    app::{Store, TestApp},
    provider::{Provider, Saying, Settings},
    reply::Reply,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_signed_by_the_server_alone_also_while_its_secret_changes() {
    let provider = Provider::start().await;
    let app = TestApp::with(Store::Sqlite, &provider.vars()).await;
    let mut forger = Browser::of(&app);
    let callback = forger.until_callback().await;
    // What the provider knows signs nothing of ours.
    let ticket = forger.cookies["uea_sign_in"].clone();
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(&ticket).unwrap().claims;
    let key = jsonwebtoken::EncodingKey::from_secret(provider.vars()[1].1.as_bytes());
    let forged = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    forger.cookies.insert("uea_sign_in".into(), forged);
    forger.open(&callback).await.refused(400, "SIGN_IN_EXPIRED");

    let mut browser = Browser::of(&app);
    let callback = browser.until_callback().await;
    let (url, old, new) = (app.url.clone(), "j".repeat(64), "n".repeat(64));
    let vars = [("PUBLIC_URL", &*url), ("JWT_SECRET", &*new), ("JWT_SECRET_PREVIOUS", &*old)];
    let app = app.stop().await.start_with(&vars).await;
    browser.base = app.url.parse().unwrap();
    let path = callback.split_once("/auth/").unwrap().1;
    browser.open(&format!("/auth/{path}")).await.location();
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_say_in_several_ways_that_an_address_is_verified() {
    let provider = Provider::start().await;
    let vars = provider.oidc_vars();
    let trusting: Vec<_> = vars.into_iter().chain([("OIDC_TRUST_EMAIL", "true")]).collect();
    for (vars, saying, outcome) in [
        (&vars[..], Saying::AsText, None),
        (&vars[..], Saying::WhenAsked, None),
        (&vars[..], Saying::OfAnotherWhenAsked, Some((400, "SIGN_IN_UNTRUSTED"))),
        (&vars[..], Saying::NothingOfIt, Some((403, "EMAIL_UNVERIFIED"))),
        (&trusting[..], Saying::NothingOfIt, None),
    ] {
        let app = TestApp::with(Store::Sqlite, vars).await;
        let sign_in = async |settings: Settings| {
            provider.set(&settings).await;
            let mut browser = Browser::of(&app);
            let callback = browser.until_callback_of("oidc").await;
            browser.open(&callback).await
        };
        eprintln!("{saying:?}");
        let page = sign_in(Settings { saying, ..Settings::default() }).await;
        match outcome {
            None => assert_eq!(page.location(), "/playground?tab=1"),
            Some((status, code)) => page.refused(status, code),
        }
        assert_eq!(users(&app).await.len(), usize::from(outcome.is_none()));
        // A no is a no, however it is written, and whoever is trusted.
        if saying != Saying::NothingOfIt {
            let refused = Settings { saying, email_verified: false, subject: "other".into(), ..Settings::default() };
            let code = outcome.map_or((403, "EMAIL_UNVERIFIED"), |outcome| outcome);
            sign_in(refused).await.refused(code.0, code.1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_is_counted_and_by_https_cookies_are_of_this_host_alone() {
    let provider = Provider::start().await;
    let vars: Vec<_> = provider.vars().into_iter().chain([("RATE_LIMIT_AUTH_PER_15_MINUTES", "3")]).collect();
    let app = TestApp::with(Store::Sqlite, &vars).await;
    let mut stranger = Browser::of(&app);
    for _ in 0..3 {
        stranger.open("/auth/google/callback?state=1").await.refused(400, "SIGN_IN_EXPIRED");
    }
    stranger.open("/auth/google/callback?state=1").await.refused(429, "RATE_LIMITED");
    stranger.open("/auth/google").await.location();

    let vars: Vec<_> = provider.vars().into_iter().chain([("PUBLIC_URL", "https://events.example")]).collect();
    let app = TestApp::with(Store::Sqlite, &vars).await;
    let mut browser = Browser::of(&app);
    let start = browser.open("/auth/google").await;
    let ticket = start.headers["set-cookie"].to_str().unwrap();
    assert!(
        ticket.starts_with("__Host-uea_sign_in=")
            && ticket.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"),
        "{ticket}"
    );
    let callback = browser.open(start.location()).await.location().replace("https://events.example", &app.url);
    let back = browser.open(&callback).await;
    let cookies: Vec<_> = back.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert!(
        cookies[0].starts_with("__Host-uea_session=")
            && cookies[0].ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"),
        "{cookies:?}"
    );
    assert_eq!(cookies[1], "__Host-uea_sign_in=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["__Host-uea_session"]);
    // One that anybody may have set beside it is not read, nor is either of two.
    let token = &browser.cookies["__Host-uea_session"];
    let asks = async |cookie: String| {
        let body = json!({ "query": "{ viewer { email } }" });
        let request = app.anonymous().request("POST", "/graphql").header("cookie", cookie).json(&body);
        Reply::of(request).await.data()["viewer"]["email"].clone()
    };
    assert_eq!(asks(format!("__Host-uea_session={token}")).await, "ada@example.com");
    assert_eq!(asks(format!("uea_session={token}")).await, Value::Null);
    assert_eq!(asks(format!("__Host-uea_session={token}; __Host-uea_session={token}")).await, Value::Null);
}
