//! The account behind an identity.

use std::net::IpAddr;

use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseTransaction, EntityTrait, SqlErr, entity::prelude::*};

use super::{Identity, Refusal};
use crate::{
    auth::{
        account,
        audit::{Action, Entry, Place},
        checked_name, registration, whence,
    },
    clock::Clock,
    config::Registration,
    db::Db,
    entity::{
        user::{self, Model},
        user_identity,
    },
    error::{Error, Result},
};

/// Finds the account of this identity, by the provider's subject first. By e-mail address it
/// takes only an account that has neither a password nor another identity; where there is none,
/// it makes one, for somebody at `ip`, who must have been invited if that is `how` accounts are made.
pub async fn of(db: &Db, clock: &Clock, how: Registration, identity: Identity, ip: IpAddr) -> Result<Model, Refusal> {
    let email = account::checked_email("email", &identity.email).map_err(|_| Refusal::EmailUnverified)?;
    if let Some(user) = known(db, &identity).await? {
        return Ok(user);
    }
    let name = identity.name.as_deref().and_then(|name| checked_name("name", name).ok());
    let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
    let transaction = db.begin().await.map_err(Error::from)?;
    let may = registration::check_verified(&transaction, how, clock.now_ms(), &email).await.map_err(Error::from)?;
    if !may && user::Entity::by_email(&email).one(&transaction).await.map_err(Error::from)?.is_none() {
        return Err(Refusal::NotInvited);
    }
    let made = account::insert(&transaction, clock, email.clone(), name, None, Some(ip)).await;
    let linked = match made {
        Ok(user) => link(transaction, clock, user, &identity, ip).await?,
        Err(Error::Conflict { .. }) => {
            transaction.rollback().await.map_err(Error::from)?;
            let transaction = db.begin().await.map_err(Error::from)?;
            match unclaimed(&transaction, &email).await? {
                Some(user) => link(transaction, clock, user, &identity, ip).await?,
                None => None,
            }
        }
        Err(error) => return Err(error.into()),
    };
    match linked {
        Some(user) => Ok(user),
        // The address is taken, or the same person has come through two doors at a time.
        None => known(db, &identity).await?.ok_or(Refusal::AccountExists),
    }
}

/// Ties an identity to an account; nothing when somebody else was first.
async fn link(
    db: DatabaseTransaction,
    clock: &Clock,
    user: Model,
    identity: &Identity,
    ip: IpAddr,
) -> Result<Option<Model>> {
    let row = user_identity::ActiveModel {
        provider: Set(identity.provider.clone()),
        subject: Set(identity.subject.clone()),
        user_id: Set(user.id),
        created_at: Set(clock.now_ms()),
    };
    match row.insert(&db).await {
        Ok(_) => {
            let entry = Entry::of(Action::IdentityLinked, Place::account(user.id, Some(whence(ip))));
            entry.to(user.id, &user.email).record(&db, clock.now_ms()).await?;
            db.commit().await?;
        }
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            db.rollback().await?;
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Some(user))
}

/// The account of this address, if nothing can sign in to it yet.
async fn unclaimed(db: &DatabaseTransaction, email: &str) -> Result<Option<Model>> {
    let user = user::Entity::by_email(email).one(db).await?.filter(|user| user.password_hash.is_none());
    let Some(user) = user else { return Ok(None) };
    let other = user_identity::Entity::find().filter(user_identity::Column::UserId.eq(user.id)).one(db).await?;
    Ok(other.is_none().then_some(user))
}

async fn known(db: &Db, identity: &Identity) -> Result<Option<Model>> {
    let key = (identity.provider.clone(), identity.subject.clone());
    let Some(found) = user_identity::Entity::find_by_id(key).one(db.writer()).await? else { return Ok(None) };
    Ok(user::Entity::find_by_id(found.user_id).one(db.writer()).await?)
}
