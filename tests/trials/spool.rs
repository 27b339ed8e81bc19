//! The spool: filled up, torn, damaged, left behind. The embedded store is kept busy by a lock on
//! its file, which lets the test say for how long.

use std::{
    collections::HashSet,
    fs,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

use super::{Trial, events, ids, noisy};
use crate::support::{people::Site, reply::Reply};

/// Holds the store's write lock until it is dropped.
struct Locked(SqliteConnection);

impl Locked {
    async fn take(trial: &Trial) -> Self {
        let mut connection = SqliteConnection::connect(trial.sqlite().to_str().unwrap()).await.unwrap();
        sqlx::query("PRAGMA busy_timeout = 20000").execute(&mut connection).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        Self(connection)
    }

    async fn give_back(mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.0).await.unwrap();
        self.0.close().await.unwrap();
    }
}

async fn spooled(site: &Site, events: &[Value]) -> Reply {
    let reply = site.post(events).await.expect(202);
    assert_eq!((reply.at("/success"), reply.at("/data/spooled")), (&json!(true), &json!(events.len())));
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_locked_store_can_not_take_is_stored_afterwards() {
    let trial = Trial::start(&[]).await;
    let site = &trial.site;
    site.post(events("before", 3)).await.ok();
    let locked = Locked::take(&trial).await;
    let mut all: HashSet<_> = ids(&events("before", 3)).collect();
    for batch in [events("a", 10), events("b", 1), events("a", 10)] {
        spooled(site, &batch).await;
        all.extend(ids(&batch));
    }
    // Some was stored before, and what can not be read is refused as ever.
    let mixed = json!([{"id": "before-0", "event_type": "x"}, {"id": "c-0", "event_type": "x"}, {"id": "d"}]);
    let reply = site.post(&mixed).await.expect(202);
    assert_eq!((reply.at("/data/spooled"), reply.at("/data/rejected")), (&json!(2), &json!(1)));
    all.insert("c-0".to_owned());
    assert_eq!(trial.metric("uea_spool_events").await, Some(23.0));
    assert!(trial.metric("uea_spool_bytes").await.unwrap() > 500.0);
    let ready = trial.server.anonymous().get("/ready").await;
    assert_eq!(ready.status, 200, "the store can be read");
    locked.give_back().await;
    trial.holds(&all).await;
    assert_eq!(trial.stored().await.len(), 15);
    let drained = trial.metric("uea_spool_drained_total").await;
    assert_eq!(drained, Some(23.0), "11 of them were duplicates");
    assert_eq!(trial.metric("uea_spooled_total").await, Some(23.0));
    site.post(events("after", 2)).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_others_are_answered_in_their_words() {
    let trial = Trial::start(&[]).await;
    let site = &trial.site;
    site.post(events("before", 1)).await.ok();
    let locked = Locked::take(&trial).await;
    for (path, body, status, words) in [
        ("/v1/track", json!({"event": "segment", "userId": "ada"}), 200, r#"{"success":true}"#),
        ("/batch", json!({"batch": [{"event": "posthog", "distinct_id": "ada"}]}), 200, r#"{"status":1}"#),
        ("/api/send", json!({"type": "event", "payload": {"name": "umami"}}), 200, r#"{"cache":"","sessionId":null"#),
        ("/api/event", json!({"n": "plausible", "u": "https://shop.example/"}), 202, "ok"),
    ] {
        let request = site.owner.http.post(format!("{}{path}", site.owner.url)).header("x-api-key", &site.key);
        let reply = Reply::of(request.json(&body)).await.expect(status);
        assert!(reply.text.starts_with(words), "{path}: {}", reply.text);
    }
    let image = format!("/api/v1/pixel.gif?event_type=pixel&key={}", site.key);
    trial.server.anonymous().get(&image).await.expect(202);
    assert_eq!(trial.metric("uea_spool_events").await, Some(5.0));
    locked.give_back().await;
    trial.wait_until_drained().await;
    let mut types: Vec<_> = trial.rows().await.into_iter().map(|row| row.event_type).collect();
    types.sort_unstable();
    assert_eq!(types, ["pixel", "plausible", "posthog", "segment", "umami", "x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_tail_costs_nothing_and_a_flipped_byte_one_record() {
    let mut trial = Trial::start(&[]).await;
    let locked = Locked::take(&trial).await;
    let mut all = HashSet::new();
    for n in 0..20 {
        let batch = events(&format!("r{n}"), 5);
        spooled(&trial.site, &batch).await;
        all.extend(ids(&batch));
    }
    trial.kill();
    // What a crash may leave behind: the beginning of a frame that was never finished.
    let wal = trial.spool().join("spool.db-wal");
    let whole = fs::read(&wal).unwrap();
    assert!(whole.len() > 1_000, "nothing was written out yet");
    fs::File::options().append(true).open(&wal).unwrap().write_all(&whole[whole.len() - 4_120..][..3_000]).unwrap();
    // Opening it writes the log out into the file, where a disk may then lose a bit.
    let file = trial.spool().join("spool.db");
    let mut connection = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
    let records: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT id, body FROM spooled ORDER BY id").fetch_all(&mut connection).await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    assert_eq!(records.len(), 20, "the torn tail cost nothing");
    flip(&file, &records[7].1);
    for id in ids(&events("r7", 5)) {
        all.remove(&id);
    }
    locked.give_back().await;
    trial.restart().await;
    trial.holds(&all).await;
    assert_eq!(trial.stored().await.len(), 95);
    assert_eq!(trial.metric("uea_spool_corrupt_total").await, Some(1.0));
    assert_eq!(trial.metric("uea_spool_set_aside").await, Some(1.0));
    assert!(trial.server.daemon.log().contains("set aside"), "loudly");
    // Each start says it again.
    trial.kill();
    trial.restart().await;
    assert!(trial.server.daemon.log().contains("lie aside"), "{}", trial.server.daemon.log());
    assert_eq!(trial.metric("uea_spool_set_aside").await, Some(1.0));
}

/// Changes one bit in the middle of what is somewhere in the file.
fn flip(file: &Path, content: &[u8]) {
    let mut bytes = fs::read(file).unwrap();
    let at = bytes.windows(content.len()).position(|window| window == content).expect("it is in one piece");
    bytes[at + content.len() / 2] ^= 4;
    fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_spool_is_put_away_and_a_broken_one_read_as_far_as_it_goes() {
    let mut trial = Trial::start(&[]).await;
    let locked = Locked::take(&trial).await;
    let mut all = HashSet::new();
    for n in 0..40 {
        let batch: Vec<_> = (0..5).map(|part| noisy(&format!("r{n}-{part}"))).collect();
        spooled(&trial.site, &batch).await;
        all.extend(ids(&batch));
    }
    trial.kill();
    let file = trial.spool().join("spool.db");
    let mut connection = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
    let leaf: i64 =
        sqlx::query_scalar("SELECT pageno FROM dbstat WHERE name = 'spooled' AND pagetype = 'leaf' LIMIT 1 OFFSET 1")
            .fetch_one(&mut connection)
            .await
            .unwrap_or(5);
    connection.close().await.unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let page = 4_096 * (leaf as usize - 1);
    bytes[page..page + 4_096].fill(0xAA);
    fs::write(&file, bytes).unwrap();
    fs::write(trial.spool().join("spool-2.db"), "this is no database, whatever its name says".repeat(100)).unwrap();
    locked.give_back().await;
    trial.restart().await;
    trial.wait_until_drained().await;
    let stored: HashSet<_> = trial.stored().await.into_iter().collect();
    assert!(stored.is_subset(&all) && stored.len() >= all.len() / 2, "{} of {}", stored.len(), all.len());
    assert!(stored.len() < all.len(), "a page was lost");
    let kept = |start: &str| {
        let names = fs::read_dir(trial.spool()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(start)).count()
    };
    assert!(kept("spool.db.damaged-") >= 1, "it can still be looked at");
    let until = Instant::now() + Duration::from_secs(60);
    while kept("spool-2.db.damaged-") == 0 {
        assert!(Instant::now() < until, "{}", trial.server.daemon.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    trial.site.post(events("after", 1)).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_refuses_and_keeps_what_it_has() {
    let mut trial = Trial::start(&[("SPOOL_MAX_BYTES", "1048576")]).await;
    let locked = Locked::take(&trial).await;
    let (mut kept, mut refused) = (HashSet::new(), HashSet::new());
    let post = async |n: u32| {
        let batch: Vec<_> = (0..10).map(|part| noisy(&format!("r{n}-{part}"))).collect();
        let reply = trial.site.post(&batch).await;
        (batch, reply)
    };
    let mut replies = Vec::new();
    for n in 0..20 {
        replies.push(post(n).await);
    }
    // From here on each may have to find out whether the store is back.
    replies.extend(join_all((20..80).map(&post)).await);
    for (batch, reply) in replies {
        if reply.status == 202 {
            kept.extend(ids(&batch));
        } else {
            assert_eq!(reply.header("retry-after"), "5");
            assert_eq!(reply.refused(503), "UNAVAILABLE");
            refused.extend(ids(&batch));
        }
    }
    assert!(kept.len() >= 150 && refused.len() >= 300, "{} were kept", kept.len());
    let size = fs::metadata(trial.spool().join("spool.db")).unwrap().len();
    assert!(size <= 1_048_576, "{size}");
    trial.kill();
    locked.give_back().await;
    trial.restart().await;
    trial.holds(&kept).await;
    assert!(trial.stored().await.iter().all(|id| !refused.contains(id)), "nothing was written by halves");
    trial.site.post(events("after", 5)).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_on_one_folder_have_a_file_each_and_leave_nothing_behind() {
    let trial = Trial::start(&[]).await;
    let (mut other, site) = trial.sibling().await;
    let locked = Locked::take(&trial).await;
    let mut all = HashSet::new();
    for (site, name) in [(&trial.site, "first"), (&site, "second")] {
        let batch = events(name, 10);
        spooled(site, &batch).await;
        all.extend(ids(&batch));
    }
    assert!(trial.spool().join("spool-2.db").exists());
    tokio::task::block_in_place(|| other.kill());
    locked.give_back().await;
    // Whoever is left finds the file of the one that is gone.
    let until = Instant::now() + Duration::from_secs(60);
    while trial.spool().join("spool-2.db").exists() {
        assert!(Instant::now() < until, "{}", trial.server.daemon.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    trial.holds(&all).await;
    assert_eq!(trial.stored().await.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_leaves_what_it_can_not_store_to_the_next_start() {
    let mut trial = Trial::start(&[]).await;
    let locked = Locked::take(&trial).await;
    let batch = events("a", 10);
    spooled(&trial.site, &batch).await;
    trial.server.daemon.signal("TERM");
    tokio::time::sleep(Duration::from_millis(500)).await;
    locked.give_back().await;
    tokio::task::block_in_place(|| trial.server.daemon.wait());
    trial.restart().await;
    trial.holds(&ids(&batch).collect()).await;
}
