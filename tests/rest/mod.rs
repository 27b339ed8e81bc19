//! The REST edge.

mod bad_input;
mod compression;
mod dialects;
mod duplicates;
mod enrichment;
mod fields;
mod geo;
mod hints;
mod ingestion;
mod keys;
mod links;
mod oauth;
mod openapi;
mod sessions;
mod settings;
mod sign_in;
mod visitors;
mod writer;

use event_analytics::entity::event;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;
use uuid::Uuid;

use crate::support::{app::TestApp, people::Site, reply::Reply};

/// The rows of a site's app, in the order of their commits.
async fn rows(app: &TestApp, site: &Site) -> Vec<event::Model> {
    let app_id = Uuid::parse_str(site.app_id.strip_prefix("app_").unwrap()).unwrap();
    event::Entity::find()
        .filter(event::Column::AppId.eq(app_id))
        .order_by_asc(event::Column::Seq)
        .order_by_asc(event::Column::Timestamp)
        .order_by_asc(event::Column::Id)
        .all(&*app.app.db)
        .await
        .unwrap()
}

/// The only row of a site's app.
async fn row(app: &TestApp, site: &Site) -> event::Model {
    let mut rows = rows(app, site).await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    rows.remove(0)
}

/// Sends a body as it is.
async fn send(site: &Site, content_type: &str, body: impl Into<reqwest::Body>) -> Reply {
    Reply::of(site.events().header("content-type", content_type).body(body)).await
}

/// The three counts of a reply.
fn counts(data: &Value) -> (u64, u64, u64) {
    let count = |name: &str| data[name].as_u64().unwrap();
    (count("accepted"), count("duplicates"), count("rejected"))
}
