//! Is it alive, is it ready, how is it doing.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use metrics::gauge;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{ingest::spool::Spool, state::App, telemetry};

/// How long the store may take to answer before the server calls itself not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// The routes.
pub fn router() -> Router<App> {
    Router::new().route("/health", get(health)).route("/ready", get(ready)).route("/metrics", get(metrics))
}

/// Whether the process runs. Looks at nothing else, so that a store that is away does not get the
/// server restarted.
async fn health() -> Json<Value> {
    Json(json!({"status": "alive", "version": env!("CARGO_PKG_VERSION")}))
}

/// Whether requests should be sent here: not while shutting down, nor without a store whose schema
/// is current; without a store, as long as its spool takes events. Redis is reported and not required.
async fn ready(State(app): State<App>) -> impl IntoResponse {
    let database = match timeout(PATIENCE, app.db.migrations()).await {
        Ok(Ok(all)) if all.iter().all(|(_, applied)| *applied) => "up",
        Ok(Ok(_)) => "migrations missing",
        Ok(Err(error)) => {
            error.log();
            "down"
        }
        Err(_) => {
            tracing::warn!("the store took too long to answer");
            "down"
        }
    };
    let redis = match &app.shared {
        None => "off",
        Some(shared) if shared.ping().await => "up",
        Some(_) => "down",
    };
    let status = match (app.draining.is_cancelled(), database) {
        (true, _) => "draining",
        (false, "up") => "ready",
        // Were events sent nowhere while the database is away, the spool would be of no use.
        (false, "down") if app.writer.spool().is_some_and(Spool::has_room) => "spooling",
        (false, _) => "unavailable",
    };
    let code = if matches!(status, "ready" | "spooling") { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({"status": status, "database": database, "redis": redis})))
}

/// Measurements in the text format of Prometheus.
async fn metrics(State(app): State<App>) -> impl IntoResponse {
    #[allow(clippy::cast_precision_loss, reason = "a gauge is a float, and no queue is that long")]
    {
        gauge!("uea_queue_depth").set(app.writer.queue_depth() as f64);
        if let Some(spool) = app.writer.spool() {
            gauge!("uea_spool_events").set(spool.events() as f64);
            gauge!("uea_spool_bytes").set(spool.bytes() as f64);
            gauge!("uea_spool_set_aside").set(spool.set_aside() as f64);
        }
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], telemetry::metrics().render())
}
