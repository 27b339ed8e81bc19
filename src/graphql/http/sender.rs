//! Who sends a request, how often they may, and whether a page may do it in their name.

use std::{net::IpAddr, sync::Arc};

use axum::http::{
    HeaderMap, Method,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN, USER_AGENT},
    request::Parts,
};

use super::peer;
use crate::{
    auth::{
        Viewer,
        api_key::{self, ActiveKey},
        cookie,
        link::{self, OpenLink},
    },
    config::{client_ip, network},
    error::{Error, Result},
    graphql::{
        charge::PERIOD,
        context::{Asker, Client, KEYS_ONLY_READ, LINKS_ONLY_SHOW},
    },
    limiter::{Decision, Quota},
    state::App,
};

/// Who sends a request.
pub(super) struct Sender {
    pub(super) client: Client,
    who: Who,
}

/// As whom.
enum Who {
    Stranger {
        /// Whether a cookie came along that signs nobody in.
        by_cookie: bool,
    },
    Person {
        viewer: Viewer,
        /// Whether a browser signed in by itself, at the bidding of whatever page.
        by_cookie: bool,
    },
    Key(Arc<ActiveKey>),
    /// Somebody who has but a link to a dashboard.
    Link(OpenLink),
}

impl Sender {
    /// Whoever the bearer token or else the cookie stands for. A token that is given must be good, and one that is not
    /// takes one of the requests of its address; a cookie that is stale makes its browser a stranger, who can then
    /// sign in again.
    pub(super) async fn of(app: &App, parts: &Parts) -> Result<Self> {
        let hops = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let ip = client_ip(peer(parts), hops.collect::<Vec<_>>(), &app.config.trusted_proxies);
        let found = Self::at(app, &parts.headers, ip).await;
        if matches!(found, Err(Error::Unauthenticated(_))) {
            let quota = Quota { permits: app.config.limits.analytics_per_minute, period: PERIOD };
            app.limiter.check(&format!("unknown-bearer:{}", network(ip, 32, 64)), quota, 1).await.into_result()?;
        }
        found
    }

    async fn at(app: &App, headers: &HeaderMap, ip: IpAddr) -> Result<Self> {
        let client = Client { ip, user_agent: text(headers, USER_AGENT.as_str()).map(str::to_owned) };
        let who = match bearer(headers)? {
            Some(key) if api_key::is_key(key) => Who::Key(reader(app, headers, key, ip).await?),
            Some(token) if link::is_link(token) => Who::Link(app.links.open(&app.limiter, token, ip).await?),
            Some(token) => Who::Person { viewer: app.sessions.viewer(token, Some(ip)).await?, by_cookie: false },
            None => Who::of_cookie(app, headers, ip).await?,
        };
        Ok(Self { client, who })
    }

    /// The same, as resolvers see it.
    pub(super) fn asker(&self) -> Asker {
        match &self.who {
            Who::Stranger { .. } => Asker::Stranger,
            Who::Person { viewer, .. } => Asker::Person(*viewer),
            Who::Key(key) => Asker::Key(key.scope),
            Who::Link(link) => Asker::Link(*link),
        }
    }

    /// Takes one of the sender's requests of this minute. Strangers share by address, of IPv6 by network, and so do
    /// those who have but a link.
    pub(super) async fn take_permit(&self, app: &App) -> Decision {
        let most = app.config.limits.analytics_per_minute;
        let quota = Quota { permits: most, period: PERIOD };
        let (source, quota) = match &self.who {
            // Many may look from one network, and most answers are at hand.
            Who::Link(_) => {
                (format!("link:{}", self.address()), Quota { permits: quota.permits.saturating_mul(10), ..quota })
            }
            // Its app's admins may let a key ask less often than the server does, and not more.
            Who::Key(key) => {
                let permits = key.requests_per_minute.map_or(most, |own| own.min(most));
                (format!("key:{}", key.id.simple()), Quota { permits, ..quota })
            }
            _ => (self.payer(), quota),
        };
        app.limiter.check(&format!("analytics:{source}"), quota, 1).await
    }

    fn address(&self) -> String {
        format!("address:{}", network(self.client.ip, 32, 64))
    }

    /// Who pays for what the request asks. All keys of an app share its points, so that making more buys nothing.
    pub(super) fn payer(&self) -> String {
        match &self.who {
            Who::Stranger { .. } => self.address(),
            Who::Person { viewer, .. } => format!("user:{}", viewer.user_id.simple()),
            Who::Key(key) => format!("app:{}", key.scope.app_id().simple()),
            Who::Link(link) => format!("link:{}", link.id.simple()),
        }
    }

    /// The same, where everybody who has a link pays for themselves.
    pub(super) fn own_payer(&self) -> String {
        match &self.who {
            Who::Link(_) => format!("link:{}", self.address()),
            _ => self.payer(),
        }
    }

    /// Whether nobody is behind the request whom we know.
    pub(super) fn is_stranger(&self) -> bool {
        matches!(self.who, Who::Stranger { .. })
    }

    /// `Forbidden` when a browser brought its cookie along with a `GET` that any page could have made it
    /// send. Ours, and those that were listed, say who they are; others may send a header that no form or
    /// image can, for which a browser asks us first.
    pub(super) fn may_ask(&self, app: &App, parts: &Parts) -> Result<()> {
        let headers = &parts.headers;
        let forced = [CONTENT_TYPE.as_str(), "x-apollo-operation-name", "apollo-require-preflight"];
        let is_simple = |name: &&str| match headers.get(*name).map(|value| value.to_str().unwrap_or_default()) {
            Some(value) if *name == CONTENT_TYPE.as_str() => !value.starts_with("application/json"),
            value => value.is_none(),
        };
        if parts.method != Method::GET || !self.by_cookie() || self.is_trusted(app, headers) {
            return Ok(());
        }
        if forced.iter().all(is_simple) {
            return Err(Error::Forbidden(
                "A GET that is signed by a cookie must come from one of our own pages, or carry the header apollo-require-preflight.",
            ));
        }
        Ok(())
    }

    fn by_cookie(&self) -> bool {
        match &self.who {
            Who::Stranger { by_cookie } | Who::Person { by_cookie, .. } => *by_cookie,
            Who::Key(_) | Who::Link(_) => false,
        }
    }

    fn is_trusted(&self, app: &App, headers: &HeaderMap) -> bool {
        cookie::is_trusted_page(&app.config, text(headers, ORIGIN.as_str()), text(headers, "sec-fetch-site"))
    }

    /// Counts the request for its key, where it has one.
    pub(super) fn count_use(&self, app: &App) {
        if let Who::Key(key) = &self.who {
            app.api_keys.used(key, 1);
        }
    }

    /// The link, of somebody who has nothing else.
    pub(super) fn link(&self) -> Option<OpenLink> {
        if let Who::Link(link) = &self.who { Some(*link) } else { None }
    }

    /// `Forbidden` for a key or a link, and when a browser brought its cookie along from a page that is not ours.
    pub(super) fn may_change(&self, app: &App, headers: &HeaderMap) -> Result<()> {
        match &self.who {
            Who::Key(_) => return Err(KEYS_ONLY_READ),
            Who::Link(_) => return Err(LINKS_ONLY_SHOW),
            Who::Stranger { .. } | Who::Person { .. } => {}
        }
        if !self.by_cookie() || self.is_trusted(app, headers) {
            return Ok(());
        }
        Err(Error::Forbidden(
            "A request that changes something and is signed by a cookie must come from one of our own pages.",
        ))
    }
}

impl Who {
    /// Whoever the cookie stands for.
    async fn of_cookie(app: &App, headers: &HeaderMap, ip: IpAddr) -> Result<Self> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let Some(token) = cookie::SESSION.read(cookies, &app.config.public_url) else {
            return Ok(Self::Stranger { by_cookie: false });
        };
        match app.sessions.viewer(token, Some(ip)).await {
            Ok(viewer) => Ok(Self::Person { viewer, by_cookie: true }),
            Err(Error::Unauthenticated(_)) => Ok(Self::Stranger { by_cookie: true }),
            Err(error) => Err(error),
        }
    }
}

/// The key that asks; `Forbidden` unless it is one that reads, sent by a server.
async fn reader(app: &App, headers: &HeaderMap, raw: &str, ip: IpAddr) -> Result<Arc<ActiveKey>> {
    let key = app.api_keys.authenticate_from(raw, &app.limiter, Some(ip)).await?;
    key.admit_question(headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site"))?;
    Ok(key)
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
        Err(Error::Unauthenticated("Authorization must be Bearer and a session's token, or an API key that reads."))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
