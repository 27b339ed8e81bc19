//! Members of organizations: what they may become, and how they go.
//!
//! Every change holds the organization to its commit and reads anew what whoever asks may do there. So of two
//! at a time the second sees what the first has done: an organization never loses its last owner, and nobody
//! who was just removed changes anything any more.

use sea_orm::{
    ActiveEnum, ActiveModelTrait, ActiveValue::Set, DatabaseTransaction, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QuerySelect, QueryTrait, entity::prelude::*,
};
use uuid::Uuid;

use super::{invitation, organization};
use crate::{
    auth::{
        Granted, OrganizationScope,
        audit::{Action, Entry, Fact, fact},
        permission::{ManageMembers, Permission, TransferOwnership},
    },
    clock::Clock,
    db::Db,
    entity::{
        app, app_member,
        organization_member::{Column, Entity, Model},
        role::Role,
        user,
    },
    error::{Error, Result},
};

/// Gives a member another role; both the old one and the new one must be within reach.
pub async fn change_role(db: &Db, clock: &Clock, may: Granted<ManageMembers>, user: Uuid, role: Role) -> Result<Model> {
    let transaction = db.begin().await?;
    let may = hold(&transaction, may).await?;
    let member = find(&transaction, may.scope(), user).await?;
    check_reach(may, member.role)?;
    check_reach(may, role)?;
    if member.role == Role::Owner && role < Role::Owner {
        check_other_owner(&transaction, &member).await?;
    }
    let before = member.role;
    let changed = set_role(&transaction, member, role).await?;
    let entry = Entry::of(Action::MemberRoleChanged, may.scope()).to(user, &email(&transaction, user).await?);
    let entry = entry.from_to(vec![of_role(before)], vec![of_role(role)]);
    entry.record(&transaction, clock.now_ms()).await?;
    transaction.commit().await?;
    Ok(changed)
}

/// Makes another member an owner and the one who asks an admin.
pub async fn transfer(db: &Db, clock: &Clock, may: Granted<TransferOwnership>, to: Uuid) -> Result<Model> {
    let transaction = db.begin().await?;
    let scope = hold(&transaction, may).await?.scope();
    let by = scope.viewer().user_id;
    if to == by {
        return Err(Error::invalid("input.userId", "Expected another member than yourself."));
    }
    let owner = find(&transaction, scope, to).await?;
    let owner = set_role(&transaction, owner, Role::Owner).await?;
    let giver = find(&transaction, scope, by).await?;
    set_role(&transaction, giver, Role::Admin).await?;
    let entry = Entry::of(Action::OwnershipTransferred, scope).to(to, &email(&transaction, to).await?);
    entry.record(&transaction, clock.now_ms()).await?;
    transaction.commit().await?;
    Ok(owner)
}

/// Removes a member, who must be within reach.
pub async fn remove(db: &Db, clock: &Clock, may: Granted<ManageMembers>, user: Uuid) -> Result<()> {
    let transaction = db.begin().await?;
    let may = hold(&transaction, may).await?;
    let member = find(&transaction, may.scope(), user).await?;
    check_reach(may, member.role)?;
    let role = member.role;
    part(&transaction, member).await?;
    let entry = Entry::of(Action::MemberRemoved, may.scope()).to(user, &email(&transaction, user).await?);
    entry.from_to(vec![of_role(role)], vec![NO_ROLE]).record(&transaction, clock.now_ms()).await?;
    Ok(transaction.commit().await?)
}

/// Ends the membership of the one who asks.
pub async fn leave(db: &Db, clock: &Clock, scope: OrganizationScope) -> Result<()> {
    let transaction = db.begin().await?;
    organization::lock(&transaction, scope.organization_id()).await?;
    let user = scope.viewer().user_id;
    let member = find(&transaction, scope, user).await?;
    let role = member.role;
    part(&transaction, member).await?;
    let entry = Entry::of(Action::MemberLeft, scope).to(user, &email(&transaction, user).await?);
    entry.from_to(vec![of_role(role)], vec![NO_ROLE]).record(&transaction, clock.now_ms()).await?;
    Ok(transaction.commit().await?)
}

/// Holds the organization, and finds out anew whether the asker may.
pub(super) async fn hold<P: Permission<Scope = OrganizationScope>>(
    transaction: &DatabaseTransaction,
    may: Granted<P>,
) -> Result<Granted<P>> {
    organization::lock(transaction, may.scope().organization_id()).await?;
    may.scope().again(transaction).await?.may()
}

/// What the log says of somebody who has no role any more.
const NO_ROLE: Fact = ("role", None);

/// What the log says of a role.
pub(super) fn of_role(role: Role) -> Fact {
    fact("role", role.to_value())
}

/// What the log calls a member.
async fn email(transaction: &DatabaseTransaction, user: Uuid) -> Result<String> {
    let account = user::Entity::find_by_id(user).one(transaction).await?;
    Ok(account.map(|account| account.email).unwrap_or_default())
}

async fn find(transaction: &DatabaseTransaction, scope: OrganizationScope, user: Uuid) -> Result<Model> {
    let found = Entity::find_by_id((scope.organization_id(), user)).one(transaction).await?;
    found.ok_or(Error::NotFound("member"))
}

/// Nobody hands out or touches a role above their own.
pub(super) fn check_reach(may: Granted<ManageMembers>, role: Role) -> Result<()> {
    if role > may.scope().role() {
        return Err(Error::Forbidden("Only an owner may make, change or remove an owner."));
    }
    Ok(())
}

async fn check_other_owner(transaction: &DatabaseTransaction, but: &Model) -> Result<()> {
    let owners = Entity::find().filter(Column::OrganizationId.eq(but.organization_id));
    let others = owners.filter(Column::Role.eq(Role::Owner)).filter(Column::UserId.ne(but.user_id));
    if others.count(transaction).await? == 0 {
        let message = "The organization would have no owner any more. Make another member one first.".into();
        return Err(Error::Conflict { field: None, message });
    }
    Ok(())
}

/// What somebody invited whose role is not that great any more can not be accepted any more.
async fn set_role(transaction: &DatabaseTransaction, member: Model, role: Role) -> Result<Model> {
    if role < ManageMembers::LEAST {
        invitation::withdraw_all_by(transaction, member.organization_id, member.user_id).await?;
    }
    let mut changed = member.into_active_model();
    changed.role = Set(role);
    Ok(changed.update(transaction).await?)
}

/// Ends a membership, with what its holder could see of single apps and whom they had invited.
async fn part(transaction: &DatabaseTransaction, member: Model) -> Result<()> {
    let (organization, user) = (member.organization_id, member.user_id);
    if member.role == Role::Owner {
        check_other_owner(transaction, &member).await?;
    }
    invitation::withdraw_all_by(transaction, organization, user).await?;
    let apps = app::Entity::find().select_only().column(app::Column::Id);
    let apps = apps.filter(app::Column::OrganizationId.eq(organization)).into_query();
    app_member::Entity::delete_many()
        .filter(app_member::Column::UserId.eq(user))
        .filter(app_member::Column::AppId.in_subquery(apps))
        .exec(transaction)
        .await?;
    Entity::delete_by_id((organization, user)).exec(transaction).await?;
    Ok(())
}
