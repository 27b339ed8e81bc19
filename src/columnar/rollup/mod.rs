//! Rollups: what the events of a segment sum up to, hour by hour.
//!
//! A rollup is made of one segment's columns, stored in the transaction that stores the segment, and
//! removed with it. So it is exact for as long as the segment is, and nothing has to invalidate it. A
//! question that asks for sums over whole hours takes them from here (`stretch`) and reads columns
//! only of hours that its range cuts.

mod codec;
mod hours;
mod make;
mod repair;
mod stretch;
mod tally;

pub use self::hours::{Grouped, Hours, Numbers, Totals};
pub(super) use self::{
    codec::{decode, encode},
    make::made_of,
    stretch::Stretch,
    tally::Share,
};
use sea_orm::ActiveValue::Set;
use uuid::Uuid;

use super::Column;
use crate::entity::event_aggregation;

/// Milliseconds of an hour, which is what a rollup counts by: those of UTC.
pub const HOUR: i64 = 3_600_000;

/// The dimensions by which events are counted, each beside the type of the event.
pub const DIMENSIONS: [Column; 4] = [Column::Device, Column::Browser, Column::Os, Column::Country];

/// Bytes an event above which a rollup is not kept, where it is not small anyway.
const MOST_BYTES: usize = 6;
/// What is small.
const SMALL_BYTES: usize = 16 << 10;

/// The sums of a segment's hours in order, in each of people before bots.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Rollup {
    pub(super) hours: Vec<Hour>,
}

/// The sums of an hour.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hour {
    /// Since the epoch.
    pub(super) number: i64,
    pub(super) is_bot: bool,
    pub(super) tally: tally::Tally,
}

/// A rollup as it is stored; empty where it would take more than it is worth.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) hours: usize,
    pub(super) data: Vec<u8>,
}

impl Stored {
    /// Of a segment with so many events.
    pub(super) fn of(rollup: &Rollup, events: usize) -> Self {
        let data = encode(rollup);
        if data.len() > SMALL_BYTES && data.len() > events * MOST_BYTES {
            return Self { hours: 0, data: Vec::new() };
        }
        Self { hours: rollup.hours.len(), data }
    }

    /// The row to store with this revision of the app's segments.
    pub(super) fn row(self, app: Uuid, segment: i64, revision: i64) -> event_aggregation::ActiveModel {
        event_aggregation::ActiveModel {
            app_id: Set(app),
            segment_id: Set(segment),
            revision: Set(revision),
            hours: Set(self.hours as i64),
            bytes: Set(self.data.len() as i64),
            data: Set(self.data),
        }
    }
}
