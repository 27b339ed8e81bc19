//! Reports against a naive model.

mod cancelling;
mod commands;
mod event;
mod filled;
mod goals;
mod interleavings;
mod model;
mod plans;
mod properties;
mod pruning;
mod question;
mod rollups;
mod sealing;
mod sharing;
mod time;
mod top_properties;
mod verifying;
mod volume;
mod way_model;
mod ways;
