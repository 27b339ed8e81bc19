//! Sign-ins: a token of seven days that is worth something only while its stored session is.

use std::{net::IpAddr, sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, EntityTrait, ExprTrait, QueryFilter, QuerySelect, entity::prelude::*,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    auth::{
        Viewer,
        audit::{Action, Entry, Place, fact},
        whence,
    },
    clock::Clock,
    config::Secret,
    db::Db,
    entity::user_session::{self, Column, Model},
    error::{Error, Result},
};

/// How long a sign-in lasts.
pub const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How many sessions a list shows; older ones still work.
const LISTED: u64 = 100;

/// How many sessions that have ended are remembered.
const ENDED: u64 = 10_000;

/// Both `iss` and `aud`: the server talks to itself.
const ISSUER: &str = "event-analytics";

/// What the token says. Times are in seconds, as RFC 7519 has them.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    iat: i64,
    exp: i64,
}

/// A sign-in that has just begun.
#[derive(Debug, Clone)]
pub struct Started {
    /// The stored session.
    pub session: Model,
    /// The token; kept nowhere.
    pub token: Secret,
}

/// Starts, checks and ends sessions.
#[derive(Clone)]
pub struct Sessions {
    db: Db,
    clock: Clock,
    keys: Arc<(EncodingKey, Vec<DecodingKey>, Validation)>,
    /// Sessions that were found to have ended. None lives again, so nobody reads them for their tokens any more.
    ended: Cache<Uuid, ()>,
}

impl Sessions {
    /// Signs tokens with `secret`, and believes those signed with `previous` as well.
    pub fn new(db: Db, clock: Clock, secret: &Secret, previous: Option<&Secret>) -> Self {
        let believed = std::iter::once(secret).chain(previous);
        let believed = believed.map(|secret| DecodingKey::from_secret(secret.expose().as_bytes())).collect();
        let secret = secret.expose().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Compared with our own clock, which a test can move.
        validation.validate_exp = false;
        let keys = (EncodingKey::from_secret(secret), believed, validation);
        Self { db, clock, keys: Arc::new(keys), ended: Cache::new(ENDED) }
    }

    /// Signs `user` in; of the address only the network is kept. Sessions of theirs whose time is over are swept on the way, so that the
    /// table needs no job.
    pub async fn start(&self, user: Uuid, user_agent: Option<&str>, ip: Option<IpAddr>) -> Result<Started> {
        let (now, network) = (self.clock.now_ms(), ip.map(whence));
        // Whole seconds, so that the row and the token end at the same moment.
        let (iat, exp) = (now / 1000, now / 1000 + LIFETIME.as_secs() as i64);
        let session = user_session::ActiveModel {
            id: Set(Uuid::now_v7()),
            user_id: Set(user),
            created_at: Set(now),
            expires_at: Set(exp * 1000),
            revoked_at: Set(None),
            user_agent: Set(user_agent.map(shortened)),
            ip_address: Set(network.map(|network| network.to_string())),
        };
        let transaction = self.db.begin().await?;
        user_session::Entity::delete_many()
            .filter(Column::UserId.eq(user))
            .filter(Column::ExpiresAt.lte(now))
            .exec(&transaction)
            .await?;
        let session = session.insert(&transaction).await?;
        let entry = Entry::of(Action::SignedIn, Place::account(user, network)).to(session.id, "");
        entry.record(&transaction, now).await?;
        transaction.commit().await?;
        let claims = Claims { iss: ISSUER.into(), aud: ISSUER.into(), sub: user, sid: session.id, iat, exp };
        let token =
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.keys.0).map_err(Error::internal)?;
        Ok(Started { session, token: Secret::new(token) })
    }

    /// Who holds this token and asks from `ip`; `Unauthenticated` unless it is whole, current and its session live.
    /// The session is read every time, so a revoked one is dead at once on every instance.
    pub async fn viewer(&self, token: &str, ip: Option<IpAddr>) -> Result<Viewer> {
        const DEAD: Error = Error::Unauthenticated("The session has ended or never was. Sign in again.");
        let (_, keys, validation) = &*self.keys;
        let mut read = keys.iter().filter_map(|key| jsonwebtoken::decode::<Claims>(token, key, validation).ok());
        let claims = read.next().ok_or(DEAD)?.claims;
        let now = self.clock.now_ms();
        if claims.exp.saturating_mul(1000) <= now {
            return Err(DEAD);
        }
        if self.ended.contains_key(&claims.sid) {
            return Err(DEAD);
        }
        let session = user_session::Entity::find_by_id(claims.sid).one(&*self.db).await?;
        let live =
            |session: &Model| session.user_id == claims.sub && session.revoked_at.is_none() && now < session.expires_at;
        let Some(session) = session.filter(live) else {
            self.ended.insert(claims.sid, ());
            return Err(DEAD);
        };
        Ok(Viewer { user_id: session.user_id, session_id: session.id, network: ip.map(whence) })
    }

    /// The viewer's live sessions, newest first.
    pub async fn list(&self, viewer: Viewer) -> Result<Vec<Model>> {
        let live = user_session::Entity::live_of(viewer.user_id, self.clock.now_ms());
        Ok(live.limit(LISTED).all(&*self.db).await?)
    }

    /// Ends one of the viewer's sessions; `NotFound` when it is not theirs. Ending it twice
    /// changes nothing.
    pub async fn revoke(&self, viewer: Viewer, session: Uuid) -> Result<Model> {
        let mine = Column::UserId.eq(viewer.user_id);
        let transaction = self.db.begin().await?;
        if self.end(&transaction, mine.clone().and(Column::Id.eq(session))).await? > 0 {
            let own = session == viewer.session_id;
            let action = if own { Action::SignedOut } else { Action::SessionRevoked };
            Entry::of(action, viewer).to(session, "").record(&transaction, self.clock.now_ms()).await?;
        }
        let session = user_session::Entity::find_by_id(session).filter(mine).one(&transaction).await?;
        transaction.commit().await?;
        session.ok_or(Error::NotFound("session"))
    }

    /// Ends every session of the viewer but the one they ask with; says how many there were.
    pub async fn revoke_others(&self, viewer: Viewer) -> Result<u64> {
        let others = Column::UserId.eq(viewer.user_id).and(Column::Id.ne(viewer.session_id));
        let (now, transaction) = (self.clock.now_ms(), self.db.begin().await?);
        let ended = self.end(&transaction, others.and(Column::ExpiresAt.gt(now))).await?;
        if ended > 0 {
            let entry = Entry::of(Action::OtherSessionsRevoked, viewer).with(vec![fact("sessions", ended)]);
            entry.record(&transaction, now).await?;
        }
        transaction.commit().await?;
        Ok(ended)
    }

    async fn end(&self, db: &impl ConnectionTrait, which: Expr) -> Result<u64> {
        let ended = user_session::Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(self.clock.now_ms()))
            .filter(which)
            .filter(Column::RevokedAt.is_null())
            .exec(db)
            .await?;
        Ok(ended.rows_affected)
    }
}

/// Ends every session of an account; says how many there were.
pub(super) async fn end_all(db: &impl ConnectionTrait, user: Uuid, now: i64) -> Result<u64> {
    let live = Column::UserId.eq(user).and(Column::ExpiresAt.gt(now)).and(Column::RevokedAt.is_null());
    let ended = user_session::Entity::update_many().col_expr(Column::RevokedAt, Expr::value(now)).filter(live);
    Ok(ended.exec(db).await?.rows_affected)
}

/// What signed in, within the bounds of its column.
fn shortened(user_agent: &str) -> String {
    let mut text = user_agent.replace(char::is_control, " ");
    text.truncate(text.floor_char_boundary(512));
    text
}
