//! The list of GraphQL operations that may be asked, read from a folder.

use std::{fs, path::Path};

/// How many operations a list may hold, and how many bytes one of them.
const OPERATIONS: usize = 10_000;
const OPERATION_BYTES: u64 = 64 << 10;

/// The texts of all `.graphql` files of a folder; none where it cannot be read whole or holds none.
pub(super) fn read(folder: &str) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(Path::new(folder)).ok()? {
        let entry = entry.ok()?;
        if entry.path().extension().is_none_or(|extension| extension != "graphql") {
            continue;
        }
        if entry.metadata().ok()?.len() > OPERATION_BYTES || texts.len() == OPERATIONS {
            return None;
        }
        texts.push(fs::read_to_string(entry.path()).ok()?);
    }
    (!texts.is_empty()).then_some(texts)
}
