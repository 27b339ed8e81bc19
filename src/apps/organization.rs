//! Organizations: those who run apps together.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    entity::prelude::*,
};
use uuid::Uuid;

use crate::{
    auth::{
        Granted, OrganizationScope, Viewer,
        audit::{Action, Entry, Place, fact},
        checked_name,
        permission::{ChangeOrganization, DeleteOrganization},
    },
    clock::Clock,
    db::Db,
    entity::{
        app,
        organization::{ActiveModel, Column, Entity, Model},
        organization_member,
        role::Role,
        user,
    },
    error::{Error, Result},
};

/// How many organizations one person may belong to.
const PER_USER: u64 = 100;

/// Makes an organization that the viewer owns.
pub async fn create(db: &Db, clock: &Clock, viewer: Viewer, name: &str) -> Result<Model> {
    let name = checked_name("input.name", name)?;
    let transaction = db.begin().await?;
    let made = insert(&transaction, clock, viewer, name).await?;
    transaction.commit().await?;
    Ok(made)
}

/// The viewer's way into the oldest organization they own, which is made where there is none.
pub async fn own(db: &Db, clock: &Clock, viewer: Viewer) -> Result<OrganizationScope> {
    let transaction = db.begin().await?;
    // Held to the commit, so that two first apps at a time do not make two organizations.
    lock_user(&transaction, viewer.user_id).await?;
    let owned = Entity::of_member(viewer.user_id).filter(organization_member::Column::Role.eq(Role::Owner));
    let id = match owned.one(&transaction).await? {
        Some(owned) => owned.id,
        None => {
            let account = user::Entity::find_by_id(viewer.user_id).one(&transaction).await?;
            let account = account.ok_or(Error::NotFound("account"))?;
            insert(&transaction, clock, viewer, account.name).await?.id
        }
    };
    let scope = OrganizationScope::of_member(&transaction, viewer, id).await?;
    transaction.commit().await?;
    Ok(scope)
}

async fn insert(db: &impl ConnectionTrait, clock: &Clock, by: Viewer, name: String) -> Result<Model> {
    let (now, owner) = (clock.now_ms(), by.user_id);
    lock_user(db, owner).await?;
    check_room(db, owner).await?;
    let id = Uuid::now_v7();
    let made = ActiveModel { id: Set(id), name: Set(name), created_at: Set(now), updated_at: Set(now) };
    let made = made.insert(db).await?;
    let member = organization_member::ActiveModel {
        organization_id: Set(id),
        user_id: Set(owner),
        role: Set(Role::Owner),
        created_at: Set(now),
    };
    member.insert(db).await?;
    Entry::of(Action::OrganizationCreated, Place::organization(id, by)).to(id, &made.name).record(db, now).await?;
    Ok(made)
}

/// `Conflict` for somebody who belongs to as many organizations as one may.
pub(super) async fn check_room(db: &impl ConnectionTrait, user: Uuid) -> Result<()> {
    if Entity::of_member(user).count(db).await? >= PER_USER {
        let message = format!("You belong to {PER_USER} organizations already. Leave one first.");
        return Err(Error::Conflict { field: None, message });
    }
    Ok(())
}

/// Changes an organization's name, where one is given.
pub async fn update(db: &Db, clock: &Clock, may: Granted<ChangeOrganization>, name: Option<&str>) -> Result<Model> {
    let id = may.scope().organization_id();
    let transaction = db.begin().await?;
    lock(&transaction, id).await?;
    let found = Entity::find_by_id(id).one(&transaction).await?.ok_or(Error::NotFound("organization"))?;
    let Some(name) = name else { return Ok(found) };
    let (now, before) = (clock.now_ms(), found.name.clone());
    let mut changed = found.into_active_model();
    changed.name = Set(checked_name("input.name", name)?);
    changed.updated_at = Set(now);
    let changed = changed.update(&transaction).await?;
    let entry = Entry::of(Action::OrganizationUpdated, may.scope()).to(id, &changed.name);
    let entry = entry.from_to(vec![fact("name", before)], vec![fact("name", &changed.name)]);
    entry.record(&transaction, now).await?;
    transaction.commit().await?;
    Ok(changed)
}

/// Deletes an organization with its memberships and invitations; `Conflict` while it has apps, so that
/// no data goes without having been named.
pub async fn delete(db: &Db, clock: &Clock, may: Granted<DeleteOrganization>) -> Result<()> {
    let id = may.scope().organization_id();
    let transaction = db.begin().await?;
    lock(&transaction, id).await?;
    if app::Entity::find().filter(app::Column::OrganizationId.eq(id)).count(&transaction).await? > 0 {
        let message = "The organization still has apps. Delete them first.".into();
        return Err(Error::Conflict { field: None, message });
    }
    let name = Entity::find_by_id(id).one(&transaction).await?.map(|found| found.name).unwrap_or_default();
    Entity::delete_by_id(id).exec(&transaction).await?;
    // Its own log is gone with it.
    let entry = Entry::of(Action::OrganizationDeleted, may.scope().viewer()).to(id, &name);
    entry.record(&transaction, clock.now_ms()).await?;
    Ok(transaction.commit().await?)
}

/// Holds an organization to the commit, so that what is read of it stays true; `NotFound` when it is gone.
pub(super) async fn lock(db: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let held = Entity::update_many().col_expr(Column::Name, Expr::col(Column::Name)).filter(Column::Id.eq(id));
    match held.exec(db).await?.rows_affected {
        0 => Err(Error::NotFound("organization")),
        _ => Ok(()),
    }
}

/// Holds an account to the commit.
pub(super) async fn lock_user(db: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let held = user::Entity::update_many().col_expr(user::Column::Name, Expr::col(user::Column::Name));
    held.filter(user::Column::Id.eq(id)).exec(db).await?;
    Ok(())
}
