//! Group commit, below HTTP: what is acknowledged is stored, and stored once.

use std::collections::HashSet;

use event_analytics::{
    auth::AppScope,
    clock::Clock,
    entity::{event, event_head},
    error::Error,
    ingest::{Draft, Verdict, writer::Writer},
};
use futures::future::join_all;
use proptest::prelude::*;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;
use uuid::Uuid;

use super::{counts, rows};
use crate::support::{
    app::{Store, TestApp},
    people::Site,
};

async fn scope(app: &TestApp, site: &Site) -> AppScope {
    app.app.api_keys.authenticate(&site.key).await.unwrap().scope
}

fn event(id: u128) -> Draft {
    draft("x", id)
}

fn draft(event_type: &str, id: u128) -> Draft {
    let (id, event_type) = (Uuid::from_u128(id), event_type.to_owned());
    Draft {
        event: event::Model { id, event_type, timestamp: 1, received_at: 2, ..Default::default() },
        ..Default::default()
    }
}

both_stores! {
    async fn groups_of_many_apps_do_not_meet(store: Store) {
        let app = TestApp::start(store).await;
        let mut sites = vec![app.site().await];
        for name in ["b", "c", "d"] {
            sites.push(Site::of(sites[0].owner.clone(), name).await);
        }
        let requests = (0..200).map(|n| {
            let site = sites[n % 4].clone();
            tokio::spawn(async move { counts(&site.post(vec![json!({"event_type": "x"}); n % 7 + 1]).await.ok()) })
        });
        let accepted: u64 = join_all(requests).await.into_iter().map(|counts| counts.unwrap().0).sum();
        let mut stored = 0;
        for site in &sites {
            let rows = rows(&app, site).await;
            let commits: HashSet<_> = rows.iter().map(|row| row.seq).collect();
            assert_eq!(commits.len() as i64, rows.last().unwrap().seq, "commits are numbered without a gap");
            stored += rows.len() as u64;
        }
        assert_eq!(stored, accepted);
    }

    async fn what_a_caller_left_is_stored_all_the_same(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let scope = scope(&app, &site).await;
        for id in 0..50 {
            let writer = app.app.writer.clone();
            let waiting = tokio::spawn(async move { writer.store(scope, vec![event(id)]).await });
            tokio::task::yield_now().await;
            waiting.abort();
        }
        app.app.writer.drain().await;
        let stored = rows(&app, &site).await.len();
        assert!(stored <= 50);
        assert_eq!(app.app.writer.queue_depth(), 0);
    }

    async fn a_full_queue_refuses_and_a_drained_one_too(store: Store) {
        let app = TestApp::with(store, &[("INGEST_QUEUE_EVENTS", "2500")]).await;
        let site = app.site().await;
        // Holds the app's head, so that the writer has to wait.
        let blocker = app.app.db.begin().await.unwrap();
        blocker.execute_unprepared("UPDATE event_heads SET seq = seq").await.unwrap();
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let site = site.clone();
                tokio::spawn(async move { site.post(vec![json!({"event_type": "x"}); 1_200]).await })
            })
            .collect();
        while app.app.writer.queue_depth() < 2_400 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let reply = site.post(vec![json!({"event_type": "x"}); 101]).await;
        assert_eq!(reply.header("retry-after"), "1");
        assert_eq!(reply.refused(503), "UNAVAILABLE");
        blocker.rollback().await.unwrap();
        for reply in join_all(waiting).await {
            assert_eq!(counts(&reply.unwrap().ok()), (1_200, 0, 0));
        }
        assert_eq!(counts(&site.post(vec![json!({"event_type": "x"}); 101]).await.ok()), (101, 0, 0));
        app.app.writer.drain().await;
        assert_eq!(site.post(json!({"event_type": "x"})).await.refused(503), "UNAVAILABLE");
        assert_eq!(rows(&app, &site).await.len(), 2_501);
    }

    async fn an_app_that_is_gone_takes_no_event(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let kept = Site::of(site.owner.clone(), "Kept").await;
        let scope = scope(&app, &site).await;
        event_head::Entity::delete_many()
            .filter(event_head::Column::AppId.eq(scope.app_id()))
            .exec(app.app.db.writer())
            .await
            .unwrap();
        let both = join_all([site.post(json!({"event_type": "x"})), kept.post(json!({"event_type": "x"}))]).await;
        assert_eq!(both[0].clone().refused(404), "NOT_FOUND");
        assert_eq!(counts(&both[1].clone().ok()), (1, 0, 0));
        assert_eq!(rows(&app, &site).await, []);
    }

    async fn an_event_the_database_refuses_fails_alone(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let scope = scope(&app, &site).await;
        let trigger = if store == Store::Postgres {
            "ALTER TABLE events ADD CONSTRAINT picky CHECK (event_type <> 'poison')"
        } else {
            "CREATE TRIGGER picky BEFORE INSERT ON events WHEN NEW.event_type = 'poison' \
             BEGIN SELECT RAISE(ABORT, 'picky'); END"
        };
        app.app.db.writer().execute_unprepared(trigger).await.unwrap();
        let poison = |id| draft("poison", id);
        let events: Vec<_> = (0..100).map(|id| if id % 33 == 0 { poison(id) } else { event(id) }).collect();
        let verdicts = app.app.writer.store(scope, events).await.unwrap();
        for (id, verdict) in verdicts.iter().enumerate() {
            match verdict {
                Verdict::Rejected(refusal) => assert_eq!((id % 33, refusal.code), (0, "NOT_STORABLE")),
                verdict => assert_eq!((id % 33 != 0, verdict), (true, &Verdict::Stored)),
            }
        }
        assert_eq!(rows(&app, &site).await.len(), 96);
    }

    async fn an_event_that_waited_is_a_duplicate_of_its_own_repetition(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let scope = scope(&app, &site).await;
        let now = Clock::System.now_ms();
        for (days_ago, verdict) in [(0, Verdict::Stored), (25, Verdict::Duplicate), (0, Verdict::Duplicate)] {
            let mut event = event(1);
            event.event.received_at = now - days_ago * 24 * 60 * 60 * 1_000;
            assert_eq!(app.app.writer.store(scope, vec![event]).await.unwrap(), [verdict], "{days_ago}");
        }
    }

    async fn while_the_database_is_away_nothing_is_acknowledged(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let scope = scope(&app, &site).await;
        let own = &app.app;
        let writer = Writer::start(
            own.db.clone(),
            own.columnar.clone(),
            own.clock.clone(),
            own.digests.clone(),
            None,
            100,
        );
        assert_eq!(writer.store(scope, vec![event(1)]).await.unwrap(), [Verdict::Stored]);
        app.app.db.close().await;
        let refused = writer.store(scope, vec![event(2)]).await;
        assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
        assert_eq!(writer.queue_depth(), 0);
    }
}

/// Neither that the database is away nor that the event does not fit: an owner's own trigger raises.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_fails_at_costs_its_neighbours_nothing() {
    let app = TestApp::start(Store::Postgres).await;
    let site = app.site().await;
    let neighbour = Site::of(site.owner.clone(), "Neighbour").await;
    let picky = "CREATE FUNCTION picky() RETURNS trigger LANGUAGE plpgsql AS \
        $$ BEGIN IF NEW.event_type = 'poison' THEN RAISE EXCEPTION 'picky'; END IF; RETURN NEW; END $$; \
        CREATE TRIGGER picky BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION picky()";
    app.app.db.writer().execute_unprepared(picky).await.unwrap();
    // While the heads are held, all that comes waits for one group.
    let blocker = app.app.db.begin().await.unwrap();
    blocker.execute_unprepared("UPDATE event_heads SET seq = seq").await.unwrap();
    let mut requests = Vec::new();
    for n in 0..40 {
        let (site, kind) = (if n % 2 == 0 { &site } else { &neighbour }, if n % 13 == 7 { "poison" } else { "x" });
        let (site, before) = (site.clone(), app.app.writer.queue_depth());
        requests.push(tokio::spawn(async move { (kind, site.post(json!({"event_type": kind})).await) }));
        while app.app.writer.queue_depth() == before {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    blocker.rollback().await.unwrap();
    for request in join_all(requests).await {
        let (kind, reply) = request.unwrap();
        if kind == "poison" {
            assert_eq!(reply.refused(500), "INTERNAL");
        } else {
            reply.ok();
        }
    }
    assert_eq!(rows(&app, &site).await.len() + rows(&app, &neighbour).await.len(), 37);
    for site in [&site, &neighbour] {
        let commits: Vec<i64> = rows(&app, site).await.iter().map(|row| row.seq).collect();
        assert!(commits.is_sorted(), "{commits:?}");
    }
    // And where nothing can be stored, everybody is told so.
    app.app.db.writer().execute_unprepared("ALTER TABLE events RENAME event_type TO kind").await.unwrap();
    let all = join_all((0..30).map(|_| site.post(json!({"event_type": "x"})))).await;
    assert!(all.into_iter().all(|reply| reply.refused(500) == "INTERNAL"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever requests run at once, with whatever ids: an id is accepted once, the others are
    /// duplicates, and the rows are exactly the ids.
    #[test]
    fn what_is_acknowledged_is_stored_once(
        requests in prop::collection::vec(prop::collection::vec(0u128..40, 1..30), 1..12),
        sqlite in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let app = TestApp::start(if sqlite { Store::Sqlite } else { Store::Postgres }).await;
            let site = app.site().await;
            let scope = scope(&app, &site).await;
            let distinct: HashSet<_> = requests.iter().flatten().copied().collect();
            let stores = requests.into_iter().map(|ids| {
                let writer = app.app.writer.clone();
                tokio::spawn(async move { writer.store(scope, ids.into_iter().map(event).collect()).await.unwrap() })
            });
            let verdicts: Vec<_> = join_all(stores).await.into_iter().flat_map(Result::unwrap).collect();
            let stored = verdicts.iter().filter(|verdict| **verdict == Verdict::Stored).count();
            assert_eq!(stored, distinct.len());
            assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Stored | Verdict::Duplicate)));
            assert_eq!(event::Entity::find().count(&*app.app.db).await.unwrap(), distinct.len() as u64);
            app.stop().await;
        });
    }
}
