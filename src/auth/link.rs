//! Links to dashboards: whoever has one sees what the dashboard shows, and nothing else.
//!
//! What opens a dashboard is sent with every request, `link_` and the link's token; where the link takes a password,
//! with a proof behind it that its sender knew it: a keyed digest of what is kept of the password. So nothing is
//! stored of who has opened a link, and a link that is revoked, or given another password, is closed at once.

use std::{net::IpAddr, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sea_orm::{ColumnTrait, QueryFilter};
use subtle::ConstantTimeEq;
use uuid::{Uuid, fmt::Simple};

use crate::{
    auth::{self, AppScope, digest::Digests, one_time::Purpose, password},
    clock::Clock,
    config::{Limits, Secret, network},
    db::Db,
    entity::{
        dashboard_share::{Column, Entity, Model},
        role::Role,
    },
    error::{Error, Result},
    limiter::{Limiter, Quota},
};

/// What everything that opens a link begins with.
const PREFIX: &str = "link_";

/// Links that do not exist which an address may try.
const UNKNOWN: Quota = Quota { permits: 60, period: Duration::from_secs(60) };

const NO_LINK: Error = Error::Unauthenticated("The link is unknown, was revoked, or has expired.");

/// A link that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenLink {
    /// Row of `dashboard_shares`.
    pub id: Uuid,
    /// The dashboard it shows.
    pub dashboard: Uuid,
    /// Proof that its app may be read. What of it is for whoever has the link to say.
    pub scope: AppScope,
    /// From when on it shows nothing.
    pub expires_at: Option<i64>,
}

/// Knows links.
#[derive(Clone)]
pub struct Links {
    db: Db,
    clock: Clock,
    proofs: Digests,
}

/// Whether a bearer token says that it opens a link.
pub fn is_link(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// A new token of an app, and what is kept of it. It begins with the app, so that it is looked up where the app is.
pub fn generate(app: Uuid) -> (Secret, Vec<u8>) {
    let (token, digest) = Purpose::Share.generate();
    (Secret::new(format!("{}{}", app.simple(), token.expose())), digest)
}

/// The link of a token. What follows the `#` is sent to no server by a browser, and stands in no log.
pub fn address(token: &Secret, public_url: &url::Url) -> Secret {
    let server = public_url.as_str().trim_end_matches('/');
    Secret::new(format!("{server}/shared#{}", token.expose()))
}

impl Links {
    /// Proofs are made under a secret of the server; those under the one it had before are still good.
    pub fn new(db: Db, clock: Clock, secret: &Secret, previous: Option<&Secret>) -> Self {
        Self { db, clock, proofs: Digests::new(b"link:", secret, previous) }
    }

    /// What opens the link of a token from now on. `Invalid` where it takes a password and none is given,
    /// `Unauthenticated` where that is another one. Attempts at passwords count as sign-ins of their address.
    pub async fn unlock(
        &self,
        limiter: &Limiter,
        limits: &Limits,
        token: &str,
        password: Option<Secret>,
        ip: IpAddr,
    ) -> Result<(Secret, OpenLink)> {
        let token = token.trim();
        let row = self.find(limiter, token, ip).await?;
        let bearer = match (&row.password_hash, password) {
            (None, _) => format!("{PREFIX}{token}"),
            (Some(_), None) => return Err(Error::invalid("input.password", "This link takes a password.")),
            (Some(hash), Some(password)) => {
                auth::attempt(limiter, limits, ip).await?;
                password::check_length("input.password", &password)?;
                if !password::verify(password, Some(hash.clone())).await? {
                    return Err(Error::Unauthenticated("This is not the password of the link."));
                }
                let proof = self.proofs.of(row.id, hash);
                format!("{PREFIX}{token}.{}", BASE64_URL_SAFE_NO_PAD.encode(proof))
            }
        };
        Ok((Secret::new(bearer), opened(&row)))
    }

    /// The link that a bearer token opens; `Unauthenticated` where it opens none.
    pub async fn open(&self, limiter: &Limiter, bearer: &str, ip: IpAddr) -> Result<OpenLink> {
        let rest = bearer.strip_prefix(PREFIX).ok_or(NO_LINK)?;
        let (token, proof) = rest.split_once('.').map_or((rest, None), |(token, proof)| (token, Some(proof)));
        let row = self.find(limiter, token, ip).await?;
        if let Some(hash) = &row.password_hash {
            let proof = proof.and_then(|proof| BASE64_URL_SAFE_NO_PAD.decode(proof).ok()).unwrap_or_default();
            if !self.proofs.all_of(row.id, hash).any(|good| good.ct_eq(&proof).into()) {
                return Err(Error::Unauthenticated("This link takes a password. Open it by openSharedDashboard."));
            }
        }
        Ok(opened(&row))
    }

    async fn find(&self, limiter: &Limiter, token: &str, ip: IpAddr) -> Result<Model> {
        let (app, token) = token.split_at_checked(Simple::LENGTH).ok_or(NO_LINK)?;
        let app = app.parse::<Simple>().map_err(|_| NO_LINK)?.into_uuid();
        let digest = Purpose::Share.digest(token).ok_or(NO_LINK)?;
        let source = format!("unknown-link:{}", network(ip, 32, 64));
        // A look at what is left takes nothing, for the link may be a good one.
        if limiter.check(&source, UNKNOWN, 0).await.remaining == 0 {
            limiter.check(&source, UNKNOWN, 1).await.into_result()?;
        }
        let found = Entity::of_app(app).filter(Column::Digest.eq(digest)).one(&*self.db).await?;
        match found.filter(|row| row.expires_at.is_none_or(|at| at > self.clock.now_ms())) {
            Some(row) => Ok(row),
            None => {
                limiter.check(&source, UNKNOWN, 1).await;
                Err(NO_LINK)
            }
        }
    }
}

fn opened(row: &Model) -> OpenLink {
    let scope = AppScope { app_id: row.app_id, role: Role::Viewer, viewer: None };
    OpenLink { id: row.id, dashboard: row.dashboard_id, scope, expires_at: row.expires_at }
}
