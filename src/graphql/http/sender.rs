//! Who sends a request, how often they may, and whether a page may do it in their name.

use axum::http::{
    HeaderMap,
    header::{AUTHORIZATION, COOKIE, ORIGIN, USER_AGENT},
    request::Parts,
};

use super::peer;
use crate::{
    auth::{Viewer, cookie},
    config::{client_ip, network},
    error::{Error, Result},
    graphql::{charge::PERIOD, context::Client},
    limiter::{Decision, Quota},
    state::App,
};

/// Who sends a request.
pub(super) struct Sender {
    pub(super) viewer: Option<Viewer>,
    pub(super) client: Client,
    /// Whether a browser signed in by itself, at the bidding of whatever page.
    by_cookie: bool,
}

impl Sender {
    /// Whoever the bearer token or else the cookie stands for. A token that is given must be good;
    /// a cookie that is stale makes its browser a stranger, who can then sign in again.
    pub(super) async fn of(app: &App, parts: &Parts) -> Result<Self> {
        let headers = &parts.headers;
        let hops = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let ip = client_ip(peer(parts), hops.collect::<Vec<_>>(), &app.config.trusted_proxies);
        let client = Client { ip, user_agent: text(headers, USER_AGENT.as_str()).map(str::to_owned) };
        if let Some(token) = bearer(headers)? {
            return Ok(Self { viewer: Some(app.sessions.viewer(token).await?), client, by_cookie: false });
        }
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let Some(token) = cookies.filter_map(|header| cookie::read(header, cookie::SESSION)).next() else {
            return Ok(Self { viewer: None, client, by_cookie: false });
        };
        match app.sessions.viewer(token).await {
            Ok(viewer) => Ok(Self { viewer: Some(viewer), client, by_cookie: true }),
            Err(Error::Unauthenticated(_)) => Ok(Self { viewer: None, client, by_cookie: true }),
            Err(error) => Err(error),
        }
    }

    /// Takes one of the sender's requests of this minute. Strangers share by address, of IPv6 by network.
    pub(super) async fn take_permit(&self, app: &App) -> Decision {
        let quota = Quota { permits: app.config.limits.analytics_per_minute, period: PERIOD };
        app.limiter.check(&format!("analytics:{}", self.payer()), quota, 1).await
    }

    /// Whose quota the request is taken from.
    pub(super) fn payer(&self) -> String {
        match self.viewer {
            Some(viewer) => format!("user:{}", viewer.user_id.simple()),
            None => format!("address:{}", network(self.client.ip, 32, 64)),
        }
    }

    /// `Forbidden` when a browser brought its cookie along from a page that is not ours.
    pub(super) fn may_change(&self, app: &App, headers: &HeaderMap) -> Result<()> {
        let trusted =
            || cookie::is_trusted_page(&app.config, text(headers, ORIGIN.as_str()), text(headers, "sec-fetch-site"));
        if !self.by_cookie || trusted() {
            return Ok(());
        }
        Err(Error::Forbidden(
            "A request that changes something and is signed by a cookie must come from one of our own pages.",
        ))
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    if !headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let (scheme, token) =
        text(headers, AUTHORIZATION.as_str()).and_then(|value| value.split_once(' ')).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(Some(token.trim()))
    } else {
        Err(Error::Unauthenticated("Authorization must be Bearer and a session's token."))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
