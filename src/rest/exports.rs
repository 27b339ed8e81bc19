//! A person's data, downloaded by a link that an owner of the app asked for.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;

use super::{error::Problem, events::only, extract, openapi::Failure};
use crate::{
    auth::export,
    config::network,
    error::{Error, Result},
    ingest::export::Export,
    limiter::Quota,
    state::App,
};

/// How long a download may take, however slow the client.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Pieces that wait for the client.
const WAITING: usize = 2;
/// Attempts of one network.
const ATTEMPTS: Quota = Quota { permits: 60, period: Duration::from_secs(60) };

/// The route.
pub fn router() -> Router<App> {
    Router::new().route("/api/v1/exports/{token}", only("GET, HEAD", get(get_export)))
}

/// Download a person's data
///
/// What `exportUser` prepared. The first line, `{"export": …}`, says whose it is and how much; then comes one
/// line for each event, the latest first, with the fields under which events are sent; then one
/// `{"dead_letter": …}` for each event of theirs that the database refused. The last line, `{"end": …}`, says
/// how many lines there were: an export without it is not whole. The link itself is the permission: it works
/// for a quarter of an hour, as often as needed.
#[utoipa::path(
    get, path = "/api/v1/exports/{token}", tag = "people",
    params(("token" = String, Path, description = "From the address that `exportUser` gave.")),
    responses(
        (status = 200, description = "The data, a line of JSON each.", body = String, content_type = "application/x-ndjson"),
        (status = 404, description = "The link opens nothing: it is wrong, a quarter of an hour old, or whom it was of is gone.", body = Failure),
        (status = 429, description = "Too many attempts from this network.", body = Failure),
        (status = 503, description = "Another export of the app is being downloaded, or too many of others are; `Retry-After` says when to try again.", body = Failure),
    )
)]
pub(super) async fn get_export(
    State(app): State<App>,
    token: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    if let Some(ip) = extract::ip(&parts.headers, &parts.extensions, &app.config) {
        app.limiter.check(&format!("export:{}", network(ip, 32, 64)), ATTEMPTS, 1).await.into_result()?;
    }
    let Path(token) = token.map_err(|_| Error::NotFound("export"))?;
    let (scope, _) = export::open(&app.db, &token, app.clock.now_ms()).await?;
    let turn = app.exports.take(scope.app_id());
    let turn = turn.ok_or_else(|| Error::unavailable("too many exports are being downloaded"))?;
    let export = app.exporter().open(&token).await?;
    let (sender, pieces) = mpsc::channel(WAITING);
    let running = tokio::spawn(async move {
        let _turn = turn;
        write(&app, &export, &sender).await
    });
    let whole = stream::once(running).filter_map(async |ended| match ended {
        Ok(true) => None,
        // Breaks the connection off, so that no client takes a part for the whole.
        _ => Some(Err(std::io::Error::other("the export ended early"))),
    });
    let body = Body::from_stream(ReceiverStream::new(pieces).map(Ok).chain(whole));
    let headers = [
        (CONTENT_TYPE, "application/x-ndjson"),
        (CONTENT_DISPOSITION, "attachment; filename=\"export.ndjson\""),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body).into_response())
}

/// Writes it as long as the client takes it, time is left, and the server is to run; says whether it is whole.
async fn write(app: &App, export: &Export, out: &mpsc::Sender<Bytes>) -> bool {
    let exporter = app.exporter();
    let written = tokio::select! {
        () = app.draining.cancelled() => return false,
        () = out.closed() => return false,
        written = timeout(LONGEST, exporter.write(export, out)) => written.unwrap_or(Err(Error::Timeout)),
    };
    match written {
        Ok(()) => true,
        Err(error) => {
            error.log();
            false
        }
    }
}
