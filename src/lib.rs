//! Unified Event Analytics: events in over REST, exact answers out over GraphQL.
//!
//! Modules by level; each may use those below it and none above (`tests/tidy.rs` holds this):
//!
//! | level | modules | what they are |
//! |---|---|---|
//! | 7 | `cli` `demo` `server` | commands, the sample data, routers and shutdown |
//! | 6 | [`graphql`] \| [`rest`] \| [`pages`] | the edges; they never see each other |
//! | 5 | [`state`] | the handles a request may use |
//! | 4 | [`apps`] \| [`ingest`] \| [`analytics`] | what the product does; none sees another |
//! | 3 | [`auth`], [`columnar`] | who may; events as columns |
//! | 2 | [`db`] [`shared`] [`cache`] [`limiter`] [`live`] [`mail`] | the store, what instances share, what is new, and letters |
//! | 1 | [`entity`] | the tables |
//! | 0 | [`error`] [`config`] [`clock`] [`telemetry`] | common ground |

pub mod analytics;
pub mod apps;
pub mod auth;
pub mod cache;
pub mod cli;
pub mod clock;
pub mod columnar;
pub mod config;
pub mod db;
pub mod demo;
pub mod entity;
pub mod error;
pub mod graphql;
pub mod ingest;
pub mod limiter;
pub mod live;
pub mod mail;
pub mod pages;
pub mod rest;
pub mod server;
pub mod shared;
pub mod state;
pub mod telemetry;
