//! Settings, read once from variables and checked at once.

mod operations;
mod proxies;
mod read;
mod secrets;
mod vars;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use url::Url;

use self::vars::Vars;
pub use self::{
    proxies::{client_ip, network, network_id},
    secrets::{Secret, create_private_dir, write_private},
};
use crate::error::Result;

/// Who vouches for people by OpenID Connect.
#[derive(Debug, Clone)]
pub struct OpenId {
    /// What it is called in addresses: `google` or `oidc`.
    pub slug: &'static str,
    /// What people call it: `Google` or `OIDC_NAME`.
    pub name: String,
    /// `GOOGLE_CLIENT_ID` or `OIDC_CLIENT_ID`
    pub client_id: String,
    /// `GOOGLE_CLIENT_SECRET` or `OIDC_CLIENT_SECRET`
    pub client_secret: Secret,
    /// `GOOGLE_ISSUER` or `OIDC_ISSUER`: below it `/.well-known/openid-configuration` is found.
    pub issuer: Url,
    /// `OIDC_TRUST_EMAIL`: whether an address counts as verified of which the provider says neither.
    pub trusts_email: bool,
}

/// How mail is sent, when configured.
#[derive(Debug, Clone)]
pub struct Mail {
    /// `SMTP_URL`
    pub url: Secret,
    /// `MAIL_FROM`: an address, with or without a name.
    pub from: String,
}

/// `REGISTRATION`: who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Anybody.
    Open,
    /// Whoever reads the letters to its address.
    Mail,
    /// Whoever was invited.
    Invited,
}

/// Limits on what a client may ask for.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests a minute per API key, unless the key has its own.
    pub ingest_per_minute: u32,
    /// GraphQL requests a minute per signed-in user (per address for strangers).
    pub analytics_per_minute: u32,
    /// Points of GraphQL questions a minute, for the same.
    pub analytics_points_per_minute: u32,
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
    /// Bytes of events kept on disk while the database can not take them; none when zero.
    pub spool_bytes: u64,
    /// How old an event may be when it arrives.
    pub max_event_age: Duration,
    /// How long a GraphQL request may take.
    pub query_timeout: Duration,
}

/// What GraphQL tells and takes.
#[derive(Debug, Clone)]
pub struct Graphql {
    /// `GRAPHQL_INTROSPECTION`: whether it tells its schema.
    pub introspection: bool,
    /// `GRAPHQL_SUGGESTIONS`: whether it tells what a misspelt name may have meant.
    pub suggestions: bool,
    /// `GRAPHQL_STORED_OPERATIONS`: the texts of what may be asked; whatever its schema knows, where there
    /// is no list.
    pub operations: Option<Vec<String>>,
}

/// Every setting. `.env.example` says what each variable means.
#[derive(Debug, Clone)]
pub struct Config {
    /// `LISTEN_ADDR`
    pub listen_addr: SocketAddr,
    /// `PUBLIC_URL`: scheme, host and port under which browsers reach the server; it has no path.
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
    /// `JWT_SECRET_PREVIOUS`: what is signed with it is still believed.
    pub jwt_secret_previous: Option<Secret>,
    /// `API_KEY_SECRET`
    pub api_key_secret: Secret,
    /// `API_KEY_SECRET_PREVIOUS`: what is digested with it is still found.
    pub api_key_secret_previous: Option<Secret>,
    /// `GOOGLE_*` and `OIDC_*`
    pub providers: Vec<OpenId>,
    /// `SMTP_URL` and `MAIL_FROM`
    pub mail: Option<Mail>,
    /// `REGISTRATION`
    pub registration: Registration,
    /// `CORS_ALLOWED_ORIGINS`: origins whose pages may call GraphQL with credentials.
    pub cors_allowed_origins: Vec<String>,
    /// `ALLOWED_HOSTS`: names beside that of `public_url` under which it answers browsers, in lower case.
    pub allowed_hosts: Vec<String>,
    /// `TRUSTED_PROXIES`: from whom `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `AUDIT_RETENTION_DAYS`: how long the audit log is kept.
    pub audit_retention: Duration,
    /// `ANONYMIZE_IP`: keep only the network part of addresses.
    pub anonymize_ip: bool,
    /// `GEOIP_DATABASE`: an MMDB file.
    pub geoip_database: Option<PathBuf>,
    /// `COLUMN_CACHE_BYTES`: what decoded columns may take.
    pub column_cache_bytes: u64,
    /// `CACHE_TTL_SECONDS`
    pub cache_ttl: Duration,
    /// `GRAPHQL_*`
    pub graphql: Graphql,
    /// `RATE_LIMIT_*`, `MAX_*`, `*_TIMEOUT_SECONDS`
    pub limits: Limits,
    /// `LOG_FORMAT`: `text` or `json`.
    pub log_json: bool,
}

impl Config {
    /// Reads the process environment.
    pub fn from_env() -> Result<Self> {
        Self::from_env_without(&[])
    }

    /// Reads the process environment as if it lacked the named variables.
    pub fn from_env_without(ignored: &[&str]) -> Result<Self> {
        // A variable that is not Unicode cannot be one of ours.
        let vars =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::from_vars(vars.filter(|(name, _)| !ignored.contains(&name.as_str())))
    }

    /// Reads variables. Whatever is wrong with any of them is reported at once, by name and
    /// without values. In embedded mode, secrets that are missing are made and kept in the data
    /// folder.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut vars = Vars::new(vars);
        let config = read::config(&mut vars);
        vars.finish()?;
        read::with_secrets(config)
    }

    /// Every variable there is, with its default where that is a fixed text.
    pub fn variables() -> Vec<(&'static str, Option<String>)> {
        let mut vars = Vars::new([]);
        read::config(&mut vars);
        vars.known()
    }

    /// Where a client on the same machine finds the server.
    pub fn local_url(&self) -> Url {
        read::local_url(self.listen_addr)
    }

    /// Where events are kept while the database can not take them.
    pub fn spool_dir(&self) -> PathBuf {
        self.data_dir.join("spool")
    }

    /// Whether the store is the SQLite file in the data folder or elsewhere, and not a server.
    pub fn is_embedded(&self) -> bool {
        self.database_url.expose().starts_with("sqlite:")
    }

    /// Whether browsers reach the server over TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}
