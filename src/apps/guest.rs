//! Guests of apps: those who see one app, and neither its organization nor its other apps.

use sea_orm::{EntityTrait, QueryFilter, entity::prelude::*};
use uuid::Uuid;

use super::organization;
use crate::{
    auth::{
        AppScope, Granted,
        audit::{Action, Entry},
        permission::ManageGuests,
    },
    clock::Clock,
    db::Db,
    entity::{
        app,
        app_member::{Column, Entity},
        invitation, organization_member,
        role::Role,
        user,
    },
    error::{Error, Result},
};

/// Ends what somebody may see of an app alone; `NotFound` unless they are its guest.
pub async fn remove(db: &Db, clock: &Clock, may: Granted<ManageGuests>, user: Uuid) -> Result<()> {
    let transaction = db.begin().await?;
    let may = hold(&transaction, may).await?;
    let found = Entity::find_by_id((may.scope().app_id(), user)).one(&transaction).await?;
    let guest = found.ok_or(Error::NotFound("guest"))?;
    // From before there were organizations, an app may have an owner who is not of its organization.
    if guest.role > may.scope().role() {
        return Err(Error::Forbidden("Only an owner may remove an owner."));
    }
    part(&transaction, may.scope(), user).await?;
    let account = user::Entity::find_by_id(user).one(&transaction).await?;
    let email = account.map(|account| account.email).unwrap_or_default();
    Entry::of(Action::GuestRemoved, may.scope()).to(user, &email).record(&transaction, clock.now_ms()).await?;
    Ok(transaction.commit().await?)
}

/// Ends what the one who asks may see of an app alone; says nothing where that is nothing.
pub async fn leave(db: &Db, clock: &Clock, scope: AppScope) -> Result<()> {
    let Some(viewer) = scope.viewer() else { return Ok(()) };
    let transaction = db.begin().await?;
    if part(&transaction, scope, viewer.user_id).await? {
        Entry::of(Action::GuestLeft, scope).to(viewer.user_id, "").record(&transaction, clock.now_ms()).await?;
    }
    Ok(transaction.commit().await?)
}

/// Holds the app's organization to the commit, and finds out anew whether the asker may.
pub(super) async fn hold(
    transaction: &impl ConnectionTrait,
    may: Granted<ManageGuests>,
) -> Result<Granted<ManageGuests>> {
    organization::lock(transaction, organization_of(transaction, may.scope()).await?).await?;
    may.scope().again(transaction).await?.may()
}

/// To which organization an app belongs.
pub(super) async fn organization_of(db: &impl ConnectionTrait, scope: AppScope) -> Result<Uuid> {
    let app = app::Entity::find_by_id(scope.app_id()).one(db).await?.ok_or(Error::NotFound("app"))?;
    Ok(app.organization_id)
}

/// Whether they had been a guest.
async fn part(transaction: &impl ConnectionTrait, scope: AppScope, user: Uuid) -> Result<bool> {
    let gone = Entity::delete_many().filter(Column::AppId.eq(scope.app_id())).filter(Column::UserId.eq(user));
    let gone = gone.exec(transaction).await?.rows_affected > 0;
    // What they invited others to they may give no more, unless the organization lets them.
    let organization = organization_of(transaction, scope).await?;
    let member = organization_member::Entity::find_by_id((organization, user)).one(transaction).await?;
    if member.is_none_or(|member| member.role < Role::Admin) {
        invitation::Entity::delete_many()
            .filter(invitation::Column::AppId.eq(scope.app_id()))
            .filter(invitation::Column::InvitedBy.eq(user))
            .exec(transaction)
            .await?;
    }
    Ok(gone)
}
