//! Tests through the public surface, in one binary.
#![allow(clippy::unwrap_used, missing_docs)]

mod config;
