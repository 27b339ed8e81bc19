//! The key itself: `uea_`, 43 random characters, 6 characters of checksum.
//!
//! 43 characters out of 62 carry 256 random bits. Letters and digits only, so that a double click
//! selects it whole. The checksum tells a mangled key from an unknown one without a lookup, and
//! lets scanners of leaked secrets recognise one for sure.

use hmac::{Hmac, KeyInit, Mac};
use rand::distr::{Alphanumeric, SampleString};
use sha2::Sha256;

use crate::config::Secret;

const MARK: &str = "uea_";
const RANDOM: usize = 43;
const CHECKSUM: usize = 6;

/// How many characters of a key are kept, to tell keys apart in a list.
const SHOWN: usize = 12;

/// A new key.
pub(super) fn generate() -> Secret {
    let random = Alphanumeric.sample_string(&mut rand::rng(), RANDOM);
    let checksum = checksum(&random);
    Secret::new(format!("{MARK}{random}{checksum}"))
}

/// Whether a credential means to be an API key, and no token of a session.
pub fn is_key(credential: &str) -> bool {
    credential.starts_with(MARK)
}

/// Whether `raw` can be a key at all.
pub(super) fn is_well_formed(raw: &str) -> bool {
    let Some(body) = raw.strip_prefix(MARK) else { return false };
    body.len() == RANDOM + CHECKSUM
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && body.split_at_checked(RANDOM).is_some_and(|(random, check)| check == checksum(random))
}

/// What may be shown of a key.
pub(super) fn prefix(raw: &Secret) -> String {
    raw.expose().chars().take(SHOWN).collect()
}

/// CRC-32 in base 62.
fn checksum(random: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let crc = crc32fast::hash(random.as_bytes());
    (0..CHECKSUM as u32).rev().map(|place| char::from(DIGITS[(crc / 62u32.pow(place) % 62) as usize])).collect()
}

/// Turns keys into what is stored of them: whoever reads the table still cannot let events in,
/// nor check a guess without the server's secret.
#[derive(Clone)]
pub(super) struct Digester(Hmac<Sha256>);

impl Digester {
    pub(super) fn new(secret: &Secret) -> Self {
        let mac = Hmac::new_from_slice(secret.expose().as_bytes());
        Self(mac.unwrap_or_else(|_| unreachable!("HMAC takes a key of any length")))
    }

    /// Lower-case hex.
    pub(super) fn digest(&self, raw: &str) -> String {
        let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' - 10 + half });
        let digest = self.0.clone().chain_update(raw).finalize().into_bytes();
        digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_keys_are_well_formed() {
        let key = generate();
        let key = key.expose();
        assert_eq!(key.len(), 53);
        assert!(is_well_formed(key));
        for wrong in ["", "uea_", &key[1..], &key[..52], &format!("{key}0"), &key.replace("uea_", "uea-")] {
            assert!(!is_well_formed(wrong), "{wrong}");
        }
        for place in 4..key.len() {
            let mut mangled = key.as_bytes().to_vec();
            mangled[place] = if mangled[place] == b'x' { b'y' } else { b'x' };
            let mangled = String::from_utf8(mangled).expect("still ASCII");
            assert!(!is_well_formed(&mangled), "{mangled}");
        }
        assert!(!is_well_formed(&format!("uea_{}", "é".repeat(24))));
    }
}
