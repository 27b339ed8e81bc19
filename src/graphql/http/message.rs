//! Requests and answers as bytes and headers.

use std::{collections::BTreeMap, time::Duration};

use async_graphql::{Response as Answer, ServerError, Value, Variables};
use axum::{
    body::{Body, to_bytes},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::{Refusal, stored::Persisted};
use crate::{error::Error, limiter::Decision};

/// Bytes of a request.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// What a request asks.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Params {
    /// Absent where the document is named.
    pub(super) query: Option<String>,
    pub(super) operation_name: Option<String>,
    #[serde(deserialize_with = "variables")]
    pub(super) variables: Variables,
    #[serde(rename = "extensions", deserialize_with = "persisted")]
    pub(super) persisted: Option<Persisted>,
}

/// Of an object, or null for none, what it says about a persisted query. Other extensions are none of ours.
fn persisted<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Option<Persisted>, D::Error> {
    let map = Option::<Map<String, serde_json::Value>>::deserialize(source)?;
    let named = map.and_then(|mut map| map.remove("persistedQuery"));
    named.map(serde_json::from_value).transpose().map_err(serde::de::Error::custom)
}

/// An object, or null for none.
fn variables<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Variables, D::Error> {
    let map = Option::<Map<String, serde_json::Value>>::deserialize(source)?;
    Ok(Variables::from_json(serde_json::Value::Object(map.unwrap_or_default())))
}

impl Params {
    /// Of `POST` with a JSON object.
    pub(super) async fn from_body(headers: &HeaderMap, body: Body) -> Result<Self, Refusal> {
        let is_json = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_json);
        let is_plain = headers.get(CONTENT_ENCODING).is_none_or(|value| value == "identity");
        if !is_json || !is_plain {
            let text = "The body must be JSON in UTF-8, uncompressed, with the content type application/json.";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let declared = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if declared.is_some_and(|bytes| bytes > MAX_BODY as u64) {
            return Err(too_large());
        }
        let bytes = to_bytes(body, MAX_BODY).await.map_err(unread)?;
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "Batches are not taken. Send one operation a request."));
        }
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let params = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let (path, cause) = (error.path().to_string(), error.into_inner());
            wrong((path != ".").then_some(path), format!("The body must be a JSON object with a query: {cause}."))
        })?;
        json.end().map_err(|error| wrong(None, format!("The body must be one JSON object: {error}.")))?;
        Ok(params)
    }

    /// Of `GET`, from the address.
    pub(super) fn from_query(query: &str) -> Result<Self, Refusal> {
        if query.len() > MAX_BODY {
            return Err(too_large());
        }
        let mut params = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "query" => params.query = Some(value.into_owned()),
                "operationName" if !value.is_empty() => params.operation_name = Some(value.into_owned()),
                "variables" if !value.is_empty() => {
                    let read = variables(&mut serde_json::Deserializer::from_str(&value));
                    params.variables = read.map_err(|error| {
                        wrong(Some("variables".into()), format!("variables must be a JSON object: {error}."))
                    })?;
                }
                "extensions" if !value.is_empty() => {
                    let read = persisted(&mut serde_json::Deserializer::from_str(&value));
                    params.persisted = read.map_err(|error| {
                        wrong(Some("extensions".into()), format!("extensions must be a JSON object: {error}."))
                    })?;
                }
                _ => {}
            }
        }
        Ok(params)
    }
}

fn wrong(field: Option<String>, message: String) -> Refusal {
    Error::Invalid { field, message }.into()
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("A request may hold {MAX_BODY} bytes."))
}

fn unread(error: axum::Error) -> Refusal {
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit exceeded") {
            return too_large();
        }
        cause = error.source();
    }
    Refusal::new(StatusCode::BAD_REQUEST, "The body ended early.")
}

fn is_json(content_type: &str) -> bool {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let is_utf8 = |parameter: &str| match parameter.trim().split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    };
    essence.trim().eq_ignore_ascii_case("application/json") && parameters.split(';').all(is_utf8)
}

/// How an answer is labelled, which also decides what its status says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaType {
    /// The status tells whether the document was run.
    GraphqlResponse,
    /// For older clients: every document that was read is answered with 200.
    Json,
}

impl MediaType {
    /// The better one of those that `Accept` allows.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(ACCEPT) {
            return Some(Self::Json);
        }
        let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        let mut found = None;
        for range in ranges {
            let (essence, parameters) = range.split_once(';').unwrap_or((range, ""));
            if parameters.split(';').any(|parameter| matches!(parameter.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
            {
                continue;
            }
            match essence.trim().to_ascii_lowercase().as_str() {
                "application/graphql-response+json" => return Some(Self::GraphqlResponse),
                "application/json" | "application/*" | "*/*" => found = Some(Self::Json),
                _ => {}
            }
        }
        found
    }

    /// The status of an answer to a request that could be read.
    pub(super) fn status_of(self, answer: &Answer) -> StatusCode {
        if self == Self::GraphqlResponse && was_not_run(answer) { StatusCode::BAD_REQUEST } else { StatusCode::OK }
    }

    fn label(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }
}

/// Whether the document or its variables were refused before any field was resolved.
fn was_not_run(answer: &Answer) -> bool {
    answer.data == Value::Null && !answer.errors.is_empty() && answer.errors.iter().all(|error| error.path.is_empty())
}

/// An answer as it is written: without `data` when nothing was run.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "<[ServerError]>::is_empty")]
    errors: &'a [ServerError],
    extensions: &'a BTreeMap<String, Value>,
}

/// The response, with what remains of the sender's quota.
pub(super) fn write(status: StatusCode, media: MediaType, answer: Answer, decision: Option<Decision>) -> Response {
    let body = Written {
        data: (!was_not_run(&answer)).then_some(&answer.data),
        errors: &answer.errors,
        extensions: &answer.extensions,
    };
    let Ok(body) = serde_json::to_vec(&body) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media.label());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(answer.http_headers);
    tell(headers, decision);
    if let Some(wait) = answer.errors.iter().find_map(retry_after) {
        headers.insert(RETRY_AFTER, wait.into());
    }
    match status {
        StatusCode::UNAUTHORIZED => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        StatusCode::METHOD_NOT_ALLOWED => drop(headers.insert(ALLOW, HeaderValue::from_static("GET, POST"))),
        _ => {}
    }
    response
}

/// What remains of the sender's quota, in the headers of an answer.
pub(super) fn tell(headers: &mut HeaderMap, decision: Option<Decision>) {
    let Some(decision) = decision else { return };
    headers.insert("ratelimit-limit", decision.limit.into());
    headers.insert("ratelimit-remaining", decision.remaining.into());
    headers.insert("ratelimit-reset", seconds(decision.reset_after));
}

/// For how many seconds an error asks to wait, as its extensions say.
fn retry_after(failure: &ServerError) -> Option<u64> {
    match failure.extensions.as_ref()?.get("retryAfter")? {
        Value::Number(seconds) => seconds.as_u64(),
        _ => None,
    }
}

fn seconds(duration: Duration) -> HeaderValue {
    HeaderValue::from(duration.as_secs_f64().ceil() as u64)
}
