//! Reports against a naive model.

mod event;
mod model;
mod properties;
mod question;
mod sealing;
mod time;
mod volume;
