//! Who asks, and proof that they may.

pub mod account;
pub mod api_key;
pub mod audit;
pub mod cookie;
pub mod digest;
pub mod export;
pub mod link;
pub mod oauth;
pub mod one_time;
pub mod password;
pub mod permission;
pub mod registration;
pub mod session;
pub mod settings;

use std::{net::IpAddr, time::Duration};

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, JoinType, QueryFilter, QuerySelect, RelationTrait,
    sea_query::{Expr, IntoColumnRef},
};
use uuid::Uuid;

pub use self::permission::Granted;
use self::permission::Permission;

use crate::{
    config::{Limits, network},
    db::Db,
    entity::{app, app_member, organization_member, role::Role},
    error::{Error, Result},
    limiter::{Decision, Limiter, Quota},
};

/// The person behind a request: signed in by a session that was live when it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Viewer {
    /// Row of `users`.
    pub user_id: Uuid,
    /// Row of `user_sessions`.
    pub session_id: Uuid,
    /// From where the request came: of its address the network, as [`whence`] has it.
    pub network: Option<IpAddr>,
}

/// What is kept of the address of whoever signs in or changes something.
pub fn whence(ip: IpAddr) -> IpAddr {
    network(ip, 24, 48)
}

/// Proof that whoever asks may read this app. Only this module can make one, after it has checked a
/// membership or a key; everything that reads an app's data demands it, and what changes it demands
/// a [`Granted`] besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AppScope {
    app_id: Uuid,
    role: Role,
    /// Who holds it; nobody where a key or a link opens the app.
    viewer: Option<Viewer>,
}

impl AppScope {
    /// The viewer's way into an app; `NotFound` when it does not exist or is not theirs.
    pub async fn of_member(db: &Db, viewer: Viewer, app_id: Uuid) -> Result<Self> {
        Self::of_member_many(db, viewer, &[app_id]).await?.pop().ok_or(Error::NotFound("app"))
    }

    /// The viewer's ways into those of these apps that are theirs, in one read. Of the role in the
    /// organization and that in the app alone the greater counts.
    pub async fn of_member_many(db: &Db, viewer: Viewer, apps: &[Uuid]) -> Result<Vec<Self>> {
        Ok(Self::of_user(&**db, viewer.user_id, apps).await?.into_iter().map(|scope| scope.held_by(viewer)).collect())
    }

    /// The same as of now, by a transaction that holds what it decides on; `NotFound` for whoever was removed meanwhile.
    pub async fn again(self, db: &impl ConnectionTrait) -> Result<Self> {
        const GONE: Error = Error::NotFound("app");
        let viewer = self.viewer.ok_or(GONE)?;
        let found = Self::of_user(db, viewer.user_id, &[self.app_id]).await?.pop();
        Ok(found.ok_or(GONE)?.held_by(viewer))
    }

    fn held_by(self, viewer: Viewer) -> Self {
        Self { viewer: Some(viewer), ..self }
    }

    /// The same, of an account whether it is signed in or not.
    async fn of_user(db: &impl ConnectionTrait, user: Uuid, apps: &[Uuid]) -> Result<Vec<Self>> {
        let alone = app::Relation::Members.def();
        let alone = alone.on_condition(move |_, member| mine((member, app_member::Column::UserId), user));
        let whole = app::Relation::OrganizationMembers.def();
        let whole = whole.on_condition(move |_, member| mine((member, organization_member::Column::UserId), user));
        let roles = app::Entity::find()
            .select_only()
            .column(app::Column::Id)
            .column_as(app_member::Column::Role, "alone")
            .column_as(organization_member::Column::Role, "whole")
            .join(JoinType::LeftJoin, alone)
            .join(JoinType::LeftJoin, whole)
            .filter(app::Column::Id.is_in(apps.iter().copied()))
            .into_tuple::<(Uuid, Option<Role>, Option<Role>)>()
            .all(db)
            .await?;
        let scopes = roles.into_iter().filter_map(|(app_id, alone, whole)| {
            let role = Ord::max(alone, whole)?;
            Some(Self { app_id, role, viewer: None })
        });
        Ok(scopes.collect())
    }

    /// The proof that a change demands; `Forbidden` where the role is too small for it.
    pub fn may<P: Permission<Scope = Self>>(self) -> Result<Granted<P>> {
        Granted::to(self, self.role)
    }

    /// The app it opens.
    pub fn app_id(&self) -> Uuid {
        self.app_id
    }

    /// Who holds it; nobody where a key or a link opens the app.
    pub fn viewer(&self) -> Option<Viewer> {
        self.viewer
    }

    /// What its holder may do there.
    pub fn role(&self) -> Role {
        self.role
    }
}

fn mine(column: impl IntoColumnRef, user: Uuid) -> Condition {
    Condition::all().add(Expr::col(column).eq(user))
}

/// Proof that whoever asks belongs to this organization. Only this module can make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OrganizationScope {
    organization_id: Uuid,
    viewer: Viewer,
    role: Role,
}

impl OrganizationScope {
    /// The viewer's way into an organization; `NotFound` when it does not exist or is not theirs.
    pub async fn of_member(db: &impl ConnectionTrait, viewer: Viewer, organization_id: Uuid) -> Result<Self> {
        let member = organization_member::Entity::find_by_id((organization_id, viewer.user_id)).one(db).await?;
        let member = member.ok_or(Error::NotFound("organization"))?;
        Ok(Self { organization_id, viewer, role: member.role })
    }

    /// The viewer's ways into those of these organizations that are theirs, in one read.
    pub async fn of_member_many(db: &Db, viewer: Viewer, organizations: &[Uuid]) -> Result<Vec<Self>> {
        let members = organization_member::Entity::find()
            .filter(organization_member::Column::UserId.eq(viewer.user_id))
            .filter(organization_member::Column::OrganizationId.is_in(organizations.iter().copied()));
        let scope = |member: organization_member::Model| Self {
            organization_id: member.organization_id,
            viewer,
            role: member.role,
        };
        Ok(members.all(&**db).await?.into_iter().map(scope).collect())
    }

    /// The same as of now, by a transaction that holds what it decides on; `NotFound` for whoever was removed meanwhile.
    pub async fn again(self, db: &impl ConnectionTrait) -> Result<Self> {
        Self::of_member(db, self.viewer, self.organization_id).await
    }

    /// The proof that a change demands; `Forbidden` where the role is too small for it.
    pub fn may<P: Permission<Scope = Self>>(self) -> Result<Granted<P>> {
        Granted::to(self, self.role)
    }

    /// The organization it opens.
    pub fn organization_id(&self) -> Uuid {
        self.organization_id
    }

    /// Who holds it.
    pub fn viewer(&self) -> Viewer {
        self.viewer
    }

    /// What its holder may do there.
    pub fn role(&self) -> Role {
        self.role
    }
}

/// What somebody calls a thing of theirs: trimmed, 1 to 100 characters, none of them a control
/// character (Postgres would refuse NUL, and a list would show none of them).
pub fn checked_name(field: &str, name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Error::invalid(field, "Expected 1 to 100 characters, none of them a control character."));
    }
    Ok(name.to_owned())
}

/// Takes one of the attempts at signing in that an address has; `RateLimited` when none is left.
/// Of IPv6 the network counts: every customer has more addresses than one could list.
pub async fn attempt(limiter: &Limiter, limits: &Limits, ip: IpAddr) -> Result<Decision> {
    take_attempt("auth", limiter, limits, ip).await
}

/// The same, of those that come back from a provider: they have taken an attempt when they went there, or say that they
/// come from there and do not.
pub async fn returned(limiter: &Limiter, limits: &Limits, ip: IpAddr) -> Result<Decision> {
    take_attempt("auth-return", limiter, limits, ip).await
}

async fn take_attempt(kind: &str, limiter: &Limiter, limits: &Limits, ip: IpAddr) -> Result<Decision> {
    let quota = Quota { permits: limits.auth_per_15_minutes, period: Duration::from_secs(15 * 60) };
    limiter.check(&format!("{kind}:{}", network(ip, 32, 64)), quota, 1).await.into_result()
}
