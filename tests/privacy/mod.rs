//! What is kept of people, and what is left when it is to go.

mod deleting;
mod dump;
mod erasing;
mod expiring;
mod exporting;
mod orders;

use event_analytics::{entity::identity, state::App};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::people::Site;

/// The row's id of a site's app.
fn id_of(site: &Site) -> Uuid {
    Uuid::parse_str(site.app_id.trim_start_matches("app_")).unwrap()
}

/// Erases somebody, and gives the receipt.
async fn erase(site: &Site, id: &str) -> Value {
    let receipt =
        "erasure { receiptId requestedAt requestedBy finishedAt events sessions segments spooledEvents deadLetters }";
    let input = json!({ "appId": site.app_id, "userId": id });
    let told = site.owner.mutate("eraseUser", input, receipt).await.data()["eraseUser"]["erasure"].clone();
    assert!(told["finishedAt"].is_string(), "{told}");
    told
}

/// That rows and segments agree, and how many events there are.
async fn agrees(app: &App, id: Uuid, events: u64) {
    let found = app.columnar.verify(id).await.unwrap();
    assert_eq!(found.drift, [""; 0]);
    assert_eq!((found.sealed_rows, found.sealed_rows + found.tail_rows), (found.sealed_events, events));
}

async fn links(app: &App) -> usize {
    identity::Entity::find().all(&*app.db).await.unwrap().len()
}
