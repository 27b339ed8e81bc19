//! What the cursors of lists over ranges of time keep.

use serde::{Deserialize, Serialize};

use crate::{
    analytics::{
        Range,
        range::{RangePreset, TimeRange},
    },
    clock::Moment,
};

/// What tells one range from another in a cursor: as it was asked for, because a preset moves on
/// between pages.
#[derive(Debug, Clone, Serialize)]
pub struct RangeKey {
    from: Option<Moment>,
    to: Option<Moment>,
    preset: Option<RangePreset>,
    timezone: Option<String>,
}

impl RangeKey {
    /// Of the arguments `range` and `timezone`.
    pub fn of(range: &TimeRange, timezone: Option<&str>) -> Self {
        let TimeRange { from, to, preset } = *range;
        Self { from, to, preset, timezone: timezone.map(str::to_owned) }
    }
}

/// What the cursors of time-bound lists keep: the commit and the range of the first page, so that
/// all pages together are one list, whatever arrives between them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Frozen<K> {
    pub(super) seq: i64,
    pub(super) range: Range,
    pub(super) now: i64,
    /// Position in the list.
    pub at: K,
}
