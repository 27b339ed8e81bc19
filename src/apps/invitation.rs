//! Invitations to an organization, or to one of its apps: for one address, for a week, once.
//!
//! The token is what lets somebody in: it goes from whoever invites to whoever is invited, by whatever way
//! they trust. That the account must have the invited address keeps a link that was passed on from letting
//! in another account; it proves nothing by itself, for nobody has checked the address of an account with
//! a password.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, DatabaseTransaction, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    entity::prelude::*, sea_query::ExprTrait,
};
use uuid::Uuid;

use super::{guest, member, organization};
use crate::{
    auth::{
        AppScope, Granted, OrganizationScope, Viewer,
        account::checked_email,
        audit::{Action, Entry, Place},
        one_time::Purpose,
        permission::{ManageGuests, ManageMembers},
        registration,
    },
    clock::Clock,
    config::Secret,
    db::Db,
    entity::{
        app_member,
        invitation::{Column, Entity, Model},
        organization_member,
        role::Role,
        user,
    },
    error::{Error, Result},
};

/// How long an invitation can be accepted, in milliseconds.
pub const LIFETIME_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// How many invitations of an organization, those to its apps among them, may be open at a time.
const OPEN: u64 = 100;

/// How many members an organization, and how many guests an app may have.
const PER_LIST: u64 = 1_000;

const NO_INVITATION: Error = Error::NotFound("invitation");

/// The link of a token. What follows the `#` is sent to no server by a browser, and stands in no log.
pub fn link(token: &Secret, public_url: &url::Url) -> Secret {
    Secret::new(format!("{}/invitation#{}", public_url.as_str().trim_end_matches('/'), token.expose()))
}

/// Invites somebody to an organization. An earlier invitation of the same address is withdrawn.
pub async fn to_organization(
    db: &Db,
    clock: &Clock,
    may: Granted<ManageMembers>,
    email: &str,
    role: Role,
) -> Result<(Model, Secret)> {
    let email = checked_email("input.email", email)?;
    if role == Role::Owner {
        let message = "Nobody becomes an owner by an invitation. Invite an admin, and make them an owner afterwards.";
        return Err(Error::invalid("input.role", message));
    }
    let transaction = db.begin().await?;
    let may = member::hold(&transaction, may).await?;
    member::check_reach(may, role)?;
    let organization_id = may.scope().organization_id();
    if let Some(account) = user::Entity::by_email(&email).one(&transaction).await? {
        check_not_member(&transaction, organization_id, account.id).await?;
    }
    let by = may.scope().viewer();
    let made = insert(&transaction, clock, Target { organization_id, app_id: None, by }, email, role).await?;
    transaction.commit().await?;
    Ok(made)
}

/// Invites somebody to see one app. An earlier invitation of the same address is withdrawn.
pub async fn to_app(db: &Db, clock: &Clock, may: Granted<ManageGuests>, email: &str) -> Result<(Model, Secret)> {
    let email = checked_email("input.email", email)?;
    let transaction = db.begin().await?;
    let scope = guest::hold(&transaction, may).await?.scope();
    let by = scope.viewer().ok_or(Error::NotFound("app"))?;
    let organization_id = guest::organization_of(&transaction, scope).await?;
    if let Some(account) = user::Entity::by_email(&email).one(&transaction).await? {
        check_not_member(&transaction, organization_id, account.id).await?;
        if app_member::Entity::find_by_id((scope.app_id(), account.id)).one(&transaction).await?.is_some() {
            return Err(Error::conflict("input.email", "They can see the app already."));
        }
    }
    let target = Target { organization_id, app_id: Some(scope.app_id()), by };
    let made = insert(&transaction, clock, target, email, Role::Viewer).await?;
    transaction.commit().await?;
    Ok(made)
}

/// Accepts an invitation as the viewer; what it was to. Whoever belongs there already keeps the role they have.
pub async fn accept(db: &Db, clock: &Clock, viewer: Viewer, token: &str) -> Result<Model> {
    let digest = Purpose::Invitation.digest(registration::without_proof(token)).ok_or(NO_INVITATION)?;
    let find = Entity::find().filter(Column::Digest.eq(digest));
    let organization_id = find.clone().one(db.writer()).await?.ok_or(NO_INVITATION)?.organization_id;
    let transaction = db.begin().await?;
    let now = clock.now_ms();
    match organization::lock(&transaction, organization_id).await {
        Err(Error::NotFound(_)) => return Err(NO_INVITATION),
        held => held?,
    }
    let found = find.one(&transaction).await?.filter(|invitation| now < invitation.expires_at);
    let invitation = found.ok_or(NO_INVITATION)?;
    organization::lock_user(&transaction, viewer.user_id).await?;
    let account = user::Entity::find_by_id(viewer.user_id).one(&transaction).await?;
    if account.is_none_or(|account| account.email != invitation.email) {
        return Err(Error::Forbidden("The invitation is for another e-mail address. Sign in with that one."));
    }
    match invitation.app_id {
        Some(app_id) => see_app(&transaction, app_id, viewer.user_id, invitation.role, now).await?,
        None => join(&transaction, &invitation, viewer.user_id, now).await?,
    }
    Entity::delete_by_id(invitation.id).exec(&transaction).await?;
    noted(Action::InvitationAccepted, &invitation, viewer).record(&transaction, now).await?;
    transaction.commit().await?;
    Ok(invitation)
}

/// Withdraws an invitation; `NotFound` unless the viewer could have made it or at least sees its organization.
pub async fn revoke(db: &Db, clock: &Clock, viewer: Viewer, id: Uuid) -> Result<()> {
    let invitation = find(db, viewer, id).await?.ok_or(NO_INVITATION)?;
    let transaction = db.begin().await?;
    if Entity::delete_by_id(invitation.id).exec(&transaction).await?.rows_affected == 0 {
        return Err(NO_INVITATION);
    }
    noted(Action::InvitationRevoked, &invitation, viewer).record(&transaction, clock.now_ms()).await?;
    Ok(transaction.commit().await?)
}

/// An invitation by its id, if the viewer may see it: whoever may make one like it. `Forbidden` for those who
/// belong there with a smaller role.
pub async fn find(db: &Db, viewer: Viewer, id: Uuid) -> Result<Option<Model>> {
    let Some(invitation) = Entity::find_by_id(id).one(db.writer()).await? else { return Ok(None) };
    let of_organization = OrganizationScope::of_member(db.writer(), viewer, invitation.organization_id).await;
    let may = match (of_organization, invitation.app_id) {
        (Ok(scope), _) => scope.may::<ManageMembers>().map(drop),
        (Err(Error::NotFound(_)), Some(app)) => match AppScope::of_member(db, viewer, app).await {
            Ok(scope) => scope.may::<ManageGuests>().map(drop),
            Err(error) => Err(error),
        },
        (Err(error), _) => Err(error),
    };
    match may {
        Ok(()) => Ok(Some(invitation)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Withdraws what somebody has invited others to, who may not do so any more.
pub(super) async fn withdraw_all_by(transaction: &DatabaseTransaction, organization: Uuid, user: Uuid) -> Result<()> {
    let theirs = Column::OrganizationId.eq(organization).and(Column::InvitedBy.eq(user));
    Entity::delete_many().filter(theirs).exec(transaction).await?;
    Ok(())
}

/// What the log says of an invitation.
fn noted(action: Action, invitation: &Model, by: Viewer) -> Entry {
    let place = Place::organization(invitation.organization_id, by).app(invitation.app_id);
    Entry::of(action, place).to(invitation.id, &invitation.email).with(vec![member::of_role(invitation.role)])
}

/// What somebody is invited to, and by whom.
#[derive(Debug, Clone, Copy)]
struct Target {
    organization_id: Uuid,
    app_id: Option<Uuid>,
    by: Viewer,
}

async fn insert(
    transaction: &DatabaseTransaction,
    clock: &Clock,
    target: Target,
    email: String,
    role: Role,
) -> Result<(Model, Secret)> {
    let now = clock.now_ms();
    let of_organization = Column::OrganizationId.eq(target.organization_id);
    let same_target = match target.app_id {
        Some(app) => Column::AppId.eq(app),
        None => Column::AppId.is_null(),
    };
    let replaced = Column::Email.eq(&*email).and(same_target);
    let gone = of_organization.clone().and(Column::ExpiresAt.lte(now).or(replaced));
    Entity::delete_many().filter(gone).exec(transaction).await?;
    if Entity::find().filter(of_organization).count(transaction).await? >= OPEN {
        let message = format!("{OPEN} invitations of this organization are open. Revoke one first.");
        return Err(Error::Conflict { field: None, message });
    }
    let (token, digest) = Purpose::Invitation.generate();
    let made = Model {
        id: Uuid::now_v7(),
        organization_id: target.organization_id,
        app_id: target.app_id,
        email,
        role,
        digest,
        invited_by: target.by.user_id,
        created_at: now,
        expires_at: now + LIFETIME_MS,
    };
    let made = made.into_active_model().insert(transaction).await?;
    let action = if target.app_id.is_some() { Action::GuestInvited } else { Action::MemberInvited };
    noted(action, &made, target.by).record(transaction, now).await?;
    Ok((made, token))
}

async fn check_not_member(transaction: &DatabaseTransaction, organization: Uuid, user: Uuid) -> Result<()> {
    match organization_member::Entity::find_by_id((organization, user)).one(transaction).await? {
        Some(_) => Err(Error::conflict("input.email", "They belong to the organization already.")),
        None => Ok(()),
    }
}

async fn join(transaction: &DatabaseTransaction, invitation: &Model, user: Uuid, now: i64) -> Result<()> {
    let organization_id = invitation.organization_id;
    if organization_member::Entity::find_by_id((organization_id, user)).one(transaction).await?.is_some() {
        return Ok(());
    }
    organization::check_room(transaction, user).await?;
    check_list(organization_member::Entity::of_organization(organization_id).count(transaction).await?)?;
    let member = organization_member::ActiveModel {
        organization_id: Set(organization_id),
        user_id: Set(user),
        role: Set(invitation.role),
        created_at: Set(now),
    };
    member.insert(transaction).await?;
    Ok(())
}

async fn see_app(transaction: &DatabaseTransaction, app: Uuid, user: Uuid, role: Role, now: i64) -> Result<()> {
    if app_member::Entity::find_by_id((app, user)).one(transaction).await?.is_some() {
        return Ok(());
    }
    check_list(app_member::Entity::of_app(app).count(transaction).await?)?;
    let guest = app_member::ActiveModel { app_id: Set(app), user_id: Set(user), role: Set(role), created_at: Set(now) };
    guest.insert(transaction).await?;
    Ok(())
}

fn check_list(there: u64) -> Result<()> {
    if there >= PER_LIST {
        let message = format!("There are {PER_LIST} already. One of them has to be removed first.");
        return Err(Error::Conflict { field: None, message });
    }
    Ok(())
}
