//! What the project stands on. A few lines over `cargo tree` hold what `.cargo/deny.toml` says where cargo-deny
//! is not installed: to build it would cost a fresh machine more than the rest of these checks together.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use super::none;

/// The entries of a list of `.cargo/deny.toml`, each on a line of its own.
fn listed(name: &str) -> Vec<String> {
    let policy = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.cargo/deny.toml")).unwrap();
    let lines = policy.lines().skip_while(|line| *line != format!("{name} = [")).skip(1);
    let entries = lines.take_while(|line| *line != "]").map(|line| line.trim().trim_matches([',', '"']).to_owned());
    let entries: Vec<_> = entries.collect();
    assert!(entries.len() > 5, "{name} is no list of .cargo/deny.toml");
    entries
}

/// Of these there is one version: two would mean two servers, two drivers or types that do not fit.
const SINGLE: &[&str] = &[
    "async-graphql",
    "axum",
    "axum-core",
    "bytes",
    "http",
    "hyper",
    "hyper-util",
    "metrics",
    "redis",
    "reqwest",
    "rustls",
    "sea-orm",
    "sea-query",
    "serde",
    "serde_json",
    "sqlx-core",
    "tokio",
    "tower",
    "tracing",
    "uuid",
];

/// Every package that is built here, as `(name, version, licence)`.
fn packages() -> BTreeSet<(String, String, String)> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut tree = Command::new(cargo);
    tree.args(["tree", "--workspace", "--edges=normal,build,dev", "--prefix=none", "--format={p} | {l}"]);
    tree.args(["--locked", "--offline"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = tree.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().filter_map(|line| line.split_once(" | "));
    let packages = lines.filter_map(|(package, licence)| {
        let mut words = package.split(' ');
        Some((words.next()?.to_owned(), words.next()?.to_owned(), licence.trim_end_matches(" (*)").to_owned()))
    });
    packages.collect()
}

/// Whether an SPDX expression leaves a choice that is allowed.
fn allowed(expression: &str, licences: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut tokens = spaced.split_whitespace().peekable();
    any(&mut tokens, licences)
}

type Tokens<'a, 'b> = &'a mut std::iter::Peekable<std::str::SplitWhitespace<'b>>;

fn any(tokens: Tokens, licences: &[String]) -> bool {
    let mut allowed = all(tokens, licences);
    while tokens.next_if_eq(&"OR").is_some() {
        allowed |= all(tokens, licences);
    }
    allowed
}

fn all(tokens: Tokens, licences: &[String]) -> bool {
    let mut allowed = one(tokens, licences);
    while tokens.next_if_eq(&"AND").is_some() {
        allowed &= one(tokens, licences);
    }
    allowed
}

fn one(tokens: Tokens, licences: &[String]) -> bool {
    if tokens.next_if_eq(&"(").is_some() {
        let allowed = any(tokens, licences);
        return tokens.next_if_eq(&")").is_some() && allowed;
    }
    let licence = tokens.next().unwrap_or_default();
    if tokens.next_if_eq(&"WITH").is_some() {
        tokens.next(); // an exception only permits more
    }
    licences.iter().any(|allowed| allowed == licence)
}

#[test]
fn licences_are_permissive() {
    let licences = listed("allow");
    let allowed = |expression: &str| allowed(expression, &licences);
    assert!(allowed("(GPL-3.0 OR MIT) AND ISC") && !allowed("MIT AND GPL-3.0") && !allowed(""));
    let offences = packages().into_iter().filter(|(_, _, licence)| !allowed(licence));
    none("Every package is under an allowed licence", offences.map(|(name, _, l)| format!("{name}: {l:?}")).collect());
}

#[test]
fn nothing_is_there_twice_that_should_be_once() {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, version, _) in packages() {
        versions.entry(name).or_default().push(version);
    }
    let banned = listed("deny").into_iter().filter(|name| versions.contains_key(name));
    let banned = banned.map(|name| format!("{name} is banned"));
    let twice = SINGLE.iter().filter_map(|name| {
        let versions = versions.get(*name).unwrap_or_else(|| panic!("{name} is not used any more"));
        (versions.len() > 1).then(|| format!("{name}: {}", versions.join(", ")))
    });
    none("One TLS, one server, one driver", banned.chain(twice).collect());
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let mut offences = Vec::new();
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let mut section = "";
    let mut open = 0;
    let mut first = "";
    for line in manifest.lines() {
        let code = line.split('#').next().unwrap_or_default();
        if line.starts_with('[') {
            section = line;
        } else if ["[dependencies]", "[dev-dependencies]"].contains(&section) && !code.trim().is_empty() {
            if open == 0 {
                first = code.split('=').next().unwrap_or_default().trim();
            }
            open += code.matches(['[', '{']).count();
            open -= code.matches([']', '}']).count();
            if open == 0 && !line.contains("# ") {
                offences.push(first.to_owned());
            }
        }
    }
    none("Every dependency has a comment", offences);
}

#[test]
fn lock_files_name_no_place() {
    let npm = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/playground/package-lock.json")).unwrap();
    assert!(!npm.contains("\"resolved\""), "package-lock.json tells from where packages came");
    let cargo = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap();
    let mut sources = cargo.lines().filter(|line| line.starts_with("source = "));
    assert!(sources.all(|source| source.contains("github.com/rust-lang/crates.io-index")));
}
