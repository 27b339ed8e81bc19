//! Events themselves, newest first.

use std::{collections::HashMap, ops::ControlFlow, sync::Arc};

use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;

use super::{BotTraffic, Range, filter::EventFilter, matcher::Matcher};
use crate::{
    auth::AppScope,
    columnar::{Order, Scan, scan},
    db::Db,
    entity::event,
    error::Result,
};

/// How many events are read first where a filter chooses among them.
const SHORTEST: u64 = 1_024;
/// How many are read at once in the end.
const LONGEST: u64 = 65_536;

/// Which events, and which page of them.
#[derive(Debug, Clone)]
pub struct EventsQuestion {
    /// Proof that the asker may ask.
    pub app: AppScope,
    /// Which events by time.
    pub range: Range,
    /// Which events by what they say.
    pub filter: Arc<EventFilter>,
    /// Whether bots are among them.
    pub bots: BotTraffic,
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

/// Reads a page of events. The filter is the one that figures use, applied to the same columns.
pub async fn events(db: &Db, question: &EventsQuestion) -> Result<EventPage> {
    let mut found = find(db, question).await?;
    let more = found.len() > question.first;
    found.truncate(question.first);
    if found.is_empty() {
        return Ok(EventPage { events: Vec::new(), more });
    }
    let rows = event::Entity::as_of(question.app.app_id(), question.seq);
    let rows = rows.filter(event::Column::Id.is_in(found.iter().copied())).all(&**db).await?;
    let mut rows: HashMap<Uuid, event::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
    // What was erased in between is left out.
    Ok(EventPage { events: found.iter().filter_map(|id| rows.remove(id)).collect(), more })
}

/// What one scan has seen.
struct Seen {
    matcher: Matcher,
    rows: Vec<usize>,
    found: Vec<Uuid>,
    read: u64,
    last: Option<(i64, Uuid)>,
}

/// The ids of the page and of one event more, if there is one. A filter may let few events
/// through, so stretches are read of growing length until enough are found.
async fn find(db: &Db, question: &EventsQuestion) -> Result<Vec<Uuid>> {
    let wanted = question.first + 1;
    let columns: Vec<_> = question.filter.columns().into_iter().collect();
    let mut limit = if *question.filter == EventFilter::default() { wanted as u64 } else { SHORTEST };
    let (mut found, mut after) = (Vec::new(), question.after);
    loop {
        let what = Scan {
            app: question.app,
            from: question.range.from,
            to: question.range.to,
            seq: question.seq,
            visitor: question.user.clone(),
            is_bot: question.bots.is_bot(),
            columns: columns.clone(),
            ids: true,
            order: Order::NewestFirst { after, limit },
        };
        let matcher = Matcher::new(&question.filter);
        let seen = Seen { matcher, rows: Vec::new(), found, read: 0, last: after };
        let (seen, _) = scan(db, what, seen, move |seen, view| {
            let batch = view.batch;
            seen.matcher.select(view, &mut seen.rows);
            seen.found.extend(seen.rows.iter().map(|&row| batch.ids[row]));
            seen.read += batch.len() as u64;
            seen.last = batch.timestamps.last().copied().zip(batch.ids.last().copied());
            Ok(if seen.found.len() >= wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .await?;
        found = seen.found;
        if found.len() >= wanted || seen.read < limit {
            found.truncate(wanted);
            return Ok(found);
        }
        after = seen.last;
        limit = (limit * 4).min(LONGEST);
    }
}
