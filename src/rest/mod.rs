//! The REST sidecar: events in, sign-in redirects, health.

pub mod events;
pub mod health;
pub mod oauth;
