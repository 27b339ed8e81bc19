//! What can be seen, one type a file.

pub mod app;
pub mod user;
