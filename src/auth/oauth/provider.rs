//! What the provider publishes about itself, and how it is called.

use std::{pin::Pin, sync::Arc, time::Duration};

use jsonwebtoken::jwk::JwkSet;
use moka::future::Cache;
use oauth2::{AsyncHttpClient, http};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use super::{Refusal, person::Person};
use crate::{
    clock::Clock,
    error::{Error, Result},
};

/// How long a call may take, all in all.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// How long published settings and keys are believed.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// How often an unknown key may make us ask again: whoever sends forged tokens must not make us
/// flood the provider.
const REFETCH_INTERVAL_MS: i64 = 60_000;

/// The part of the discovery document that is used.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: Url,
    pub token_endpoint: Url,
    pub jwks_uri: Url,
    /// Where it says who an access token is of; some have no such place.
    pub userinfo_endpoint: Option<Url>,
}

/// The provider as it described itself last.
pub(super) struct Known {
    pub metadata: Metadata,
    pub keys: JwkSet,
    fetched_at: i64,
}

pub(super) struct Provider {
    issuer: String,
    http: reqwest::Client,
    known: Cache<(), Arc<Known>>,
    clock: Clock,
}

impl Provider {
    pub(super) fn new(issuer: &Url, clock: Clock) -> Result<Self> {
        let http = reqwest::Client::builder()
            // A redirect could lead the code, or us, anywhere.
            .redirect(reqwest::redirect::Policy::none())
            .https_only(issuer.scheme() == "https")
            .connect_timeout(TIMEOUT / 2)
            .timeout(TIMEOUT)
            .user_agent("event-analytics")
            .build()
            .map_err(Error::internal)?;
        let known = Cache::builder().max_capacity(1).time_to_live(FRESH).build();
        Ok(Self { issuer: issuer.as_str().trim_end_matches('/').to_owned(), http, known, clock })
    }

    /// What is known of the provider; asked for when it is not known or too old. Everybody who
    /// waits shares one answer, a failure too.
    pub(super) async fn known(&self) -> Result<Arc<Known>> {
        self.known.try_get_with((), self.discover()).await.map_err(|error| Error::clone(&error))
    }

    /// The same after asking again, unless that was done a moment ago: the provider may have
    /// changed its keys.
    pub(super) async fn refreshed(&self) -> Result<Arc<Known>> {
        let known = self.known().await?;
        if self.clock.now_ms() - known.fetched_at >= REFETCH_INTERVAL_MS {
            self.known.invalidate(&()).await;
        }
        self.known().await
    }

    /// `person` with what the provider says to whoever brings this token, where it can be asked.
    pub(super) async fn tell_more(&self, person: Person, token: &str) -> Result<Person, Refusal> {
        let known = self.known().await?;
        let Some(address) = known.metadata.userinfo_endpoint.as_ref() else { return Ok(person) };
        let request =
            http::Request::get(address.as_str()).header(http::header::AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Vec::new()).map_err(Refusal::untrusted)?;
        let answer = self.send(request).await.map_err(Error::unavailable)?;
        if !answer.status().is_success() {
            return Err(Refusal::untrusted(format!("{address} answered {}", answer.status())));
        }
        let told: Person = serde_json::from_slice(answer.body())
            .map_err(|error| Refusal::untrusted(format!("{address} did not answer as expected: {error}")))?;
        // The one thing that ties the answer to the id_token: a token may have been put in another's place.
        if told.subject != person.subject {
            return Err(Refusal::untrusted("the provider was asked about one and told of another"));
        }
        Ok(person.with(told))
    }

    async fn discover(&self) -> Result<Arc<Known>> {
        let address = format!("{}/.well-known/openid-configuration", self.issuer);
        let metadata: Metadata = self.get(&address).await?;
        if metadata.issuer.trim_end_matches('/') != self.issuer {
            return Err(Error::internal(format!("{address} speaks for another issuer")));
        }
        let keys = self.get(metadata.jwks_uri.as_str()).await?;
        Ok(Arc::new(Known { metadata, keys, fetched_at: self.clock.now_ms() }))
    }

    async fn get<T: DeserializeOwned>(&self, address: &str) -> Result<T> {
        let request = http::Request::get(address).body(Vec::new()).map_err(Error::internal)?;
        let answer = self.send(request).await.map_err(Error::unavailable)?;
        if !answer.status().is_success() {
            return Err(Error::unavailable(format!("{address} answered {}", answer.status())));
        }
        serde_json::from_slice(answer.body()).map_err(|error| Error::unavailable(format!("{address}: {error}")))
    }

    /// One call: no redirects, in bounded time, with a bounded answer.
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, CallFailed> {
        let mut answer = self.http.execute(request.try_into()?).await?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(CallFailed::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Provider {
    type Error = CallFailed;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Vec<u8>>, CallFailed>> + Send + 'c>>;

    fn call(&'c self, request: http::Request<Vec<u8>>) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallFailed {
    #[error("the identity provider does not answer: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the identity provider's answer is longer than {MAX_ANSWER_BYTES} bytes")]
    TooLong,
}
