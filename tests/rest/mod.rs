//! The REST edge.

mod oauth;
