//! More than the server can take, and who suffers from it.

use std::{
    collections::HashSet,
    fs,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Trial;
use crate::support::{people::Site, postgres::TestDatabase};

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_take_the_same_ids_at_once() {
    let database = TestDatabase::new().await;
    let trial = Trial::start(&[("DATABASE_URL", database.url())]).await;
    let (_other, site) = trial.sibling().await;
    let sites = [trial.site.clone(), site];
    let accepted = AtomicU32::new(0);
    let senders = (0..8).map(|sender| {
        let (site, accepted) = (&sites[sender % 2], &accepted);
        async move {
            for n in 0..25 {
                let events: Vec<_> =
                    (0..60).map(|part| json!({"id": format!("{n}-{part}"), "event_type": "x"})).collect();
                let reply = site.post(&events).await.ok();
                accepted.fetch_add(reply["accepted"].as_u64().unwrap() as u32, Ordering::Relaxed);
            }
        }
    });
    join_all(senders).await;
    assert_eq!(accepted.into_inner(), 1_500, "each id was accepted by one request of one instance");
    let ids = (0..25).flat_map(|n| (0..60).map(move |part| format!("{n}-{part}")));
    trial.holds(&ids.collect::<HashSet<_>>()).await;
    assert_eq!(trial.stored().await.len(), 1_500);
}

fn batch(events: usize, padding: usize) -> Vec<Value> {
    vec![json!({"event_type": "flood", "metadata": {"padding": "x".repeat(padding)}}); events]
}

/// Posts the same body again and again; counts answers by whether they were taken.
async fn flood(site: &Site, body: &[Value], until: Instant) -> (u32, u32) {
    let (mut taken, mut refused) = (0, 0);
    while Instant::now() < until {
        match site.post(body).await.status.as_u16() {
            200 | 202 => taken += 1,
            503 => {
                refused += 1;
                sleep(Duration::from_millis(20)).await;
            }
            other => panic!("{other}"),
        }
    }
    (taken, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_floods_is_refused_and_its_neighbour_never() {
    let database = TestDatabase::new().await;
    let vars = [("DATABASE_URL", database.url()), ("INGEST_QUEUE_EVENTS", "6000"), ("SPOOL_MAX_BYTES", "0")];
    let trial = Trial::start(&vars).await;
    let neighbour = Site::of(trial.site.owner.clone(), "Neighbour").await;
    let body = batch(2_000, 10);
    let until = Instant::now() + Duration::from_secs(8);
    let floods = join_all((0..8).map(|_| flood(&trial.site, &body, until)));
    let quiet = async {
        let mut waited = Vec::new();
        while Instant::now() < until {
            let start = Instant::now();
            neighbour.post(json!({"event_type": "x"})).await.ok();
            waited.push(start.elapsed());
            sleep(Duration::from_millis(50)).await;
        }
        waited.sort_unstable();
        waited
    };
    let (floods, waited) = tokio::join!(floods, quiet);
    let refused: u32 = floods.iter().map(|(_, refused)| refused).sum();
    assert!(refused > 0, "it was no flood: {floods:?}");
    let median = waited[waited.len() / 2];
    assert!(median < Duration::from_secs(2), "{median:?} of {}", waited.len());
    eprintln!("neighbour: {} answers, median {median:?}, slowest {:?}", waited.len(), waited[waited.len() - 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_flat_under_ten_times_the_load() {
    let database = TestDatabase::new().await;
    let trial = Trial::start(&[("DATABASE_URL", database.url()), ("INGEST_QUEUE_EVENTS", "10000")]).await;
    let pid = trial.server.daemon.pid();
    let peak = || -> u64 {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1_024
    };
    let body = batch(1_000, 2_000);
    let mut peaks = Vec::new();
    for clients in [6, 60] {
        let until = Instant::now() + Duration::from_secs(6);
        let answers = join_all((0..clients).map(|_| flood(&trial.site, &body, until))).await;
        peaks.push(peak());
        assert!(answers.iter().map(|(taken, _)| taken).sum::<u32>() > 0, "{answers:?}");
    }
    eprintln!("peak memory: {peaks:?} MiB");
    // Of bodies under way one app may hold 64 MiB, and what they become is as much again; the groups at work
    // and what is read out of the spool come on top, and what the allocator keeps: 400 to 570 MiB were met. 60 clients offer 120 MiB
    // at any time: what is refused must not add to it.
    assert!(peaks[1] < 700, "{peaks:?} MiB");
}
