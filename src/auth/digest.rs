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
pub struct Digests(Hmac<Sha256>);

impl std::fmt::Debug for Digests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digests")
    }
}

impl Digests {
    /// Under a secret of the server.
    pub fn new(secret: &Secret) -> Self {
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes());
        let mac = mac.unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        Self(mac.chain_update(b"person:"))
    }

    /// Of an id in an app: the same person in two apps can not be told to be one.
    pub fn of(&self, app: Uuid, id: &str) -> Vec<u8> {
        self.0.clone().chain_update(app).chain_update(id).finalize().into_bytes().to_vec()
    }
}
