//! The server is killed while it erases somebody: it goes on at its next start.

use std::time::{Duration, Instant};

use event_analytics::{clock::Clock, columnar::Columnar, config::Config, db::Db, entity::erasure};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::Trial;
use crate::support::{app::Store, postgres::TestDatabase};

const PEOPLE: usize = 5;

fn event(n: usize) -> Value {
    json!({ "id": format!("e{n}"), "event_type": "x", "user_id": format!("u{}", n % PEOPLE), "session_id": format!("s{n}") })
}

async fn it_is_killed_while_it_erases(store: Store) {
    let database = if store == Store::Postgres { Some(TestDatabase::new().await) } else { None };
    let vars: Vec<_> = database.iter().map(|database| ("DATABASE_URL", database.url())).collect();
    let mut trial = Trial::start(&vars).await;
    let app = Uuid::parse_str(trial.site.app_id.trim_start_matches("app_")).unwrap();
    let db = Db::connect(&Config::from_vars(trial.vars.clone()).unwrap()).await.unwrap();
    let columnar = Columnar::new(db.clone(), Clock::System, 10 << 20);
    for segment in 0..8 {
        trial.site.post((segment * 200..segment * 200 + 200).map(event).collect::<Vec<_>>()).await.ok();
        columnar.seal(app).await.unwrap();
    }
    let mut interrupted = 0;
    for person in 0..PEOPLE - 1 {
        let (site, input) = (trial.site.clone(), json!({ "appId": trial.site.app_id, "userId": format!("u{person}") }));
        let asked = tokio::spawn(async move {
            // Nobody answers any more.
            let query = "mutation($input: EraseUserInput!) { eraseUser(input: $input) { erasure { receiptId } } }";
            let body = json!({ "query": query, "variables": { "input": input } });
            drop(site.owner.request("POST", "/graphql").json(&body).send().await);
        });
        // Once it is on record, at another point of what follows each time.
        let until = Instant::now() + Duration::from_secs(30);
        while erasure::Entity::find().all(&*db).await.unwrap().len() <= person {
            assert!(Instant::now() < until);
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_millis(5 * person as u64)).await;
        trial.kill();
        asked.await.unwrap();
        let receipts = erasure::Entity::find().all(&*db).await.unwrap();
        interrupted += receipts.iter().filter(|receipt| receipt.finished_at.is_none()).count();
        trial.restart().await;
        while erasure::Entity::find().all(&*db).await.unwrap().iter().any(|receipt| receipt.finished_at.is_none()) {
            assert!(Instant::now() < until, "the erasure is not finished:\n{}", trial.server.daemon.log());
            sleep(Duration::from_millis(20)).await;
        }
        let receipts = erasure::Entity::find().all(&*db).await.unwrap();
        assert!(receipts.iter().all(|receipt| (receipt.events, &receipt.pending) == (320, &None)), "{receipts:?}");
        let found = columnar.verify(app).await.unwrap();
        assert_eq!(found.drift, [""; 0]);
        let left = 320 * (PEOPLE - 1 - person) as u64;
        assert_eq!(found.sealed_rows + found.tail_rows, left);
        assert_eq!(trial.counted().await, left);
    }
    assert!(interrupted > 0, "none was interrupted");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_is_finished_after_a_kill_on_postgres() {
    it_is_killed_while_it_erases(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_is_finished_after_a_kill_on_sqlite() {
    it_is_killed_while_it_erases(Store::Sqlite).await;
}
