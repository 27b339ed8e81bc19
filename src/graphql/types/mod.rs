//! What can be seen, one type a file.

pub mod api_key;
pub mod app;
pub mod audit;
pub mod conversion;
pub mod dashboard;
pub mod dead_letter;
pub mod erasure;
pub mod event;
pub mod goal;
pub mod invitation;
pub mod node;
pub mod organization;
pub mod overview;
pub mod questions;
pub mod rate_limit;
pub mod registration;
pub mod saved_segment;
pub mod session;
pub mod session_list;
pub mod settings;
pub mod share;
pub mod sign_in_provider;
pub mod top_properties;
pub mod user;
pub mod user_stats;
pub mod verification;
