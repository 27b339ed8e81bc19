//! Parts that stand still for half a minute.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Trial;
use crate::support::{
    postgres::{OwnPostgres, TestDatabase},
    redis::Redis,
};

const OUTAGE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn postgres_stands_still_for_thirty_seconds() {
    let postgres = OwnPostgres::start().await;
    let trial = Trial::start(&[("DATABASE_URL", &postgres.url())]).await;
    let load = trial.load(4);
    load.wait_for(50).await;
    tokio::task::block_in_place(|| postgres.pause());
    let before = load.seen().acknowledged.len();
    sleep(OUTAGE).await;
    let during = load.seen();
    assert!(during.acknowledged.len() > before + 100, "{:?}", during.statuses);
    assert!(during.statuses[&202] > 20 && during.slowest < Duration::from_secs(15), "{during:?}");
    tokio::task::block_in_place(|| postgres.resume());
    // And then as before.
    trial.wait_until_drained().await;
    let stored = load.seen().statuses[&200];
    load.wait_for(during.acknowledged.len() + 50).await;
    let until = Instant::now() + Duration::from_secs(60);
    while load.seen().statuses[&200] < stored + 10 {
        assert!(Instant::now() < until, "{:?}", load.seen().statuses);
        sleep(Duration::from_millis(10)).await;
    }
    trial.holds(&load.stop().await.acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_stands_still_for_thirty_seconds() {
    let database = TestDatabase::new().await;
    let redis = Redis::start();
    let trial = Trial::start(&[("DATABASE_URL", database.url()), ("REDIS_URL", &redis.url())]).await;
    let load = trial.load(4);
    load.wait_for(50).await;
    tokio::task::block_in_place(|| redis.pause());
    let before = load.seen().statuses[&200];
    sleep(OUTAGE).await;
    let during = load.seen().statuses[&200];
    assert!(during > before + 100, "{before} requests were stored before and {during} at the end");
    tokio::task::block_in_place(|| redis.resume());
    sleep(Duration::from_secs(1)).await;
    let seen = load.stop().await;
    assert!(seen.statuses.keys().all(|status| matches!(status, 200 | 202)), "nobody noticed: {:?}", seen.statuses);
    trial.holds(&seen.acknowledged).await;
}
