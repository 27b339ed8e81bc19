//! The REST sidecar: events in, sign-in redirects, health.

pub mod body;
mod dialects;
pub mod error;
pub mod events;
pub mod exports;
pub mod extract;
pub mod health;
pub mod limits;
pub mod oauth;
pub mod openapi;
mod pixel;
mod take;
mod unpaid;
