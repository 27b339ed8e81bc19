//! The GraphQL edge.

mod schema;
