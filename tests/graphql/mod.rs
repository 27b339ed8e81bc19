//! The GraphQL edge.

mod accounts;
mod api_keys;
mod apps;
mod schema;
