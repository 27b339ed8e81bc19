//! A database that is there and takes nothing, a disk that takes no more, a client that stands still.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

use super::{Trial, events, ids, noisy};
use crate::support::postgres::{TestDatabase, connect};

/// A trial on Postgres, and a connection to break that by.
async fn on_postgres(database: &TestDatabase) -> (Trial, DatabaseConnection) {
    let trial = Trial::start(&[("DATABASE_URL", database.url())]).await;
    trial.site.post(events("before", 3)).await.ok();
    (trial, connect(database.url()).await.unwrap())
}

/// From now on no event can be stored, for a reason with this code.
async fn fail(postgres: &DatabaseConnection, code: &str) {
    let function = format!(
        "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION 'as the test wants it' USING ERRCODE = '{code}'; END $$; \
         CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION fail()"
    );
    postgres.execute_unprepared(&function).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_room_memory_or_welcome_costs_no_event() {
    let database = TestDatabase::new().await;
    let (trial, postgres) = on_postgres(&database).await;
    let mut all: HashSet<_> = ids(&events("before", 3)).collect();
    // Its disk is full, its memory, its connections; it knows nobody any more.
    for code in ["53100", "53200", "53300", "28000", "28P01"] {
        fail(&postgres, code).await;
        for n in 0..3 {
            let batch = events(&format!("{code}-{n}"), 5);
            let reply = trial.site.post(&batch).await.expect(202);
            assert_eq!(reply.at("/data/spooled"), 5, "{code}");
            all.extend(ids(&batch));
        }
        postgres.execute_unprepared("DROP TRIGGER fail ON events").await.unwrap();
        trial.wait_until_drained().await;
        trial.site.post(events(&format!("{code}-after"), 1)).await.ok();
    }
    trial.holds(&all).await;
    postgres.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_log_in_any_more_costs_no_event() {
    let database = TestDatabase::new().await;
    let postgres = connect(database.url()).await.unwrap();
    let name = format!("{}_owner", database.url().rsplit('/').next().unwrap());
    postgres.execute_unprepared(&format!("CREATE ROLE {name} SUPERUSER LOGIN")).await.unwrap();
    let url = database.url().replace("//postgres@", &format!("//{name}@"));
    let trial = Trial::start(&[("DATABASE_URL", &url)]).await;
    trial.site.post(events("before", 3)).await.ok();
    let shut_out = format!(
        "ALTER ROLE {name} NOLOGIN; \
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}'"
    );
    postgres.execute_unprepared(&shut_out).await.unwrap();
    let mut all: HashSet<_> = ids(&events("before", 3)).collect();
    // Also when what is known of the key has to be read anew.
    for pause in [0, 5_500] {
        sleep(Duration::from_millis(pause)).await;
        let batch = events(&format!("during-{pause}"), 5);
        assert_eq!(trial.site.post(&batch).await.expect(202).at("/data/spooled"), 5);
        all.extend(ids(&batch));
    }
    postgres.execute_unprepared(&format!("ALTER ROLE {name} LOGIN")).await.unwrap();
    trial.holds(&all).await;
    trial.site.post(events("after", 1)).await.ok();
    postgres.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spooled_is_stored_in_its_order() {
    let database = TestDatabase::new().await;
    let (trial, postgres) = on_postgres(&database).await;
    fail(&postgres, "53100").await;
    // More than one transaction holds.
    let batches: Vec<_> = (0..6).map(|n| events(&format!("r{n}"), 2_000)).collect();
    for batch in &batches {
        trial.site.post(batch).await.expect(202);
    }
    postgres.execute_unprepared("DROP TRIGGER fail ON events").await.unwrap();
    trial.holds(&batches.iter().flat_map(|batch| ids(batch)).collect()).await;
    let rows = trial.rows().await;
    let commits = |n: usize| {
        let own = format!("r{n}-");
        let of_batch = rows.iter().filter(|row| row.client_id.as_ref().unwrap().starts_with(&own));
        let commits: HashSet<i64> = of_batch.map(|row| row.seq).collect();
        (*commits.iter().min().unwrap(), *commits.iter().max().unwrap())
    };
    let commits: Vec<_> = (0..6).map(commits).collect();
    assert!(commits.iter().all(|(first, last)| first == last), "a request is stored at once: {commits:?}");
    assert!(commits.is_sorted() && commits[0].0 < commits[5].0, "{commits:?}");
    postgres.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_fails_at_keeps_nobody_up_and_is_tried_again() {
    let database = TestDatabase::new().await;
    let (trial, postgres) = on_postgres(&database).await;
    fail(&postgres, "53100").await;
    let poison = json!([{"id": "poison-0", "event_type": "poison"}, {"id": "poison-1", "event_type": "x"}]);
    let mut all = HashSet::new();
    for batch in [events("a", 5), poison.as_array().unwrap().clone(), events("b", 5)] {
        trial.site.post(&batch).await.expect(202);
        all.extend(ids(&batch));
    }
    // Neither that it is away nor that the event does not fit: a defect of its own.
    let picky = "BEGIN; DROP TRIGGER fail ON events; \
        CREATE FUNCTION picky() RETURNS trigger LANGUAGE plpgsql AS \
        $$ BEGIN IF NEW.event_type = 'poison' THEN RAISE EXCEPTION 'picky'; END IF; RETURN NEW; END $$; \
        CREATE TRIGGER picky BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION picky(); COMMIT";
    postgres.execute_unprepared(picky).await.unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while trial.metric("uea_spool_events").await != Some(2.0) {
        assert!(Instant::now() < until, "{}", trial.server.daemon.log());
        sleep(Duration::from_millis(50)).await;
    }
    let stored: HashSet<_> = trial.stored().await.into_iter().collect();
    assert!(all.iter().all(|id| stored.contains(id) != id.starts_with("poison")), "{stored:?}");
    trial.site.post(events("after", 1)).await.ok();
    assert!(trial.server.daemon.log().contains("can not be stored and are tried again later"), "loudly");
    // It stays for as long as that lasts, and is stored when it is over.
    sleep(Duration::from_secs(3)).await;
    assert_eq!(trial.metric("uea_spool_events").await, Some(2.0));
    postgres.execute_unprepared("DROP TRIGGER picky ON events").await.unwrap();
    trial.holds(&all).await;
    postgres.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_whose_disk_is_full_refuses_and_loses_nothing() {
    let database = TestDatabase::new().await;
    let (mut trial, postgres) = on_postgres(&database).await;
    trial.kill();
    trial.restart_within(512).await;
    trial.site.post(events("before", 3)).await.ok();
    fail(&postgres, "53100").await;
    let (mut kept, mut refused) = (HashSet::new(), HashSet::new());
    for n in 0..60 {
        let batch: Vec<_> = (0..10).map(|part| noisy(&format!("r{n}-{part}"))).collect();
        let reply = trial.site.post(&batch).await;
        if reply.status == 202 {
            kept.extend(ids(&batch));
        } else {
            assert!(reply.header("retry-after").parse::<u32>().unwrap() > 0);
            assert_eq!(reply.refused(503), "UNAVAILABLE");
            refused.extend(ids(&batch));
        }
    }
    assert!(kept.len() >= 50 && refused.len() >= 100, "{} were kept, {} refused", kept.len(), refused.len());
    trial.kill();
    postgres.execute_unprepared("DROP TRIGGER fail ON events").await.unwrap();
    trial.restart().await;
    trial.holds(&kept).await;
    let stored: HashSet<_> = trial.stored().await.into_iter().collect();
    assert!(stored.is_disjoint(&refused), "nothing was written by halves");
    trial.site.post(events("after", 5)).await.ok();
    postgres.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_is_given_up_after_thirty_seconds() {
    let trial = Trial::start(&[]).await;
    let stalled = slow_body(&trial, Duration::from_secs(3_600));
    let trickling = slow_body(&trial, Duration::from_secs(1));
    let others = async {
        for n in 0..20 {
            trial.site.post(events(&format!("other-{n}"), 1)).await.ok();
            sleep(Duration::from_secs(1)).await;
        }
    };
    let (stalled, trickling, ()) = tokio::join!(stalled, trickling, others);
    for (answer, took) in [stalled, trickling] {
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains(r#""code":"TIMEOUT""#), "{answer}");
        assert!((29..45).contains(&took.as_secs()), "{took:?}");
    }
    assert_eq!(trial.stored().await.len(), 20);
}

/// Sends the beginning of a body and then a byte each `pause`; the answer, and when it came.
async fn slow_body(trial: &Trial, pause: Duration) -> (String, Duration) {
    let address = trial.server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nhost: {address}\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
         content-length: 1000\r\nconnection: close\r\n\r\n[{{\"id\": \"slow\",",
        trial.site.key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let begun = Instant::now();
    let (mut read, mut write) = stream.split();
    let mut answer = String::new();
    let trickle = async {
        loop {
            sleep(pause).await;
            // After the answer nobody listens any more.
            let _ = write.write_all(b" ").await;
        }
    };
    tokio::select! {
        read = read.read_to_string(&mut answer) => drop(read.unwrap()),
        () = trickle => {}
    }
    (answer, begun.elapsed())
}
