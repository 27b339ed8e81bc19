//! What a request and an event tell about the sender: browser, campaign, country.

mod address;
mod agent;
mod geo;
mod page;
mod salt;
mod version;

use std::{net::IpAddr, sync::Arc};

use isbot::Bots;
use moka::sync::Cache;

pub use self::{
    address::{anonymise, is_public},
    agent::{Agent, Sort},
    page::{Page, page, referrer_domain},
    salt::{Salts, Traits},
};
use crate::{auth::settings::Settings, config::Config, db::Db, entity::app::IpMode, error::Result};

/// User agents that are remembered with what was found in them.
const AGENTS: u64 = 20_000;

/// Where a request came from.
#[derive(Debug, Clone, Default)]
pub struct Sender {
    /// The client's address, found through trusted proxies only.
    pub ip: Option<IpAddr>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// What the owner of the app has decided about its events.
    pub settings: Arc<Settings>,
}

/// Parses user agents and finds countries, with bounded caches.
#[derive(Clone)]
pub struct Enricher {
    agents: Cache<String, Arc<Agent>>,
    bots: Arc<Bots>,
    countries: Option<Arc<geo::Countries>>,
    anonymize_ip: bool,
    salts: Salts,
}

impl Enricher {
    /// Opens the country database, where one is configured.
    pub fn new(config: &Config, db: Db) -> Result<Self> {
        let countries = config.geoip_database.as_deref().map(geo::Countries::open).transpose()?;
        Ok(Self {
            agents: Cache::new(AGENTS),
            bots: Arc::new(Bots::default()),
            countries: countries.map(Arc::new),
            anonymize_ip: config.anonymize_ip,
            salts: Salts::new(db),
        })
    }

    /// What visitors' ids are made with.
    pub fn salts(&self) -> &Salts {
        &self.salts
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

    /// An address as it may be kept, by the app's own word or else by the server's.
    pub fn kept_ip(&self, ip: IpAddr, mode: Option<IpMode>) -> Option<String> {
        let usual = if self.anonymize_ip { IpMode::Network } else { IpMode::Full };
        match mode.unwrap_or(usual) {
            IpMode::Full => Some(ip.to_canonical().to_string()),
            IpMode::Network => Some(anonymise(ip).to_string()),
            IpMode::None => None,
        }
    }
}
