//! Who asks, and proof that they may.

pub mod api_key;
pub mod oauth;
pub mod password;
pub mod session;

use uuid::Uuid;

use crate::{db::Db, entity::app_member::Role, error::Result};

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
    pub async fn of_member(_db: &Db, _viewer: Viewer, _app_id: Uuid) -> Result<Self> {
        todo!()
    }

    /// `Forbidden` unless the holder may change the app.
    pub fn for_change(self) -> Result<Self> {
        todo!()
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
