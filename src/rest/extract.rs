//! What the ingestion endpoints take out of the head of a request: key, sender, format.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use url::Url;

use super::error::Problem;
use crate::{
    auth::api_key::ActiveKey,
    config::{Config, client_ip},
    error::{Error, Result},
    ingest::{
        enrich::{Hints, Sender},
        wire::Format,
    },
};

/// There is no key anywhere.
pub const NO_KEY: Error =
    Error::Unauthenticated("An API key is needed: send it as X-API-Key, as Authorization: Bearer, or as ?key=.");

/// How every key begins.
const MARK: &str = "uea_";

/// The raw API key, wherever the client put it. Headers win over the address, which ends up in
/// logs and is meant for beacons that can set no header.
pub fn raw_key(headers: &HeaderMap, query: Option<&str>) -> Result<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let own = || header("x-api-key").map(str::to_owned).filter(|key| !key.is_empty());
    let authorized = || {
        let (scheme, credential) = header("authorization")?.split_once(' ')?;
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(credential.trim().to_owned()).filter(|key| !key.is_empty()),
            "basic" => basic_key(credential.trim()),
            _ => None,
        }
    };
    own().or_else(authorized).or_else(|| query_value(query, "key")).ok_or(NO_KEY)
}

/// The key as user name, with an empty password, as older SDKs send it. What is none is a password of
/// something in front of this server, and not meant for it.
fn basic_key(credential: &str) -> Option<String> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(credential).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    [user, password].into_iter().find(|word| word.starts_with(MARK)).map(str::to_owned)
}

/// A parameter of the query string.
pub fn query_value(query: Option<&str>, name: &str) -> Option<String> {
    let (_, value) = url::form_urlencoded::parse(query?.as_bytes()).find(|(key, _)| key == name)?;
    Some(value.into_owned())
}

/// The origin of the page that sends, as the browser says. Of an image it says no `Origin`, but a
/// `Referer`.
pub fn origin(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    // What is no text is no origin that could be on a list.
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let of_page =
        |address: &str| Url::parse(address).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization());
    text(header::ORIGIN).map(Cow::Borrowed).or_else(|| Some(Cow::Owned(of_page(text(header::REFERER)?))))
}

/// From which address a request comes, through trusted proxies.
pub fn ip(headers: &HeaderMap, extensions: &Extensions, config: &Config) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    let forwarded: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    Some(client_ip(peer.ip(), forwarded, &config.trusted_proxies))
}

/// Who sends, and to whom: the address that was found, what the browser says of itself, the app's settings.
pub fn sender(headers: &HeaderMap, ip: Option<IpAddr>, key: &ActiveKey) -> Sender {
    let user_agent =
        headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let hints = Hints::read(|name| headers.get(name).and_then(|value| value.to_str().ok()));
    Sender { ip, user_agent, hints, settings: key.settings.clone() }
}

/// The layout that `Content-Type` names. Plain text is JSON as well, because a page may send that
/// to another origin without asking first.
pub fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(Format::Json) };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/json" | "text/plain" => Ok(Format::Json),
        "application/x-ndjson" | "application/ndjson" => Ok(Format::Ndjson),
        _ => {
            let message = "Content-Type must be application/json, application/x-ndjson or text/plain.";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message).at("content-type"))
        }
    }
}
