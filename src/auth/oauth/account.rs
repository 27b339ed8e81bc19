//! The account behind an identity.

use sea_orm::{EntityTrait, QueryFilter, entity::prelude::*};

use super::{Identity, Refusal};
use crate::{
    auth::{account, checked_name},
    clock::Clock,
    db::Db,
    entity::user::{self, Column, Model},
    error::{Error, Result},
};

/// Finds the account of this identity, by the provider's subject first. By e-mail address it
/// takes only an account that has neither a password nor another subject; where there is none,
/// it makes one.
pub async fn of(db: &Db, clock: &Clock, identity: Identity) -> Result<Model, Refusal> {
    let email = account::checked_email("email", &identity.email).map_err(|_| Refusal::EmailUnverified)?;
    if let Some(user) = by_subject(db, &identity.subject).await? {
        return Ok(user);
    }
    let name = identity.name.as_deref().and_then(|name| checked_name("name", name).ok());
    let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
    let subject = identity.subject.clone();
    match account::insert(db, clock, email.clone(), name, None, Some(subject)).await {
        // The address is taken, or the same person has come through two doors at a time.
        Err(Error::Conflict { .. }) => link(db, clock, &email, &identity.subject).await,
        made => Ok(made?),
    }
}

async fn link(db: &Db, clock: &Clock, email: &str, subject: &str) -> Result<Model, Refusal> {
    user::Entity::update_many()
        .col_expr(Column::GoogleSubject, Expr::value(subject))
        .col_expr(Column::UpdatedAt, Expr::value(clock.now_ms()))
        .filter(Column::Email.eq(email))
        .filter(Column::PasswordHash.is_null())
        .filter(Column::GoogleSubject.is_null())
        .exec(db.writer())
        .await
        .map_err(Error::from)?;
    by_subject(db, subject).await?.ok_or(Refusal::AccountExists)
}

async fn by_subject(db: &Db, subject: &str) -> Result<Option<Model>> {
    Ok(user::Entity::find().filter(Column::GoogleSubject.eq(subject)).one(db.writer()).await?)
}
