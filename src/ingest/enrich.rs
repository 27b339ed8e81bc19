//! What a request and an event tell about the sender: browser, campaign, country.

mod address;
mod agent;
mod geo;
mod page;

use std::{net::IpAddr, sync::Arc};

use isbot::Bots;
use moka::sync::Cache;

pub use self::{
    address::{anonymise, is_public},
    agent::Agent,
    page::{Page, page, referrer_domain},
};
use crate::{config::Config, error::Result};

/// User agents that are remembered with what was found in them.
const AGENTS: u64 = 20_000;

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
pub struct Enricher {
    agents: Cache<String, Arc<Agent>>,
    bots: Arc<Bots>,
    countries: Option<Arc<geo::Countries>>,
    anonymize_ip: bool,
}

impl Enricher {
    /// Opens the country database, where one is configured.
    pub fn new(config: &Config) -> Result<Self> {
        let countries = config.geoip_database.as_deref().map(geo::Countries::open).transpose()?;
        Ok(Self {
            agents: Cache::new(AGENTS),
            bots: Arc::new(Bots::default()),
            countries: countries.map(Arc::new),
            anonymize_ip: config.anonymize_ip,
        })
    }

    /// What a user agent says.
    pub fn agent(&self, user_agent: &str) -> Arc<Agent> {
        if let Some(known) = self.agents.get(user_agent) {
            return known;
        }
        let agent = Arc::new(Agent::parse(user_agent, &self.bots));
        self.agents.insert(user_agent.to_owned(), agent.clone());
        agent
    }

    /// The country of an address, where there is a database and the address is in it. Addresses
    /// that belong to nobody in particular have none, whatever the database says.
    pub fn country(&self, ip: IpAddr) -> Option<String> {
        is_public(ip).then(|| self.countries.as_ref()?.of(ip)).flatten()
    }

    /// An address as it may be kept.
    pub fn kept_ip(&self, ip: IpAddr) -> String {
        if self.anonymize_ip { anonymise(ip).to_string() } else { ip.to_canonical().to_string() }
    }
}
