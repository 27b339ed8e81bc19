//! The sample into the store, and a trickle after it.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::{
    owner::Demo,
    sample::{DAYS, Sample, SampleEvent},
};
use crate::{
    error::{Error, Result},
    ingest::{self, Intake, Verdict, enrich::Sender, wire::Format},
    state::App,
};

const SEED: u64 = 20_261_122;
const BATCH: usize = 1_000;
/// Requests in flight: enough to parse the next while one is committed.
const IN_FLIGHT: usize = 3;
/// A new visit starts, and what the earlier ones did meanwhile is posted.
const TICK: Duration = Duration::from_secs(4);

/// Loads the thirty days before the demo was first started, unless they are there.
pub async fn history(app: &App, demo: &mut Demo, stop: &CancellationToken) -> Result<()> {
    if demo.loaded {
        return Ok(());
    }
    let bar = ProgressBar::new(DAYS as u64).with_style(
        ProgressStyle::with_template("Loading a month of events {bar:32} {pos}/{len} days, {msg} events, {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut sample = Sample::new(SEED);
    let mut stored = 0;
    for days_before in (0..DAYS).rev() {
        let events = sample.day(demo.anchor_ms, days_before);
        let counts: Vec<usize> = stream::iter(events.chunks(BATCH).map(|batch| post(app, demo, batch)))
            .buffered(IN_FLIGHT)
            .try_collect()
            .await?;
        if stop.is_cancelled() {
            bar.abandon();
            return Ok(());
        }
        stored += counts.iter().sum::<usize>();
        bar.set_message(stored.to_string());
        bar.inc(1);
    }
    bar.finish();
    demo.loaded = true;
    demo.save(app)
}

/// Somebody visits every few seconds, until told to stop.
pub async fn trickle(app: &App, demo: &Demo, stop: &CancellationToken) -> Result<()> {
    let start = app.clock.now_ms();
    // Not the seed of the history: its visits would carry ids that are stored already.
    let mut sample = Sample::new(start.unsigned_abs());
    let mut coming: BTreeMap<(i64, usize), SampleEvent> = BTreeMap::new();
    let mut made = 0;
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        let now = app.clock.now_ms();
        for event in sample.visit(now) {
            made += 1;
            coming.insert((event.timestamp, made), event);
        }
        let later = coming.split_off(&(now + 1, 0));
        let due: Vec<SampleEvent> = std::mem::replace(&mut coming, later).into_values().collect();
        if let Err(error) = post(app, demo, &due).await
            && !stop.is_cancelled()
        {
            // Live events are made up: what cannot be stored now is not worth keeping.
            error.log();
        }
    }
}

/// Accepts a batch as if it had been posted; how many events are in the store because of it.
async fn post(app: &App, demo: &Demo, events: &[SampleEvent]) -> Result<usize> {
    let body = Bytes::from(serde_json::to_vec(events).map_err(Error::internal)?);
    let key = app.api_keys.authenticate(&demo.key).await?;
    let intake = Intake { clock: &app.clock, limits: &app.config.limits, enricher: &app.enricher, writer: &app.writer };
    let sender = Sender { settings: key.settings.clone(), ..Sender::default() };
    let receipt = ingest::accept(intake, key.scope, &sender, body, Format::Json).await?;
    let mut kept = 0;
    for (_, verdict) in receipt.items {
        match verdict {
            Verdict::Stored | Verdict::StoredBot | Verdict::Duplicate | Verdict::Spooled => kept += 1,
            // The owner of the demo may try the settings out.
            Verdict::Ignored(_) => {}
            Verdict::Rejected(refusal) => {
                return Err(Error::internal(format!("the sample was refused: {} {}", refusal.code, refusal.message)));
            }
        }
    }
    app.api_keys.used(&key, kept as u64);
    Ok(kept)
}
