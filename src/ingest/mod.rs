//! The way of an event: bytes in, a verdict for each event out, after commit.

pub mod enrich;
pub mod wire;
pub mod writer;

use bytes::Bytes;

use self::{
    enrich::{Enricher, Sender},
    writer::Writer,
};
use crate::{auth::AppScope, clock::Clock, config::Limits, error::Result};

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
    _intake: Intake<'_>,
    _scope: AppScope,
    _sender: &Sender,
    _body: Bytes,
    _format: wire::Format,
) -> Result<Receipt> {
    todo!()
}
