//! What npm built for browsers: the dashboard, the playground, and the SDK for the pages of others.

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderName, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::compression::CompressionLayer;

/// The built dashboard; empty when the server was built without it.
#[derive(RustEmbed)]
#[folder = "dashboard/dist"]
struct Dashboard;

/// The built SDK for browsers; empty when the server was built without it.
#[derive(RustEmbed)]
#[folder = "sdk/dist"]
struct Sdk;

/// The built playground; empty when the server was built without it.
#[derive(RustEmbed)]
#[folder = "playground/dist"]
struct Playground;

/// What only this server may send, and nothing that stands in the page itself.
const DASHBOARD_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The same for a page that others may put on theirs: it knows no cookie, and nothing can be done there.
const EMBED_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors *";

/// Scripts only from files of this server, never inline. The editor writes style elements.
const PLAYGROUND_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// The built files carry a hash of their content in their names.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// The dashboard's addresses. Each is named: what is not stays 404, as a client of the API expects.
const ADDRESSES: [&str; 9] = [
    "/",
    "/sign-in",
    "/register",
    "/reset-password",
    "/invitation",
    "/new",
    "/account",
    "/organizations",
    "/apps/{*page}",
];

/// The dashboard and `/playground`.
pub fn router() -> Router {
    let dashboard = ADDRESSES.into_iter().fold(Router::new(), |router, address| router.route(address, get(dashboard)));
    dashboard
        .route("/shared", get(async || shared(DASHBOARD_POLICY)))
        .route("/embed", get(async || shared(EMBED_POLICY)))
        .route("/assets/{name}", get(asset::<Dashboard>))
        .route("/playground", get(playground))
        .route("/playground/", get(playground))
        .route("/playground/assets/{name}", get(asset::<Playground>))
        .layer(CompressionLayer::new())
}

/// The SDK for browsers, which pages of any site load, and its types.
pub fn sdk() -> Router {
    let files = ["/sdk.js", "/sdk.mjs", "/sdk.d.mts"];
    files.into_iter().fold(Router::new(), |router, file| router.route(file, get(script))).layer(CompressionLayer::new())
}

async fn script(uri: Uri, headers: HeaderMap) -> Response {
    let Some(EmbeddedFile { data, metadata, .. }) = Sdk::get(uri.path().trim_start_matches('/')) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag =
        metadata.sha256_hash().iter().take(8).fold("\"".to_owned(), |tag, byte| format!("{tag}{byte:02x}")) + "\"";
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes().ends_with(tag.as_bytes()));
    let head = [
        (header::ETAG, tag.as_str()),
        // Its name stays when it changes.
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    // Types have no media type of their own, and are read.
    let kind = if uri.path().ends_with("mts") { "text/plain" } else { "text/javascript" };
    (head, [(header::CONTENT_TYPE, format!("{kind}; charset=utf-8"))], data).into_response()
}

async fn dashboard() -> Response {
    match Dashboard::get("index.html") {
        Some(index) => page(DASHBOARD_POLICY, String::from_utf8_lossy(&index.data)),
        None => not_built("Event Analytics", "dashboard"),
    }
}

/// What whoever has a link to a dashboard gets.
fn shared(policy: &'static str) -> Response {
    match Dashboard::get("shared.html") {
        Some(index) => page(policy, String::from_utf8_lossy(&index.data)),
        None => not_built("Event Analytics", "dashboard"),
    }
}

async fn playground() -> Response {
    match Playground::get("index.html") {
        Some(index) => page(PLAYGROUND_POLICY, String::from_utf8_lossy(&index.data)),
        None => not_built("Playground", "playground"),
    }
}

/// A built file, which never changes under its name.
async fn asset<Files: RustEmbed>(Path(name): Path<String>) -> Response {
    let known = if name.contains('/') { None } else { Files::get(&format!("assets/{name}")) };
    let Some(EmbeddedFile { data, metadata, .. }) = known else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let head = [(header::CONTENT_TYPE, metadata.mimetype()), (header::CACHE_CONTROL, FOREVER)];
    (head, data).into_response()
}

fn page(policy: &'static str, html: impl Into<String>) -> Response {
    let headers = [(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-cache")];
    (headers, Html(html.into())).into_response()
}

/// What stands where a page was not built in, with the links that help all the same.
fn not_built(title: &str, what: &str) -> Response {
    let html = format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 4rem auto; padding: 0 1rem }}</style>
</head>
<body>
<h1>{title}</h1>
<p>This server was built without its {what}. In the source folder, <code>make web</code> builds it (Node is needed);
then build and start the server again.</p>
<p>GraphQL itself answers at <code>/graphql</code>, and the <a href="/api-docs">REST documentation</a> says how events
get in.</p>
</body>
</html>
"#
    );
    (StatusCode::NOT_FOUND, page(PLAYGROUND_POLICY, html)).into_response()
}
