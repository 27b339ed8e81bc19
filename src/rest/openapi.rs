//! The REST API described for programs (OpenAPI 3.1) and for people (Swagger UI).

mod others;
mod shapes;

use axum::{
    Json, Router,
    http::{HeaderValue, header},
    routing::get,
};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

pub use self::shapes::{Failure, NewEvent, Refused, Submission};
use super::{events, exports, limits, pixel};
use crate::state::App;

const DOCUMENT: &str = "/api/v1/openapi.json";
/// Swagger UI styles its elements one by one and draws with data URLs.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Unified Event Analytics: REST",
        description = "Sends events in. Questions are asked over GraphQL at `/graphql`; see `/playground`. \
            Clients made for Segment (`/v1/batch`, `/v1/track`, …), PostHog (`/batch`, `/e`, `/i/v0/e`, `/capture`), \
            Umami (`/api/send`) and Plausible (`/api/event`) may send here as well: each finds its own paths, \
            statuses and bodies, and needs only another host and key."
    ),
    paths(
        events::post_events,
        events::post_batch,
        pixel::get_pixel,
        limits::get_limits,
        exports::get_export,
        others::openapi_json,
        others::health,
        others::ready,
        others::metrics,
        others::sign_in,
        others::callback,
        others::logout,
    ),
    components(schemas(NewEvent, Submission)),
    modifiers(&Keys),
    tags(
        (name = "events", description = "Events in, and what may be sent."),
        (name = "people", description = "A person's data, for the person."),
        (name = "sign-in", description = "Sign-in by redirect. Everything else about accounts is GraphQL."),
        (name = "operation", description = "For orchestrators and monitoring."),
    )
)]
struct Document;

/// The ways a key may travel.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let described = |name: &str, text: &str| ApiKeyValue::with_description(name, text);
        let bearer =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("The API key as bearer token."));
        let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some("The API key as user name."));
        for (name, scheme) in [
            ("header", SecurityScheme::ApiKey(ApiKey::Header(described("X-API-Key", "The API key.")))),
            ("bearer", SecurityScheme::Http(bearer.build())),
            ("basic", SecurityScheme::Http(basic.build())),
            ("query", SecurityScheme::ApiKey(ApiKey::Query(described("key", "The API key, for beacons.")))),
        ] {
            components.add_security_scheme(name, scheme);
        }
    }
}

/// The description of every REST path.
pub fn document() -> openapi::OpenApi {
    Document::openapi()
}

/// The document, and the page that shows it.
pub fn router() -> Router<App> {
    let page: Router<App> = SwaggerUi::new("/api-docs").config(Config::new([DOCUMENT])).into();
    let policy = SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    Router::new().route(DOCUMENT, events::only("GET, HEAD", get(async || Json(document())))).merge(page.layer(policy))
}
