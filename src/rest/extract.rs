//! What the ingestion endpoints take out of a request: key, sender, format, body.

use std::{io, net::SocketAddr, pin::Pin, time::Duration};

use async_compression::{
    tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder},
    zstd::DParameter,
};
use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures::TryStreamExt;
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio_util::io::StreamReader;

use super::error::Problem;
use crate::{
    config::{Config, client_ip},
    error::{Error, Result},
    ingest::{enrich::Sender, wire::Format},
};

/// How long a client may take to send the body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// The window a zstd frame may ask for, as a power of two: 8 MiB, which every level but "ultra"
/// keeps to.
const ZSTD_WINDOW: u32 = 23;

/// The raw API key, wherever the client put it. Headers win over the address, which ends up in
/// logs and is meant for beacons that can set no header.
pub fn raw_key(headers: &HeaderMap, query: Option<&str>) -> Result<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(key) = header("x-api-key") {
        return Ok(key.to_owned());
    }
    if let Some((scheme, credential)) = header("authorization").and_then(|value| value.split_once(' ')) {
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => return Ok(credential.trim().to_owned()),
            "basic" => {
                if let Some(key) = basic_key(credential.trim()) {
                    return Ok(key);
                }
            }
            _ => {}
        }
    }
    query_value(query, "key").ok_or(Error::Unauthenticated(
        "An API key is needed: send it as X-API-Key, as Authorization: Bearer, or as ?key=.",
    ))
}

/// The key as user name, with an empty password, as older SDKs send it.
fn basic_key(credential: &str) -> Option<String> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(credential).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some(if user.is_empty() { password } else { user }.to_owned())
}

/// A parameter of the query string.
pub fn query_value(query: Option<&str>, name: &str) -> Option<String> {
    let (_, value) = url::form_urlencoded::parse(query?.as_bytes()).find(|(key, _)| key == name)?;
    Some(value.into_owned())
}

/// Who sends: the address through trusted proxies, and the user agent.
pub fn sender(headers: &HeaderMap, extensions: &Extensions, config: &Config) -> Sender {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let forwarded: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    let user_agent =
        headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Sender { ip: peer.map(|peer| client_ip(peer, forwarded, &config.trusted_proxies)), user_agent }
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

/// The whole body, inflated. Neither what arrives nor what it inflates to may exceed `most`
/// bytes; reading stops there, so that a bomb costs no more than an honest body.
pub async fn read_body(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > most as u64) {
        return Err(too_large(most));
    }
    let encoding = headers.get(header::CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap_or("?"));
    // One byte more than may come tells "too much" from "just enough".
    let raw = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    let raw = BufReader::with_capacity(16 * 1_024, raw.take(most as u64 + 1));
    let inflated: Pin<Box<dyn AsyncRead + Send>> = match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Box::pin(raw),
        "gzip" | "x-gzip" => Box::pin(GzipDecoder::new(raw)),
        "deflate" => Box::pin(ZlibDecoder::new(raw)),
        "br" => Box::pin(BrotliDecoder::new(raw)),
        "zstd" => Box::pin(ZstdDecoder::with_params(raw, &[DParameter::window_log_max(ZSTD_WINDOW)])),
        _ => return Err(unknown_encoding()),
    };
    let capacity = announced.and_then(|announced| usize::try_from(announced).ok()).unwrap_or(1_024);
    let mut bytes = Vec::with_capacity(capacity);
    let mut inflated = inflated.take(most as u64 + 1);
    match tokio::time::timeout(BODY_TIMEOUT, inflated.read_to_end(&mut bytes)).await {
        Ok(Ok(_)) if bytes.len() > most => Err(too_large(most)),
        Ok(Ok(_)) => Ok(bytes.into()),
        Ok(Err(error)) => {
            tracing::debug!(%error, encoding, "unreadable body");
            Err(Error::invalid("body", "The body is incomplete, or not what Content-Encoding says.").into())
        }
        Err(_) => {
            let message = "The body did not arrive in time.";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "TIMEOUT", message).at("body"))
        }
    }
}

fn too_large(most: usize) -> Problem {
    let message = format!("A request may hold at most {most} bytes, inflated.");
    Error::TooLarge { field: Some("body".into()), message }.into()
}

fn unknown_encoding() -> Problem {
    let message = "Content-Encoding must be gzip, deflate, br or zstd, and only one of them.";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_ENCODING", message)
        .at("content-encoding")
        .with(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br, zstd"))
}
