//! Events as clients send them: the native ones, and those of other dialects.
//!
//! Events of other dialects are translated into native ones and then read like these, so that one
//! set of bounds and refusals holds for all. Of native ones:
//!
//! A body is first cut into events without looking into them, so that an event that is broken
//! inside (a lone surrogate, 10^400, a thousand brackets) is refused alone. Names may be written
//! in snake_case or in camelCase. Names that are not known are ignored, so that a newer client can
//! talk to an older server; a known name that occurs twice is refused, because nobody can say
//! which was meant. Absent, `null` and empty text mean the same.

mod dialect;
mod event;
mod fields;
mod metadata;
mod money;
mod plausible;
mod posthog;
mod segment;
mod split;
mod time;
mod translated;
mod umami;
mod value;

pub use self::{
    dialect::Dialect,
    event::{Campaign, Incoming, Told},
    segment::Call,
    split::Body,
};

/// How the body of a request is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An event, an array of events, or `{"events": […], "sent_at": …}`.
    Json,
    /// One event a line.
    Ndjson,
}

/// What one field may hold. Lengths are in bytes of UTF-8.
pub mod bounds {
    /// `id`, the idempotency key.
    pub const ID: usize = 100;
    /// `event_type`. Of other dialects, what is longer is cut.
    pub const EVENT_TYPE: usize = 100;
    /// `user_id`, `anonymous_id`, `previous_id` and `session_id`. They are indexed.
    pub const PERSON: usize = 200;
    /// `url` and `referrer`. Of other dialects, what is longer is cut.
    pub const ADDRESS: usize = 2_048;
    /// `title`. What is longer is cut.
    pub const TITLE: usize = 500;
    /// `language`, such as `de-CH`.
    pub const LANGUAGE: usize = 35;
    /// `region` and `city`.
    pub const PLACE: usize = 100;
    /// `user_agent`. What is longer is cut, as browsers decide it and not the sender.
    pub const USER_AGENT: usize = 512;
    /// A campaign field, sent or taken out of `url`. What is longer is cut.
    pub const CAMPAIGN: usize = 200;
    /// A host name taken out of an address. What is longer is cut.
    pub const HOST: usize = 255;
    /// Name of a property in `metadata`.
    pub const PROPERTY_NAME: usize = 200;
    /// Properties in `metadata`, not counting those inside others.
    pub const PROPERTIES: usize = 200;
    /// Names in `metadata`, those inside others included: an order lists its products with all they have.
    pub const NAMES: usize = 4_000;
    /// Objects and arrays inside one another in `metadata`, itself included.
    pub const DEPTH: usize = 8;
    /// `screen_width` and `screen_height`.
    pub const SCREEN: i32 = 65_535;
    /// How far in the future an event may lie when it arrives, in milliseconds.
    pub const FUTURE_MS: i64 = 5 * 60 * 1_000;
}
