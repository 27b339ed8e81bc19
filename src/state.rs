//! The handles a request may use.

use std::{ops::Deref, sync::Arc};

use crate::{
    auth::{api_key::ApiKeys, oauth::Google, session::Sessions},
    cache::Cache,
    clock::Clock,
    config::Config,
    db::Db,
    ingest::{enrich::Enricher, writer::Writer},
    limiter::Limiter,
};

/// The running server's parts. Cheap to clone; every clone is the same server.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What an [`App`] holds. Functions below level 5 take the two or three of these they need.
pub struct Parts {
    /// Settings.
    pub config: Config,
    /// Now.
    pub clock: Clock,
    /// The store.
    pub db: Db,
    /// Answers already computed.
    pub cache: Cache,
    /// Who may ask how often.
    pub limiter: Limiter,
    /// Sign-ins.
    pub sessions: Sessions,
    /// Keys of events, and the count of their use.
    pub api_keys: ApiKeys,
    /// Sign-in elsewhere, when configured.
    pub google: Option<Google>,
    /// What a request tells about its sender.
    pub enricher: Enricher,
    /// The one way an event is stored.
    pub writer: Writer,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
