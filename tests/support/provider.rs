//! An OpenID provider of our own, in a process of its own: it keeps the rules, unless it is told
//! to break one.
//!
//! The process is this test binary again, made to run nothing but [`process`].

use std::{
    collections::HashMap,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    app::NOW,
    daemon::{self, Daemon},
};

const CLIENT_ID: &str = "the-client";
const CLIENT_SECRET: &str = "the-secret-that-only-the-client-and-the-provider-know";
const ACCESS: &str = "what-opens-userinfo";
const PORT: &str = "EVENT_ANALYTICS_TEST_PROVIDER_PORT";

/// The rule to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    WrongNonce,
    NoNonce,
    WrongAudience,
    WrongAuthorizedParty,
    WrongIssuer,
    Expired,
    FromTheFuture,
    Unsigned,
    SignedByHmac,
    UnknownKey,
    Tampered,
    NoIdToken,
    NotJson,
    Endless,
    Redirecting,
}

/// How it says that an address is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Saying {
    /// In the id_token.
    Plainly,
    /// There, but as a text.
    AsText,
    /// Only to whoever brings the access token, and the address as well.
    WhenAsked,
    /// The same, of another subject.
    OfAnotherWhenAsked,
    /// Nowhere.
    NothingOfIt,
}

/// Who signs in next, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    pub subject: String,
    pub email: Option<String>,
    pub email_verified: bool,
    pub name: Option<String>,
    pub fault: Option<Fault>,
    pub saying: Saying,
    /// Sign by ES256 instead of RS256.
    pub elliptic: bool,
    /// What its clock shows, in milliseconds.
    pub now: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            subject: "subject-1".into(),
            email: Some("Ada@Example.com".into()),
            email_verified: true,
            name: Some("Ada Lovelace".into()),
            fault: None,
            saying: Saying::Plainly,
            elliptic: false,
            now: NOW,
        }
    }
}

/// The running provider.
pub struct Provider {
    pub url: String,
    http: reqwest::Client,
    _daemon: Daemon,
}

impl Provider {
    pub async fn start() -> Self {
        let port = daemon::free_port();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "support::provider::process", "--ignored", "--nocapture"]);
        command.env(PORT, port.to_string());
        let daemon = Daemon::spawn(daemon::folder("provider"), "KILL", &command);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let provider = Self { url: format!("http://127.0.0.1:{port}"), http, _daemon: daemon };
        let until = Instant::now() + Duration::from_secs(60);
        while provider.http.get(format!("{}/jwks", provider.url)).send().await.is_err() {
            assert!(Instant::now() < until, "the provider did not start:\n{}", provider._daemon.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        provider
    }

    /// What the server must be told to use it as any other provider.
    pub fn oidc_vars(&self) -> [(&str, &str); 4] {
        [
            ("OIDC_CLIENT_ID", CLIENT_ID),
            ("OIDC_CLIENT_SECRET", CLIENT_SECRET),
            ("OIDC_ISSUER", &self.url),
            ("OIDC_NAME", "Our house"),
        ]
    }

    /// What the server must be told to use it in place of Google.
    pub fn vars(&self) -> [(&str, &str); 3] {
        [("GOOGLE_CLIENT_ID", CLIENT_ID), ("GOOGLE_CLIENT_SECRET", CLIENT_SECRET), ("GOOGLE_ISSUER", &self.url)]
    }

    /// From now on it behaves like this.
    pub async fn set(&self, settings: &Settings) {
        let request = self.http.post(format!("{}/control/settings", self.url)).json(settings);
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// New keys under new names; the old ones are no longer published.
    pub async fn rotate_keys(&self) {
        let request = self.http.post(format!("{}/control/rotate", self.url));
        request.send().await.unwrap().error_for_status().unwrap();
    }
}

/// A published pair of keys.
struct Keys {
    name: String,
    rsa: EncodingKey,
    elliptic: EncodingKey,
}

impl Keys {
    fn generate() -> Self {
        let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap();
        // PKCS#8 of such a key is a header of 26 bytes before the PKCS#1 that is asked for.
        let rsa = EncodingKey::from_rsa_der(&rsa.as_der().unwrap().as_ref()[26..]);
        let elliptic = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let elliptic = EncodingKey::from_ec_der(elliptic.as_ref());
        Self { name: Uuid::now_v7().simple().to_string(), rsa, elliptic }
    }

    fn published(&self) -> Vec<Jwk> {
        [(&self.rsa, Algorithm::RS256, "r"), (&self.elliptic, Algorithm::ES256, "e")]
            .map(|(key, algorithm, kind)| {
                let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
                jwk.common.key_id = Some(format!("{kind}{}", self.name));
                jwk
            })
            .into()
    }
}

/// What a code was given out for.
struct Grant {
    nonce: Option<String>,
    challenge: String,
    redirect_uri: String,
}

struct Inner {
    issuer: String,
    keys: Keys,
    unpublished: Keys,
    settings: Settings,
    grants: HashMap<String, Grant>,
}

type Shared = Arc<Mutex<Inner>>;

#[tokio::test]
#[ignore = "no test: what the provider's process runs"]
async fn process() {
    let Ok(port) = std::env::var(PORT) else { return };
    let shared = Arc::new(Mutex::new(Inner {
        issuer: format!("http://127.0.0.1:{port}"),
        keys: Keys::generate(),
        unpublished: Keys::generate(),
        settings: Settings::default(),
        grants: HashMap::new(),
    }));
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(jwks))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route("/userinfo", get(userinfo))
        .route("/control/settings", post(settings))
        .route("/control/rotate", post(rotate))
        .with_state(shared);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    axum::serve(listener, router).await.unwrap();
}

async fn discovery(State(shared): State<Shared>) -> Json<Value> {
    let issuer = &shared.lock().unwrap().issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
    }))
}

async fn jwks(State(shared): State<Shared>) -> Json<Value> {
    Json(json!({ "keys": shared.lock().unwrap().keys.published() }))
}

async fn settings(State(shared): State<Shared>, Json(settings): Json<Settings>) {
    shared.lock().unwrap().settings = settings;
}

async fn rotate(State(shared): State<Shared>) {
    shared.lock().unwrap().keys = Keys::generate();
}

#[derive(Deserialize)]
struct Authorize {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    scope: String,
    state: String,
    nonce: Option<String>,
    code_challenge: String,
    code_challenge_method: String,
}

/// The person agrees at once.
async fn authorize(State(shared): State<Shared>, Query(asked): Query<Authorize>) -> Redirect {
    assert_eq!((asked.response_type.as_str(), asked.client_id.as_str()), ("code", CLIENT_ID));
    assert_eq!(asked.scope, "openid email profile");
    assert_eq!(asked.code_challenge_method, "S256");
    let code = Uuid::new_v4().simple().to_string();
    let mut back = url::Url::parse(&asked.redirect_uri).unwrap();
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked.state);
    let grant = Grant { nonce: asked.nonce, challenge: asked.code_challenge, redirect_uri: asked.redirect_uri };
    shared.lock().unwrap().grants.insert(code, grant);
    Redirect::to(back.as_str())
}

#[derive(Deserialize)]
struct Token {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
}

async fn token(State(shared): State<Shared>, headers: HeaderMap, Form(asked): Form<Token>) -> Response {
    let mut inner = shared.lock().unwrap();
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    if headers.get("authorization").is_none_or(|sent| sent != expected.as_str()) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    // A code is good once, whatever comes of it.
    let grant = inner.grants.remove(&asked.code);
    let whole = grant.filter(|grant| {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&asked.code_verifier));
        asked.grant_type == "authorization_code"
            && grant.redirect_uri == asked.redirect_uri
            && grant.challenge == challenge
    });
    let Some(grant) = whole else { return refused(StatusCode::BAD_REQUEST, "invalid_grant") };
    match inner.settings.fault {
        Some(Fault::NotJson) => return "<html>".into_response(),
        Some(Fault::Endless) => return "x".repeat(1_000_000).into_response(),
        Some(Fault::Redirecting) => return Redirect::temporary("/token").into_response(),
        _ => {}
    }
    let mut answer = json!({ "access_token": ACCESS, "token_type": "Bearer", "expires_in": 3600 });
    if inner.settings.fault != Some(Fault::NoIdToken) {
        answer["id_token"] = id_token(&inner, &grant).into();
    }
    Json(answer).into_response()
}

async fn userinfo(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if headers.get("authorization").is_none_or(|sent| sent != format!("Bearer {ACCESS}").as_str()) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_token");
    }
    let Settings { subject, email, email_verified, name, saying, .. } = &shared.lock().unwrap().settings;
    let mut claims = json!({ "sub": subject, "email": email, "email_verified": email_verified, "name": name });
    match saying {
        Saying::OfAnotherWhenAsked => claims["sub"] = "somebody-else".into(),
        Saying::NothingOfIt => claims["email_verified"] = Value::Null,
        _ => {}
    }
    Json(claims).into_response()
}

fn refused(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

fn id_token(inner: &Inner, grant: &Grant) -> String {
    let Settings { subject, email, email_verified, name, fault, saying, elliptic, now } = &inner.settings;
    let now = now / 1000;
    let mut claims = json!({
        "iss": inner.issuer, "aud": CLIENT_ID, "azp": CLIENT_ID, "sub": subject, "nonce": grant.nonce,
        "iat": now, "exp": now + 3600, "email": email, "email_verified": email_verified, "name": name,
    });
    match saying {
        Saying::Plainly => {}
        Saying::AsText => claims["email_verified"] = email_verified.to_string().into(),
        Saying::NothingOfIt => claims["email_verified"] = Value::Null,
        Saying::WhenAsked | Saying::OfAnotherWhenAsked => {
            claims["email"] = Value::Null;
            claims["email_verified"] = Value::Null;
        }
    }
    let mut keys = &inner.keys;
    match fault {
        Some(Fault::WrongNonce) => claims["nonce"] = "another".into(),
        Some(Fault::NoNonce) => claims["nonce"] = Value::Null,
        Some(Fault::WrongAudience) => claims["aud"] = "another-client".into(),
        Some(Fault::WrongAuthorizedParty) => claims["azp"] = "another-client".into(),
        Some(Fault::WrongIssuer) => claims["iss"] = "https://accounts.example.com".into(),
        Some(Fault::Expired) => claims["exp"] = (now - 120).into(),
        Some(Fault::FromTheFuture) => claims["iat"] = (now + 600).into(),
        Some(Fault::UnknownKey) => keys = &inner.unpublished,
        Some(Fault::Unsigned) => {
            let parts = [json!({ "alg": "none" }), claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
            return format!("{}.{}.", parts[0], parts[1]);
        }
        _ => {}
    }
    let (algorithm, kind, key) =
        if *elliptic { (Algorithm::ES256, "e", &keys.elliptic) } else { (Algorithm::RS256, "r", &keys.rsa) };
    let mut header = Header::new(algorithm);
    header.kid = Some(format!("{kind}{}", keys.name));
    if *fault == Some(Fault::SignedByHmac) {
        // The classic: the published key, taken for a shared secret.
        let published = serde_json::to_value(&keys.published()[0]).unwrap();
        let modulus = URL_SAFE_NO_PAD.decode(published["n"].as_str().unwrap()).unwrap();
        header.alg = Algorithm::HS256;
        return jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&modulus)).unwrap();
    }
    let token = jsonwebtoken::encode(&header, &claims, key).unwrap();
    if *fault == Some(Fault::Tampered) {
        claims["sub"] = "somebody-else".into();
        let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
        parts[1] = URL_SAFE_NO_PAD.encode(claims.to_string());
        return parts.join(".");
    }
    token
}
