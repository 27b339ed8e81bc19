//! Who asks, and proof that they may.

pub mod account;
pub mod api_key;
pub mod cookie;
pub mod digest;
pub mod export;
pub mod oauth;
pub mod password;
pub mod session;
pub mod settings;

use std::{net::IpAddr, time::Duration};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::{
    config::{Limits, network},
    db::Db,
    entity::app_member::{self, Role},
    error::{Error, Result},
    limiter::{Decision, Limiter, Quota},
};

/// The person behind a request: signed in by a session that was live when it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// Row of `users`.
    pub user_id: Uuid,
    /// Row of `user_sessions`.
    pub session_id: Uuid,
}

/// Proof that whoever asks may touch this app. Only this module can make one, after it has
/// checked a membership or a key; everything that reads or writes an app's data demands it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AppScope {
    app_id: Uuid,
    role: Role,
}

impl AppScope {
    /// The viewer's way into an app; `NotFound` when it does not exist or is not theirs.
    pub async fn of_member(db: &Db, viewer: Viewer, app_id: Uuid) -> Result<Self> {
        let member = app_member::Entity::find_by_id((app_id, viewer.user_id)).one(&**db).await?;
        let member = member.ok_or(Error::NotFound("app"))?;
        Ok(Self { app_id, role: member.role })
    }

    /// The viewer's ways into those of these apps that are theirs, in one read.
    pub async fn of_member_many(db: &Db, viewer: Viewer, apps: &[Uuid]) -> Result<Vec<Self>> {
        let members = app_member::Entity::find()
            .filter(app_member::Column::UserId.eq(viewer.user_id))
            .filter(app_member::Column::AppId.is_in(apps.iter().copied()));
        let members = members.all(&**db).await?;
        Ok(members.into_iter().map(|member| Self { app_id: member.app_id, role: member.role }).collect())
    }

    /// `Forbidden` unless the holder may change the app.
    pub fn for_change(self) -> Result<Self> {
        match self.role {
            Role::Owner => Ok(self),
            Role::Viewer => Err(Error::Forbidden("Only an owner of the app may change it.")),
        }
    }

    /// The app it opens.
    pub fn app_id(&self) -> Uuid {
        self.app_id
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
    let quota = Quota { permits: limits.auth_per_15_minutes, period: Duration::from_secs(15 * 60) };
    limiter.check(&format!("auth:{}", network(ip, 32, 64)), quota, 1).await.into_result()
}
