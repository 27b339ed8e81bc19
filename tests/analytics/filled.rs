//! Apps that hold the same events on both stores, however they came to be kept.

use event_analytics::{
    entity::{event_aggregation, segment_head},
    state::App,
};
use proptest::{prelude::*, sample::select};
use sea_orm::{ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, sea_query::Expr};
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
}

/// How many events are sent at once, and what happens then.
pub fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let step = select(vec![Step::Rest, Step::Ask, Step::Seal, Step::Seal, Step::Merge, Step::Unroll, Step::RollUp]);
    prop::collection::vec((1_usize..15, step), 0..12)
}

/// Sends all events, some at a time.
async fn fill(app: &App, site: &Site, mut events: &[Event], steps: &[(usize, Step)]) {
    let id = Uuid::parse_str(site.app_id.trim_start_matches("app_")).unwrap();
    for &(some, step) in steps.iter().chain(&[(usize::MAX, Step::Rest)]) {
        let (now, later) = events.split_at(some.min(events.len()));
        if now.is_empty() {
            return;
        }
        let sent: Vec<_> = now.iter().map(Event::sent).collect();
        let receipt = site.post(sent).await.ok();
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
        }
        events = later;
    }
}

/// Two servers, one on each store.
pub struct Servers {
    sqlite: (TestApp, Person),
    postgres: (TestApp, Person),
}

/// Both, with nobody's apps yet.
pub async fn servers() -> Servers {
    let (sqlite, postgres) = tokio::join!(TestApp::start(Store::Sqlite), TestApp::start(Store::Postgres));
    let (one, other) = (sqlite.user("owner").await, postgres.user("owner").await);
    Servers { sqlite: (sqlite, one), postgres: (postgres, other) }
}

/// An app on each that holds these events.
pub async fn filled(servers: &Servers, events: &[Event], steps: &[(usize, Step)]) -> Vec<Site> {
    let filled = [&servers.sqlite, &servers.postgres].map(async |(server, owner)| {
        let site = Site::of(owner.clone(), "case").await;
        fill(&server.app, &site, events, steps).await;
        site
    });
    futures::future::join_all(filled).await
}
