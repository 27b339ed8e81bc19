//! The dialects: how a body is cut into events, and how each of them is read.

use serde_json::{Map, Value, value::RawValue};

use super::{
    Body, Format, Incoming,
    event::{self, Told, check_shape},
    plausible, posthog,
    segment::{self, Call},
    split,
    translated::Native,
    umami,
    value::not_json,
};
use crate::{config::Limits, error::Result, ingest::Refusal};

/// A way of writing events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The server's own.
    Native(Format),
    /// Segment's HTTP tracking API.
    Segment(Call),
    /// PostHog's capture API.
    PostHog,
    /// Umami's collection API.
    Umami,
    /// Plausible's events API.
    Plausible,
}

impl Dialect {
    /// Cuts a body into events. Fails only when it cannot be told where its events begin and end,
    /// or when it has none or too many.
    pub fn split<'a>(self, body: &'a [u8], limits: &Limits) -> Result<Body<'a>> {
        let body = split::text(body)?;
        match self {
            Self::Native(format) => split::native(body, format, limits),
            Self::Segment(call) => segment::split(body, call, limits),
            Self::PostHog => posthog::split(body, limits),
            Self::Umami => umami::split(body, limits),
            Self::Plausible => plausible::split(body, limits),
        }
    }

    fn parse(
        self,
        raw: &RawValue,
        context: &Map<String, Value>,
        sent_at: Option<i64>,
        received_at: i64,
        limits: &Limits,
    ) -> (Option<String>, Result<Incoming, Refusal>) {
        let native = match self {
            Self::Native(_) => return event::parse(raw, sent_at, received_at, limits),
            Self::Segment(call) => translated(raw, limits, |event| segment::translate(event, call, context)),
            Self::PostHog => translated(raw, limits, |event| posthog::translate(event, received_at)),
            Self::Umami => translated(raw, limits, umami::translate),
            Self::Plausible => translated(raw, limits, plausible::translate),
        };
        // What was shared among calls was not counted before.
        let native = native.and_then(|(native, told)| {
            let sized = if context.is_empty() { Ok(()) } else { check_shape(&native, limits) };
            sized.map(|()| (native, told))
        });
        match native {
            Ok((native, told)) => {
                let (id, event) = event::read(&native, sent_at, received_at, limits);
                (id, event.map(|event| Incoming { told, ..event }))
            }
            Err(refusal) => (None, Err(refusal)),
        }
    }
}

/// The event in native words, and what these have no place for.
fn translated(
    raw: &RawValue,
    limits: &Limits,
    translate: impl FnOnce(Map<String, Value>) -> Result<Native, Refusal>,
) -> Result<(Box<RawValue>, Told), Refusal> {
    check_shape(raw, limits)?;
    let event = serde_json::from_str(raw.get()).map_err(|error| not_json(None, &error))?;
    translate(event)?.into_raw()
}

impl<'a> Body<'a> {
    /// Reads the events one by one: each with its id where it has one, or the reason why it cannot
    /// be kept.
    pub fn parse(
        self,
        received_at: i64,
        limits: &'a Limits,
    ) -> impl Iterator<Item = (Option<String>, Result<Incoming, Refusal>)> + 'a {
        let Self { events, sent_at, dialect, context, .. } = self;
        events.into_iter().map(move |raw| match raw {
            Ok(raw) => dialect.parse(raw, &context, sent_at, received_at, limits),
            Err(refusal) => (None, Err(refusal)),
        })
    }
}
