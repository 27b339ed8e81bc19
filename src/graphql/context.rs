//! What a resolver may ask of its request.

use std::{net::IpAddr, sync::Arc};

use async_graphql::Context;

use super::{charge::Charge, error::Result, loader::RequestLoader};
use crate::{
    auth::{AppScope, Viewer, link::OpenLink},
    error::Error,
    state::App,
};

/// What an API key is told where only people may.
pub const KEYS_ONLY_READ: Error = Error::Forbidden("An API key may ask about its app, and nothing else.");

/// What whoever opened a link is told of all but what its dashboard shows.
pub const LINKS_ONLY_SHOW: Error = Error::Forbidden("A link shows its dashboard, and nothing else.");

/// Who sent the request, as far as it can be seen from outside.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its address, as the proxies we trust report it.
    pub ip: IpAddr,
    /// What it calls itself.
    pub user_agent: Option<String>,
}

/// Who asks; one of these accompanies every request.
#[derive(Debug, Clone, Copy)]
pub enum Asker {
    /// Nobody has signed in.
    Stranger,
    /// Somebody who has.
    Person(Viewer),
    /// An API key, which opens this app for reading and nothing else.
    Key(AppScope),
    /// Somebody who has but a link, which shows one dashboard.
    Link(OpenLink),
}

/// The request's parts by name, so that no resolver spells their types.
pub trait ContextExt<'a> {
    /// The server's handles.
    fn app(&self) -> &'a App;
    /// Who asks.
    fn asker(&self) -> Asker;
    /// Who is signed in; `UNAUTHENTICATED` when nobody is, and `FORBIDDEN` for an API key.
    fn viewer(&self) -> Result<Viewer>;
    /// Who is signed in, if anybody.
    fn maybe_viewer(&self) -> Option<Viewer>;
    /// `UNAUTHENTICATED` for strangers, who see nothing of any app.
    fn no_stranger(&self) -> Result<()>;
    /// The sender.
    fn client(&self) -> &'a Client;
    /// Who pays for the request, and what it cost.
    fn charge(&self) -> &'a Charge;
    /// Reads that the fields of this request share.
    fn loader(&self) -> &'a RequestLoader;
}

impl<'a> ContextExt<'a> for Context<'a> {
    fn app(&self) -> &'a App {
        self.data_unchecked()
    }

    fn asker(&self) -> Asker {
        *self.data_unchecked()
    }

    fn viewer(&self) -> Result<Viewer> {
        match self.asker() {
            Asker::Person(viewer) => Ok(viewer),
            Asker::Stranger => Err(Error::Unauthenticated("Sign in first.").into()),
            Asker::Key(_) => Err(KEYS_ONLY_READ.into()),
            Asker::Link(_) => Err(LINKS_ONLY_SHOW.into()),
        }
    }

    fn maybe_viewer(&self) -> Option<Viewer> {
        match self.asker() {
            Asker::Person(viewer) => Some(viewer),
            Asker::Stranger | Asker::Key(_) | Asker::Link(_) => None,
        }
    }

    fn no_stranger(&self) -> Result<()> {
        match self.asker() {
            Asker::Person(_) | Asker::Key(_) | Asker::Link(_) => Ok(()),
            Asker::Stranger => Err(Error::Unauthenticated("Sign in first.").into()),
        }
    }

    fn client(&self) -> &'a Client {
        self.data_unchecked()
    }

    fn charge(&self) -> &'a Charge {
        self.data_unchecked::<Arc<Charge>>()
    }

    fn loader(&self) -> &'a RequestLoader {
        self.data_unchecked()
    }
}
