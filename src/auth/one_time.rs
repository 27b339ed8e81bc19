//! Tokens that are handed to somebody, and shown once: 256 random bits, of which only a digest is stored.
//!
//! So whoever reads the table, or a copy of it, can use none; and as they are found by their digest, how
//! long that takes tells nothing of any of them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::config::Secret;

/// Bytes of a token.
const BYTES: usize = 32;

/// What a token is good for. One of another kind has another digest, and so opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To join an organization, or to see an app.
    Invitation,
    /// To set a password.
    PasswordReset,
    /// To make an account.
    Registration,
    /// To see a dashboard, as often as one likes.
    Share,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Invitation => b"invitation:",
            Self::PasswordReset => b"password reset:",
            Self::Registration => b"registration:",
            Self::Share => b"dashboard share:",
        }
    }

    /// A new token, and its digest.
    pub fn generate(self) -> (Secret, Vec<u8>) {
        let token: [u8; BYTES] = rand::random();
        (Secret::new(BASE64_URL_SAFE_NO_PAD.encode(token)), self.digest_of(&token))
    }

    /// The digest of a token; nothing for a text that can be none.
    pub fn digest(self, token: &str) -> Option<Vec<u8>> {
        let token = BASE64_URL_SAFE_NO_PAD.decode(token.trim()).ok().filter(|token| token.len() == BYTES)?;
        Some(self.digest_of(&token))
    }

    fn digest_of(self, token: &[u8]) -> Vec<u8> {
        Sha256::new().chain_update(self.label()).chain_update(token).finalize().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_digest_and_other_texts_none() {
        let (token, digest) = Purpose::Invitation.generate();
        assert_eq!(Purpose::Invitation.digest(token.expose()), Some(digest.clone()));
        assert_ne!(Purpose::PasswordReset.digest(token.expose()), Some(digest));
        for text in ["", "a", "ü", &"a".repeat(44), &token.expose()[1..]] {
            assert_eq!(Purpose::Invitation.digest(text), None, "{text}");
        }
    }
}
