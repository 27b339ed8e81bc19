//! The rules of the source tree, checked. What a compiler or a linter can check is left to them.

use std::{
    fs,
    path::{Path, PathBuf},
};

mod dependencies;
mod levels;

/// Every file below `folder` whose name ends so, with its text; paths from the repository's root.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty());
    found
}

/// Fails with the list, unless it is empty.
#[track_caller]
fn none(rule: &str, offences: Vec<String>) {
    assert!(offences.is_empty(), "{rule}:\n  {}", offences.join("\n  "));
}

/// The line without its comment. Texts that contain `//` lose their end, which is harmless here.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

fn rust() -> Vec<(String, String)> {
    ["src", "tests", "benches", "migration/src"].iter().flat_map(|folder| files(folder, "rs")).collect()
}

#[test]
fn files_are_short() {
    let mut sources = rust();
    sources.extend(["js", "jsx", "css"].iter().flat_map(|kind| files("playground/src", kind)));
    sources.extend(["ts", "tsx", "css"].iter().flat_map(|kind| files("dashboard/src", kind)));
    sources.extend(files("dashboard/check", "js"));
    sources.retain(|(path, _)| !path.ends_with(".gen.ts"));
    sources.extend(files("benches", "py"));
    let long = sources.iter().map(|(path, text)| (path, text.lines().count())).filter(|(_, lines)| *lines > 400);
    none("Files of at most 400 lines", long.map(|(path, lines)| format!("{path}: {lines}")).collect());
}

#[test]
fn files_say_what_they_are() {
    let silent = rust().into_iter().filter(|(_, text)| !text.starts_with("//!"));
    let silent = silent.chain(files("benches", "py").into_iter().filter(|(_, text)| !text.starts_with(r#"""""#)));
    none("Every file begins with a //! that says what it is", silent.map(|(path, _)| path).collect());
}

#[test]
fn only_commands_print() {
    let mut offences = Vec::new();
    for (path, text) in files("src", "rs") {
        let commands = ["src/main.rs", "src/cli", "src/demo"].iter().any(|command| path.starts_with(command));
        for (number, line) in text.lines().enumerate() {
            let prints = ["println!(", "print!("].iter().any(|print| code(line).contains(print));
            let unfinished = ["dbg!(", "todo!(", "unimplemented!("].iter().any(|left| code(line).contains(left));
            if (prints && !commands) || unfinished {
                offences.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none("Only commands print, and nothing is left unfinished", offences);
}
