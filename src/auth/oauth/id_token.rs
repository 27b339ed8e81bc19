//! The provider's word about who somebody is, verified as OpenID Connect Core 3.1.3.7 asks.

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::{Refusal, person::Person, provider::Provider};

/// Asymmetric ones only: `none` and HMAC with a published key are the classic forgeries.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];

/// How far the provider's clock may differ from ours.
const LEEWAY_MS: i64 = 60_000;

/// What the token must say.
pub(super) struct Expected<'a> {
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub now_ms: i64,
}

#[derive(Deserialize)]
struct Claims {
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    azp: Option<String>,
    #[serde(flatten)]
    person: Person,
}

/// Who the token speaks of, when it is the provider's, for us, for this attempt and current.
pub(super) async fn verify(provider: &Provider, token: &str, expected: Expected<'_>) -> Result<Person, Refusal> {
    let header = decode_header(token).map_err(Refusal::untrusted)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Refusal::untrusted("the id_token is signed by an algorithm that is not taken"));
    }
    let kid = header.kid.as_deref();
    let mut known = provider.known().await?;
    if find(&known.keys, kid, header.alg).is_none() {
        known = provider.refreshed().await?;
    }
    let key = find(&known.keys, kid, header.alg);
    let key = key.ok_or_else(|| Refusal::untrusted("the id_token is signed by a key that is not published"))?;
    let key = DecodingKey::from_jwk(key).map_err(Refusal::untrusted)?;

    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[&known.metadata.issuer]);
    validation.set_audience(&[expected.client_id]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    // Compared with our own clock, which a test can move.
    validation.validate_exp = false;
    let claims = decode::<Claims>(token, &key, &validation).map_err(Refusal::untrusted)?.claims;
    hold(claims, expected)
}

/// The published signing key that the header names; without a name, the only one of its kind.
fn find<'a>(keys: &'a JwkSet, kid: Option<&str>, algorithm: Algorithm) -> Option<&'a Jwk> {
    let mut fitting = keys.keys.iter().filter(|key| {
        let common = &key.common;
        (kid.is_none() || common.key_id.as_deref() == kid)
            && common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
            && common.key_algorithm.is_none_or(|alg| alg == KeyAlgorithm::from(algorithm))
    });
    let first = fitting.next()?;
    (kid.is_some() || fitting.next().is_none()).then_some(first)
}

/// The claims that no library checks for us.
fn hold(claims: Claims, expected: Expected<'_>) -> Result<Person, Refusal> {
    if claims.exp.saturating_mul(1000) <= expected.now_ms - LEEWAY_MS {
        return Err(Refusal::untrusted("the id_token has expired"));
    }
    if claims.iat.saturating_mul(1000) > expected.now_ms + LEEWAY_MS {
        return Err(Refusal::untrusted("the id_token is from the future"));
    }
    if claims.azp.is_some_and(|azp| azp != expected.client_id) {
        return Err(Refusal::untrusted("the id_token was made for another client"));
    }
    let nonce = claims.nonce.unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err(Refusal::untrusted("the id_token belongs to another attempt"));
    }
    // Google's are at most 255 ASCII characters, and so does the specification bound them.
    let subject = &claims.person.subject;
    if subject.is_empty() || subject.len() > 255 || subject.contains('\0') {
        return Err(Refusal::untrusted("the id_token has no usable subject"));
    }
    Ok(claims.person)
}
