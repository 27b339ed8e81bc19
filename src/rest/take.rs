//! The way of a request that brings events, whatever its dialect: key, rate, body, store.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use uuid::Uuid;

use super::{body::Incoming, dialects::posthog, error::Problem, extract, unpaid};
use crate::{
    auth::api_key::ActiveKey,
    config::network_id,
    error::{Error, Result},
    ingest::{
        self, Intake, Prepared, Receipt,
        heavy::heavy,
        shares::{Share, refused_for_want_of_room},
        wire,
    },
    limiter::{Decision, Quota},
    state::App,
};

const MINUTE: Duration = Duration::from_secs(60);
/// When to come back where an app has too many requests at work.
const RETRY_AFTER: Duration = Duration::from_secs(1);
const RATE_LIMIT: [HeaderName; 3] = [
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
];

/// What came of a request. What the key may still send is told whatever came of it.
pub(super) struct Taken {
    /// `RateLimit-*`, once the key is known.
    pub(super) allowed: HeaderMap,
    /// What became of each event.
    pub(super) receipt: Result<Receipt, Problem>,
}

/// Takes the events of a request. Without a dialect they are native, in the format that
/// `Content-Type` names. The key is in the head of the request, or in the body where the dialect
/// has a place for it there.
pub(super) async fn take(app: &App, parts: &Parts, body: axum::body::Body, dialect: Option<wire::Dialect>) -> Taken {
    let mut body = Incoming::new(body, app.config.limits.body_bytes);
    let mut allowed = HeaderMap::new();
    let head = Head::of(app, parts);
    let receipt = read(app, head, &mut body, dialect, &mut allowed).await;
    if receipt.is_err() {
        let read = body.share().map_or(0, |share| share.amount());
        if allowed.is_empty() && read > 0 {
            unpaid::count(app, head.network(), read).await;
        }
        body.discard().await;
    }
    Taken { allowed, receipt }
}

/// [`take`] for a handler that has the request whole.
pub(super) async fn take_request(app: &App, request: Request, dialect: wire::Dialect) -> (Parts, Taken) {
    let (parts, body) = request.into_parts();
    let taken = take(app, &parts, body, Some(dialect)).await;
    (parts, taken)
}

async fn read(
    app: &App,
    head: Head<'_>,
    body: &mut Incoming,
    dialect: Option<wire::Dialect>,
    allowed: &mut HeaderMap,
) -> Result<Receipt, Problem> {
    let Head { parts, .. } = head;
    let key = match extract::raw_key(&parts.headers, parts.uri.query()) {
        Ok(raw) => Some(enter(app, head, &raw, allowed).await?),
        Err(error) if dialect.is_none() => return Err(error.into()),
        Err(_) => {
            unpaid::admit(app, head.network())?;
            None
        }
    };
    let dialect = match dialect {
        Some(dialect) => dialect,
        None => wire::Dialect::Native(extract::format(&parts.headers)?),
    };
    let limits = &app.config.limits;
    let payer = key.as_ref().map_or_else(|| head.network(), |(key, _)| key.scope.app_id());
    body.charge(&app.bodies, payer, &parts.headers)?;
    let mut bytes = body.read(&parts.headers).await?;
    if dialect == wire::Dialect::PostHog {
        bytes = posthog::unpack(&parts.headers, body, bytes).await?;
    }
    let mut events = heavy(bytes.len(), || dialect.split(&bytes, limits)).await?;
    if dialect == wire::Dialect::PostHog && events.sent_at.is_none() {
        events.sent_at = posthog::sent_at(parts.uri.query());
    }
    let (key, _place) = match (key, events.key.take()) {
        (Some(entered), _) => entered,
        (None, Some(raw)) => {
            let entered = enter(app, head, &raw, allowed).await?;
            body.charge_to(entered.0.scope.app_id())?;
            entered
        }
        (None, None) => return Err(extract::NO_KEY.into()),
    };
    let prepared = prepare(app, head, &key, events, body.share()).await;
    // What was read well is all that is needed while it waits to be stored.
    drop(bytes);
    store(app, &key, prepared, allowed).await
}

/// The head of a request, and the address it comes from.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    parts: &'a Parts,
    ip: Option<IpAddr>,
}

impl<'a> Head<'a> {
    /// Finds the address, through trusted proxies.
    pub(super) fn of(app: &App, parts: &'a Parts) -> Self {
        Self { parts, ip: extract::ip(&parts.headers, &parts.extensions, &app.config) }
    }

    /// Who pays for a body while its key is still in it: the sender's network, so that those without a key
    /// take the room of nobody else.
    fn network(self) -> Uuid {
        network_id(self.ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()))
    }
}

/// Finds the key behind `raw`, sees that it may be used from here, and takes one of the requests it may
/// make, with a place among those of all apps until its events are stored.
pub(super) async fn enter(
    app: &App,
    head: Head<'_>,
    raw: &str,
    allowed: &mut HeaderMap,
) -> Result<(Arc<ActiveKey>, Share)> {
    let key = app.api_keys.authenticate_from(raw, &app.limiter, head.ip).await?;
    key.admit(extract::origin(&head.parts.headers).as_deref())?;
    let permits = key.requests_per_minute.unwrap_or(app.config.limits.ingest_per_minute);
    let quota = Quota { permits, period: MINUTE };
    let decision = app.limiter.check(&format!("ingest:{}", key.id.simple()), quota, 1).await;
    *allowed = rate_limit(decision);
    decision.into_result()?;
    let full = || refused_for_want_of_room("requests", RETRY_AFTER, "too many requests of one app in flight");
    let place = app.at_work.take(key.scope.app_id(), 1).ok_or_else(full)?;
    Ok((key, place))
}

fn rate_limit(decision: Decision) -> HeaderMap {
    let reset = decision.reset_after.as_millis().div_ceil(1_000) as u64;
    let values = [u64::from(decision.limit), u64::from(decision.remaining), reset];
    RATE_LIMIT.into_iter().zip(values.map(HeaderValue::from)).collect()
}

/// Reads the events, and finds out what the request tells about them.
pub(super) async fn prepare(
    app: &App,
    head: Head<'_>,
    key: &ActiveKey,
    events: wire::Body<'_>,
    memory: Option<Share>,
) -> Prepared {
    let sender = extract::sender(&head.parts.headers, head.ip, key);
    app.enricher.salts().ready(app.clock.now_ms()).await;
    let intake = Intake { clock: &app.clock, limits: &app.config.limits, enricher: &app.enricher, writer: &app.writer };
    let bytes = memory.as_ref().map_or(0, Share::amount);
    heavy(bytes, || ingest::prepare(intake, &sender, events)).await.holding(memory)
}

/// Stores events, counts them for their key, and notes what was not kept.
pub(super) async fn store(
    app: &App,
    key: &ActiveKey,
    prepared: Prepared,
    allowed: &mut HeaderMap,
) -> Result<Receipt, Problem> {
    take_events(app, key, prepared.len(), allowed).await?;
    let receipt = prepared.store(&app.writer, key.scope).await?;
    count_use(app, key, &receipt);
    app.refusals.note(key.scope.app_id(), &receipt);
    Ok(receipt)
}

/// Takes the key's events, where it has a budget of them. A request that is refused for it is told of events.
async fn take_events(app: &App, key: &ActiveKey, events: usize, allowed: &mut HeaderMap) -> Result<()> {
    let Some(permits) = key.events_per_minute else { return Ok(()) };
    let cost = u32::try_from(events).unwrap_or(u32::MAX);
    if cost > permits {
        // Waiting would not help.
        let message = format!("This key may send at most {permits} events a minute.");
        return Err(Error::TooLarge { field: Some("events".into()), message });
    }
    let quota = Quota { permits, period: MINUTE };
    let decision = app.limiter.check(&format!("events:{}", key.id.simple()), quota, cost).await;
    if !decision.allowed {
        *allowed = rate_limit(decision);
    }
    decision.into_result().map(|_| ())
}

fn count_use(app: &App, key: &ActiveKey, receipt: &Receipt) {
    let accepted = u64::try_from(receipt.of("accepted") + receipt.of("spooled")).unwrap_or(u64::MAX);
    app.api_keys.used(key, accepted);
    // In total only: a series a key would grow without bound, and whoever scrapes need not know the keys.
    metrics::counter!("uea_key_events_total").increment(accepted);
}
