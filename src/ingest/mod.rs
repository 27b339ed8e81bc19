//! The way of an event: bytes in, a verdict for each event out, after commit.

pub mod dead_letter;
pub mod enrich;
pub mod erase;
pub mod export;
pub mod heavy;
pub mod refusals;
pub mod shares;
pub mod spool;
pub mod wire;
pub mod writer;

mod expire;
mod row;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::{
    enrich::{Enricher, Sender},
    shares::Share,
    writer::Writer,
};
use crate::{auth::AppScope, clock::Clock, config::Limits, entity::event, error::Result};

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Committed, and in the very next answer.
    Stored,
    /// Committed and marked as a bot's: reports leave it out unless asked for it.
    StoredBot,
    /// Its id was stored before; counted once.
    Duplicate,
    /// Safe on this machine's disk, and stored as soon as the database is back.
    Spooled,
    /// Right in itself, and left out because the app's owner wants it so: nothing to repair or repeat.
    Ignored(Refusal),
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

/// An event that was accepted and is not stored yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The row it becomes. App and commit are set by the writer.
    pub event: event::Model,
    /// Whether its id was made for it just now, so that it can not be in the table.
    #[serde(skip)]
    pub fresh: bool,
    /// Whom it makes known as whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// The visitor id of yesterday's salt, where the server made today's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yesterday: Option<String>,
}

impl Draft {
    /// What may be stored once: app and id.
    pub fn key(&self) -> (Uuid, Uuid) {
        (self.event.app_id, self.event.id)
    }

    /// Custom properties as text.
    pub fn metadata(&self) -> Option<String> {
        self.event.metadata.as_ref().map(ToString::to_string)
    }
}

/// Two ids of one person. From the event that says so on, what comes under `from` counts for `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// An anonymous id, or a user id given up.
    pub from: String,
    /// A user id.
    pub to: String,
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
    let body = wire::Dialect::Native(format).split(&body, intake.limits)?;
    prepare(intake, sender, body).store(intake.writer, scope).await
}

/// The events of a request, read and enriched but not stored.
#[derive(Debug)]
pub struct Prepared {
    /// An entry an event of the request; `Stored` stands for "next in `events`".
    items: Vec<(Option<String>, Verdict)>,
    events: Vec<Draft>,
    bytes: Option<Share>,
}

/// The first half of [`accept`], for whoever must know how many events there are before they are
/// stored: no waiting, no writing.
pub fn prepare(intake: Intake<'_>, sender: &Sender, body: wire::Body<'_>) -> Prepared {
    let received_at = intake.clock.now_ms();
    let (mut items, mut events) = (Vec::new(), Vec::new());
    for (id, parsed) in body.parse(received_at, intake.limits) {
        match parsed {
            Ok(incoming) => match row::build(intake.enricher, sender, received_at, id.as_deref(), incoming) {
                Ok(draft) => {
                    items.push((Some(id.unwrap_or_else(|| draft.event.id.to_string())), Verdict::Stored));
                    events.push(draft);
                }
                Err(reason) => items.push((id, Verdict::Ignored(reason))),
            },
            Err(refusal) => {
                // Not every dialect has a place in its answer where it could be told.
                tracing::debug!(code = refusal.code, field = refusal.field, "an event was refused");
                items.push((id, Verdict::Rejected(refusal)));
            }
        }
    }
    Prepared { items, events, bytes: None }
}

impl Prepared {
    /// Events that would be stored.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing is left to store.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Holds the share of memory that the request was given, until its events are stored.
    pub fn holding(self, bytes: Option<Share>) -> Self {
        Self { bytes, ..self }
    }

    /// The second half of [`accept`]: stores what was read well, all or nothing.
    pub async fn store(self, writer: &Writer, scope: AppScope) -> Result<Receipt> {
        let mut items = self.items;
        let bots: Vec<bool> = self.events.iter().map(|draft| draft.event.is_bot).collect();
        let mut verdicts = writer.store_holding(scope, self.events, self.bytes).await?.into_iter().zip(bots);
        for (_, verdict) in &mut items {
            if *verdict == Verdict::Stored
                && let Some((stored, is_bot)) = verdicts.next()
            {
                *verdict = if is_bot && stored == Verdict::Stored { Verdict::StoredBot } else { stored };
            }
        }
        let receipt = Receipt { items };
        receipt.count();
        Ok(receipt)
    }
}

impl Verdict {
    /// The verdict in one word, as clients and metrics see it.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Stored | Self::StoredBot => "accepted",
            Self::Duplicate => "duplicate",
            Self::Spooled => "spooled",
            Self::Ignored(_) => "ignored",
            Self::Rejected(_) => "rejected",
        }
    }

    /// Why the event was not kept, where it was not.
    pub fn refusal(&self) -> Option<&Refusal> {
        if let Self::Rejected(refusal) = self { Some(refusal) } else { None }
    }
}

impl Receipt {
    /// Events whose verdict has this label.
    pub fn of(&self, label: &str) -> usize {
        self.items.iter().filter(|(_, verdict)| verdict.label() == label).count()
    }

    /// Why nothing was kept, where nothing was: the first reason.
    pub fn refusal(&self) -> Option<&Refusal> {
        let refusals: Option<Vec<&Refusal>> = self.items.iter().map(|(_, verdict)| verdict.refusal()).collect();
        refusals?.first().copied()
    }

    fn count(&self) {
        for label in ["accepted", "duplicate", "spooled", "ignored", "rejected"] {
            let events = u64::try_from(self.of(label)).unwrap_or(u64::MAX);
            if events > 0 {
                metrics::counter!("uea_ingest_events_total", "verdict" => label).increment(events);
            }
        }
    }
}
