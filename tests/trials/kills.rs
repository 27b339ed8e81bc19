//! Processes that end without a word.

use std::time::Duration;

use tokio::time::sleep;

use super::Trial;
use crate::support::{
    app::Store,
    postgres::{OwnPostgres, TestDatabase},
};

async fn the_server_is_killed(store: Store, times: u64) {
    let database = if store == Store::Postgres { Some(TestDatabase::new().await) } else { None };
    let vars: Vec<_> = database.iter().map(|database| ("DATABASE_URL", database.url())).collect();
    let mut trial = Trial::start(&vars).await;
    let load = trial.load(8);
    for time in 0..times {
        let before = load.seen().acknowledged.len();
        load.wait_for(before + 20).await;
        // At another point of a group each time.
        sleep(Duration::from_millis(7 * (time % 10))).await;
        trial.kill();
        trial.restart().await;
    }
    let seen = load.stop().await;
    assert!(seen.acknowledged.len() as u64 > 20 * times, "{:?}", seen.statuses);
    trial.holds(&seen.acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed_twenty_times_on_postgres() {
    the_server_is_killed(Store::Postgres, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_killed_five_times_on_sqlite() {
    the_server_is_killed(Store::Sqlite, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_killed_and_stopped_under_load() {
    let mut postgres = OwnPostgres::start().await;
    let trial = Trial::start(&[("DATABASE_URL", &postgres.url())]).await;
    let load = trial.load(8);
    for kill in [true, true, false] {
        let before = load.seen().acknowledged.len();
        load.wait_for(before + 100).await;
        tokio::task::block_in_place(|| if kill { postgres.kill() } else { postgres.stop() });
        // Acknowledged all the same, by the spool.
        let away = load.seen().acknowledged.len();
        load.wait_for(away + 200).await;
        postgres.restart().await;
        trial.wait_until_drained().await;
    }
    let seen = load.stop().await;
    assert!(seen.statuses.get(&202).is_some_and(|spooled| *spooled > 10), "{:?}", seen.statuses);
    trial.holds(&seen.acknowledged).await;
}
