//! Some thousands of events as arrays.

use uuid::Uuid;

use super::{Column, Dictionary};

/// The columns of a scan in their order, and the dictionaries that all of its batches share.
#[derive(Debug)]
pub struct Columns {
    columns: Vec<Column>,
    dictionaries: Vec<Dictionary>,
}

impl Columns {
    /// Empty dictionaries for these columns.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        let columns: Vec<_> = columns.into_iter().collect();
        let dictionaries = columns.iter().map(|_| Dictionary::default()).collect();
        Self { columns, dictionaries }
    }

    /// The columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The place of a column; nothing when the scan does not read it.
    pub fn place(&self, column: &Column) -> Option<usize> {
        self.columns.iter().position(|own| own == column)
    }

    /// The dictionary in a place.
    pub fn dictionary(&self, place: usize) -> &Dictionary {
        &self.dictionaries[place]
    }

    /// The dictionaries in the order of the columns, to add to.
    pub(super) fn dictionaries_mut(&mut self) -> &mut [Dictionary] {
        &mut self.dictionaries
    }

    /// About how much memory they take.
    pub fn bytes(&self) -> usize {
        self.dictionaries.iter().map(Dictionary::bytes).sum()
    }
}

/// Events as columns. Every array has one element an event, in the same order.
#[derive(Debug, Default)]
pub struct Batch {
    /// When they happened.
    pub timestamps: Vec<i64>,
    /// Their ids; empty unless the scan asks for them.
    pub ids: Vec<Uuid>,
    /// Their values, column by column, as codes of the column's dictionary.
    pub codes: Vec<Vec<u32>>,
}

impl Batch {
    /// Room for batches of so many columns.
    pub fn new(columns: usize) -> Self {
        Self { codes: vec![Vec::new(); columns], ..Self::default() }
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// Forgets the events and keeps the room.
    pub fn clear(&mut self) {
        self.timestamps.clear();
        self.ids.clear();
        self.codes.iter_mut().for_each(Vec::clear);
    }
}

/// What a kernel sees: a batch, and what its codes mean.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The events.
    pub batch: &'a Batch,
    /// Their values.
    pub columns: &'a Columns,
}
