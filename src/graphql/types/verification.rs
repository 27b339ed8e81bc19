//! Whether the figures can be trusted.

use async_graphql::{Description, Object};

use crate::{analytics::BigInt, columnar::verify};

/// A comparison of the events as they were stored with the columns that questions are answered from: of all
/// of them, or of as many as one request has time for, in the order in which they were stored.
#[derive(Description)]
pub struct Verification(pub verify::Verification);

#[Object(use_type_description)]
impl Verification {
    /// Whether nothing of what was compared differs.
    async fn is_consistent(&self) -> bool {
        self.0.drift.is_empty()
    }

    /// Where the next request goes on, as its `after`; null when everything was compared, up to the last column.
    async fn next(&self) -> Option<String> {
        self.0.next.map(|next| next.to_string())
    }

    /// Number of stored events that have been made into columns, of those compared.
    async fn sealed_rows(&self) -> BigInt {
        BigInt(self.0.sealed_rows)
    }

    /// Number of events that these columns hold: the same, unless something is wrong.
    async fn sealed_events(&self) -> BigInt {
        BigInt(self.0.sealed_events)
    }

    /// Number of stored events that are newer than all columns. Questions read them as they are.
    async fn tail_rows(&self) -> BigInt {
        BigInt(self.0.tail_rows)
    }

    /// Number of segments into which the columns are cut.
    async fn segments(&self) -> BigInt {
        BigInt(self.0.segments)
    }

    /// Bytes that the columns take in the database.
    async fn bytes(&self) -> BigInt {
        BigInt(self.0.bytes)
    }

    /// Number of segments whose sums by hour are kept, so that long ranges need no columns.
    async fn rollups(&self) -> BigInt {
        BigInt(self.0.rollups)
    }

    /// Bytes that these sums take in the database.
    async fn rollup_bytes(&self) -> BigInt {
        BigInt(self.0.rollup_bytes)
    }

    /// Where sums, columns and stored events differ, in words, at most 20 places.
    async fn drift(&self) -> &[String] {
        &self.0.drift
    }
}
