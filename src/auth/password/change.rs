//! Another password: by whoever knows the one until now, or by a link for whoever has forgotten it.
//!
//! Either way every sign-in of the account ends, so that nobody stays in who came in by the old one. A link's
//! token is stored as a digest, works for an hour and once, and another one takes its place.

use std::net::IpAddr;

use sea_orm::{
    ActiveModelTrait, DatabaseTransaction, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, entity::prelude::*,
};
use uuid::Uuid;

use crate::{
    auth::{
        Viewer, account,
        audit::{Action, Entry, Place, fact},
        one_time::Purpose,
        password, session, whence,
    },
    clock::Clock,
    config::Secret,
    db::Db,
    entity::{password_reset, user},
    error::{Error, Result},
};

/// How long a link works, in milliseconds.
pub const LIFETIME_MS: i64 = 60 * 60 * 1_000;

/// A link that somebody asked for.
#[derive(Debug, Clone)]
pub struct Reset {
    /// To which address it goes.
    pub email: String,
    /// What it carries.
    pub token: Secret,
}

impl Reset {
    /// The link itself. What follows the `#` is sent to no server by a browser, and stands in no log.
    pub fn link(&self, public_url: &url::Url) -> Secret {
        let server = public_url.as_str().trim_end_matches('/');
        Secret::new(format!("{server}/reset-password#{}", self.token.expose()))
    }
}

/// Replaces the viewer's password and ends all of their sessions, this one as well; says how many there were.
pub async fn change(db: &Db, clock: &Clock, viewer: Viewer, current: Secret, new: Secret) -> Result<u64> {
    let account = user::Entity::find_by_id(viewer.user_id).one(db.writer()).await?;
    let account = account.ok_or(Error::NotFound("account"))?;
    let Some(stored) = account.password_hash.clone() else {
        let message = "The account has no password yet. Ask for a link to set one.".into();
        return Err(Error::Conflict { field: None, message });
    };
    let known = password::check_length("input.currentPassword", &current).is_ok();
    let current = if known { current } else { Secret::new("") };
    if !password::verify(current, Some(stored.clone())).await? {
        return Err(Error::invalid("input.currentPassword", "The password is wrong."));
    }
    let hash = password::accept("input.newPassword", new, [&account.email, &account.name]).await?;
    let transaction = db.begin().await?;
    // Unless another request was faster: of two at a time one sets it.
    let unchanged = user::Column::Id.eq(account.id).and(user::Column::PasswordHash.eq(stored));
    if set(&transaction, clock, unchanged, hash).await? == 0 {
        return Err(Error::conflict("input.currentPassword", "The password was changed a moment ago."));
    }
    let ended = finish(&transaction, clock, account.id).await?;
    let entry = Entry::of(Action::PasswordChanged, viewer).with(vec![fact("sessions", ended)]);
    entry.record(&transaction, clock.now_ms()).await?;
    transaction.commit().await?;
    Ok(ended)
}

/// Makes a link for the account of this address, where there is one. `ip` is that of whoever asks for it;
/// at the server's own terminal there is none.
pub async fn request(db: &Db, clock: &Clock, email: &str, ip: Option<IpAddr>) -> Result<Option<Reset>> {
    let email = account::checked_email("input.email", email)?;
    let Some(account) = user::Entity::by_email(&email).one(db.writer()).await? else { return Ok(None) };
    let (token, digest) = Purpose::PasswordReset.generate();
    let (now, transaction) = (clock.now_ms(), db.begin().await?);
    let row = password_reset::Model { user_id: account.id, digest, expires_at: now + LIFETIME_MS };
    password_reset::Entity::delete_by_id(account.id).exec(&transaction).await?;
    row.into_active_model().insert(&transaction).await?;
    let place = Place::account(account.id, ip.map(whence)).by_nobody();
    Entry::of(Action::PasswordResetRequested, place).to(account.id, &email).record(&transaction, now).await?;
    transaction.commit().await?;
    Ok(Some(Reset { email, token }))
}

/// Sets the password of the account that a link's token is for, and ends all of its sessions; says how many
/// there were. `NotFound` for a token that is unknown, used or too old.
pub async fn reset(db: &Db, clock: &Clock, token: &str, new: Secret, ip: Option<IpAddr>) -> Result<u64> {
    const NO_LINK: Error = Error::NotFound("link");
    let digest = Purpose::PasswordReset.digest(token).ok_or(NO_LINK)?;
    let live = password_reset::Entity::find().filter(password_reset::Column::Digest.eq(digest.clone()));
    let live = live.filter(password_reset::Column::ExpiresAt.gt(clock.now_ms()));
    let user_id = live.clone().one(db.writer()).await?.ok_or(NO_LINK)?.user_id;
    let account = user::Entity::find_by_id(user_id).one(db.writer()).await?.ok_or(NO_LINK)?;
    // First, so that a password that is refused does not use the link up.
    let hash = password::accept("input.newPassword", new, [&account.email, &account.name]).await?;
    let transaction = db.begin().await?;
    let used = password_reset::Entity::delete_many().filter(password_reset::Column::Digest.eq(digest));
    if used.exec(&transaction).await?.rows_affected == 0 {
        return Err(NO_LINK);
    }
    set(&transaction, clock, user::Column::Id.eq(user_id), hash).await?;
    let ended = finish(&transaction, clock, user_id).await?;
    let place = Place::account(user_id, ip.map(whence));
    let entry = Entry::of(Action::PasswordReset, place).with(vec![fact("sessions", ended)]);
    entry.record(&transaction, clock.now_ms()).await?;
    transaction.commit().await?;
    Ok(ended)
}

/// Forgets links that work no longer.
pub async fn forget_old(db: &Db, now: i64) -> Result<()> {
    let old = password_reset::Column::ExpiresAt.lte(now);
    password_reset::Entity::delete_many().filter(old).exec(db.writer()).await?;
    Ok(())
}

async fn set(transaction: &DatabaseTransaction, clock: &Clock, whose: Expr, hash: String) -> Result<u64, DbErr> {
    let update = user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(hash))
        .col_expr(user::Column::UpdatedAt, Expr::value(clock.now_ms()));
    Ok(update.filter(whose).exec(transaction).await?.rows_affected)
}

/// Ends whatever the old password has let in, or could still replace the new one with.
async fn finish(transaction: &DatabaseTransaction, clock: &Clock, user: Uuid) -> Result<u64> {
    password_reset::Entity::delete_by_id(user).exec(transaction).await?;
    session::end_all(transaction, user, clock.now_ms()).await
}
