//! Sign-in by redirect, against a provider that keeps the rules and one that breaks each.

use std::collections::BTreeMap;

use event_analytics::{
    auth::{Viewer, account::New, registration},
    config::Registration,
    entity::{user, user_identity},
};
use reqwest::{StatusCode, header::HeaderMap};
use sea_orm::EntityTrait;
use serde_json::json;
use url::Url;

use crate::support::{
    app::{Store, TestApp},
    people::{PASSWORD, Person},
    provider::{Fault, Provider, Settings},
};

/// Somebody at a browser that keeps cookies and follows links one by one.
pub(super) struct Browser {
    http: reqwest::Client,
    pub(super) base: Url,
    pub(super) cookies: BTreeMap<String, String>,
}

/// Where a click has led.
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Page {
    #[track_caller]
    pub(super) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers["location"].to_str().unwrap()
    }

    #[track_caller]
    pub(super) fn refused(&self, status: u16, code: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert!(self.text.contains(&format!("<code>{code}</code>")), "{}", self.text);
    }
}

impl Browser {
    pub(super) fn of(app: &TestApp) -> Self {
        Self { http: app.http.clone(), base: app.url.parse().unwrap(), cookies: BTreeMap::new() }
    }

    async fn send(&mut self, method: &str, to: &str, extra: &[(&str, &str)]) -> Page {
        let url = self.base.join(to).unwrap();
        let mut request = self.http.request(method.parse().unwrap(), url.clone());
        if url.origin() == self.base.origin() && !self.cookies.is_empty() {
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page { status, headers, text: response.text().await.unwrap() }
    }

    pub(super) async fn open(&mut self, to: &str) -> Page {
        self.send("GET", to, &[]).await
    }

    /// Up to the provider's redirect back to us.
    pub(super) async fn until_callback(&mut self) -> String {
        self.until_callback_of("google").await
    }

    pub(super) async fn until_callback_of(&mut self, provider: &str) -> String {
        let start = self.open(&format!("/auth/{provider}?return_to=/playground?tab=1")).await;
        let provider = start.location().to_owned();
        self.open(&provider).await.location().to_owned()
    }

    /// The whole way.
    pub(super) async fn sign_in(&mut self) -> Page {
        let callback = self.until_callback().await;
        self.open(&callback).await
    }

    async fn viewer(&self, app: &TestApp) -> Option<Viewer> {
        app.app.sessions.viewer(self.cookies.get("uea_session")?, None).await.ok()
    }
}

pub(super) async fn users(app: &TestApp) -> Vec<user::Model> {
    user::Entity::find().all(&*app.app.db).await.unwrap()
}

both_stores! {
    async fn google_vouches_for_somebody_new_and_then_for_the_same(store: Store) {
        let provider = Provider::start().await;
        let app = TestApp::with(store, &provider.vars()).await;

        let mut browser = Browser::of(&app);
        let page = browser.sign_in().await;
        assert_eq!(page.location(), "/playground?tab=1");
        assert!(!browser.cookies.contains_key("uea_sign_in"), "the ticket is used up");
        let viewer = browser.viewer(&app).await.unwrap();
        let user = users(&app).await.pop().unwrap();
        assert_eq!((user.id, user.email.as_str(), user.name.as_str()), (viewer.user_id, "ada@example.com", "Ada Lovelace"));
        assert_eq!(user.password_hash, None);

        // Known by the subject from now on, whatever the address; signed by the other algorithm.
        provider.set(&Settings { email: Some("new@example.com".into()), elliptic: true, ..Settings::default() }).await;
        let mut other = Browser::of(&app);
        other.sign_in().await.location();
        assert_eq!(other.viewer(&app).await.unwrap().user_id, viewer.user_id);
        assert_eq!(users(&app).await.len(), 1);

        // Signing out ends this browser's session and no other.
        browser.send("POST", "/auth/logout", &[]).await.refused(403, "FORBIDDEN");
        browser.send("POST", "/auth/logout", &[("origin", "https://evil.example")]).await.refused(403, "FORBIDDEN");
        assert!(browser.viewer(&app).await.is_some());
        let token = browser.cookies["uea_session"].clone();
        let page = browser.send("POST", "/auth/logout", &[("origin", &app.url)]).await;
        assert_eq!(page.status, StatusCode::NO_CONTENT);
        assert!(browser.cookies.is_empty());
        assert!(app.app.sessions.viewer(&token, None).await.is_err());
        assert!(other.viewer(&app).await.is_some());
        let again = browser.send("POST", "/auth/logout", &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!(again.status, StatusCode::NO_CONTENT);
    }

    async fn whom_a_provider_vouches_for_has_to_be_invited_where_everybody_has(store: Store) {
        let provider = Provider::start().await;
        let vars: Vec<_> = provider.vars().into_iter().chain([("REGISTRATION", "invited")]).collect();
        let app = TestApp::with(store, &vars).await;
        Browser::of(&app).sign_in().await.refused(403, "NOT_INVITED");
        assert!(users(&app).await.is_empty());

        let token = registration::request(&app.app.db, &app.app.clock, "boss@example.com").await.unwrap().unwrap();
        let input = json!({ "email": "boss@example.com", "password": PASSWORD, "name": "Boss", "token": token.expose() });
        let made = app.anonymous().mutate("register", input, "token").await.data();
        let boss = Person { token: Some(made["register"]["token"].as_str().unwrap().to_owned()), ..app.anonymous() };
        let made = boss.mutate("createOrganization", json!({ "name": "Shop" }), "organization { id }").await.data();
        let id = &made["createOrganization"]["organization"]["id"];
        boss.mutate("inviteMember", json!({ "organizationId": id, "email": "ada@example.com" }), "token").await.data();
        Browser::of(&app).sign_in().await.location();
        assert_eq!(users(&app).await.len(), 2);
        // Whoever has an account comes in without an invitation.
        app.clock.advance(8 * 24 * 60 * 60 * 1000);
        provider.set(&Settings { now: app.clock.now_ms(), ..Settings::default() }).await;
        Browser::of(&app).sign_in().await.location();
    }

    async fn every_provider_has_a_door_of_its_own(store: Store) {
        let (google, house) = (Provider::start().await, Provider::start().await);
        let vars: Vec<_> = google.vars().into_iter().chain(house.oidc_vars()).collect();
        let app = TestApp::with(store, &vars).await;
        let doors = app.anonymous().graphql("{ signInProviders { name url } }", json!({})).await.data();
        assert_eq!(doors["signInProviders"], json!([
            { "name": "Google", "url": "/auth/google" }, { "name": "Our house", "url": "/auth/oidc" },
        ]));

        let mut ada = Browser::of(&app);
        let callback = ada.until_callback_of("oidc").await;
        ada.open(&callback).await.location();
        let ada = ada.viewer(&app).await.unwrap();
        // The same address, vouched for by another: nobody has said that they are one.
        Browser::of(&app).sign_in().await.refused(409, "ACCOUNT_EXISTS");
        // The same subject with another provider is somebody else.
        google.set(&Settings { email: Some("bob@example.com".into()), ..Settings::default() }).await;
        let mut bob = Browser::of(&app);
        bob.sign_in().await.location();
        let bob = bob.viewer(&app).await.unwrap();
        assert_ne!(ada.user_id, bob.user_id);
        let identities = user_identity::Entity::find().all(&*app.app.db).await.unwrap();
        let mut identities: Vec<_> = identities.into_iter().map(|own| (own.provider, own.subject, own.user_id)).collect();
        identities.sort();
        let mut expected = [
            ("google".to_owned(), "subject-1".to_owned(), bob.user_id), (house.url.clone(), "subject-1".to_owned(), ada.user_id),
        ];
        expected.sort();
        assert_eq!(identities, expected);

        // An attempt with one provider ends at no other's door.
        let mut mixed = Browser::of(&app);
        let callback = mixed.until_callback().await.replace("/auth/google/", "/auth/oidc/");
        mixed.open(&callback).await.refused(400, "SIGN_IN_EXPIRED");
        assert_eq!(Browser::of(&app).open("/auth/nobody").await.status, StatusCode::NOT_FOUND);
    }

    async fn an_account_with_a_password_is_not_handed_over(store: Store) {
        let provider = Provider::start().await;
        let app = TestApp::with(store, &provider.vars()).await;
        let db = &app.app.db;
        let password = event_analytics::config::Secret::new(PASSWORD);
        let new = New { email: "ada@example.com", name: "Ada", password, token: None, ip: None };
        event_analytics::auth::account::register(db, &app.clock, Registration::Open, &app.app.invitations, new).await.unwrap();
        let mut browser = Browser::of(&app);
        browser.sign_in().await.refused(409, "ACCOUNT_EXISTS");
        assert!(browser.viewer(&app).await.is_none());
        assert!(user_identity::Entity::find().all(&**db).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_rule_ends_without_a_session() {
    let provider = Provider::start().await;
    let app = TestApp::with(Store::Sqlite, &provider.vars()).await;
    for fault in [
        Fault::WrongNonce,
        Fault::NoNonce,
        Fault::WrongAudience,
        Fault::WrongAuthorizedParty,
        Fault::WrongIssuer,
        Fault::Expired,
        Fault::FromTheFuture,
        Fault::Unsigned,
        Fault::SignedByHmac,
        Fault::UnknownKey,
        Fault::Tampered,
        Fault::NoIdToken,
        Fault::NotJson,
        Fault::Redirecting,
    ] {
        provider.set(&Settings { fault: Some(fault), ..Settings::default() }).await;
        let mut browser = Browser::of(&app);
        let page = browser.sign_in().await;
        eprintln!("{fault:?}");
        page.refused(400, "SIGN_IN_UNTRUSTED");
        assert!(browser.viewer(&app).await.is_none());
    }
    provider.set(&Settings { fault: Some(Fault::Endless), ..Settings::default() }).await;
    Browser::of(&app).sign_in().await.refused(503, "UNAVAILABLE");
    for settings in [
        Settings { email_verified: false, ..Settings::default() },
        Settings { email: None, ..Settings::default() },
        Settings { email: Some("no address".into()), ..Settings::default() },
    ] {
        provider.set(&settings).await;
        Browser::of(&app).sign_in().await.refused(403, "EMAIL_UNVERIFIED");
    }
    assert!(users(&app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_belongs_to_its_browser_and_is_good_once() {
    let provider = Provider::start().await;
    let app = TestApp::with(Store::Sqlite, &provider.vars()).await;

    // A link sent to somebody else: their browser never began, or began another attempt.
    let mut attacker = Browser::of(&app);
    let callback = attacker.until_callback().await;
    Browser::of(&app).open(&callback).await.refused(400, "SIGN_IN_EXPIRED");
    let mut victim = Browser::of(&app);
    victim.until_callback().await;
    victim.open(&callback).await.refused(400, "SIGN_IN_EXPIRED");
    assert!(victim.viewer(&app).await.is_none());

    // The same code again: with the ticket gone, and with a ticket kept.
    let mut browser = Browser::of(&app);
    let callback = browser.until_callback().await;
    let kept = browser.cookies.clone();
    browser.open(&callback).await.location();
    browser.open(&callback).await.refused(400, "SIGN_IN_EXPIRED");
    let mut replay = Browser { cookies: kept, ..Browser::of(&app) };
    replay.open(&callback).await.refused(400, "SIGN_IN_EXPIRED");

    // A ticket of ours only, and only for ten minutes.
    let mut late = Browser::of(&app);
    let callback = late.until_callback().await;
    app.clock.advance(601_000);
    late.open(&callback).await.refused(400, "SIGN_IN_EXPIRED");
    let mut forger = Browser::of(&app);
    let callback = forger.until_callback().await;
    forger.cookies.insert("uea_sign_in".into(), replay.cookies["uea_sign_in"].replace('.', ".x"));
    forger.open(&callback).await.refused(400, "SIGN_IN_EXPIRED");

    // The person says no; the provider says nothing of use; the address is nonsense.
    let mut browser = Browser::of(&app);
    for (said, code) in [
        ("&error=access_denied", "SIGN_IN_DENIED"),
        ("", "SIGN_IN_UNTRUSTED"),
        ("&code=1&iss=https%3A%2F%2Fevil.example", "SIGN_IN_UNTRUSTED"),
    ] {
        let callback: Url = browser.until_callback().await.parse().unwrap();
        let state = callback.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        browser.open(&format!("/auth/google/callback?state={state}{said}")).await.refused(400, code);
        // Whatever came of it, it is used up, although the browser keeps its cookie.
        browser.open(callback.as_str()).await.refused(400, "SIGN_IN_EXPIRED");
    }
    browser.open("/auth/google/callback").await.refused(400, "SIGN_IN_EXPIRED");
    browser.open("/auth/google/callback?code=1&code=2").await.refused(400, "SIGN_IN_EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_are_fetched_when_they_appear_but_not_for_every_forgery() {
    let provider = Provider::start().await;
    let app = TestApp::with(Store::Sqlite, &provider.vars()).await;
    Browser::of(&app).sign_in().await.location();
    provider.rotate_keys().await;
    Browser::of(&app).sign_in().await.refused(400, "SIGN_IN_UNTRUSTED");
    app.clock.advance(60_000);
    Browser::of(&app).sign_in().await.location();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_google_there_are_no_such_pages() {
    let app = TestApp::start(Store::Sqlite).await;
    let mut browser = Browser::of(&app);
    for path in ["/auth/google", "/auth/oidc", "/auth/google/callback", "/auth/google/callback?code=1&state=1"] {
        assert_eq!(browser.open(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(!browser.open("/").await.text.contains("/auth/google"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_are_limited_and_a_provider_that_is_away_is_no_fault_of_ours() {
    let away = [
        ("GOOGLE_CLIENT_ID", "id"),
        ("GOOGLE_CLIENT_SECRET", "secret"),
        ("GOOGLE_ISSUER", "http://127.0.0.1:9"),
        ("RATE_LIMIT_AUTH_PER_15_MINUTES", "2"),
    ];
    let app = TestApp::with(Store::Sqlite, &away).await;
    let mut browser = Browser::of(&app);
    for _ in 0..2 {
        let page = browser.open("/auth/google").await;
        page.refused(503, "UNAVAILABLE");
        assert!(!page.text.contains("127.0.0.1"), "no internals: {}", page.text);
    }
    let page = browser.open("/auth/google").await;
    page.refused(429, "RATE_LIMITED");
    assert!(page.headers.contains_key("retry-after"));
    let register = json!({ "query": "mutation { signIn(input: { email: \"a@b.c\", password: \"x\" }) { token } }" });
    let reply = app.anonymous().request("POST", "/graphql").json(&register).send().await.unwrap().text().await.unwrap();
    assert!(reply.contains("RATE_LIMITED"), "sign-ins share one limit: {reply}");
}
