//! Ids as clients see them: a prefix that says what they are of, and the row's UUID.
//!
//! A malformed id names nothing, so it is answered exactly like the id of nothing.

use std::{fmt, str::FromStr};

use async_graphql::ID;
use uuid::{Uuid, fmt::Simple};

use crate::error::{Error, Result};

/// Something that has an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeId {
    /// `usr_…`: somebody with an account.
    User(Uuid),
    /// `ses_…`: a sign-in.
    Session(Uuid),
    /// `app_…`: an app.
    App(Uuid),
    /// `org_…`: an organization.
    Organization(Uuid),
    /// `inv_…`: an invitation.
    Invitation(Uuid),
    /// `key_…`: an API key.
    ApiKey(Uuid),
    /// `evt_…_…`: an event, which is known only within its app.
    Event {
        /// Whose.
        app: Uuid,
        /// Which.
        event: Uuid,
    },
    /// `goal_…_…`: a goal, which is known only within its app.
    Goal {
        /// Whose.
        app: Uuid,
        /// Which.
        goal: Uuid,
    },
    /// `seg_…_…`: a saved segment, which is known only within its app.
    SavedSegment {
        /// Whose.
        app: Uuid,
        /// Which.
        segment: Uuid,
    },
    /// `dsh_…_…`: a dashboard, which is known only within its app.
    Dashboard {
        /// Whose.
        app: Uuid,
        /// Which.
        dashboard: Uuid,
    },
    /// `shr_…_…`: a link to a dashboard, which is known only within its app.
    DashboardShare {
        /// Whose.
        app: Uuid,
        /// Which.
        share: Uuid,
    },
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "usr_{}", id.simple()),
            Self::Session(id) => write!(f, "ses_{}", id.simple()),
            Self::App(id) => write!(f, "app_{}", id.simple()),
            Self::Organization(id) => write!(f, "org_{}", id.simple()),
            Self::Invitation(id) => write!(f, "inv_{}", id.simple()),
            Self::ApiKey(id) => write!(f, "key_{}", id.simple()),
            Self::Event { app, event } => write!(f, "evt_{}_{}", app.simple(), event.simple()),
            Self::Goal { app, goal } => write!(f, "goal_{}_{}", app.simple(), goal.simple()),
            Self::SavedSegment { app, segment } => write!(f, "seg_{}_{}", app.simple(), segment.simple()),
            Self::Dashboard { app, dashboard } => write!(f, "dsh_{}_{}", app.simple(), dashboard.simple()),
            Self::DashboardShare { app, share } => write!(f, "shr_{}_{}", app.simple(), share.simple()),
        }
    }
}

/// The text is no id of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl FromStr for NodeId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (prefix, rest) = text.split_once('_').ok_or(Malformed)?;
        match prefix {
            "usr" => uuid(rest).map(Self::User),
            "ses" => uuid(rest).map(Self::Session),
            "app" => uuid(rest).map(Self::App),
            "org" => uuid(rest).map(Self::Organization),
            "inv" => uuid(rest).map(Self::Invitation),
            "key" => uuid(rest).map(Self::ApiKey),
            "evt" => {
                let (app, event) = rest.split_once('_').ok_or(Malformed)?;
                Ok(Self::Event { app: uuid(app)?, event: uuid(event)? })
            }
            "goal" => {
                let (app, goal) = rest.split_once('_').ok_or(Malformed)?;
                Ok(Self::Goal { app: uuid(app)?, goal: uuid(goal)? })
            }
            "seg" => {
                let (app, segment) = rest.split_once('_').ok_or(Malformed)?;
                Ok(Self::SavedSegment { app: uuid(app)?, segment: uuid(segment)? })
            }
            "dsh" => {
                let (app, dashboard) = rest.split_once('_').ok_or(Malformed)?;
                Ok(Self::Dashboard { app: uuid(app)?, dashboard: uuid(dashboard)? })
            }
            "shr" => {
                let (app, share) = rest.split_once('_').ok_or(Malformed)?;
                Ok(Self::DashboardShare { app: uuid(app)?, share: uuid(share)? })
            }
            _ => Err(Malformed),
        }
    }
}

/// Only the one spelling that we write, so that equal ids are equal texts.
fn uuid(text: &str) -> Result<Uuid, Malformed> {
    let id: Uuid = text.parse::<Simple>().map_err(|_| Malformed)?.into_uuid();
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) { Err(Malformed) } else { Ok(id) }
}

/// The app that `id` names; `NOT_FOUND` for anything else.
pub fn app(id: &ID) -> Result<Uuid> {
    match id.parse() {
        Ok(NodeId::App(id)) => Ok(id),
        _ => Err(Error::NotFound("app")),
    }
}

/// The organization that `id` names; `NOT_FOUND` for anything else.
pub fn organization(id: &ID) -> Result<Uuid> {
    match id.parse() {
        Ok(NodeId::Organization(id)) => Ok(id),
        _ => Err(Error::NotFound("organization")),
    }
}

/// The account that `id` names; `NOT_FOUND` for anything else.
pub fn user(id: &ID) -> Result<Uuid> {
    match id.parse() {
        Ok(NodeId::User(id)) => Ok(id),
        _ => Err(Error::NotFound("account")),
    }
}

/// The invitation that `id` names; `NOT_FOUND` for anything else.
pub fn invitation(id: &ID) -> Result<Uuid> {
    match id.parse() {
        Ok(NodeId::Invitation(id)) => Ok(id),
        _ => Err(Error::NotFound("invitation")),
    }
}

/// The API key that `id` names; `NOT_FOUND` for anything else.
pub fn api_key(id: &ID) -> Result<Uuid> {
    match id.parse() {
        Ok(NodeId::ApiKey(id)) => Ok(id),
        _ => Err(Error::NotFound("API key")),
    }
}

/// The goal that `id` names, behind its app; `NOT_FOUND` for anything else.
pub fn goal(id: &ID) -> Result<(Uuid, Uuid)> {
    match id.parse() {
        Ok(NodeId::Goal { app, goal }) => Ok((app, goal)),
        _ => Err(Error::NotFound("goal")),
    }
}

/// The saved segment that `id` names, behind its app; `NOT_FOUND` for anything else.
pub fn saved_segment(id: &ID) -> Result<(Uuid, Uuid)> {
    match id.parse() {
        Ok(NodeId::SavedSegment { app, segment }) => Ok((app, segment)),
        _ => Err(Error::NotFound("saved segment")),
    }
}

/// The dashboard that `id` names, behind its app; `NOT_FOUND` for anything else.
pub fn dashboard(id: &ID) -> Result<(Uuid, Uuid)> {
    match id.parse() {
        Ok(NodeId::Dashboard { app, dashboard }) => Ok((app, dashboard)),
        _ => Err(Error::NotFound("dashboard")),
    }
}

/// The link to a dashboard that `id` names, behind its app; `NOT_FOUND` for anything else.
pub fn dashboard_share(id: &ID) -> Result<(Uuid, Uuid)> {
    match id.parse() {
        Ok(NodeId::DashboardShare { app, share }) => Ok((app, share)),
        _ => Err(Error::NotFound("link")),
    }
}

/// The sign-in that `id` names; `NOT_FOUND` for anything else.
pub fn session(id: &ID) -> Result<Uuid> {
    match id.parse() {
        Ok(NodeId::Session(id)) => Ok(id),
        _ => Err(Error::NotFound("session")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_reads_back_and_nothing_else_does() {
        let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
        let of_app = [
            NodeId::Event { app: a, event: b },
            NodeId::Goal { app: a, goal: b },
            NodeId::SavedSegment { app: a, segment: b },
            NodeId::Dashboard { app: a, dashboard: b },
        ];
        let alone =
            [NodeId::User, NodeId::Session, NodeId::App, NodeId::Organization, NodeId::Invitation, NodeId::ApiKey];
        for id in alone.map(|kind| kind(a)).into_iter().chain(of_app) {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        let hyphenated = format!("app_{a}");
        for text in ["", "app", "app_", "app_0", "evt_0_0", "xyz_00000000000000000000000000000000", &hyphenated] {
            assert_eq!(text.parse::<NodeId>(), Err(Malformed), "{text}");
        }
    }
}
