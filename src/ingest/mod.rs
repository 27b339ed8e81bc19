//! The way of an event: bytes in, a verdict for each event out, after commit.

pub mod enrich;
pub mod wire;
pub mod writer;

mod row;

use bytes::Bytes;

use self::{
    enrich::{Enricher, Sender},
    writer::Writer,
};
use crate::{auth::AppScope, clock::Clock, config::Limits, entity::event, error::Result};

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Committed, and in the very next answer.
    Stored,
    /// Its id was stored before; counted once.
    Duplicate,
    /// Not kept.
    Rejected(Refusal),
}

/// Why an event was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable, such as `TIMESTAMP_OUT_OF_RANGE`.
    pub code: &'static str,
    /// The offending field, where there is one.
    pub field: Option<String>,
    /// A sentence that says what was expected.
    pub message: String,
}

/// What became of each event of a request, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The id of the event (the client's own, or the one it was given) and the verdict.
    pub items: Vec<(Option<String>, Verdict)>,
}

/// What acceptance needs.
#[derive(Clone, Copy)]
pub struct Intake<'a> {
    /// Now.
    pub clock: &'a Clock,
    /// Bounds.
    pub limits: &'a Limits,
    /// User agents, addresses, countries.
    pub enricher: &'a Enricher,
    /// Storage.
    pub writer: &'a Writer,
}

/// Takes the events of one request: parses and bounds each by itself, enriches, stores, and says
/// what became of each. Fails as a whole only when nothing could be read or kept.
pub async fn accept(
    intake: Intake<'_>,
    scope: AppScope,
    sender: &Sender,
    body: Bytes,
    format: wire::Format,
) -> Result<Receipt> {
    let (mut items, events) = read(intake, sender, &body, format)?;
    drop(body);
    let mut verdicts = intake.writer.store(scope, events).await?.into_iter();
    for (_, verdict) in &mut items {
        // What was read well took its place in the order of what was stored.
        if *verdict == Verdict::Stored
            && let Some(stored) = verdicts.next()
        {
            *verdict = stored;
        }
    }
    for (_, verdict) in &items {
        metrics::counter!("uea_ingest_events_total", "verdict" => verdict.label()).increment(1);
    }
    Ok(Receipt { items })
}

type Items = Vec<(Option<String>, Verdict)>;

/// Everything before storage: no waiting, no writing.
fn read(intake: Intake<'_>, sender: &Sender, body: &[u8], format: wire::Format) -> Result<(Items, Vec<event::Model>)> {
    let received_at = intake.clock.now_ms();
    let body = wire::split(body, format, intake.limits)?;
    let mut items = Vec::with_capacity(body.events.len());
    let mut events = Vec::with_capacity(body.events.len());
    for raw in body.events {
        let (id, parsed) = match raw {
            Ok(raw) => wire::parse(raw, body.sent_at, received_at, intake.limits),
            Err(refusal) => (None, Err(refusal)),
        };
        match parsed {
            Ok(incoming) => {
                let event = row::build(intake.enricher, sender, received_at, id.as_deref(), incoming);
                items.push((Some(id.unwrap_or_else(|| event.id.to_string())), Verdict::Stored));
                events.push(event);
            }
            Err(refusal) => items.push((id, Verdict::Rejected(refusal))),
        }
    }
    Ok((items, events))
}

impl Verdict {
    fn label(&self) -> &'static str {
        match self {
            Self::Stored => "accepted",
            Self::Duplicate => "duplicate",
            Self::Rejected(_) => "rejected",
        }
    }
}

impl Receipt {
    /// Events that were stored, that were known, and that were refused.
    pub fn counts(&self) -> (usize, usize, usize) {
        let of = |label: &str| self.items.iter().filter(|(_, verdict)| verdict.label() == label).count();
        (of("accepted"), of("duplicate"), of("rejected"))
    }
}
