//! Events themselves, newest first.

use std::sync::Arc;

use uuid::Uuid;

use super::{Range, filter::EventFilter};
use crate::{auth::AppScope, db::Db, entity::event, error::Result};

/// Which events, and which page of them.
#[derive(Debug, Clone)]
pub struct EventsQuestion {
    /// Proof that the asker may ask.
    pub app: AppScope,
    /// Which events by time.
    pub range: Range,
    /// Which events by what they say.
    pub filter: Arc<EventFilter>,
    /// Only those of this user: a user id, or an anonymous id where an event has no user id.
    pub user: Option<String>,
    /// Which events by commit: those up to this one.
    pub seq: i64,
    /// At most so many.
    pub first: usize,
    /// Start behind the event with this timestamp and id.
    pub after: Option<(i64, Uuid)>,
}

/// A page of events, newest first; those of the same millisecond by id, largest first.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// At most as many as asked for.
    pub events: Vec<event::Model>,
    /// Whether more follow.
    pub more: bool,
}

/// Reads a page of events.
pub async fn events(_db: &Db, _question: &EventsQuestion) -> Result<EventPage> {
    todo!()
}
