//! The table of variables: names, defaults and what each may hold.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use redis::IntoConnectionInfo as _;
use url::Url;

use super::{Config, Graphql, Limits, Mail, OpenId, Registration, Secret, operations, secrets, vars::Vars};
use crate::error::{Error, Result};

const PORT: u16 = 8080;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Room for what a file of the spool has to hold besides events.
const SMALLEST_SPOOL: u64 = 1 << 20;
const SECRET: &str = "at least 32 bytes; `openssl rand -hex 32` makes one";

/// Reads everything. Secrets that are unset are left empty for [`with_secrets`], which is called
/// only when nothing is wrong, because it writes.
pub(super) fn config(vars: &mut Vars) -> Config {
    let listen_addr = vars.parsed(
        "LISTEN_ADDR",
        SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)),
        "an address and a port, such as 127.0.0.1:8080",
    );
    let data_dir = PathBuf::from(vars.parsed("DATA_DIR", "./data".to_owned(), "a folder"));
    let database_url = vars
        .optional("DATABASE_URL", "a postgres:// or sqlite: address", database)
        .unwrap_or_else(|| embedded_store(&data_dir));
    let config = Config {
        listen_addr,
        public_url: vars
            .optional("PUBLIC_URL", "https://host or http://host:port, without a path", origin)
            .unwrap_or_else(|| local_url(listen_addr)),
        data_dir,
        database_url,
        database_max_connections: vars.number("DATABASE_MAX_CONNECTIONS", 20, 2..=1_000),
        redis_url: vars.optional("REDIS_URL", "a redis:// or rediss:// address", redis_url),
        jwt_secret: secret(vars, secrets::NAMES[0]).unwrap_or_else(|| Secret::new("")),
        jwt_secret_previous: secret(vars, "JWT_SECRET_PREVIOUS"),
        api_key_secret: secret(vars, secrets::NAMES[1]).unwrap_or_else(|| Secret::new("")),
        api_key_secret_previous: secret(vars, "API_KEY_SECRET_PREVIOUS"),
        providers: providers(vars),
        mail: mail(vars),
        registration: match vars.choice("REGISTRATION", &["open", "mail", "invited"]) {
            "mail" => Registration::Mail,
            "invited" => Registration::Invited,
            _ => Registration::Open,
        },
        cors_allowed_origins: vars.list(
            "CORS_ALLOWED_ORIGINS",
            "origins such as https://app.example.com, separated by commas (`*` cannot be used with credentials)",
            |text| origin(text).map(|url| url.origin().ascii_serialization()),
        ),
        allowed_hosts: vars.list(
            "ALLOWED_HOSTS",
            "names such as events.example.com or *.example.com, separated by commas, or *",
            host,
        ),
        trusted_proxies: vars.list(
            "TRUSTED_PROXIES",
            "addresses or networks such as 10.0.0.0/8, separated by commas",
            |text| text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)),
        ),
        audit_retention: DAY * vars.number("AUDIT_RETENTION_DAYS", 365, 1..=36_500),
        anonymize_ip: vars.flag("ANONYMIZE_IP", true),
        geoip_database: vars.optional("GEOIP_DATABASE", "the path of an MMDB file that exists", |text| {
            Some(PathBuf::from(text)).filter(|path| path.is_file())
        }),
        column_cache_bytes: vars.number("COLUMN_CACHE_BYTES", 256 << 20, 0..=1 << 50),
        cache_ttl: Duration::from_secs(vars.number("CACHE_TTL_SECONDS", 3_600, 1..=31_536_000)),
        graphql: Graphql {
            introspection: vars.flag("GRAPHQL_INTROSPECTION", true),
            suggestions: vars.flag("GRAPHQL_SUGGESTIONS", true),
            operations: vars.optional(
                "GRAPHQL_STORED_OPERATIONS",
                "a folder with .graphql files, each an operation of at most 64 KiB",
                operations::read,
            ),
        },
        limits: limits(vars),
        log_json: vars.choice("LOG_FORMAT", &["text", "json"]) == "json",
    };
    if config.registration == Registration::Mail && config.mail.is_none() {
        vars.problem("REGISTRATION", "mail takes SMTP_URL and MAIL_FROM as well");
    }
    if !config.is_embedded() {
        for name in secrets::NAMES.into_iter().filter(|name| !vars.is_set(name)).collect::<Vec<_>>() {
            vars.problem(name, "must be set when DATABASE_URL is; make one with `openssl rand -hex 32`");
        }
    }
    config
}

/// Fills in the secrets that were not given, from the data folder of an embedded server.
pub(super) fn with_secrets(mut config: Config) -> Result<Config> {
    let [jwt, api_key] = [&config.jwt_secret, &config.api_key_secret].map(|secret| secret.expose().is_empty());
    if jwt || api_key {
        let made = secrets::load_or_create(&config.data_dir).map_err(|error| Error::Invalid {
            field: None,
            message: format!("The secrets in {} cannot be read or made: {error}", config.data_dir.display()),
        })?;
        let [made_jwt, made_api_key] = made;
        if jwt {
            config.jwt_secret = made_jwt;
        }
        if api_key {
            config.api_key_secret = made_api_key;
        }
    }
    Ok(config)
}

fn mail(vars: &mut Vars) -> Option<Mail> {
    let url = "smtps://user:password@host, or smtp:// with ?tls=required behind it; a password goes in the clear to this \
               machine only";
    let url = vars.optional("SMTP_URL", url, smtp_url);
    let from = vars.optional("MAIL_FROM", "an address, such as Analytics <stats@example.com>", |text| {
        text.parse::<lettre::message::Mailbox>().ok().map(|_| text.to_owned())
    });
    match (url, from) {
        (Some(url), Some(from)) => Some(Mail { url, from }),
        (Some(_), None) => {
            vars.problem("MAIL_FROM", "must be set when SMTP_URL is");
            None
        }
        _ => None,
    }
}

/// The address of a mail server, unless a password for it could be read on its way there.
fn smtp_url(text: &str) -> Option<Secret> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str()?;
    let private = url.scheme() == "smtps" || url.query_pairs().any(|pair| pair == ("tls".into(), "required".into()));
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let fits = matches!(url.scheme(), "smtp" | "smtps") && (private || here || url.password().is_none());
    let understood = || lettre::AsyncSmtpTransport::<lettre::Tokio1Executor>::from_url(text).is_ok();
    (fits && understood()).then(|| Secret::new(text))
}

fn limits(vars: &mut Vars) -> Limits {
    let limits = Limits {
        ingest_per_minute: vars.number("RATE_LIMIT_INGEST_PER_MINUTE", 1_000, 1..=10_000_000),
        analytics_per_minute: vars.number("RATE_LIMIT_ANALYTICS_PER_MINUTE", 100, 1..=10_000_000),
        // One question may cost 10,000, and has to fit.
        analytics_points_per_minute: vars.number(
            "RATE_LIMIT_ANALYTICS_POINTS_PER_MINUTE",
            100_000,
            10_000..=1_000_000_000,
        ),
        auth_per_15_minutes: vars.number("RATE_LIMIT_AUTH_PER_15_MINUTES", 10, 1..=10_000_000),
        event_bytes: vars.number("MAX_EVENT_BYTES", 32 << 10, 1 << 10..=1 << 20),
        batch_events: vars.number("MAX_BATCH_EVENTS", 2_500, 1..=10_000),
        body_bytes: vars.number("MAX_BODY_BYTES", 5 << 20, 1 << 10..=64 << 20),
        queue_events: vars.number("INGEST_QUEUE_EVENTS", 50_000, 1..=10_000_000),
        spool_bytes: vars.number("SPOOL_MAX_BYTES", 1 << 30, 0..=1 << 50),
        // No event before 1970, where the range of all time starts.
        max_event_age: DAY * vars.number("MAX_EVENT_AGE_DAYS", 1_825, 1..=20_000),
        query_timeout: Duration::from_secs(vars.number("QUERY_TIMEOUT_SECONDS", 30, 1..=600)),
    };
    if limits.body_bytes < limits.event_bytes {
        vars.problem("MAX_BODY_BYTES", "must not be less than MAX_EVENT_BYTES");
    }
    if limits.queue_events < limits.batch_events {
        vars.problem("INGEST_QUEUE_EVENTS", "must not be less than MAX_BATCH_EVENTS");
    }
    if limits.spool_bytes > 0 && limits.spool_bytes < SMALLEST_SPOOL {
        vars.problem(
            "SPOOL_MAX_BYTES",
            format!("must be 0, which switches the spool off, or at least {SMALLEST_SPOOL}"),
        );
    }
    limits
}

/// Providers of identities, each given whole or not at all.
fn providers(vars: &mut Vars) -> Vec<OpenId> {
    const ISSUER: &str = "an https:// address, or an http:// one on this machine";
    let google = [
        vars.optional("GOOGLE_CLIENT_ID", "a client id", owned),
        vars.optional("GOOGLE_CLIENT_SECRET", "a client secret", owned),
    ];
    let issuer = vars.with_default("GOOGLE_ISSUER", "https://accounts.google.com", ISSUER, issuer_url);
    whole(vars, ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"], &google);
    let [client_id, client_secret] = google;
    let google = open_id("google", "Google".to_owned(), client_id, client_secret, issuer, false);

    let name = vars.with_default("OIDC_NAME", "single sign-on", "what people call it, at most 50 characters", |text| {
        Some(text.to_owned()).filter(|text| text.chars().count() <= 50 && !text.contains(char::is_control))
    });
    let issuer = vars.optional("OIDC_ISSUER", ISSUER, issuer_url);
    let oidc = [
        issuer.as_ref().map(Url::to_string),
        vars.optional("OIDC_CLIENT_ID", "a client id", owned),
        vars.optional("OIDC_CLIENT_SECRET", "a client secret", owned),
    ];
    whole(vars, ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"], &oidc);
    let [_, client_id, client_secret] = oidc;
    let trusts_email = vars.flag("OIDC_TRUST_EMAIL", false);
    let oidc = open_id("oidc", name.unwrap_or_default(), client_id, client_secret, issuer, trusts_email);
    google.into_iter().chain(oidc).collect()
}

fn open_id(
    slug: &'static str,
    name: String,
    client_id: Option<String>,
    client_secret: Option<String>,
    issuer: Option<Url>,
    trusts_email: bool,
) -> Option<OpenId> {
    let (client_id, client_secret) = (client_id?, Secret::new(client_secret?));
    Some(OpenId { slug, name, client_id, client_secret, issuer: issuer?, trusts_email })
}

/// Notes what is missing of variables that belong together, unless all are.
fn whole<const N: usize>(vars: &mut Vars, names: [&'static str; N], given: &[Option<String>; N]) {
    let Some(set) = names.iter().find(|name| vars.is_set(name)) else { return };
    for (name, _) in
        names.iter().zip(given).filter(|(name, given)| given.is_none() && !vars.is_set(name)).collect::<Vec<_>>()
    {
        vars.problem(name, format!("must be set when {set} is"));
    }
}

fn owned(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn secret(vars: &mut Vars, name: &'static str) -> Option<Secret> {
    let long_enough = |text: &str| (text.len() >= secrets::SECRET_BYTES).then(|| Secret::new(text));
    vars.optional(name, SECRET, long_enough)
}

/// An address the store understands; the driver would panic on one that is no URL.
fn database(text: &str) -> Option<Secret> {
    let url = Url::parse(text).ok()?;
    let known = match url.scheme() {
        "postgres" | "postgresql" => true,
        // Readers and the writer have connections of their own, which would not share memory.
        "sqlite" => text.len() > "sqlite:".len() && ![":memory:", "mode=memory"].iter().any(|part| text.contains(part)),
        _ => false,
    };
    known.then(|| Secret::new(text))
}

fn embedded_store(data_dir: &Path) -> Secret {
    let path = data_dir.join("event-analytics.db");
    // The driver reads the address as a URL, in which these characters mean something.
    let path = path.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    Secret::new(format!("sqlite:{path}"))
}

fn redis_url(text: &str) -> Option<Secret> {
    let url = redis::parse_redis_url(text).filter(|url| matches!(url.scheme(), "redis" | "rediss"))?;
    url.into_connection_info().ok().map(|_| Secret::new(text))
}

/// A name without a port, or the end of names behind a star, or a star for all.
fn host(text: &str) -> Option<String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let known = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (text == "*" || (known && !name.is_empty())).then(|| text.to_ascii_lowercase())
}

fn origin(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    (url.has_host() && bare && anonymous).then_some(url)
}

/// Sign-in over plain HTTP would hand the answer to anyone on the way, so only a provider on this
/// very machine, as tests have, may do without TLS.
fn issuer_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let loopback = match url.host()? {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(ip) => ip.is_loopback(),
        url::Host::Ipv6(ip) => ip.is_loopback(),
    };
    (url.scheme() == "https" || (url.scheme() == "http" && loopback)).then_some(url)
}

/// Where a browser on this machine finds a server that listens there.
pub(super) fn local_url(listen: SocketAddr) -> Url {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let host = SocketAddr::new(ip, listen.port());
    Url::parse(&format!("http://{host}")).unwrap_or_else(|_| unreachable!("a socket address is a valid host and port"))
}
