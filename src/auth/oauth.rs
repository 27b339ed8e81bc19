//! Sign-in with Google, or a provider that speaks like it.

use crate::{clock::Clock, config, error::Result};

/// The configured provider.
#[derive(Clone)]
pub struct Google {}

impl Google {
    /// Prepares the client; the provider is asked for its configuration at first use.
    pub fn new(_config: &config::Google, _public_url: &url::Url, _clock: Clock) -> Result<Self> {
        todo!()
    }
}
