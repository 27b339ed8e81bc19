//! What a request tells about its sender.

use std::net::IpAddr;

use crate::{config::Config, error::Result};

/// Where a request came from.
#[derive(Debug, Clone, Default)]
pub struct Sender {
    /// The client's address, found through trusted proxies only.
    pub ip: Option<IpAddr>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
}

/// Parses user agents and finds countries, with bounded caches.
#[derive(Clone)]
pub struct Enricher {}

impl Enricher {
    /// Opens the country database, where one is configured.
    pub fn new(_config: &Config) -> Result<Self> {
        todo!()
    }
}
