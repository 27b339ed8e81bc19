//! Processes that end without a word while events become segments.
//!
//! Sealing begins with many events or with old ones. Here every event is stored as if it had arrived six
//! minutes ago, so that each round of the server seals whatever there is, and merges what it sealed; and each
//! step of it takes a while, so that a process can be killed before, between and after all of them.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use event_analytics::entity::event;
use rand::RngExt as _;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use super::Trial;
use crate::support::{
    app::Store,
    binary,
    people::Site,
    postgres::{TestDatabase, connect},
    until,
};

/// Events are old as soon as they are stored. There is one partition for all times, for a row may not be moved
/// to another while it is stored.
const OLD: &str = "
    DO $$ DECLARE own text; BEGIN
        FOR own IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass LOOP
            EXECUTE format('ALTER TABLE events DETACH PARTITION %s', own);
        END LOOP;
    END $$;
    CREATE TABLE events_of_all_times PARTITION OF events FOR VALUES FROM (0) TO (9223372036854775807);
    CREATE FUNCTION age() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.received_at := NEW.received_at - 360000; RETURN NEW; END $$;
    CREATE TRIGGER age BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION age();";

/// Each statement of sealing and merging takes a while, and so does their commit.
const SLOW: &str = "
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.04); RETURN NULL; END $$;
    CREATE TRIGGER slow BEFORE UPDATE ON segment_heads FOR EACH STATEMENT EXECUTE FUNCTION slow();
    CREATE TRIGGER slow BEFORE INSERT ON event_codes FOR EACH STATEMENT EXECUTE FUNCTION slow();
    CREATE TRIGGER slow BEFORE INSERT OR DELETE ON event_segments FOR EACH STATEMENT EXECUTE FUNCTION slow();
    CREATE TRIGGER slow BEFORE INSERT OR DELETE ON segment_columns FOR EACH STATEMENT EXECUTE FUNCTION slow();
    CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON event_segments DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION slow();";

/// Both on SQLite, which can not sleep and counts instead.
const ON_SQLITE: &str = "
    CREATE TRIGGER age AFTER INSERT ON events BEGIN
        UPDATE events SET received_at = received_at - 360000 WHERE rowid = NEW.rowid;
    END;
    CREATE TRIGGER slow AFTER INSERT ON event_segments BEGIN
        UPDATE event_segments SET bytes = bytes + 0 * (WITH RECURSIVE n (n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 300000) SELECT count(*) FROM n) WHERE rowid = NEW.rowid;
    END;";

/// Clients that send until they are stopped.
struct Senders {
    stop: CancellationToken,
    senders: Vec<JoinHandle<HashSet<String>>>,
}

impl Senders {
    fn start(site: &Site, name: &str) -> Self {
        let stop = CancellationToken::new();
        let senders = (0..2).map(|sender| {
            let (site, stop, name) = (site.clone(), stop.clone(), format!("{name}-{sender}"));
            tokio::spawn(async move {
                let mut acknowledged = HashSet::new();
                for n in 0.. {
                    let events: Vec<Value> =
                        (0..10).map(|part| event(&format!("{name}-{n}-{part}"), n + part)).collect();
                    let reply = site.events().json(&events).timeout(Duration::from_secs(10)).send().await;
                    let status = reply.map_or(0, |reply| reply.status().as_u16());
                    assert!(matches!(status, 0 | 200 | 202 | 503), "{status}");
                    if matches!(status, 200 | 202) {
                        acknowledged.extend(super::ids(&events));
                    }
                    if stop.run_until_cancelled(sleep(Duration::from_millis(20))).await.is_none() {
                        break;
                    }
                }
                acknowledged
            })
        });
        Self { senders: senders.collect(), stop }
    }

    /// The ids that were acknowledged.
    async fn stop(self) -> HashSet<String> {
        self.stop.cancel();
        let mut acknowledged = HashSet::new();
        for sender in self.senders {
            acknowledged.extend(sender.await.unwrap());
        }
        acknowledged
    }
}

fn event(id: &str, n: usize) -> Value {
    json!({
        "id": id, "event_type": if n.is_multiple_of(3) { "page_view" } else { "click" }, "user_id": format!("user-{}", n % 89),
        "session_id": format!("session-{}", n % 211), "url": format!("https://example.com/{}", n % 17),
        "metadata": {"n": n},
    })
}

const FIGURES: &str = "summary(range: {preset: LAST_7_DAYS}) { events uniqueUsers sessions pageViews }";

/// What the rows say.
fn figures(rows: &[event::Model]) -> Value {
    let different = |of: fn(&event::Model) -> &Option<String>| {
        rows.iter().filter_map(|row| of(row).as_ref()).collect::<BTreeSet<_>>()
    };
    json!({
        "events": rows.len(), "uniqueUsers": different(|row| &row.user_id).len(),
        "sessions": different(|row| &row.session_id).len(),
        "pageViews": rows.iter().filter(|row| row.event_type == "page_view").count(),
    })
}

/// Nothing acknowledged is lost, every answer is right, and segments hold what the rows say.
async fn holds(trial: &Trial, acknowledged: &HashSet<String>) {
    trial.wait_until_drained().await;
    let rows = trial.rows().await;
    let stored: HashSet<&String> = rows.iter().filter_map(|row| row.client_id.as_ref()).collect();
    assert_eq!(stored.len(), rows.len(), "an id is stored twice");
    let lost: Vec<_> = acknowledged.iter().filter(|id| !stored.contains(id)).take(5).collect();
    assert!(lost.is_empty(), "lost of {}: {lost:?}\n{}", acknowledged.len(), trial.server.daemon.log());
    assert_eq!(trial.site.ask(FIGURES).await["summary"], figures(&rows));
    let mut command = binary::command(&["verify"]);
    command.envs(trial.vars());
    let found = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.status.success() && told.contains("agrees"), "{told}{}", String::from_utf8_lossy(&found.stderr));
    let log = trial.server.daemon.log();
    assert!(!log.contains("panicked"), "{log}");
}

/// How many statements of a database are in the midst of a slow step.
async fn under_way(postgres: &DatabaseConnection) -> i64 {
    count(postgres, "wait_event = 'PgSleep'").await
}

/// The transactions that are in the midst of a slow step.
async fn slow_transactions(postgres: &DatabaseConnection) -> String {
    let sql = "SELECT coalesce(string_agg(backend_xid::text, ','), '') FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event = 'PgSleep'";
    let row = postgres.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// How many of them have come to nothing.
async fn aborted(postgres: &DatabaseConnection, transactions: &str) -> i64 {
    let sql = "SELECT count(*) FROM unnest(string_to_array($1, ',')::xid8[]) AS of (xid) WHERE pg_xact_status(xid) = 'aborted'";
    let counted = Statement::from_sql_and_values(DbBackend::Postgres, sql, [transactions.into()]);
    postgres.query_one_raw(counted).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// How many connections there are beside our own.
async fn connections(postgres: &DatabaseConnection) -> i64 {
    count(postgres, "backend_type = 'client backend' AND pid <> pg_backend_pid()").await
}

async fn count(postgres: &DatabaseConnection, which: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {which}");
    let row = postgres.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed_fifteen_times_while_it_seals_on_postgres() {
    let database = TestDatabase::new().await;
    let mut trial = Trial::start(&[("DATABASE_URL", database.url())]).await;
    let postgres = connect(database.url()).await.unwrap();
    postgres.execute_unprepared(OLD).await.unwrap();
    postgres.execute_unprepared(SLOW).await.unwrap();
    let (mut acknowledged, mut interrupted) = (HashSet::new(), 0);
    for kill in 0..15 {
        let senders = Senders::start(&trial.site, &kill.to_string());
        until("a step is under way", async || under_way(&postgres).await > 0).await;
        // Sealing and merging take about a quarter of a second each; some die at the beginning.
        let delay = if kill % 3 == 0 { 0 } else { rand::rng().random_range(0..400) };
        sleep(Duration::from_millis(delay)).await;
        let begun = slow_transactions(&postgres).await;
        trial.kill();
        acknowledged.extend(senders.stop().await);
        // What the dead one had sent is at its end.
        until("no connection is left", async || connections(&postgres).await == 0).await;
        interrupted += aborted(&postgres, &begun).await;
        trial.restart().await;
        holds(&trial, &acknowledged).await;
    }
    let segments = "SELECT count(*), max(events) FROM event_segments";
    let row = postgres.query_one_raw(Statement::from_string(DbBackend::Postgres, segments)).await.unwrap().unwrap();
    let (segments, largest): (i64, i64) = (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
    eprintln!(
        "{} acknowledged, {interrupted} transactions broken off, {segments} segments, {largest} events in one",
        acknowledged.len()
    );
    assert!(interrupted > 0 && segments > 0, "15 kills broke {interrupted} transactions off, {segments} segments");
    postgres.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed_four_times_while_it_seals_on_sqlite() {
    let mut trial = Trial::start(&[]).await;
    let sqlite = connect(&format!("sqlite://{}", trial.sqlite().display())).await.unwrap();
    sqlite.execute_unprepared(ON_SQLITE).await.unwrap();
    sqlite.close().await.unwrap();
    let mut acknowledged = HashSet::new();
    for kill in 0..4 {
        let senders = Senders::start(&trial.site, &kill.to_string());
        // The first round is a second after the start.
        let delay = rand::rng().random_range(900..1_700);
        sleep(Duration::from_millis(delay)).await;
        trial.kill();
        acknowledged.extend(senders.stop().await);
        trial.restart().await;
        holds(&trial, &acknowledged).await;
    }
}

/// Whoever asks while events arrive meets each at once, and costs the database little.
async fn what_was_stored_here_is_not_read_back(store: Store) {
    let database = match store {
        Store::Postgres => Some(TestDatabase::new().await),
        Store::Sqlite => None,
    };
    let vars: Vec<_> = database.iter().map(|database| ("DATABASE_URL", database.url())).collect();
    let trial = Trial::start(&vars).await;
    let question = "summary(range: {preset: LAST_7_DAYS}) { events uniqueUsers sessions }";
    let sealed = async || trial.metric("uea_seal_seconds_count").await.unwrap_or_default();
    // More than it takes for a segment, of people who come again.
    for round in 1..=26 {
        if round == 26 {
            until("something is sealed", async || sealed().await > 0.0).await;
        }
        let event = |n| {
            let (user, session) = (format!("u{}", n % (40 * round)), format!("s{round}-{}", n % 50));
            json!({"event_type": "x", "user_id": user, "session_id": session})
        };
        let batch: Vec<_> = (0..2_000).map(event).collect();
        assert_eq!(trial.site.post(batch).await.ok()["accepted"], 2_000);
        let answer = trial.site.ask(question).await;
        let right = json!({"events": 2_000 * round, "uniqueUsers": 40 * round, "sessions": 50 * round});
        assert_eq!(answer["summary"], right, "after {round}");
    }
    let read = trial.metric("uea_tail_rows_read_total").await.unwrap_or_default();
    assert!(read < 16_000.0, "{read} rows were read of 52,000 stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_here_is_not_read_back_on_postgres() {
    what_was_stored_here_is_not_read_back(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_here_is_not_read_back_on_sqlite() {
    what_was_stored_here_is_not_read_back(Store::Sqlite).await;
}
