//! The native event as clients send it.

/// How the body of a request is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An event, an array of events, or `{"events": […]}`.
    Json,
    /// One event a line.
    Ndjson,
}
