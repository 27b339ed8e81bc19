//! The GraphQL edge.

mod accounts;
mod api_keys;
mod apps;
mod audit;
mod bad_input;
mod behaviours;
mod bots;
mod bounds;
pub mod dead_letters;
mod goals;
mod guard;
mod http;
mod key_scopes;
mod live;
mod members;
mod passwords;
mod permission_inputs;
mod permissions;
mod questions;
mod rates;
mod registration;
mod revenue;
mod saved_segments;
mod schema;
mod settings;
mod stored;
mod top_properties;
