//! How many requests are worked on at once, and for how long each of them.
//!
//! A request holds its place while its body is awaited, so whoever sends none could hold many. Places are therefore
//! shared by the networks that clients come from: each may hold as many as are still free.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use tokio::time::timeout;

use super::protect::failure;
use crate::{
    config::{Config, network_id},
    error::Error,
    ingest::shares::{Shares, refused_for_want_of_room},
    rest::{body::READ_TIMEOUT, extract},
    state::App,
};

/// What a request may take beyond the narrower bound of its body or its question.
const GRACE: Duration = Duration::from_secs(5);

/// When to come back where there was no place.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long any request may take: longer than any narrower bound inside it.
pub(super) fn longest_request(config: &Config) -> Duration {
    config.limits.query_timeout.max(READ_TIMEOUT) + GRACE
}

/// What bounds requests of one kind, all of them together.
#[derive(Clone)]
pub(super) struct Bounds {
    app: App,
    longest: Duration,
    places: Shares,
}

impl Bounds {
    /// At most `most` at once; further ones are told to come back, rather than to wait in memory.
    pub(super) fn new(app: App, most: usize) -> Self {
        Self { longest: longest_request(&app.config), app, places: Shares::new(most) }
    }

    /// Says once that a proxy seems to stand in front of which the settings know nothing: then all are one network.
    fn warn_of_proxy(&self, request: &Request) {
        static IS_TOLD: AtomicBool = AtomicBool::new(false);
        if !self.app.config.trusted_proxies.is_empty() || !request.headers().contains_key("x-forwarded-for") {
            return;
        }
        let peer =
            request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
        let is_near = match peer {
            Some(IpAddr::V4(ip)) => ip.is_private() || ip.is_loopback(),
            Some(IpAddr::V6(ip)) => ip.is_unique_local() || ip.is_loopback(),
            None => false,
        };
        if is_near && !IS_TOLD.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "requests are forwarded, and X-Forwarded-For is not believed: all count as one network until \
                 TRUSTED_PROXIES names the proxy"
            );
        }
    }
}

/// Refuses what would be one request too many, and gives up on what takes too long. An event that
/// is being stored may still be; sending it again counts it once.
pub(super) async fn bound(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    bounds.warn_of_proxy(&request);
    let ip = extract::ip(request.headers(), request.extensions(), &bounds.app.config);
    let network = network_id(ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()));
    let Some(_place) = bounds.places.take(network, 1) else {
        return failure(refused_for_want_of_room("requests", RETRY_AFTER, "too many requests in flight"));
    };
    timeout(bounds.longest, next.run(request)).await.unwrap_or_else(|_| failure(Error::Timeout))
}
