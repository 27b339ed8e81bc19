//! PostHog's capture API, and what its libraries ask beside it: feature flags and remote
//! configuration, of which there are none here.

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{get_only, ignore, post_only, sentence};
use crate::{
    error::Error,
    ingest::wire::Dialect,
    rest::{
        body,
        error::Problem,
        extract::query_value,
        take::{Taken, take_request},
    },
    state::App,
};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// How a body begins that was compressed, whatever its headers say.
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

pub(super) fn router() -> Router<App> {
    let mut router = Router::new();
    for path in ["/capture", "/batch", "/e", "/track", "/i/v0/ai/batch"] {
        let slash = format!("{path}/");
        router = router.route(path, post_only(capture, refuse)).route(&slash, post_only(capture, refuse));
    }
    for path in ["/i/v0/e", "/i/v0/e/"] {
        router = router.route(path, post_only(ingest, refuse));
    }
    for path in ["/i/v1/analytics/events", "/i/v1/analytics/events/"] {
        router = router.route(path, post_only(analytics, refuse));
    }
    for path in ["/decide", "/decide/", "/flags", "/flags/"] {
        router = router.route(path, post_only(flags, refuse));
    }
    router
        .route("/array/{key}/config", get_only(async || Json(configuration()), refuse))
        .route("/array/{key}/config.js", get_only(script, refuse))
}

async fn capture(State(app): State<App>, request: Request) -> Response {
    answer(&app, request, json!(1)).await
}

async fn ingest(State(app): State<App>, request: Request) -> Response {
    answer(&app, request, json!("Ok")).await
}

async fn answer(app: &App, mut request: Request, success: Value) -> Response {
    trust_the_body(&mut request);
    let (parts, Taken { allowed, receipt }) = take_request(app, request, Dialect::PostHog).await;
    let beacon = query_value(parts.uri.query(), "beacon").is_some_and(|beacon| beacon == "1");
    let answer = match receipt {
        Ok(receipt) => match receipt.refusal() {
            None if beacon => StatusCode::NO_CONTENT.into_response(),
            None => Json(json!({"status": success})).into_response(),
            Some(refusal) => refuse(refusal.into()),
        },
        Err(problem) => refuse(problem),
    };
    (allowed, answer).into_response()
}

/// Whether a body is compressed by gzip is told by its first bytes. Some say so of one that is not, and some
/// proxies inflate it and leave the header.
fn trust_the_body(request: &mut Request) {
    let is_gzip = |coding: &HeaderValue| coding.to_str().is_ok_and(|coding| coding.trim().eq_ignore_ascii_case("gzip"));
    if request.headers().get(header::CONTENT_ENCODING).is_some_and(is_gzip) {
        request.headers_mut().remove(header::CONTENT_ENCODING);
    }
}

/// Events of libraries that want to be told what became of each: those that were refused are dropped, and
/// there is nothing to send again.
async fn analytics(State(app): State<App>, mut request: Request) -> Response {
    trust_the_body(&mut request);
    let (_, Taken { allowed, receipt }) = take_request(&app, request, Dialect::PostHog).await;
    let answer = match receipt {
        Ok(receipt) => {
            let results = receipt.items.into_iter().filter_map(|(id, verdict)| {
                let result = match verdict.refusal() {
                    None => json!({"result": "ok"}),
                    Some(refusal) => json!({"result": "drop", "details": refusal.code.to_ascii_lowercase()}),
                };
                Some((id?, result))
            });
            Json(json!({"results": results.collect::<Map<_, _>>()})).into_response()
        }
        Err(problem) => refuse(problem),
    };
    (allowed, answer).into_response()
}

fn refuse(problem: Problem) -> Response {
    let (status, headers, fault) = problem.into_parts();
    let status = if status == StatusCode::UNPROCESSABLE_ENTITY { StatusCode::BAD_REQUEST } else { status };
    let kind = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "authentication_error",
        StatusCode::TOO_MANY_REQUESTS => "throttled_error",
        status if status.is_server_error() => "server_error",
        _ => "validation_error",
    };
    let code = fault.code.to_ascii_lowercase();
    let body = json!({"type": kind, "code": code, "detail": sentence(&fault), "attr": fault.field});
    (status, headers, Json(body)).into_response()
}

/// No flags. Old libraries read the half of it, new ones the other.
async fn flags(State(app): State<App>, request: Request) -> Response {
    ignore(&app, request).await;
    let mut flags = configuration();
    for (name, value) in [
        ("flags", json!({})),
        ("featureFlags", json!({})),
        ("featureFlagPayloads", json!({})),
        ("errorsWhileComputingFlags", json!(false)),
    ] {
        flags[name] = value;
    }
    Json(flags).into_response()
}

/// What the server has of the rest of PostHog: nothing. Surveys are not mentioned, for a library that
/// hears of them loads what shows them.
fn configuration() -> Value {
    json!({
        "supportedCompression": ["gzip", "gzip-js"],
        "hasFeatureFlags": false,
        "autocapture_opt_out": false,
        "capturePerformance": false,
        "captureDeadClicks": false,
        "heatmaps": false,
        "sessionRecording": false,
        "errorTracking": {"autocaptureExceptions": false, "suppressionRules": []},
        "defaultIdentifiedOnly": true,
        "toolbarParams": {},
        "siteApps": [],
    })
}

/// The configuration, as a page loads it.
async fn script(Path(key): Path<String>) -> Response {
    // The key stands in the script, so it may be nothing but a name.
    if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return refuse(Error::NotFound("address").into());
    }
    let script = format!(
        "(window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{{}})[\"{key}\"]={{config:{},siteApps:[]}};",
        configuration()
    );
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], script).into_response()
}

/// The events of a body, which may be a form, base64, compressed, or several of these at once;
/// what a client says of it is not always so, and it can be told from the body itself.
pub(in crate::rest) async fn unpack(
    headers: &HeaderMap,
    incoming: &mut body::Incoming,
    body: Bytes,
) -> Result<Bytes, Problem> {
    let body = inflate(incoming, body).await?;
    let form = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(FORM));
    let body = if form || body.starts_with(b"data=") {
        let data = url::form_urlencoded::parse(&body).find(|(name, _)| name == "data");
        data.map_or(body.clone(), |(_, data)| data.into_owned().into())
    } else {
        body
    };
    let trimmed = body.trim_ascii();
    let plain = trimmed.first().is_none_or(|first| b"{[".contains(first)) || trimmed.starts_with(&GZIP);
    // In a form, a plus that was not escaped has become a space.
    let plus = |byte: &u8| if *byte == b' ' { b'+' } else { *byte };
    let decoded = if plain { None } else { BASE64.decode(trimmed.iter().map(plus).collect::<Vec<u8>>()).ok() };
    inflate(incoming, decoded.map_or(body, Bytes::from)).await
}

const FORM: &[u8] = b"application/x-www-form-urlencoded";

async fn inflate(incoming: &mut body::Incoming, bytes: Bytes) -> Result<Bytes, Problem> {
    if bytes.starts_with(&GZIP) { incoming.inflate(body::gunzip(&*bytes)).await } else { Ok(bytes) }
}

/// When the request was sent, as browsers say it in its address.
pub(in crate::rest) fn sent_at(query: Option<&str>) -> Option<i64> {
    let milliseconds: i64 = query_value(query, "_")?.parse().ok()?;
    // Old libraries counted seconds, which are too coarse to tell a clock by.
    (milliseconds > 1_000_000_000_000).then_some(milliseconds)
}
