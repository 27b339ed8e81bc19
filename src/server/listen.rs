//! Listening, and draining when told to stop.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, StatusCode, Version},
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Notify, Semaphore},
    time::{interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{
    bounds::longest_request,
    pace::{Answering, Pace, Paced, Patience},
    router,
};
use crate::{
    apps,
    auth::{audit, password::change, registration},
    error::Result,
    state::App,
    telemetry,
};

/// How many bytes and lines the head of a request may have. An address may hold 64 KiB.
const HEAD_BYTES: u32 = 128 << 10;
const HEAD_LINES: usize = 100;

/// Requests of one HTTP/2 connection at a time; fewer are not usual, and slow pages down.
const STREAMS: u32 = 100;

/// Connections that wait to be accepted: of a rush of them as many as the system lets wait, for what finds no place is
/// tried again by its client's system seconds later, or reset.
const BACKLOG: u32 = 4_096;

/// How long closing the store may take, which waits for statements nobody waits for any more.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often the use of API keys is written and old samples of metrics are folded up.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// How often the keys that are remembered for outages are read anew.
const KEYS_INTERVAL: Duration = Duration::from_secs(30);

/// How often to look for deletions of apps that nobody finished; at the start first.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Connections held at once; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 20_000;

/// Listens at an address, which may have been in use a moment ago.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Elsewhere it would let others listen as well.
    if cfg!(unix) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers on `listener` until `shutdown` resolves. Then nobody new is let in, requests in flight
/// are finished, and everything accepted is stored before this returns.
pub async fn serve(app: App, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<()> {
    serve_patiently(app, listener, Patience::default(), shutdown).await
}

/// The same, with times of one's own for slow clients.
pub async fn serve_patiently(
    app: App,
    listener: TcpListener,
    patience: Patience,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let stop = CancellationToken::new();
    let upkeep = tokio::spawn(keep_up(app.clone(), stop.clone()));
    tokio::spawn(stop.clone().run_until_cancelled_owned(sweep(app.clone())));
    let connections = GracefulShutdown::new();
    accept_until(listener, patience, router(app.clone()), &connections, shutdown).await;
    app.draining.cancel();
    if timeout(longest_request(&app.config), connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
    app.writer.drain().await;
    stop.cancel();
    // Not aborted: counts that it is writing would be lost.
    let _ = upkeep.await;
    let flushed = app.api_keys.flush_usage().await.and(app.refusals.flush().await);
    if timeout(CLOSE_TIMEOUT, app.db.close()).await.is_err() {
        tracing::warn!("the store did not close in time");
    }
    flushed
}

/// Accepts connections and answers each in a task of its own.
async fn accept_until(
    listener: TcpListener,
    patience: Patience,
    router: Router,
    connections: &GracefulShutdown,
    shutdown: impl Future<Output = ()>,
) {
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            let permit = free.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = &mut shutdown => return,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let answered = answer(stream, peer, patience, router.clone(), connections);
                tokio::spawn(async move {
                    answered.await;
                    drop(permit);
                });
            }
            // The caller went away, or the process has no file descriptors left and others must
            // close theirs first. Neither is a reason to stop.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Answers the requests of one connection, HTTP/1.1 or HTTP/2.
fn answer(
    stream: TcpStream,
    peer: SocketAddr,
    patience: Patience,
    router: Router,
    connections: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + use<> {
    let mut builder = Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    http1.timer(TokioTimer::new()).header_read_timeout(patience.idle);
    http1.max_buf_size(HEAD_BYTES as usize).max_headers(HEAD_LINES);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).keep_alive_interval(patience.head).max_concurrent_streams(STREAMS);
    http2.max_header_list_size(HEAD_BYTES);
    let (watcher, pace) = (connections.watcher(), Arc::<Pace>::default());
    async move {
        let _ = stream.set_nodelay(true);
        // Hyper's timeout begins when it knows the protocol, so a client that says nothing, or
        // half of a greeting, needs one of its own.
        let first_request = Arc::new(Notify::new());
        let service = service_fn({
            let (first_request, pace) = (first_request.clone(), pace.clone());
            move |mut request: Request<Incoming>| {
                first_request.notify_one();
                request.extensions_mut().insert(ConnectInfo(peer));
                let (answering, pace) = (Answering::begin(&pace), pace.clone());
                let is_second_version = request.version() == Version::HTTP_2;
                let response = router.clone().oneshot(request.map(Body::new));
                async move {
                    let response = response.await?;
                    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                        pace.upgraded();
                    }
                    // Others are asked while it is given, and nothing may be for long.
                    Ok::<_, Infallible>(match is_second_version {
                        true => response.map(|body| answering.until_given(body)),
                        false => response,
                    })
                }
            }
        });
        let stream = TokioIo::new(Paced::new(stream, pace, patience));
        let connection = builder.serve_connection_with_upgrades(stream, service).into_owned();
        let mut connection = pin!(watcher.watch(connection));
        let silent = async {
            if timeout(patience.head, first_request.notified()).await.is_ok() {
                std::future::pending::<()>().await;
            }
        };
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = silent => return,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended early");
        }
    }
}

/// Does now and then what no request should have to. Told to stop, it finishes what it is at.
async fn keep_up(app: App, stop: CancellationToken) {
    let mut ticks = interval(UPKEEP_INTERVAL);
    let mut keys_read = Instant::now();
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        telemetry::metrics().run_upkeep();
        if let Err(error) = app.api_keys.flush_usage().await {
            error.log();
        }
        if let Err(error) = app.refusals.flush().await {
            error.log();
        }
        if keys_read.elapsed() >= KEYS_INTERVAL {
            keys_read = Instant::now();
            if let Err(error) = app.api_keys.read_again().await {
                error.log();
            }
        }
    }
}

/// Finishes what deletions of apps and erasures of people have left behind, makes room for the months to
/// come, removes what apps keep no longer, and forgets what visitors' ids were made with.
async fn sweep(app: App) {
    let mut ticks = interval(SWEEP_INTERVAL);
    loop {
        ticks.tick().await;
        if let Err(error) = app.db.create_partitions(app.clock.now_ms()).await {
            error.log();
        }
        if let Err(error) = apps::finish_deletions(&app.db).await {
            error.log();
        }
        if let Err(error) = app.eraser().finish_all().await {
            error.log();
        }
        if let Err(error) = app.eraser().expire().await {
            error.log();
        }
        if let Err(error) = app.api_keys.forget_old_days().await {
            error.log();
        }
        if let Err(error) = app.refusals.forget_old().await {
            error.log();
        }
        let retention = i64::try_from(app.config.audit_retention.as_millis()).unwrap_or(i64::MAX);
        if let Err(error) = audit::forget_old(&app.db, app.clock.now_ms() - retention).await {
            error.log();
        }
        if let Err(error) = change::forget_old(&app.db, app.clock.now_ms()).await {
            error.log();
        }
        if let Err(error) = registration::forget_old(&app.db, app.clock.now_ms()).await {
            error.log();
        }
        if let Err(error) = app.enricher.salts().forget_old(app.clock.now_ms()).await {
            error.log();
        }
    }
}
