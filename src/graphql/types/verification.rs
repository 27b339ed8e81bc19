//! Whether the figures can be trusted.

use async_graphql::{Context, Description, Object};
use tokio::time::timeout;

use crate::{
    analytics::BigInt,
    auth::AppScope,
    columnar::verify,
    error::Error,
    graphql::{context::ContextExt, error::Result},
};

/// A comparison of the events as they were stored with the columns that questions are answered from: of all
/// of them, or of as many as one request has time for, in the order in which they were stored.
#[derive(Description)]
pub struct Verification(pub verify::Verification);

/// Compares as much of an app as there is time for, behind the `next` of an earlier answer.
pub async fn verify(ctx: &Context<'_>, scope: AppScope, after: Option<String>) -> Result<Verification> {
    let after = after.map_or(Some(0), |after| after.parse::<i64>().ok()).filter(|after| *after >= 0);
    let after = after.ok_or_else(|| Error::invalid("after", "after must be the next of an earlier verification."))?;
    let server = ctx.app();
    // What was begun has as long again to come to its end, and so has whoever waits for their turn.
    let within = server.config.limits.query_timeout / 3;
    let turn = timeout(within, server.db.long_read()).await;
    let _turn = turn.map_err(|_| Error::unavailable("too many verifications at a time"))??;
    Ok(Verification(server.columnar.verify_after(scope.app_id(), after, Some(within)).await?))
}

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
