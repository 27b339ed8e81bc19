//! What a request and an event tell about the sender: browser, campaign, country.

mod address;
mod agent;
mod device;
mod geo;
mod hints;
mod page;
mod salt;
mod version;

use std::{net::IpAddr, sync::Arc};

use isbot::Bots;
use moka::sync::Cache;

pub(super) use self::geo::Place;
pub use self::{
    address::{anonymise, is_public},
    agent::{Agent, Sort},
    device::Device,
    hints::Hints,
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
    /// What the browser says of itself beside it.
    pub hints: Option<Hints>,
    /// What the owner of the app has decided about its events.
    pub settings: Arc<Settings>,
}

/// Parses user agents and finds places, with bounded caches.
#[derive(Clone)]
pub struct Enricher {
    agents: Cache<String, Arc<Agent>>,
    bots: Arc<Bots>,
    places: Option<Arc<geo::Places>>,
    anonymize_ip: bool,
    salts: Salts,
}

impl Enricher {
    /// Opens the geo database that is configured, or the one that is built in.
    pub fn new(config: &Config, db: Db) -> Result<Self> {
        let places = match config.geoip_database.as_deref() {
            Some(path) => Some(geo::Places::open(path)?),
            None => geo::Places::built_in(),
        };
        Ok(Self {
            agents: Cache::new(AGENTS),
            bots: Arc::new(Bots::default()),
            places: places.map(Arc::new),
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

    /// Where an address is: country, region and city, as far as there is a database and the address
    /// is in it. Addresses that belong to nobody in particular are nowhere, whatever it says.
    pub(super) fn place(&self, ip: IpAddr) -> Place {
        let places = self.places.as_ref().filter(|_| is_public(ip));
        places.map(|places| places.of(ip)).unwrap_or_default()
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
