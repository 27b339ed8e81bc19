//! Settings: defaults that are told truthfully, problems told all at once, secrets never told.

use std::{collections::BTreeMap, net::IpAddr, path::Path};

use event_analytics::config::{Config, client_ip};
use ipnet::IpNet;

fn read(vars: &[(&str, &str)]) -> Result<Config, String> {
    let vars = vars.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    Config::from_vars(vars).map_err(|error| error.to_string())
}

fn problems(vars: &[(&str, &str)]) -> String {
    read(vars).unwrap_err()
}

#[test]
fn the_example_lists_every_variable_with_its_true_default() {
    let example = include_str!("../.env.example");
    let mut listed: BTreeMap<_, _> = example
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once('='))
        .filter(|(name, _)| !name.contains(' '))
        .collect();
    for only_compose in ["POSTGRES_PASSWORD", "PUBLISH"] {
        assert!(listed.remove(only_compose).is_some(), "{only_compose} is not listed");
    }
    let known: BTreeMap<_, _> = Config::variables().into_iter().collect();
    let defaults: BTreeMap<_, _> =
        known.iter().map(|(name, default)| (*name, default.as_deref().unwrap_or_default())).collect();
    assert_eq!(listed, defaults);
}

#[test]
fn nothing_has_to_be_set() {
    let dir = tempfile::tempdir().unwrap();
    let config = read(&[("DATA_DIR", dir.path().to_str().unwrap()), ("REDIS_URL", "  ")]).unwrap();
    assert_eq!(config.listen_addr.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url.as_str(), "http://127.0.0.1:8080/");
    assert!(config.is_embedded() && config.providers.is_empty() && config.redis_url.is_none());
    assert_eq!(config.limits.batch_events, 2_500);
    assert!(config.anonymize_ip && !config.log_json);
}

#[test]
fn every_problem_is_told_at_once_and_no_value() {
    let told = problems(&[
        ("LISTEN_ADDR", "8080"),
        ("PUBLIC_URL", "https://example.com/path"),
        ("DATABASE_URL", "mysql://root:hunter2@host/db"),
        ("DATABASE_MAX_CONNECTIONS", "0"),
        ("REDIS_URL", "host:6379"),
        ("JWT_SECRET", "tooshortsecret"),
        ("GOOGLE_CLIENT_ID", "only-one"),
        ("GOOGLE_ISSUER", "http://elsewhere.example"),
        ("OIDC_CLIENT_ID", "only-one"),
        ("CORS_ALLOWED_ORIGINS", "https://a.example, *"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, nonsense"),
        ("ALLOWED_HOSTS", "*.example.com, https://a.example"),
        ("GRAPHQL_STORED_OPERATIONS", "/no/such/folder"),
        ("ANONYMIZE_IP", "maybe"),
        ("GEOIP_DATABASE", "/no/such/file"),
        ("MAX_EVENT_AGE_DAYS", "-1"),
        ("LOG_FORMAT", "xml"),
        ("SPOOL_MAX_BYTES", "1000"),
    ]);
    for name in [
        "LISTEN_ADDR: expected an address and a port",
        "PUBLIC_URL: expected",
        "DATABASE_URL: expected a postgres://",
        "DATABASE_MAX_CONNECTIONS: expected a whole number from 2 to 1000",
        "REDIS_URL: expected",
        "JWT_SECRET: expected at least 32 bytes; `openssl rand -hex 32`",
        "GOOGLE_CLIENT_SECRET: must be set",
        "GOOGLE_ISSUER: expected",
        "OIDC_ISSUER: must be set when OIDC_CLIENT_ID is",
        "OIDC_CLIENT_SECRET: must be set when OIDC_CLIENT_ID is",
        "CORS_ALLOWED_ORIGINS: expected",
        "TRUSTED_PROXIES: expected",
        "ALLOWED_HOSTS: expected",
        "GRAPHQL_STORED_OPERATIONS: expected",
        "ANONYMIZE_IP: expected",
        "GEOIP_DATABASE: expected",
        "MAX_EVENT_AGE_DAYS: expected",
        "LOG_FORMAT: expected one of text, json",
        "SPOOL_MAX_BYTES: must be 0, which switches the spool off, or at least 1048576",
    ] {
        assert!(told.contains(name), "{name} is missing from: {told}");
    }
    for value in ["hunter2", "tooshortsecret", "only-one"] {
        assert!(!told.contains(value), "{value} was told: {told}");
    }
}

#[test]
fn postgres_demands_secrets_and_says_how_to_make_them() {
    let told = problems(&[("DATABASE_URL", "postgres://localhost/x")]);
    assert!(told.contains("JWT_SECRET: must be set") && told.contains("API_KEY_SECRET: must be set"), "{told}");
    assert!(told.contains("openssl rand -hex 32"), "{told}");
    let secret = "0123456789abcdef0123456789abcdef";
    let set =
        read(&[("DATABASE_URL", "postgres://u:pw@localhost/x"), ("JWT_SECRET", secret), ("API_KEY_SECRET", secret)]);
    let shown = format!("{:?}", set.unwrap());
    assert!(!shown.contains(secret) && !shown.contains("pw@"), "{shown}");
}

#[test]
fn secrets_are_made_once_and_only_for_their_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("new/data");
    let vars = [("DATA_DIR", data.to_str().unwrap())];
    let made: Vec<Config> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| read(&vars).unwrap())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let first = &made[0];
    assert!(first.jwt_secret != first.api_key_secret && first.jwt_secret.expose().len() == 64);
    assert!(
        made.iter()
            .all(|config| config.jwt_secret == first.jwt_secret && config.api_key_secret == first.api_key_secret)
    );
    let files: Vec<_> = data.read_dir().unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(data.metadata().unwrap().permissions().mode() & 0o777, 0o700);

    let own = "an owner's own secret of 32 bytes or more";
    let mixed = read(&[vars[0], ("JWT_SECRET", own)]).unwrap();
    assert_eq!(mixed.jwt_secret.expose(), own);
    assert_eq!(mixed.api_key_secret, first.api_key_secret);

    std::fs::write(data.join("secrets"), "JWT_SECRET=short\n").unwrap();
    assert!(problems(&vars).contains("lacks a secret"));
}

#[test]
fn an_odd_data_folder_is_still_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("50% of #1? yes");
    let config = read(&[("DATA_DIR", odd.to_str().unwrap())]).unwrap();
    let options: sqlx::sqlite::SqliteConnectOptions = config.database_url.expose().parse().unwrap();
    assert_eq!(options.get_filename(), Path::new(&odd.join("event-analytics.db")));
}

#[test]
fn the_client_is_the_rightmost_address_that_is_no_proxy() {
    let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap()).to_vec();
    let find = |peer: &str, headers: &[&str]| {
        client_ip(peer.parse::<IpAddr>().unwrap(), headers.iter().copied(), &trusted).to_string()
    };
    assert_eq!(find("203.0.113.9", &["198.51.100.1"]), "203.0.113.9", "a stranger's word");
    assert_eq!(find("10.0.0.1", &[]), "10.0.0.1");
    assert_eq!(find("10.0.0.1", &["6.6.6.6, 198.51.100.1"]), "198.51.100.1", "what the client wrote itself");
    assert_eq!(find("10.0.0.1", &["6.6.6.6", "198.51.100.1, 10.2.3.4"]), "198.51.100.1", "two headers, two proxies");
    assert_eq!(find("10.0.0.1", &["10.9.9.9, 10.2.3.4"]), "10.9.9.9", "only proxies");
    assert_eq!(find("::ffff:10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1", "a port, a mapped peer");
    assert_eq!(find("fd00::1", &["[2001:db8::7]:80"]), "2001:db8::7");
    assert_eq!(find("fd00::1", &["[2001:db8::7]"]), "2001:db8::7");
    assert_eq!(find("10.0.0.1", &["198.51.100.1, unknown, 10.2.3.4"]), "10.2.3.4", "beyond what cannot be read");
    assert_eq!(find("10.0.0.1", &[""]), "10.0.0.1");
}
