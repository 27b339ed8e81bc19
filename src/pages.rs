//! The pages a browser opens: the front page, and the playground that npm built from `playground/`.

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::compression::CompressionLayer;

/// The built playground; empty when the server was built without it.
#[derive(RustEmbed)]
#[folder = "playground/dist"]
struct Playground;

/// Scripts only from files of this server, never inline. The editor writes style elements.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// The built files carry a hash of their content in their names.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// `/` and `/playground`. `google` says whether to offer signing in with Google.
pub fn router(google: bool) -> Router {
    Router::new()
        .route("/", get(async move || page(front_page(google))))
        .route("/playground", get(playground))
        .route("/playground/", get(playground))
        .route("/playground/assets/{name}", get(asset))
        .layer(CompressionLayer::new())
}

fn page(html: impl Into<String>) -> Response {
    let headers = [(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY), (header::CACHE_CONTROL, "no-cache")];
    (headers, Html(html.into())).into_response()
}

async fn playground() -> Response {
    match Playground::get("index.html") {
        Some(index) => page(String::from_utf8_lossy(&index.data)),
        None => (StatusCode::NOT_FOUND, page(document("Playground", NOT_BUILT))).into_response(),
    }
}

async fn asset(Path(name): Path<String>) -> Response {
    let Some(EmbeddedFile { data, metadata, .. }) = Playground::get(&format!("assets/{name}")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    ([(header::CONTENT_TYPE, metadata.mimetype()), (header::CACHE_CONTROL, FOREVER)], data).into_response()
}

fn front_page(google: bool) -> String {
    let sign_in = if google { r#"<li><a href="/auth/google">Sign in with Google</a></li>"# } else { "" };
    document(
        "Event Analytics",
        &format!(
            r#"<p>Events in over REST, exact answers out over GraphQL.</p>
<ul>
{sign_in}
<li><a href="/playground">Playground</a>: sign in and ask, with examples</li>
<li><a href="/api-docs">REST documentation</a>: how events get in</li>
<li><a href="/ready">Is it ready?</a></li>
</ul>"#
        ),
    )
}

const NOT_BUILT: &str = "<p>This server was built without its playground. In the source folder, <code>make web</code> \
    builds it (Node is needed); then build and start the server again.</p>\n<p>GraphQL itself answers at \
    <code>/graphql</code>.</p>";

fn document(title: &str, body: &str) -> String {
    format!(
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
{body}
</body>
</html>
"#
    )
}
