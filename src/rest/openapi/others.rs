//! Paths whose handlers answer in shapes of their own, described.

#![allow(dead_code, reason = "described here, answered elsewhere")]

use serde::Serialize;
use utoipa::ToSchema;

/// Whether the process runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alive {
    /// Always `alive`.
    #[schema(example = "alive")]
    status: String,
    /// The server's version.
    #[schema(example = "0.1.0")]
    version: String,
}

/// Whether requests should be sent here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ready`; `spooling`, while the database is away and events are kept on disk; `draining` or `unavailable`.
    #[schema(example = "ready")]
    status: String,
    /// `up`, `down` or `migrations missing`.
    #[schema(example = "up")]
    database: String,
    /// `up`, `down` or `off`. The server works without.
    #[schema(example = "off")]
    redis: String,
}

/// This document
///
/// The description of the REST API in OpenAPI 3.1.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "events", responses(
    (status = 200, description = "The document.", body = serde_json::Value, content_type = "application/json"),
))]
pub(super) fn openapi_json() {}

/// Liveness
///
/// Whether the process runs. Looks at nothing else.
#[utoipa::path(get, path = "/health", tag = "operation", responses(
    (status = 200, description = "It runs.", body = Alive),
))]
pub(super) fn health() {}

/// Readiness
///
/// Whether requests should be sent here: not while shutting down, nor without a store, unless events can be
/// kept on disk for it meanwhile.
#[utoipa::path(get, path = "/ready", tag = "operation", responses(
    (status = 200, description = "Send requests.", body = Readiness),
    (status = 503, description = "Send none.", body = Readiness),
))]
pub(super) fn ready() {}

/// Measurements
///
/// Counters, gauges and histograms in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, description = "The measurements.", body = String, content_type = "text/plain"),
))]
pub(super) fn metrics() {}

/// Sign in with a provider
///
/// Sends the browser to Google, or to the provider of `OIDC_ISSUER`. There only when it is configured.
#[utoipa::path(get, path = "/auth/{provider}", tag = "sign-in", params(
    ("provider" = String, Path, description = "`google` or `oidc`.", example = "google"),
    ("return_to" = Option<String>, Query, description = "A path of this server to end at.", example = "/playground"),
), responses(
    (status = 303, description = "To the provider."),
    (status = 404, description = "The provider is not configured."),
    (status = 429, description = "Too many attempts from this address."),
))]
pub(super) fn sign_in() {}

/// Back from a provider
///
/// Where the provider sends the browser back to; signs in by cookie.
#[utoipa::path(get, path = "/auth/{provider}/callback", tag = "sign-in", params(
    ("provider" = String, Path, description = "`google` or `oidc`.", example = "google"),
    ("code" = Option<String>, Query, description = "The provider's word that the person agreed."),
    ("state" = Option<String>, Query, description = "What ties the attempt to the browser."),
    ("error" = Option<String>, Query, description = "Why the person did not agree."),
), responses(
    (status = 303, description = "Signed in, and on to where the attempt began."),
    (status = 400, description = "The attempt is not one of this browser, or has expired."),
    (status = 403, description = "The provider does not vouch for the person."),
    (status = 404, description = "The provider is not configured."),
))]
pub(super) fn callback() {}

/// Sign out
///
/// Ends the session of the cookie or of the bearer token.
#[utoipa::path(post, path = "/auth/logout", tag = "sign-in", responses(
    (status = 204, description = "Signed out, or was so already."),
    (status = 403, description = "A page of another origin asked."),
))]
pub(super) fn logout() {}
