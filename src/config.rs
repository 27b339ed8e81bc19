//! Settings, read once from variables and checked at once.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use url::Url;

/// A text that never reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Google (or a provider that speaks like it), when configured.
#[derive(Debug, Clone)]
pub struct Google {
    /// `GOOGLE_CLIENT_ID`
    pub client_id: String,
    /// `GOOGLE_CLIENT_SECRET`
    pub client_secret: Secret,
    /// `GOOGLE_ISSUER`: where `/.well-known/openid-configuration` is found.
    pub issuer: Url,
}

/// Limits on what a client may ask for.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests a minute per API key, unless the key has its own.
    pub ingest_per_minute: u32,
    /// GraphQL requests a minute per signed-in user (per address for strangers).
    pub analytics_per_minute: u32,
    /// Sign-in attempts a quarter of an hour per address.
    pub auth_per_15_minutes: u32,
    /// Bytes of one event.
    pub event_bytes: usize,
    /// Events of one request.
    pub batch_events: usize,
    /// Bytes of one request, inflated.
    pub body_bytes: usize,
    /// Events waiting to be written, over all requests.
    pub queue_events: usize,
    /// How old an event may be when it arrives.
    pub max_event_age: Duration,
    /// How long a GraphQL request may take.
    pub query_timeout: Duration,
}

/// Every setting. `.env.example` says what each variable means.
#[derive(Debug, Clone)]
pub struct Config {
    /// `LISTEN_ADDR`
    pub listen_addr: SocketAddr,
    /// `PUBLIC_URL`, without a trailing slash.
    pub public_url: Url,
    /// `DATA_DIR`: the embedded store and generated secrets.
    pub data_dir: PathBuf,
    /// `DATABASE_URL`; a SQLite file in `data_dir` when unset.
    pub database_url: Secret,
    /// `DATABASE_MAX_CONNECTIONS`
    pub database_max_connections: u32,
    /// `REDIS_URL`
    pub redis_url: Option<Secret>,
    /// `JWT_SECRET`
    pub jwt_secret: Secret,
    /// `API_KEY_SECRET`
    pub api_key_secret: Secret,
    /// `GOOGLE_*`
    pub google: Option<Google>,
    /// `CORS_ALLOWED_ORIGINS`: origins whose pages may call GraphQL with credentials.
    pub cors_allowed_origins: Vec<String>,
    /// `TRUSTED_PROXIES`: from whom `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `ANONYMIZE_IP`: keep only the network part of addresses.
    pub anonymize_ip: bool,
    /// `GEOIP_DATABASE`: an MMDB file.
    pub geoip_database: Option<PathBuf>,
    /// `CACHE_TTL_SECONDS`
    pub cache_ttl: Duration,
    /// `RATE_LIMIT_*`, `MAX_*`, `*_TIMEOUT_SECONDS`
    pub limits: Limits,
    /// `LOG_FORMAT`: `text` or `json`.
    pub log_json: bool,
}
