//! Who may import whom, as the table in `src/lib.rs` has it.

use super::{code, files, none};

const LEVELS: [&[&str]; 8] = [
    &["error", "config", "clock", "telemetry"],
    &["entity"],
    &["db", "shared", "cache", "limiter", "live", "mail"],
    &["auth", "columnar"],
    &["apps", "ingest", "analytics"],
    &["state"],
    &["graphql", "rest", "pages"],
    &["cli", "demo", "server"],
];

/// Levels whose modules never see each other.
const APART: [usize; 2] = [4, 6];

fn level(module: &str) -> Option<usize> {
    LEVELS.iter().position(|modules| modules.contains(&module))
}

fn module(path: &str) -> &str {
    path.trim_start_matches("src/").trim_end_matches(".rs").split('/').next().unwrap_or_default()
}

/// The modules of the crate that a text names, by `crate::one` or `crate::{one, two::{…}}`.
fn imports(text: &str) -> Vec<String> {
    let text: String = text.lines().map(code).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for rest in text.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            found.extend(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut starts = true;
        for (at, character) in group.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts = true,
                _ if starts && !character.is_whitespace() => {
                    found.extend(name(&group[at..]));
                    starts = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn name(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

#[test]
fn imports_are_found_however_they_are_written() {
    let text = "use crate::auth;\nuse crate::{\n    db::{Db, x},\n    // crate::no\n    error::Result, state,\n};\nf(crate::rest::g)";
    assert_eq!(imports(text), ["auth", "db", "error", "state", "rest"]);
}

#[test]
fn every_module_has_a_level() {
    let unknown = files("src", "rs").into_iter().map(|(path, _)| path);
    let unknown = unknown.filter(|path| !matches!(module(path), "lib" | "main") && level(module(path)).is_none());
    none("Every module stands in the table of levels", unknown.collect());
}

#[test]
fn lower_levels_never_see_higher_ones() {
    let mut offences = Vec::new();
    for (path, text) in files("src", "rs") {
        let Some(own) = level(module(&path)) else { continue };
        for import in imports(&text) {
            let Some(other) = level(&import) else { continue };
            let apart = own == other && APART.contains(&own) && import != module(&path);
            if other > own || apart {
                offences.push(format!("{path} (level {own}) uses {import} (level {other})"));
            }
        }
    }
    none("A module uses those below it", offences);
}

#[test]
fn the_web_stays_at_the_edges() {
    let edges = ["src/rest/", "src/rest.rs", "src/pages.rs", "src/server", "src/graphql/http", "src/graphql/mod.rs"];
    let offences = files("src", "rs").into_iter().filter(|(path, text)| {
        !edges.iter().any(|edge| path.starts_with(edge)) && text.lines().any(|line| code(line).contains("axum::"))
    });
    none("axum is used only where requests arrive", offences.map(|(path, _)| path).collect());
}

#[test]
fn resolvers_live_in_graphql() {
    let resolving = ["Object", "Subscription", "Context", "Error", "ErrorExtensions", "Schema"];
    let mut offences = Vec::new();
    for (path, text) in files("src", "rs").into_iter().filter(|(path, _)| !path.starts_with("src/graphql")) {
        for used in text.split("async_graphql::").skip(1) {
            let used = &used[..used.find([';', '(', '\n']).unwrap_or(used.len())];
            let words: Vec<_> = used.split(|c: char| !c.is_alphanumeric()).collect();
            offences.extend(resolving.iter().filter(|name| words.contains(name)).map(|name| format!("{path}: {name}")));
        }
    }
    none("Below the edge, the schema's library is used for deriving vocabulary only", offences);
}
