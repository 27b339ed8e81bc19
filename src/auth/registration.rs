//! Who may make an account: anybody, or whoever brings a token that was sent or given to its address.
//!
//! Such a token is that of a link ([`request`]), which goes by mail or is printed at the server's terminal, or
//! that of an open invitation.

use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, entity::prelude::*};

use crate::{
    auth::{account::checked_email, one_time::Purpose},
    clock::Clock,
    config::{Registration, Secret},
    db::Db,
    entity::{
        invitation,
        registration::{Column, Entity, Model},
        user,
    },
    error::{Error, Result},
};

/// How long a link works, in milliseconds.
pub const LIFETIME_MS: i64 = 24 * 60 * 60 * 1_000;

const NO_LINK: Error = Error::NotFound("link");

/// Makes the token of a link for an address, in the place of an earlier one; nothing where it has an account.
pub async fn request(db: &Db, clock: &Clock, email: &str) -> Result<Option<Secret>> {
    let email = checked_email("input.email", email)?;
    if user::Entity::by_email(&email).one(db.writer()).await?.is_some() {
        return Ok(None);
    }
    let (token, digest) = Purpose::Registration.generate();
    let row = Model { email, digest, expires_at: clock.now_ms() + LIFETIME_MS };
    let transaction = db.begin().await?;
    Entity::delete_by_id(&row.email).exec(&transaction).await?;
    row.into_active_model().insert(&transaction).await?;
    transaction.commit().await?;
    Ok(Some(token))
}

/// The link itself. What follows the `#` is sent to no server by a browser, and stands in no log.
pub fn link(token: &Secret, public_url: &url::Url) -> Secret {
    let server = public_url.as_str().trim_end_matches('/');
    Secret::new(format!("{server}/register#{}", token.expose()))
}

/// Whether somebody who brings this token, or none, may make an account for this address. `Forbidden` where it takes
/// one, `NotFound` for one that is unknown, too old, or for another address.
pub async fn check(
    db: &impl ConnectionTrait,
    how: Registration,
    now_ms: i64,
    email: &str,
    token: Option<&str>,
) -> Result<()> {
    let token = match (how, token) {
        (Registration::Open, _) => return Ok(()),
        (Registration::Mail, None) => {
            return Err(Error::Forbidden("Making an account takes a link here, which is sent to your address."));
        }
        (Registration::Invited, None) => return Err(Error::Forbidden("Making an account takes an invitation here.")),
        (_, Some(token)) => token,
    };
    if let Some(digest) = Purpose::Registration.digest(token) {
        let link = Entity::find_by_id(email).filter(Column::Digest.eq(digest)).filter(Column::ExpiresAt.gt(now_ms));
        if link.one(db).await?.is_some() {
            return Ok(());
        }
    }
    if let Some(digest) = Purpose::Invitation.digest(token) {
        let of_token = invitation::Entity::open_to(email, now_ms).filter(invitation::Column::Digest.eq(digest));
        if of_token.one(db).await?.is_some() {
            return Ok(());
        }
    }
    Err(NO_LINK)
}

/// Whether somebody whose address another vouches for may make an account.
pub async fn check_verified(
    db: &impl ConnectionTrait,
    how: Registration,
    now_ms: i64,
    email: &str,
) -> Result<bool, DbErr> {
    Ok(how != Registration::Invited || invitation::Entity::open_to(email, now_ms).one(db).await?.is_some())
}

/// Uses up the link of an address that has an account now.
pub(super) async fn finish(db: &impl ConnectionTrait, email: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(email).exec(db).await?;
    Ok(())
}

/// Forgets links that work no longer.
pub async fn forget_old(db: &Db, now_ms: i64) -> Result<()> {
    Entity::delete_many().filter(Column::ExpiresAt.lte(now_ms)).exec(db.writer()).await?;
    Ok(())
}
