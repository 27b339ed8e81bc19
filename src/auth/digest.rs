//! What is kept of an id that may not be kept.
//!
//! Whoever has an id and asks the server finds out whether it is meant; whoever reads the table, or a
//! copy of the database, can not even try ids out, for the key is not in there.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::config::Secret;

/// Makes digests of people's ids.
#[derive(Clone)]
pub struct Digests {
    own: Hmac<Sha256>,
    previous: Option<Hmac<Sha256>>,
}

impl std::fmt::Debug for Digests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digests")
    }
}

impl Digests {
    /// Under a secret of the server, and under the one it had before.
    pub fn new(secret: &Secret, previous: Option<&Secret>) -> Self {
        let mac = |secret: &Secret| {
            let mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes());
            mac.unwrap_or_else(|_| unreachable!("HMAC takes a key of any length")).chain_update(b"person:")
        };
        Self { own: mac(secret), previous: previous.map(mac) }
    }

    /// Of an id in an app: the same person in two apps can not be told to be one.
    pub fn of(&self, app: Uuid, id: &str) -> Vec<u8> {
        digest(&self.own, app, id)
    }

    /// The same, and under the secret before: what may be kept of it.
    pub fn all_of(&self, app: Uuid, id: &str) -> impl Iterator<Item = Vec<u8>> {
        std::iter::once(&self.own).chain(&self.previous).map(move |mac| digest(mac, app, id))
    }
}

fn digest(mac: &Hmac<Sha256>, app: Uuid, id: &str) -> Vec<u8> {
    mac.clone().chain_update(app).chain_update(id).finalize().into_bytes().to_vec()
}
