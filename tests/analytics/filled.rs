//! Apps that hold the same events on both stores, however they came to be kept.

use event_analytics::entity::{event_aggregation, segment_head};
use proptest::{prelude::*, sample::select};
use sea_orm::{ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, sea_query::Expr};
use serde_json::json;
use uuid::Uuid;

use super::event::Event;
use crate::support::{
    app::{Store, TestApp},
    people::{Person, Site},
};

/// What happens after some events have been sent.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Nothing: they stay rows.
    Rest,
    /// Somebody asks, so that the server keeps what it has read.
    Ask,
    /// They become a segment.
    Seal,
    /// They become a segment, and small segments one.
    Merge,
    /// Half of the segments lose their rollups.
    Unroll,
    /// All segments get rollups anew.
    RollUp,
    /// All segments are made anew.
    Rebuild,
    /// Somebody is erased: whoever one of the events sent so far counts for.
    Erase(usize),
    /// Events expire: all those sent so far that happened before one of them.
    Expire(usize),
}

/// How many events are sent at once, and what happens then.
pub fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let step = prop_oneof![
        7 => select(vec![Step::Rest, Step::Ask, Step::Seal, Step::Seal, Step::Merge, Step::Unroll, Step::RollUp]),
        1 => Just(Step::Rebuild),
        2 => any::<usize>().prop_map(Step::Erase),
        1 => any::<usize>().prop_map(Step::Expire),
    ];
    prop::collection::vec((1_usize..15, step), 0..12)
}

/// The events that are left after all of them were sent, some at a time.
pub fn kept(events: &[Event], steps: &[(usize, Step)]) -> Vec<Event> {
    let (mut kept, mut sent) = (Vec::<Event>::new(), 0);
    for &(some, step) in steps {
        let now = &events[sent..(sent + some).min(events.len())];
        if now.is_empty() {
            break;
        }
        kept.extend(now.iter().cloned());
        sent += now.len();
        match step {
            Step::Erase(which) => {
                let person = events[which % sent].visitor();
                kept.retain(|event| person.is_none() || event.visitor() != person);
            }
            Step::Expire(which) => kept.retain(|event| event.at >= events[which % sent].at),
            _ => {}
        }
    }
    kept.extend_from_slice(&events[sent..]);
    kept
}

/// Sends all events, some at a time.
async fn fill(server: &TestApp, site: &Site, events: &[Event], steps: &[(usize, Step)]) {
    let (app, id) = (&server.app, Uuid::parse_str(site.app_id.trim_start_matches("app_")).unwrap());
    let mut sent = 0_usize;
    for &(some, step) in steps.iter().chain(&[(usize::MAX, Step::Rest)]) {
        let now = &events[sent..sent.saturating_add(some).min(events.len())];
        if now.is_empty() {
            break;
        }
        sent += now.len();
        let batch: Vec<_> = now.iter().map(Event::sent).collect();
        let receipt = site.post(batch).await.ok();
        assert_eq!(receipt["accepted"], now.len(), "{receipt:#}");
        match step {
            Step::Rest => {}
            Step::Ask => drop(site.ask("summary(range: { preset: LAST_24_HOURS }) { uniqueUsers }").await),
            Step::Seal => assert!(app.columnar.seal(id).await.unwrap()),
            Step::Merge => {
                assert!(app.columnar.seal(id).await.unwrap());
                app.columnar.merge(id).await.unwrap();
            }
            Step::Unroll => {
                // As a server that knows no rollups would leave them.
                assert!(app.columnar.seal(id).await.unwrap());
                let own = event_aggregation::Column::AppId.eq(id);
                let odd = Expr::col(event_aggregation::Column::SegmentId).modulo(2).eq(1);
                let rollups = event_aggregation::Entity::delete_many().filter(own).filter(odd);
                rollups.exec(app.db.writer()).await.unwrap();
                let head = segment_head::Entity::update_many().filter(segment_head::Column::AppId.eq(id));
                let revision = Expr::col(segment_head::Column::Revision).add(1);
                head.col_expr(segment_head::Column::Revision, revision).exec(app.db.writer()).await.unwrap();
            }
            Step::RollUp => {
                assert!(app.columnar.seal(id).await.unwrap());
                app.columnar.rebuild_rollups(id).await.unwrap();
            }
            Step::Rebuild => {
                assert!(app.columnar.seal(id).await.unwrap());
                app.columnar.rebuild_segments(id).await.unwrap();
            }
            Step::Erase(which) => {
                let Some(person) = events[which % sent].visitor() else { continue };
                let input = json!({ "appId": site.app_id, "userId": person });
                let told = site.owner.mutate("eraseUser", input, "erasure { finishedAt }").await.data();
                assert!(told["eraseUser"]["erasure"]["finishedAt"].is_string(), "{told}");
                // What arrives in the same millisecond would be late.
                server.clock.advance(1);
            }
            Step::Expire(which) => {
                let before = events[which % sent].at;
                while !app.columnar.expire(id, before).await.unwrap().all {}
            }
        }
    }
    // Segments hold what the rows say, whatever was done.
    assert_eq!(app.columnar.verify(id).await.unwrap().drift, [""; 0]);
}

/// Two servers, one on each store.
pub struct Servers {
    sqlite: (TestApp, Person),
    postgres: (TestApp, Person),
}

/// Both, with nobody's apps yet.
pub async fn servers() -> Servers {
    // On one, no two segments fit into memory at once, and hardly a column stays there.
    let tiny = [("COLUMN_CACHE_BYTES", "1000")];
    let (sqlite, postgres) = tokio::join!(TestApp::start(Store::Sqlite), TestApp::with(Store::Postgres, &tiny));
    let (one, other) = (sqlite.user("owner").await, postgres.user("owner").await);
    Servers { sqlite: (sqlite, one), postgres: (postgres, other) }
}

/// An app on each that was sent these events, and holds those that are [`kept`].
pub async fn filled(servers: &Servers, events: &[Event], steps: &[(usize, Step)]) -> Vec<Site> {
    let filled = [&servers.sqlite, &servers.postgres].map(async |(server, owner)| {
        let site = Site::of(owner.clone(), "case").await;
        fill(server, &site, events, steps).await;
        site
    });
    futures::future::join_all(filled).await
}
