//! Accounts by e-mail and password.

use std::net::IpAddr;

use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, ExprTrait, QueryFilter, SqlErr, entity::prelude::*};
use uuid::Uuid;

use crate::{
    auth::{
        audit::{Action, Entry, Place},
        checked_name,
        digest::Digests,
        password, registration, whence,
    },
    clock::Clock,
    config::{Registration, Secret},
    db::Db,
    entity::user::{self, Column, Model},
    error::{Error, Result},
};

/// Somebody who wants an account.
#[derive(Debug)]
pub struct New<'a> {
    /// The address to sign in with.
    pub email: &'a str,
    /// What to call them.
    pub name: &'a str,
    /// The password.
    pub password: Secret,
    /// What shows that they may have one, where it takes that.
    pub token: Option<&'a str>,
    /// From where they ask.
    pub ip: Option<IpAddr>,
}

/// Makes an account. Where registration is open, that an address is taken cannot be hidden; callers limit how often
/// one may ask.
pub async fn register(db: &Db, clock: &Clock, how: Registration, proofs: &Digests, new: New<'_>) -> Result<Model> {
    let email = checked_email("input.email", new.email)?;
    let name = checked_name("input.name", new.name)?;
    // Before the work of a hash, and again in the transaction that uses the token up.
    registration::check(db.writer(), how, clock.now_ms(), &email, new.token, proofs).await?;
    let password_hash = password::accept("input.password", new.password, [&email, &name]).await?;
    let transaction = db.begin().await?;
    registration::check(&transaction, how, clock.now_ms(), &email, new.token, proofs).await?;
    let made = insert(&transaction, clock, email, name, Some(password_hash), new.ip).await?;
    transaction.commit().await?;
    Ok(made)
}

/// The account behind an address and a password. What was wrong is not said, neither by the
/// message nor by the time it takes.
pub async fn sign_in(db: &Db, email: &str, password: Secret) -> Result<Model> {
    const WRONG: Error = Error::Unauthenticated("The e-mail address or the password is wrong.");
    // What cannot be stored can belong to nobody, and Postgres would not even compare it.
    let known = match checked_email("input.email", email) {
        Ok(email) => user::Entity::by_email(&email).one(&**db).await?,
        Err(_) => None,
    };
    let too_long = password::check_length("input.password", &password).is_err();
    let password = if too_long { Secret::new("") } else { password };
    let hash = known.as_ref().and_then(|user| user.password_hash.clone());
    match (password::verify(password.clone(), hash).await?, known) {
        (true, Some(user)) => {
            upgrade(db, &user, password).await?;
            Ok(user)
        }
        _ => Err(WRONG),
    }
}

/// Hashes a password anew that was hashed with less than is demanded now: only its holder brings it along.
async fn upgrade(db: &Db, user: &Model, password: Secret) -> Result<()> {
    let Some(old) = user.password_hash.as_ref().filter(|hash| password::is_outdated(hash)) else { return Ok(()) };
    let unchanged = Column::Id.eq(user.id).and(Column::PasswordHash.eq(old));
    let hash = password::hash(password).await?;
    let update = user::Entity::update_many().col_expr(Column::PasswordHash, Expr::value(hash)).filter(unchanged);
    update.exec(db.writer()).await?;
    Ok(())
}

/// Stores a new account.
pub(super) async fn insert(
    db: &impl ConnectionTrait,
    clock: &Clock,
    email: String,
    name: String,
    password_hash: Option<String>,
    ip: Option<IpAddr>,
) -> Result<Model> {
    let now = clock.now_ms();
    let user = user::ActiveModel {
        id: Set(Uuid::now_v7()),
        email: Set(email),
        name: Set(name),
        password_hash: Set(password_hash),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let user = user.insert(db).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict("input.email", "There is an account with this e-mail address.")
        }
        _ => error.into(),
    })?;
    registration::finish(db, &user).await?;
    let entry = Entry::of(Action::AccountRegistered, Place::account(user.id, ip.map(whence))).to(user.id, &user.email);
    entry.record(db, now).await?;
    Ok(user)
}

/// An address in the form it is stored: trimmed and in lower case. Only its outline is checked;
/// whether mail arrives is not for syntax to say.
pub fn checked_email(field: &str, email: &str) -> Result<String> {
    let email = email.trim().to_lowercase();
    let outline = email.split_once('@').is_some_and(|(local, domain)| {
        (1..=64).contains(&local.len())
            && !domain.contains('@')
            && domain.split('.').all(|label| !label.is_empty())
            && !email.chars().any(|c| c.is_control() || c.is_whitespace())
    });
    if !outline || email.len() > 254 {
        return Err(Error::invalid(field, "Expected an e-mail address, such as ada@example.com."));
    }
    Ok(email)
}
