//! The different values of a column.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;

use super::NONE;

/// What an entry costs beside its text: the pointers to it and its place in the table.
const ENTRY_BYTES: usize = 64;

/// Gives every different value of a column a small number. Codes start at 1 and rise in order of
/// first appearance; [`NONE`] stands for no value. It only grows, so whatever was computed about
/// an entry stays true.
#[derive(Debug)]
pub struct Dictionary {
    entries: Vec<Arc<str>>,
    codes: HashMap<Arc<str>, u32, RandomState>,
    bytes: usize,
}

impl Default for Dictionary {
    fn default() -> Self {
        Self { entries: vec![Arc::from("")], codes: HashMap::default(), bytes: 0 }
    }
}

impl Dictionary {
    /// The code of a value, new or known.
    pub fn intern(&mut self, value: &str) -> u32 {
        if let Some(&code) = self.codes.get(value) {
            return code;
        }
        let entry: Arc<str> = Arc::from(value);
        let code = self.entries.len() as u32;
        self.bytes += value.len() + ENTRY_BYTES;
        self.entries.push(entry.clone());
        self.codes.insert(entry, code);
        code
    }

    /// The code of a value written in one of several ways: `canonical` is asked only about
    /// spellings not met before, and answers nothing where there is no value.
    pub fn intern_as(&mut self, spelling: &str, canonical: impl FnOnce(&str) -> Option<String>) -> u32 {
        if let Some(&code) = self.codes.get(spelling) {
            return code;
        }
        let code = canonical(spelling).map_or(NONE, |value| self.intern(&value));
        self.bytes += spelling.len() + ENTRY_BYTES;
        self.codes.insert(Arc::from(spelling), code);
        code
    }

    /// The value behind a code; nothing for [`NONE`].
    pub fn value(&self, code: u32) -> Option<&str> {
        if code == NONE { None } else { self.entries.get(code as usize).map(AsRef::as_ref) }
    }

    /// The code of a value met before.
    pub fn code(&self, value: &str) -> Option<u32> {
        self.codes.get(value).copied()
    }

    /// One more than the largest code.
    pub fn codes(&self) -> usize {
        self.entries.len()
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
