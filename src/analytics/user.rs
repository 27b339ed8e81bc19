//! One user: what they did, when, where and with what.

use std::{cmp::Reverse, collections::HashMap, ops::ControlFlow};

use async_graphql::SimpleObject;
use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};

use super::{
    BigInt, BotTraffic, EventTypeCount, Range, UserTotals,
    accumulator::{Events, codes},
    summary::{count, top},
    users::Activity,
};
use crate::{
    auth::AppScope,
    clock::Moment,
    columnar::{Column, Columns, NONE, Order, Scan, View, scan},
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
    db: &Db,
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
        columns: COLUMNS.to_vec(),
        ids: false,
        order: Order::Any,
    };
    let (counted, columns) = scan(db, what, Counted::default(), |counted, view| {
        counted.fold(view);
        Ok(ControlFlow::Continue(()))
    })
    .await?;
    Ok((counted.activity.events > 0).then(|| counted.finish(user_id, &columns)))
}

/// The user whom an id counts for now: itself, unless it is linked to another.
pub async fn linked(db: &Db, app: AppScope, id: String) -> Result<String> {
    let link = identity::Entity::find_by_id((app.app_id(), id.clone())).one(&**db).await?;
    Ok(link.map_or(id, |link| link.user_id))
}

const COLUMNS: [Column; 6] =
    [Column::EventType, Column::Session, Column::Path, Column::Device, Column::Browser, Column::Os];

/// One user's events, counted.
#[derive(Debug, Default)]
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

impl Counted {
    fn fold(&mut self, view: View<'_>) {
        let events = Events::of(view);
        let [types, _, paths, devices, browsers, systems] = COLUMNS.map(|column| codes(view, &column));
        for row in 0..view.batch.len() {
            let event = events.get(row);
            count(&mut self.types, types[row]);
            if event.is_page_view {
                count(&mut self.pages, paths[row]);
            }
            *self.devices.entry([devices[row], browsers[row], systems[row]]).or_default() += 1;
            let mut is_new_session = false;
            if event.session != NONE {
                let visit = self.visits.entry(event.session).or_insert_with(|| {
                    is_new_session = true;
                    Activity::default()
                });
                visit.add(event, false);
            }
            self.activity.add(event, is_new_session);
        }
    }

    fn finish(self, user_id: &str, columns: &Columns) -> UserStats {
        let types = top(&self.types, columns, &Column::EventType).into_iter().take(TOP);
        let pages = top(&self.pages, columns, &Column::Path).into_iter().take(TOP);
        UserStats {
            totals: self.activity.totals(user_id),
            top_events: types
                .map(|(event_type, events)| EventTypeCount { event_type, events: BigInt(events) })
                .collect(),
            top_pages: pages.map(|(page_path, views)| PageCount { page_path, page_views: BigInt(views) }).collect(),
            devices: self.devices(columns),
            visits: self.visits(columns),
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

    fn visits(&self, columns: &Columns) -> Vec<Visit> {
        let mut visits: Vec<_> = self
            .visits
            .iter()
            .map(|(&session, visit)| Visit {
                session_id: value(columns, &Column::Session, session).unwrap_or_default(),
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
}

/// Sorts missing values behind all others.
fn none_last(value: Option<String>) -> (bool, Option<String>) {
    (value.is_none(), value)
}

fn value(columns: &Columns, column: &Column, code: u32) -> Option<String> {
    columns.dictionary(columns.place(column)?).value(code).map(str::to_owned)
}
