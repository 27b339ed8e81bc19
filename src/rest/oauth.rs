//! Sign-in by redirect, and sign-out.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Router,
    extract::{ConnectInfo, Path, Query, State, rejection::QueryRejection},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, LOCATION, ORIGIN, RETRY_AFTER, SET_COOKIE, USER_AGENT},
    },
    response::{AppendHeaders, Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

use crate::{
    auth::{
        self,
        cookie::{self, Cookie},
        oauth::{self, ATTEMPT_SECONDS, Callback, Refusal, SignIn},
        session,
    },
    config::client_ip,
    error::Error,
    rest::error::whole_seconds,
    state::App,
};

/// The routes. Those of a provider that is not configured are not there.
pub fn router() -> Router<App> {
    Router::new()
        .route("/auth/{provider}", get(start))
        .route("/auth/{provider}/callback", get(finish))
        .route("/auth/logout", post(sign_out))
}

#[derive(Deserialize)]
struct Start {
    return_to: Option<String>,
}

/// Sends the browser to the provider.
async fn start(
    State(app): State<App>,
    Path(provider): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    query: Result<Query<Start>, QueryRejection>,
) -> Result<Response, Page> {
    let provider = configured(&app, &provider)?;
    auth::attempt(&app.limiter, &app.config.limits, address(&app, peer, &headers)).await?;
    let return_to = query.ok().and_then(|Query(start)| start.return_to);
    let attempt = provider.start(return_to.as_deref()).await?;
    let ticket = cookie::TICKET.set(attempt.ticket.expose(), ATTEMPT_SECONDS, &app.config.public_url);
    Ok(redirect(attempt.url.as_str(), [ticket]))
}

/// Takes the browser back, signed in or with a page that says why not.
async fn finish(
    State(app): State<App>,
    Path(provider): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    query: Result<Query<Callback>, QueryRejection>,
) -> Result<Response, Page> {
    let provider = configured(&app, &provider)?;
    let ip = address(&app, peer, &headers);
    auth::returned(&app.limiter, &app.config.limits, ip).await?;
    let Query(callback) = query.map_err(|_| Refusal::Expired)?;
    let ticket = cookie_of(&app, &headers, cookie::TICKET);
    let (identity, return_to) = provider.finish(&app.limiter, ticket, callback).await?;
    let user = oauth::account::of(&app.db, &app.clock, app.config.registration, identity, ip).await?;
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let started = app.sessions.start(user.id, agent, Some(ip)).await?;
    let url = &app.config.public_url;
    let lifetime = session::LIFETIME.as_secs() as i64;
    let token = cookie::SESSION.set(started.token.expose(), lifetime, url);
    Ok(redirect(&return_to, [token, cookie::TICKET.clear(url)]))
}

/// Ends the session of the cookie or the bearer token, and makes the browser forget the cookie.
/// Whoever is signed in no more is signed out already.
async fn sign_out(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, Page> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    if bearer.is_none() && !cookie::is_trusted_page(&app.config, text(ORIGIN.as_str()), text("sec-fetch-site")) {
        return Err(Error::Forbidden("Only pages of this server may sign out.").into());
    }
    if let Some(token) = bearer.or_else(|| cookie_of(&app, &headers, cookie::SESSION)) {
        match app.sessions.viewer(token, Some(address(&app, peer, &headers))).await {
            Ok(viewer) => drop(app.sessions.revoke(viewer, viewer.session_id).await?),
            Err(Error::Unauthenticated(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let gone = cookie::SESSION.clear(&app.config.public_url);
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, gone)]).into_response())
}

fn configured<'a>(app: &'a App, slug: &str) -> Result<&'a SignIn, Page> {
    let provider = app.providers.iter().find(|provider| provider.slug() == slug);
    provider.ok_or(Page(Refusal::Failed(Error::NotFound("page"))))
}

fn address(app: &App, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded: Vec<_> = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    client_ip(peer.ip(), forwarded, &app.config.trusted_proxies)
}

fn cookie_of<'a>(app: &App, headers: &'a HeaderMap, cookie: Cookie) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    cookie.read(lines, &app.config.public_url)
}

fn redirect<const N: usize>(to: &str, cookies: [String; N]) -> Response {
    let cookies = AppendHeaders(cookies.map(|cookie| (SET_COOKIE, cookie)));
    let headers = [(LOCATION, to.to_owned()), (CACHE_CONTROL, "no-store".to_owned())];
    (StatusCode::SEE_OTHER, headers, cookies).into_response()
}

/// A plain page that says what went wrong to a person, and its code to a program.
struct Page(Refusal);

impl<E: Into<Refusal>> From<E> for Page {
    fn from(refusal: E) -> Self {
        Self(refusal.into())
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let status = match &self.0 {
            Refusal::Denied | Refusal::Expired | Refusal::Untrusted(_) => StatusCode::BAD_REQUEST,
            Refusal::EmailUnverified | Refusal::NotInvited | Refusal::Failed(Error::Forbidden(_)) => {
                StatusCode::FORBIDDEN
            }
            Refusal::AccountExists => StatusCode::CONFLICT,
            Refusal::Failed(Error::NotFound(_)) => StatusCode::NOT_FOUND,
            Refusal::Failed(Error::RateLimited { .. }) => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Failed(Error::Unavailable { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut retry = None;
        match &self.0 {
            Refusal::Failed(error) => {
                error.log();
                retry = error.retry_after().map(|after| [(RETRY_AFTER, whole_seconds(after).to_string())]);
            }
            Refusal::Untrusted(reason) => tracing::warn!(%reason, "sign-in refused"),
            _ => {}
        }
        // Every message is a text of ours, so none needs escaping.
        let page = format!(
            "<!doctype html><html lang=en><meta charset=utf-8><title>Sign-in</title>\
             <h1>Sign-in did not work</h1><p>{}</p><p><code>{}</code></p><p><a href=\"/\">Back</a></p>",
            self.0,
            self.0.code()
        );
        (status, [(CACHE_CONTROL, "no-store")], retry, Html(page)).into_response()
    }
}
