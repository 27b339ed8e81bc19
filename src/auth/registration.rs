//! Who may make an account: anybody, or whoever brings a token that was sent or given to its address.
//!
//! Such a token is that of a link ([`request`]), which goes by mail or is printed at the server's terminal, or
//! that of an open invitation. Whoever invites is shown the token of their invitation, so it proves nothing about who
//! reads the letters to an address; what goes there by mail carries a proof of that behind it ([`mailed`]).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, entity::prelude::*};
use subtle::ConstantTimeEq;

use crate::{
    auth::{
        account::checked_email,
        audit::{self, Action, Entry, Place},
        digest::Digests,
        one_time::Purpose,
    },
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

/// What stands between the token of an invitation and the proof that it went by mail.
const PROOF: char = '.';

const NO_LINK: Error = Error::NotFound("link");

/// Makes the token of a link for an address, in the place of an earlier one; nothing where it has an account.
pub async fn request(db: &Db, clock: &Clock, email: &str) -> Result<Option<Secret>> {
    make(db, clock, email, false).await
}

/// The same, of a link that is printed at the server's own terminal: the log of the account tells it.
pub async fn request_at_terminal(db: &Db, clock: &Clock, email: &str) -> Result<Option<Secret>> {
    make(db, clock, email, true).await
}

async fn make(db: &Db, clock: &Clock, email: &str, is_noted: bool) -> Result<Option<Secret>> {
    let email = checked_email("input.email", email)?;
    if user::Entity::by_email(&email).one(db.writer()).await?.is_some() {
        return Ok(None);
    }
    let (token, digest) = Purpose::Registration.generate();
    let row = Model { email, digest, expires_at: clock.now_ms() + LIFETIME_MS };
    let transaction = db.begin().await?;
    if is_noted {
        let entry = Entry::of(Action::RegistrationLinkPrinted, Place::default()).to(Uuid::nil(), &row.email);
        entry.record(&transaction, clock.now_ms()).await?;
    }
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
/// one, `NotFound` for one that is unknown, too old, for another address, or did not go by mail where it has to.
pub async fn check(
    db: &impl ConnectionTrait,
    how: Registration,
    now_ms: i64,
    email: &str,
    token: Option<&str>,
    proofs: &Digests,
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
    let (token, proof) = token.split_once(PROOF).map_or((token, None), |(token, proof)| (token, Some(proof)));
    if let Some(digest) = Purpose::Invitation.digest(token) {
        let of_token = invitation::Entity::open_to(email, now_ms).filter(invitation::Column::Digest.eq(digest));
        if let Some(invitation) = of_token.one(db).await?
            && (how != Registration::Mail || is_proof(proofs, &invitation, proof.unwrap_or_default()))
        {
            return Ok(());
        }
    }
    Err(NO_LINK)
}

/// The token of an invitation as it goes to its address, and nowhere else.
pub fn mailed(proofs: &Digests, invitation: &invitation::Model, token: &Secret) -> Secret {
    let proof = BASE64_URL_SAFE_NO_PAD.encode(proofs.of(invitation.id, &invitation.email));
    Secret::new(format!("{}{PROOF}{proof}", token.expose()))
}

/// The token without its proof, which only making an account takes.
pub fn without_proof(token: &str) -> &str {
    token.split_once(PROOF).map_or(token, |(token, _)| token)
}

fn is_proof(proofs: &Digests, invitation: &invitation::Model, given: &str) -> bool {
    let given = BASE64_URL_SAFE_NO_PAD.decode(given.trim()).unwrap_or_default();
    proofs.all_of(invitation.id, &invitation.email).any(|good| good.ct_eq(&given).into())
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
pub(super) async fn finish(db: &impl ConnectionTrait, account: &user::Model) -> Result<(), DbErr> {
    if Entity::delete_by_id(&account.email).exec(db).await?.rows_affected > 0 {
        audit::adopt(db, account.id, &account.email).await?;
    }
    Ok(())
}

/// Forgets links that work no longer.
pub async fn forget_old(db: &Db, now_ms: i64) -> Result<()> {
    Entity::delete_many().filter(Column::ExpiresAt.lte(now_ms)).exec(db.writer()).await?;
    Ok(())
}
