//! What can be seen, one type a file.

pub mod api_key;
pub mod app;
pub mod session;
pub mod user;
