//! Reports against a naive model.

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
mod time;
mod top_properties;
mod volume;
mod way_model;
mod ways;
