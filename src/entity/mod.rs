//! The tables, one file each: the stored row, and finders that never leave their owner's scope.
//!
//! Times are milliseconds since the epoch in a `BIGINT`: both stores hold the same value, and
//! no driver rounds it. Tables that grow with traffic start every key with `app_id`, so that
//! Postgres can be sharded by it.

pub mod api_key;
pub mod api_key_day;
pub mod app;
pub mod app_deletion;
pub mod app_member;
pub mod audit_event;
pub mod dashboard;
pub mod dashboard_share;
pub mod dead_letter;
pub mod erased_id;
pub mod erasure;
pub mod event;
pub mod event_aggregation;
pub mod event_code;
pub mod event_head;
pub mod event_segment;
pub mod export;
pub mod goal;
pub mod identity;
pub mod invitation;
pub mod organization;
pub mod organization_member;
pub mod password_reset;
pub mod refusal;
pub mod registration;
pub mod role;
pub mod saved_segment;
pub mod segment_column;
pub mod segment_head;
pub mod user;
pub mod user_identity;
pub mod user_session;
pub mod visitor_salt;
