//! Every integration test, in one binary: the server as its users meet it, on real stores.
//!
//! `cargo test` runs them in one process, which starts one Postgres and one Redis for all. Under
//! nextest every test would start its own: it works, and takes longer.

#![allow(missing_docs, clippy::unwrap_used)]

#[macro_use]
mod support;

mod analytics;
mod audit;
mod browser;
mod cache;
mod config;
mod contract;
mod crowd;
mod demo;
mod fuzz;
mod graphql;
mod health;
mod limits;
mod migration;
mod owasp;
mod pages;
mod playground;
mod privacy;
mod rest;
mod sdk;
mod secrets;
mod server;
mod shutdown;
mod tidy;
mod tracker;
mod trials;
