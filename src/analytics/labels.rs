//! The values of a column in the order of what they are shown as.

use crate::columnar::{Column, Columns, NONE, property};

/// The values of a column, by their rank: that of their text, no value last. Ranks do not depend on
/// the order in which events were read.
pub(super) struct Labels {
    ranks: Vec<u32>,
    texts: Vec<Option<String>>,
}

impl Labels {
    /// Those of a column; of none, there is only "no value".
    pub(super) fn of(columns: &Columns, column: Option<&Column>) -> Self {
        let dictionary = column.and_then(|column| columns.place(column)).map(|place| columns.dictionary(place));
        let is_property = matches!(column, Some(Column::Property(_)));
        let codes = dictionary.map_or(1, |dictionary| dictionary.codes() as u32);
        let mut values: Vec<(bool, String, &str, u32)> = (0..codes)
            .map(|code| {
                let entry = dictionary.and_then(|dictionary| dictionary.value(code)).unwrap_or_default();
                let shown = if is_property { property::shown(entry) } else { entry.to_owned() };
                (code == NONE, shown, entry, code)
            })
            .collect();
        values.sort_unstable();
        let mut ranks = vec![0; values.len()];
        let mut texts = Vec::with_capacity(values.len());
        for (rank, (is_none, shown, _, code)) in values.into_iter().enumerate() {
            ranks[code as usize] = rank as u32;
            texts.push((!is_none).then_some(shown));
        }
        Self { ranks, texts }
    }

    /// Ranks by code.
    pub(super) fn ranks(&self) -> &[u32] {
        &self.ranks
    }

    /// The rank of "no value".
    pub(super) fn none(&self) -> u32 {
        self.texts.len() as u32 - 1
    }

    /// What a rank is shown as.
    pub(super) fn text(&self, rank: u32) -> Option<&str> {
        self.texts.get(rank as usize)?.as_deref()
    }
}
