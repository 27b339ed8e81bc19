//! One user: what they did, when, where and with what.

use std::{cmp::Reverse, collections::HashMap, ops::ControlFlow};

use async_graphql::SimpleObject;
use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};

use super::{
    BigInt, BotTraffic, EventTypeCount, Range, UserTotals,
    accumulator::{Events, codes},
    summary::{add_counts, count, top},
    users::Activity,
};
use crate::{
    auth::AppScope,
    clock::Moment,
    columnar::{Column, Columnar, Columns, NONE, Scan, View, Wanted, Worker},
    db::Db,
    entity::identity,
    error::Result,
};

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
    /// The session id, the client's or the server's.
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
    columnar: &Columnar,
    app: AppScope,
    user_id: &str,
    range: Option<Range>,
    bots: BotTraffic,
    seq: i64,
) -> Result<Option<UserStats>> {
    let range = range.unwrap_or(Range { from: i64::MIN, to: i64::MAX });
    let what = Scan {
        app,
        from: range.from,
        to: range.to,
        seq,
        visitor: Some(user_id.to_owned()),
        is_bot: bots.is_bot(),
        select: Vec::new(),
        sieve: None,
        columns: COLUMNS.to_vec(),
        times: true,
        ids: false,
        names: Wanted::default(),
    };
    let (workers, columns) = columnar.scan(what, Counted::default).await?;
    let mut counted = Counted::default();
    workers.iter().for_each(|worker| counted.merge(worker));
    if counted.activity.events == 0 {
        return Ok(None);
    }
    let visits = counted.latest_visits();
    let starts: Vec<i64> = visits.iter().map(|(_, visit)| visit.first).collect();
    let sessions = columnar.sessions_at(&columns, user_id, &starts).await?;
    Ok(Some(counted.finish(user_id, &columns, &visits, &sessions)))
}

/// The user whom an id counts for now: itself, unless it is linked to another.
pub async fn linked(db: &Db, app: AppScope, id: String) -> Result<String> {
    let link = identity::Entity::find_by_id((app.app_id(), id.clone())).one(&**db).await?;
    Ok(link.map_or(id, |link| link.user_id))
}

const COLUMNS: [Column; 6] =
    [Column::EventType, Column::Session, Column::Path, Column::Device, Column::Browser, Column::Os];

/// One user's events, counted.
#[derive(Debug, Clone, Default)]
struct Counted {
    activity: Activity,
    types: Vec<u64>,
    /// Page views by the code of their path.
    pages: Vec<u64>,
    /// Events by the codes of device, browser and operating system.
    devices: HashMap<[u32; 3], u64>,
    /// What happened in each session, by its code.
    visits: HashMap<u32, Activity>,
}

impl Worker for Counted {
    fn select(&mut self, _: View<'_>, _: &mut Vec<u32>) {}

    fn fold(&mut self, view: View<'_>) -> Result<ControlFlow<()>> {
        let events = Events::of(view);
        let [types, _, paths, devices, browsers, systems] = COLUMNS.map(|column| codes(view, &column));
        for row in 0..view.batch.len() {
            let event = events.get(row);
            count(&mut self.types, types[row], 1);
            if event.is_page_view {
                count(&mut self.pages, paths[row], 1);
            }
            *self.devices.entry([devices[row], browsers[row], systems[row]]).or_default() += 1;
            if event.session != NONE {
                self.visits.entry(event.session).or_default().add(event);
            }
            self.activity.add(event);
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl Counted {
    /// Adds what another has counted of other events.
    fn merge(&mut self, other: &Self) {
        self.activity.merge(&other.activity);
        add_counts(&mut self.types, &other.types);
        add_counts(&mut self.pages, &other.pages);
        other.devices.iter().for_each(|(device, events)| *self.devices.entry(*device).or_default() += events);
        other.visits.iter().for_each(|(session, visit)| self.visits.entry(*session).or_default().merge(visit));
    }

    /// The visits that may be listed: the latest, and those that started with the last of them.
    fn latest_visits(&self) -> Vec<(u32, Activity)> {
        let mut visits: Vec<_> = self.visits.iter().map(|(&session, &visit)| (session, visit)).collect();
        visits.sort_unstable_by_key(|(_, visit)| Reverse(visit.first));
        if let Some(last) = visits.get(TOP - 1).map(|(_, visit)| visit.first) {
            visits.retain(|(_, visit)| visit.first >= last);
        }
        visits
    }

    fn finish(
        self,
        user_id: &str,
        columns: &Columns,
        visits: &[(u32, Activity)],
        sessions: &HashMap<u32, String>,
    ) -> UserStats {
        let types = top(&self.types, columns, &Column::EventType).into_iter().take(TOP);
        let pages = top(&self.pages, columns, &Column::Path).into_iter().take(TOP);
        UserStats {
            totals: Activity { sessions: self.visits.len() as u64, ..self.activity }.totals(user_id),
            top_events: types
                .map(|(event_type, events)| EventTypeCount { event_type, events: BigInt(events) })
                .collect(),
            top_pages: pages.map(|(page_path, views)| PageCount { page_path, page_views: BigInt(views) }).collect(),
            devices: self.devices(columns),
            visits: listed(visits, sessions),
        }
    }

    fn devices(&self, columns: &Columns) -> Vec<DeviceCount> {
        let mut devices: Vec<_> = self
            .devices
            .iter()
            .map(|(&[device, browser, os], &events)| DeviceCount {
                device: value(columns, &Column::Device, device),
                browser: value(columns, &Column::Browser, browser),
                os: value(columns, &Column::Os, os),
                events: BigInt(events),
            })
            .collect();
        let names =
            |count: &DeviceCount| [count.device.clone(), count.browser.clone(), count.os.clone()].map(none_last);
        devices.sort_by_cached_key(|count| (Reverse(count.events), names(count)));
        devices.truncate(TOP);
        devices
    }
}

fn listed(visits: &[(u32, Activity)], sessions: &HashMap<u32, String>) -> Vec<Visit> {
    let mut visits: Vec<_> = visits
        .iter()
        .map(|(session, visit)| Visit {
            session_id: sessions.get(session).cloned().unwrap_or_default(),
            started_at: Moment(visit.first),
            ended_at: Moment(visit.last),
            events: BigInt(visit.events),
            page_views: BigInt(visit.page_views),
        })
        .collect();
    visits.sort_unstable_by(|a, b| (b.started_at, &a.session_id).cmp(&(a.started_at, &b.session_id)));
    visits.truncate(TOP);
    visits
}

/// Sorts missing values behind all others.
fn none_last(value: Option<String>) -> (bool, Option<String>) {
    (value.is_none(), value)
}

fn value(columns: &Columns, column: &Column, code: u32) -> Option<String> {
    columns.dictionary(columns.place(column)?).value(code).map(str::to_owned)
}
