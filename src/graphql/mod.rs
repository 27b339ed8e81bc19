//! The schema: what dashboards ask and owners change.

pub mod ask;
pub mod charge;
pub mod context;
pub mod error;
mod filled;
pub mod frozen;
pub mod guard;
mod http;
pub mod id;
pub mod loader;
pub mod mutation;
pub mod page;
pub mod panel;
pub mod query;
pub mod report;
pub mod scalar;
pub mod subscription;
pub mod types;

use async_graphql::SchemaBuilder;

pub use self::http::router;
use self::{
    guard::Guard, mutation::Mutation, panel::Checks, query::Query, report::Report, subscription::Subscriptions,
};
use crate::state::App;

/// The schema with its three roots.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscriptions>;

/// The schema in SDL, as `schema.graphql` keeps it.
pub fn sdl() -> String {
    builder().finish().sdl()
}

/// The schema over a running server, with every limit in force.
pub fn schema(app: App) -> Schema {
    let told = &app.config.graphql;
    let mut builder = builder();
    if !told.introspection {
        builder = builder.disable_introspection();
    }
    if !told.suggestions {
        builder = builder.disable_suggestions();
    }
    builder
        .data(app)
        .extension(Report)
        .extension(Guard)
        .extension(Checks)
        .limit_depth(guard::MAX_DEPTH)
        .limit_complexity(guard::MAX_COMPLEXITY)
        .finish()
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscriptions> {
    Schema::build(Query, Mutation::default(), Subscriptions)
}
