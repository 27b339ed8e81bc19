//! What is kept of a text that may not be kept, such as the id of somebody who was erased.
//!
//! Whoever has the text and asks the server finds out whether it is meant; whoever reads the table, or a
//! copy of the database, can not even try texts out, for the key is not in there.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::config::Secret;

/// Makes digests for one use; those of another use are others.
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
    /// For the use that `label` names, under a secret of the server, and under the one it had before.
    pub fn new(label: &'static [u8], secret: &Secret, previous: Option<&Secret>) -> Self {
        let mac = |secret: &Secret| {
            let mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes());
            mac.unwrap_or_else(|_| unreachable!("HMAC takes a key of any length")).chain_update(label)
        };
        Self { own: mac(secret), previous: previous.map(mac) }
    }

    /// Of a text within something, such as the id of a person in an app: the same person in two apps can not be told
    /// to be one.
    pub fn of(&self, within: Uuid, text: &str) -> Vec<u8> {
        digest(&self.own, within, text)
    }

    /// The same, and under the secret before: what may be kept of it.
    pub fn all_of(&self, within: Uuid, text: &str) -> impl Iterator<Item = Vec<u8>> {
        std::iter::once(&self.own).chain(&self.previous).map(move |mac| digest(mac, within, text))
    }
}

fn digest(mac: &Hmac<Sha256>, within: Uuid, text: &str) -> Vec<u8> {
    mac.clone().chain_update(within).chain_update(text).finalize().into_bytes().to_vec()
}
