//! Some thousands of events as arrays.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{Column, Dictionary, snapshot::Snapshot, values::Texts};

/// The columns of a scan in their order, and what their codes mean: the same in all of its batches.
#[derive(Debug)]
pub struct Columns {
    columns: Vec<Column>,
    dictionaries: Vec<Dictionary>,
    /// Of visitors and sessions, where a question needs to know who they are.
    names: Vec<Names>,
    numbers: Vec<usize>,
    /// What was scanned.
    snapshot: Option<Arc<Snapshot>>,
}

/// Who visitors or sessions are.
#[derive(Debug, Default)]
pub(super) enum Names {
    /// Nobody asked.
    #[default]
    Unknown,
    /// Some are known, and all others are none of those that were asked about.
    Some(HashMap<u32, String>),
    /// All: those that were numbered when the snapshot was taken, how many they are, and behind them
    /// the newcomers.
    All(Arc<Texts>, u32, Texts),
}

/// What stands for somebody who is none of those asked about: no id is like it, for none holds NUL.
pub(super) const SOMEBODY_ELSE: &str = "\0";

impl Columns {
    /// Empty dictionaries for these columns.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        let columns: Vec<_> = columns.into_iter().collect();
        let dictionaries = columns.iter().map(|_| Dictionary::default()).collect();
        let names = columns.iter().map(|_| Names::default()).collect();
        let numbers = vec![0; columns.len()];
        Self { columns, dictionaries, names, numbers, snapshot: None }
    }

    /// The columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The place of a column; nothing when the scan does not read it.
    pub fn place(&self, column: &Column) -> Option<usize> {
        self.columns.iter().position(|own| own == column)
    }

    /// The dictionary in a place. Those of visitors and sessions are empty; ask [`Self::value`].
    pub fn dictionary(&self, place: usize) -> &Dictionary {
        &self.dictionaries[place]
    }

    /// One more than the largest code in a place.
    pub fn codes(&self, place: usize) -> usize {
        if self.columns[place].is_numbered() { self.numbers[place] + 1 } else { self.dictionaries[place].codes() }
    }

    /// The value behind a code in a place; of a visitor or session that nobody asked about, a text
    /// that is no id.
    pub fn value(&self, place: usize, code: u32) -> Option<&str> {
        if !self.columns[place].is_numbered() {
            return self.dictionaries[place].value(code);
        }
        if code == super::NONE {
            return None;
        }
        match &self.names[place] {
            Names::Unknown => Some(SOMEBODY_ELSE),
            Names::Some(names) => Some(names.get(&code).map_or(SOMEBODY_ELSE, String::as_str)),
            Names::All(names, given, _) if code <= *given => names.get(code),
            Names::All(_, given, newcomers) => newcomers.get(code - given),
        }
    }

    /// Those in a place who were asked about, where all others are alike.
    pub(crate) fn asked_about(&self, place: usize) -> Option<&HashMap<u32, String>> {
        match &self.names[place] {
            Names::Some(names) => Some(names),
            _ => None,
        }
    }

    /// Who they are in a place.
    pub(super) fn names(&self, place: usize) -> &Names {
        &self.names[place]
    }

    /// The dictionary in a place, to add to.
    pub(super) fn dictionary_mut(&mut self, place: usize) -> &mut Dictionary {
        &mut self.dictionaries[place]
    }

    /// What was scanned, once something was.
    pub(super) fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.snapshot.as_ref()
    }

    pub(super) fn set_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        self.snapshot = Some(snapshot);
    }

    /// Says who the visitors or sessions in a place are, and how many there are.
    pub(super) fn set_names(&mut self, place: usize, names: Names, numbers: usize) {
        self.names[place] = names;
        self.numbers[place] = numbers;
    }

    /// About how much memory they take.
    pub fn bytes(&self) -> usize {
        self.dictionaries.iter().map(Dictionary::bytes).sum()
    }
}

/// Events as columns. Every array has one element an event, in the same order: that of time.
#[derive(Debug)]
pub struct Batch<'a> {
    /// How many they are.
    pub events: usize,
    /// When they happened; empty unless the scan asks for it.
    pub timestamps: &'a [i64],
    /// Their ids; empty unless the scan asks for them.
    pub ids: &'a [Uuid],
    /// Their values, column by column; empty where they are not looked at.
    pub codes: Vec<&'a [u32]>,
}

impl Batch<'_> {
    /// Number of events.
    pub fn len(&self) -> usize {
        self.events
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }
}

/// What a kernel sees: a batch, and what its codes mean.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The events.
    pub batch: &'a Batch<'a>,
    /// Their values.
    pub columns: &'a Columns,
}
