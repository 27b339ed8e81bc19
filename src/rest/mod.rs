//! The REST sidecar: events in, sign-in redirects, health.

pub mod body;
pub mod error;
pub mod events;
pub mod extract;
pub mod health;
pub mod limits;
pub mod oauth;
pub mod openapi;
