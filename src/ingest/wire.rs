//! The native event as clients send it.
//!
//! A body is first cut into events without looking into them, so that an event that is broken
//! inside (a lone surrogate, 10^400, a thousand brackets) is refused alone. Names may be written
//! in snake_case or in camelCase. Names that are not known are ignored, so that a newer client can
//! talk to an older server; a known name that occurs twice is refused, because nobody can say
//! which was meant. Absent, `null` and empty text mean the same.

mod event;
mod metadata;
mod split;
mod time;
mod value;

pub use self::{
    event::{Incoming, parse},
    split::{Body, split},
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
    /// `event_type`.
    pub const EVENT_TYPE: usize = 100;
    /// `user_id`, `anonymous_id` and `session_id`. They are indexed.
    pub const PERSON: usize = 200;
    /// `url` and `referrer`.
    pub const ADDRESS: usize = 2_048;
    /// `user_agent`. What is longer is cut, as browsers decide it and not the sender.
    pub const USER_AGENT: usize = 512;
    /// A campaign field taken out of `url`. What is longer is cut.
    pub const CAMPAIGN: usize = 200;
    /// A host name taken out of an address. What is longer is cut.
    pub const HOST: usize = 255;
    /// Name of a property in `metadata`.
    pub const PROPERTY_NAME: usize = 200;
    /// Properties in `metadata`, those inside others included.
    pub const PROPERTIES: usize = 200;
    /// Objects and arrays inside one another in `metadata`, itself included.
    pub const DEPTH: usize = 8;
    /// `screen_width` and `screen_height`.
    pub const SCREEN: i32 = 65_535;
    /// How far in the future an event may lie when it arrives, in milliseconds.
    pub const FUTURE_MS: i64 = 5 * 60 * 1_000;
}
