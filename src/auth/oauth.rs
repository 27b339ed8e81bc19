//! Sign-in with a provider of identities, such as Google: OpenID Connect, authorization code flow with PKCE.
//!
//! [`SignIn::start`] sends a browser to the provider and gives it a ticket, a signed cookie of ten
//! minutes that holds what only this attempt may know. [`SignIn::finish`] takes the browser back
//! with the same ticket, exchanges the code and checks the id_token. [`account`] finds or makes
//! the account behind it.

pub mod account;
mod id_token;
mod person;
mod provider;

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, ExtraTokenFields, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse,
    TokenResponse as _, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use url::Url;
use uuid::Uuid;

use self::provider::Provider;
use crate::{
    auth::digest::Digests,
    clock::Clock,
    config::{self, Secret},
    error::{Error, Result},
    limiter::{Limiter, Quota},
};

/// How long a browser may take at the provider, in seconds.
pub const ATTEMPT_SECONDS: i64 = 600;

/// How often a ticket may be used while it is good at all.
const ONCE: Quota = Quota { permits: 1, period: Duration::from_secs(ATTEMPT_SECONDS.unsigned_abs()) };

/// Marks a ticket as a ticket, so that no other token of ours can stand in for one.
const TICKET: &str = "event-analytics sign-in attempt";

/// Sign-in with one configured provider.
#[derive(Clone)]
pub struct SignIn(Arc<Parts>);

struct Parts {
    slug: &'static str,
    name: String,
    issuer: String,
    client_id: String,
    client_secret: Secret,
    trusts_email: bool,
    public_url: Url,
    redirect_url: RedirectUrl,
    clock: Clock,
    /// What tickets are signed with: nothing that anybody but this server knows.
    tickets: Digests,
    provider: Provider,
}

/// A browser on its way to the provider.
#[derive(Debug)]
pub struct Attempt {
    /// Where to send it.
    pub url: Url,
    /// What to give it to bring back.
    pub ticket: Secret,
}

/// What comes back with the browser.
#[derive(Debug, Deserialize)]
pub struct Callback {
    /// The provider's word for a sign-in, good once.
    pub code: Option<String>,
    /// What we sent along.
    pub state: Option<String>,
    /// The provider's reason for not sending a code.
    pub error: Option<String>,
    /// Who says so (RFC 9207), from providers that tell.
    pub iss: Option<String>,
}

/// Somebody the provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Whose word it is: `google`, or the address of another issuer.
    pub provider: String,
    /// The provider's own id of the account; never given to another.
    pub subject: String,
    /// Verified by the provider, or trusted unseen where it never says.
    pub email: String,
    /// What they are called there.
    pub name: Option<String>,
}

/// Why a sign-in ended without one.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// The person, or the provider, said no.
    #[error("The sign-in was cancelled.")]
    Denied,
    /// The browser did not bring the ticket of this attempt, or too late.
    #[error("This sign-in did not begin in this browser, or took longer than ten minutes. Try again.")]
    Expired,
    /// The provider's answer does not hold. The reason is for the log.
    #[error("The provider's answer could not be verified. Try again.")]
    Untrusted(String),
    /// The provider does not vouch for the address.
    #[error("Your e-mail address is not verified by the provider.")]
    EmailUnverified,
    /// An account with this address has a password or another identity. Nobody has checked that
    /// whoever made it owns the address, so it is not handed over, nor the other way round.
    #[error("There is an account with your e-mail address that signs in another way. Sign in as you did before.")]
    AccountExists,
    /// Accounts are made for those who were invited, and this address was not.
    #[error("Making an account takes an invitation here. Ask whoever runs this server.")]
    NotInvited,
    /// Anything else.
    #[error("{0}")]
    Failed(#[from] Error),
}

impl Refusal {
    /// The stable code clients may match on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Denied => "SIGN_IN_DENIED",
            Self::Expired => "SIGN_IN_EXPIRED",
            Self::Untrusted(_) => "SIGN_IN_UNTRUSTED",
            Self::EmailUnverified => "EMAIL_UNVERIFIED",
            Self::AccountExists => "ACCOUNT_EXISTS",
            Self::NotInvited => "NOT_INVITED",
            Self::Failed(error) => error.code(),
        }
    }

    fn untrusted(reason: impl std::fmt::Display) -> Self {
        Self::Untrusted(reason.to_string())
    }
}

/// What the ticket holds.
#[derive(Serialize, Deserialize)]
struct Ticket {
    /// The provider it was made for.
    iss: String,
    aud: String,
    exp: i64,
    state: String,
    nonce: String,
    verifier: String,
    return_to: String,
}

/// The one field of the token response that OpenID Connect adds.
#[derive(Debug, Serialize, Deserialize)]
struct IdTokenField {
    id_token: Option<String>,
}

impl ExtraTokenFields for IdTokenField {}

type Client = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<IdTokenField, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

impl SignIn {
    /// Prepares the client; the provider is asked for its configuration at first use.
    pub fn new(config: &config::OpenId, public_url: &Url, clock: Clock, tickets: Digests) -> Result<Self> {
        let callback = format!("{}/auth/{}/callback", public_url.as_str().trim_end_matches('/'), config.slug);
        Ok(Self(Arc::new(Parts {
            slug: config.slug,
            name: config.name.clone(),
            issuer: config.issuer.as_str().trim_end_matches('/').to_owned(),
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            trusts_email: config.trusts_email,
            public_url: public_url.clone(),
            redirect_url: RedirectUrl::new(callback).map_err(Error::internal)?,
            provider: Provider::new(&config.issuer, clock.clone())?,
            clock,
            tickets,
        })))
    }

    /// What it is called in addresses.
    pub fn slug(&self) -> &'static str {
        self.0.slug
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Begins a sign-in that shall end at `return_to`, a path of ours.
    pub async fn start(&self, return_to: Option<&str>) -> Result<Attempt> {
        let parts = &*self.0;
        let known = parts.provider.known().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random().into_secret();
        let authorization = AuthUrl::from_url(known.metadata.authorization_endpoint.clone());
        let client = Client::new(ClientId::new(parts.client_id.clone())).set_auth_uri(authorization);
        let (url, state) = client
            .authorize_url(CsrfToken::new_random)
            .set_redirect_uri(std::borrow::Cow::Borrowed(&parts.redirect_url))
            .add_scopes(["openid", "email", "profile"].map(|scope| Scope::new(scope.into())))
            .add_extra_param("nonce", &nonce)
            .set_pkce_challenge(challenge)
            .url();
        let ticket = Ticket {
            iss: parts.issuer.clone(),
            aud: TICKET.into(),
            exp: parts.clock.now_ms() / 1000 + ATTEMPT_SECONDS,
            state: state.into_secret(),
            nonce,
            verifier: verifier.into_secret(),
            return_to: local_path(&parts.public_url, return_to.unwrap_or("/")),
        };
        let key = EncodingKey::from_secret(&parts.tickets.of(Uuid::nil(), ""));
        let ticket = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &ticket, &key).map_err(Error::internal)?;
        Ok(Attempt { url, ticket: Secret::new(ticket) })
    }

    /// Ends a sign-in: who it is, and the path to go on to. A ticket is good once, over all instances that `limiter`
    /// counts for together.
    pub async fn finish(
        &self,
        limiter: &Limiter,
        ticket: Option<&str>,
        callback: Callback,
    ) -> Result<(Identity, String), Refusal> {
        let parts = &*self.0;
        let ticket = self.open(ticket.ok_or(Refusal::Expired)?)?;
        let state = callback.state.unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(ticket.state.as_bytes())) {
            return Err(Refusal::Expired);
        }
        if !limiter.check(&format!("ticket:{state}"), ONCE, 1).await.allowed {
            return Err(Refusal::Expired);
        }
        if callback.error.is_some() {
            return Err(Refusal::Denied);
        }
        let known = parts.provider.known().await?;
        if callback.iss.is_some_and(|iss| iss != known.metadata.issuer) {
            return Err(Refusal::untrusted("the code comes from another issuer"));
        }
        let code = callback.code.ok_or_else(|| Refusal::untrusted("no code"))?;
        let client = Client::new(ClientId::new(parts.client_id.clone()))
            .set_client_secret(ClientSecret::new(parts.client_secret.expose().into()))
            .set_token_uri(TokenUrl::from_url(known.metadata.token_endpoint.clone()));
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .set_redirect_uri(std::borrow::Cow::Borrowed(&parts.redirect_url))
            .set_pkce_verifier(PkceCodeVerifier::new(ticket.verifier))
            .request_async(&parts.provider)
            .await
            .map_err(|error| match error {
                RequestTokenError::Request(error) => Refusal::Failed(Error::unavailable(error)),
                refused => Refusal::untrusted(format!("the code was not exchanged: {refused}")),
            })?;
        let token = answer.extra_fields().id_token.as_deref();
        let token = token.ok_or_else(|| Refusal::untrusted("the answer holds no id_token"))?;
        let expected =
            id_token::Expected { client_id: &parts.client_id, nonce: &ticket.nonce, now_ms: parts.clock.now_ms() };
        let mut person = id_token::verify(&parts.provider, token, expected).await?;
        if person.is_silent() && person.address(parts.trusts_email).is_none() {
            person = parts.provider.tell_more(person, answer.access_token().secret()).await?;
        }
        let email = person.address(parts.trusts_email).ok_or(Refusal::EmailUnverified)?.to_owned();
        // Subjects are unique within an issuer only. That of Google is not in its name, which `GOOGLE_ISSUER` may change.
        let provider = if parts.slug == "google" { "google".to_owned() } else { parts.issuer.clone() };
        Ok((Identity { provider, subject: person.subject, email, name: person.name }, ticket.return_to))
    }

    fn open(&self, ticket: &str) -> Result<Ticket, Refusal> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[TICKET]);
        validation.set_issuer(&[&self.0.issuer]);
        validation.validate_exp = false;
        let keys = self.0.tickets.all_of(Uuid::nil(), "").map(|key| DecodingKey::from_secret(&key));
        let mut read = keys.filter_map(|key| jsonwebtoken::decode::<Ticket>(ticket, &key, &validation).ok());
        let ticket = read.next().ok_or(Refusal::Expired)?.claims;
        if ticket.exp * 1000 <= self.0.clock.now_ms() { Err(Refusal::Expired) } else { Ok(ticket) }
    }
}

/// `wanted` when it is a path on our own origin, else the start page: a sign-in link must not
/// lead elsewhere.
fn local_path(public_url: &Url, wanted: &str) -> String {
    let local = wanted.starts_with('/') && wanted.len() <= 1_024;
    match public_url.join(wanted) {
        // From the parsed address, so that what was checked is what the browser gets; two slashes
        // at its beginning would name another host after all.
        Ok(url) if local && url.origin() == public_url.origin() && !url.path().starts_with("//") => {
            url[url::Position::BeforePath..].to_owned()
        }
        _ => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_ends_on_our_own_pages() {
        let ours = Url::parse("https://stats.example.com").expect("an address");
        assert_eq!(local_path(&ours, "/apps/1?tab=keys#top"), "/apps/1?tab=keys#top");
        for elsewhere in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/.//evil.example",
            "evil",
            "",
            "javascript:1",
        ] {
            assert_eq!(local_path(&ours, elsewhere), "/", "{elsewhere:?}");
        }
    }
}
