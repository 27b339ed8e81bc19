//! What a resolver may ask of its request.

use std::{net::IpAddr, sync::Arc};

use async_graphql::Context;

use super::{charge::Charge, error::Result, loader::RequestLoader};
use crate::{auth::Viewer, error::Error, state::App};

/// Who sent the request, as far as it can be seen from outside.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its address, as the proxies we trust report it.
    pub ip: IpAddr,
    /// What it calls itself.
    pub user_agent: Option<String>,
}

/// Who is signed in, if anybody; one of these accompanies every request.
#[derive(Debug, Clone, Copy)]
pub struct Asker(pub Option<Viewer>);

/// The request's parts by name, so that no resolver spells their types.
pub trait ContextExt<'a> {
    /// The server's handles.
    fn app(&self) -> &'a App;
    /// Who is signed in; `UNAUTHENTICATED` when nobody is.
    fn viewer(&self) -> Result<Viewer>;
    /// Who is signed in, if anybody.
    fn maybe_viewer(&self) -> Option<Viewer>;
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

    fn viewer(&self) -> Result<Viewer> {
        Ok(self.maybe_viewer().ok_or(Error::Unauthenticated("Sign in first."))?)
    }

    fn maybe_viewer(&self) -> Option<Viewer> {
        self.data_unchecked::<Asker>().0
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
