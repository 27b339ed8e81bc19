//! The audit log: what was changed, by whom, from where and when.
//!
//! An entry is written by the transaction that makes the change, so neither is there without the other. It
//! names what was changed by its id and by what it was called, tells settings by their values, and never
//! holds a token, a key, a password, a filter (which may name a person) or an id of a person who was erased
//! or exported. Of an address it keeps the network, as sessions do.

use std::net::IpAddr;

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, entity::prelude::*,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::entity::audit_event::Action;
use crate::{
    auth::{AppScope, OrganizationScope, Viewer},
    db::Db,
    entity::{
        app,
        audit_event::{Column, Entity, Model},
    },
    error::Result,
};

/// Bytes of a value that an entry shows; the rest is cut off.
const VALUE_BYTES: usize = 500;

/// A setting and its value, or none.
pub type Fact = (&'static str, Option<String>);

/// A setting and its value in the form in which an entry shows it.
pub fn fact(field: &'static str, value: impl Serialize) -> Fact {
    let shown = match serde_json::to_value(value) {
        Ok(serde_json::Value::Null) | Err(_) => None,
        Ok(serde_json::Value::String(text)) => Some(text),
        Ok(other) => Some(other.to_string()),
    };
    (field, shown.map(shortened))
}

fn shortened(mut text: String) -> String {
    if text.len() > VALUE_BYTES {
        text.truncate(text.floor_char_boundary(VALUE_BYTES));
        text.push('…');
    }
    text
}

/// A setting that was changed. Neither value is there where it is not for the log to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub field: String,
    /// What it was.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
}

/// Where a change was made, and by whom.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    organization: Option<Uuid>,
    account: Option<Uuid>,
    app: Option<Uuid>,
    by: Option<Uuid>,
    network: Option<IpAddr>,
}

impl Place {
    /// An account, by its holder.
    pub fn account(id: Uuid, network: Option<IpAddr>) -> Self {
        Self { account: Some(id), by: Some(id), network, ..Self::default() }
    }

    /// An organization, by somebody who need not belong to it.
    pub fn organization(id: Uuid, by: Viewer) -> Self {
        Self { organization: Some(id), by: Some(by.user_id), network: by.network, ..Self::default() }
    }

    /// The same, where it is not known who it is.
    pub fn by_nobody(self) -> Self {
        Self { by: None, ..self }
    }

    /// The same, in one of its apps.
    pub fn app(self, app: Option<Uuid>) -> Self {
        Self { app, ..self }
    }
}

impl From<Viewer> for Place {
    fn from(viewer: Viewer) -> Self {
        Self::account(viewer.user_id, viewer.network)
    }
}

impl From<OrganizationScope> for Place {
    fn from(scope: OrganizationScope) -> Self {
        Self::organization(scope.organization_id(), scope.viewer())
    }
}

impl From<AppScope> for Place {
    fn from(scope: AppScope) -> Self {
        let by = scope.viewer();
        let network = by.and_then(|by| by.network);
        Self { app: Some(scope.app_id()), by: by.map(|by| by.user_id), network, ..Self::default() }
    }
}

/// An entry to be.
#[derive(Debug)]
#[must_use = "an entry is written by `record`"]
pub struct Entry {
    action: Action,
    place: Place,
    target: Option<(Uuid, Option<String>)>,
    changes: Vec<Change>,
}

impl Entry {
    /// That something was done there.
    pub fn of(action: Action, place: impl Into<Place>) -> Self {
        Self { action, place: place.into(), target: None, changes: Vec::new() }
    }

    /// To what.
    pub fn to(mut self, id: Uuid, name: &str) -> Self {
        self.target = Some((id, (!name.is_empty()).then(|| shortened(name.to_owned()))));
        self
    }

    /// With these values.
    pub fn with(self, facts: Vec<Fact>) -> Self {
        self.from_to(Vec::new(), facts)
    }

    /// From these values to those; what is the same is left out.
    pub fn from_to(mut self, before: Vec<Fact>, after: Vec<Fact>) -> Self {
        let was = |field: &str| before.iter().find(|(known, _)| *known == field).and_then(|(_, value)| value.clone());
        let changes = after.into_iter().map(|(field, after)| Change { field: field.into(), before: was(field), after });
        self.changes.extend(changes.filter(|change| change.before != change.after));
        self
    }

    /// And this, whose values are not for the log to tell.
    pub fn untold(mut self, field: &str, changed: bool) -> Self {
        if changed {
            self.changes.push(Change { field: field.into(), before: None, after: None });
        }
        self
    }

    /// Writes it, as of `now`.
    pub async fn record(self, db: &impl ConnectionTrait, now: i64) -> Result<(), DbErr> {
        let place = self.place;
        let organization_id = match (place.organization, place.app) {
            (None, Some(app)) => app::Entity::find_by_id(app).one(db).await?.map(|app| app.organization_id),
            (known, _) => known,
        };
        let changes = serde_json::to_string(&self.changes).map_err(|error| DbErr::Json(error.to_string()))?;
        let (target_id, target_name) = self.target.map_or((None, None), |(id, name)| (Some(id), name));
        let row = Model {
            id: Uuid::now_v7(),
            at: now,
            action: self.action,
            organization_id,
            account_id: place.account,
            of_app: place.app,
            actor_id: place.by,
            network: place.network.map(|network| network.to_string()),
            target_id,
            target_name,
            changes: (!self.changes.is_empty()).then_some(changes),
        };
        row.into_active_model().insert(db).await?;
        Ok(())
    }
}

/// What an entry says was changed.
pub fn changes(entry: &Model) -> Vec<Change> {
    entry.changes.as_deref().and_then(|changes| serde_json::from_str(changes).ok()).unwrap_or_default()
}

/// Gives an account what was noted of its address before it was there.
pub(super) async fn adopt(db: &impl ConnectionTrait, user: Uuid, email: &str) -> Result<(), DbErr> {
    let noted = Column::Action.eq(Action::RegistrationLinkPrinted).and(Column::TargetName.eq(email));
    let adopted = Entity::update_many()
        .col_expr(Column::AccountId, Expr::value(user))
        .col_expr(Column::TargetId, Expr::value(user))
        .filter(noted.and(Column::AccountId.is_null()));
    adopted.exec(db).await?;
    Ok(())
}

/// Forgets entries from before `before`.
pub async fn forget_old(db: &Db, before: i64) -> Result<()> {
    Entity::delete_many().filter(Column::At.lt(before)).exec(db.writer()).await?;
    Ok(())
}
