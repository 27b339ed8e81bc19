//! Under which names the server answers browsers.
//!
//! A page of a stranger whose name is made to point at this server is, to a browser, of the same origin as
//! whatever answers under that name. So what people see and ask is answered only under names that are ours.
//! Events and health are not part of it: they know no cookie, and are sent to whatever name leads here.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{config::Config, rest::error::Problem};

/// The names, in lower case.
#[derive(Clone)]
pub(super) struct Hosts(Arc<[String]>);

impl Hosts {
    /// That of `PUBLIC_URL` and those of `ALLOWED_HOSTS`.
    pub(super) fn of(config: &Config) -> Self {
        let own = config.public_url.host_str().map(str::to_ascii_lowercase);
        Self(own.into_iter().chain(config.allowed_hosts.iter().cloned()).collect())
    }

    /// Whether this is one of them. An address is no name that somebody could have pointed here, and a
    /// browser asks nobody for `localhost`.
    fn admit(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let is_address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        let fits = |listed: &String| match listed.strip_prefix('*') {
            Some(end) => host.ends_with(end) && host.len() > end.len() || end.is_empty(),
            None => *listed == host,
        };
        is_address || host == "localhost" || host.ends_with(".localhost") || self.0.iter().any(fits)
    }
}

/// Refuses requests that were meant for another server.
pub(super) async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    match host(request.uri(), request.headers()) {
        Some(host) if hosts.admit(host.host()) => next.run(request).await,
        _ => {
            let message =
                "This server is not asked under that name. If it should be, PUBLIC_URL or ALLOWED_HOSTS has to say so.";
            Problem::new(StatusCode::MISDIRECTED_REQUEST, "WRONG_HOST", message).into_response()
        }
    }
}

/// The name that was asked for: in HTTP/2 it is part of the address.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    if let Some(authority) = uri.authority() {
        return Some(authority.clone());
    }
    let mut all = headers.get_all(header::HOST).iter();
    let only = all.next().filter(|_| all.next().is_none());
    only?.to_str().ok()?.parse().ok()
}
