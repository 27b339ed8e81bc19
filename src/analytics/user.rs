//! One user: what they did, when, where and with what.

use async_graphql::SimpleObject;
use serde::{Deserialize, Serialize};

use super::{BigInt, EventTypeCount, Range, UserTotals};
use crate::{auth::AppScope, clock::Moment, db::Db, error::Result};

/// How many entries each list of [`UserStats`] holds at most.
pub const TOP: usize = 20;

/// What is known of one user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserStats {
    /// The headline.
    pub totals: UserTotals,
    /// What they did most, most frequent first; at most 20 types.
    pub top_events: Vec<EventTypeCount>,
    /// Where they looked most, most page views first; at most 20 pages.
    pub top_pages: Vec<PageCount>,
    /// What they used, most frequent first; at most 20 combinations.
    pub devices: Vec<DeviceCount>,
    /// Their visits, latest start first; at most 20.
    pub visits: Vec<Visit>,
}

/// How often a page was viewed.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageCount {
    /// Path of the page, without query and fragment.
    pub page_path: String,
    /// Number of page views.
    pub page_views: BigInt,
}

/// How many events came from one kind of device.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCount {
    /// `desktop`, `mobile`, `tablet`, `tv`, `console` or `bot`; null where it is not known.
    pub device: Option<String>,
    /// Browser name, such as `Firefox`; null where it is not known.
    pub browser: Option<String>,
    /// Operating system, such as `Android`; null where it is not known.
    pub os: Option<String>,
    /// Number of events.
    pub events: BigInt,
}

/// The events of one session id.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The session id, as the client says.
    pub session_id: String,
    /// When its first event happened.
    pub started_at: Moment,
    /// When its last event happened.
    pub ended_at: Moment,
    /// Number of events.
    pub events: BigInt,
    /// Number of events of type `page_view`.
    pub page_views: BigInt,
}

/// What is known of a user among the first `seq` commits, within a range or at all; none where
/// the user has no event there.
pub async fn user(
    _db: &Db,
    _app: AppScope,
    _user_id: &str,
    _range: Option<Range>,
    _seq: i64,
) -> Result<Option<UserStats>> {
    todo!()
}
