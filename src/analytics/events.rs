//! Events themselves, newest first.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use uuid::Uuid;

use super::{
    BotTraffic, Range,
    allowance::Allowance,
    behaviour::{Among, Behaved},
    filter::EventFilter,
    matcher::Matcher,
    range::EVER,
};
use crate::{
    auth::AppScope,
    columnar::{Columnar, Newest, Scan, View},
    db::Db,
    entity::event,
    error::Result,
};

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
    /// Only those that came after this commit, whenever they happened; the range is then that of what visitors did.
    pub since: Option<i64>,
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
pub async fn events(
    db: &Db,
    columnar: &Columnar,
    allowance: &Allowance,
    behaved: &Behaved,
    question: &EventsQuestion,
) -> Result<EventPage> {
    let _turn = allowance.turn().await?;
    let mut found = find(columnar, allowance, behaved, question).await?;
    let more = found.len() > question.first;
    found.truncate(question.first);
    if found.is_empty() {
        return Ok(EventPage { events: Vec::new(), more });
    }
    let rows = event::Entity::among(&**db, question.app.app_id(), question.seq, &found).await?;
    let mut rows: HashMap<Uuid, event::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
    // What was erased in between is left out.
    Ok(EventPage { events: found.iter().filter_map(|id| rows.remove(id)).collect(), more })
}

/// The ids of the page and of one event more, if there is one.
async fn find(
    columnar: &Columnar,
    allowance: &Allowance,
    behaved: &Behaved,
    question: &EventsQuestion,
) -> Result<Vec<Uuid>> {
    let range = if question.since.is_some() { EVER } else { question.range };
    let scan = Scan {
        app: question.app,
        from: range.from,
        to: range.to,
        seq: question.seq,
        visitor: question.user.clone(),
        is_bot: question.bots.is_bot(),
        select: question.filter.looked_at(),
        sieve: Some(Arc::new(Matcher::new(&question.filter))),
        columns: Vec::new(),
        times: true,
        ids: true,
        names: question.filter.names(),
    };
    let matcher = Matcher::new(&question.filter);
    let newest = Newest { scan, after: question.after, limit: question.first + 1, since: question.since };
    let select = |mut matcher: Matcher| move |view: View<'_>, rows: &mut Vec<u32>| matcher.select(view, rows);
    let mut behaviours = HashSet::new();
    matcher.behaviours(&mut behaviours);
    let found = if behaviours.is_empty() {
        columnar.newest(newest, select(matcher)).await?
    } else {
        let EventsQuestion { app, range, bots, seq, .. } = *question;
        let among = Among { app, range, bots, seq };
        loop {
            let (known, doers) = behaved.find(columnar, allowance, among, &behaviours).await?;
            let mut matcher = matcher.clone();
            matcher.know(&doers);
            match columnar.newest_pinned(&known.pinned, &newest, select(matcher)).await? {
                Some(found) => break found,
                None => behaved.forget(&known)?,
            }
        }
    };
    Ok(found.into_iter().map(|(_, id)| id).collect())
}
