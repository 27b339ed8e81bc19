//! Events for places where nothing but an image can be: mails, feeds, pages without scripts.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

use super::{error::Problem, extract, take};
use crate::{
    error::Error,
    ingest::{
        Receipt,
        wire::{Dialect, Format},
    },
    state::App,
};

/// Where it is.
pub(super) const PATH: &str = "/api/v1/pixel.gif";

/// A GIF of one transparent pixel.
const GIF: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// Fields that are numbers, or more than that, and stand as text in an address.
const JSON_FIELDS: [&str; 10] = [
    "hash",
    "timestamp",
    "sent_at",
    "sentAt",
    "screen_width",
    "screenWidth",
    "screen_height",
    "screenHeight",
    "revenue",
    "metadata",
];

/// Send an event by an image
///
/// Takes one event out of the query. Every name of a native event may be used; `metadata` is JSON.
/// Without a `url` the page that shows the image is it. Answers with a transparent image whatever comes
/// of it, and tells by its status.
#[utoipa::path(
    get, path = "/api/v1/pixel.gif", tag = "events",
    params(
        ("key" = Option<String>, Query, description = "The API key."),
        ("event_type" = Option<String>, Query, description = "What happened.", example = "open"),
        ("id" = Option<String>, Query, description = "The id that counts once, when the image may be loaded again."),
        ("user_id" = Option<String>, Query, description = "Who did it, once known."),
        ("url" = Option<String>, Query, description = "The page; by default the one that shows the image."),
        ("metadata" = Option<String>, Query, description = "Custom properties as a JSON object."),
    ),
    responses(
        (status = 200, description = "The event was kept, now or before.", body = [u8], content_type = "image/gif"),
        (status = 202, description = "The event is safe on disk, and stored when the database is back.", body = [u8], content_type = "image/gif"),
        (status = 400, description = "What the query says cannot be read.", body = [u8], content_type = "image/gif"),
        (status = 401, description = "The API key is missing, unknown, expired or revoked.", body = [u8], content_type = "image/gif"),
        (status = 403, description = "The API key may not be used from this origin.", body = [u8], content_type = "image/gif"),
        (status = 404, description = "The app of the key was deleted.", body = [u8], content_type = "image/gif"),
        (status = 422, description = "The event was refused.", body = [u8], content_type = "image/gif"),
        (status = 429, description = "Too many requests or events for the key.", body = [u8], content_type = "image/gif"),
        (status = 503, description = "Nothing was kept; try again later.", body = [u8], content_type = "image/gif"),
    ),
    security(("query" = []), ("header" = []), ("bearer" = []), ("basic" = []))
)]
pub(super) async fn get_pixel(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut headers = HeaderMap::new();
    // Whoever asks only how large the image is has not seen it.
    let status = if parts.method == Method::HEAD {
        StatusCode::OK
    } else {
        match read(&app, &parts, &mut headers).await {
            Ok(receipt) if receipt.refusal().is_some() => StatusCode::UNPROCESSABLE_ENTITY,
            Ok(receipt) if receipt.of("spooled") > 0 => StatusCode::ACCEPTED,
            Ok(_) => StatusCode::OK,
            Err(problem) => {
                let (status, more, _) = problem.into_parts();
                headers.extend(more);
                status
            }
        }
    };
    (status, [(header::CONTENT_TYPE, "image/gif"), (header::CACHE_CONTROL, "no-store")], headers, GIF).into_response()
}

async fn read(app: &App, parts: &Parts, allowed: &mut HeaderMap) -> Result<Receipt, Problem> {
    let raw = extract::raw_key(&parts.headers, parts.uri.query())?;
    let head = take::Head::of(app, parts);
    let (key, _place) = take::enter(app, head, &raw, allowed).await?;
    let event = serde_json::to_vec(&event(parts)).map_err(Error::internal)?;
    let events = Dialect::Native(Format::Json).split(&event, &app.config.limits)?;
    let prepared = take::prepare(app, head, &key, events, None).await;
    take::store(app, &key, prepared, allowed).await
}

/// The event of a query. Of a name that occurs twice the first counts.
fn event(parts: &Parts) -> Map<String, Value> {
    let mut event = Map::new();
    for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        if name == "key" || event.contains_key(name.as_ref()) {
            continue;
        }
        let json = JSON_FIELDS.contains(&name.as_ref()).then(|| serde_json::from_str(&value).ok()).flatten();
        event.insert(name.into_owned(), json.unwrap_or_else(|| Value::from(value)));
    }
    let page = parts.headers.get(header::REFERER).and_then(|page| page.to_str().ok());
    if let Some(page) = page
        && !event.contains_key("url")
    {
        event.insert("url".to_owned(), page.into());
    }
    event
}
