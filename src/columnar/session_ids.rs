//! The ids of sessions that a scan knows by numbers alone. They are too many for an index of their numbers; the
//! rows of their events tell them.

use std::collections::HashMap;

use sea_orm::QuerySelect;

use super::{Columnar, Columns, numbers::Kind, row};
use crate::error::{Error, Result};

/// How many sessions may have events at the times that are asked about.
const MOST: u64 = 20_000;

impl Columnar {
    /// The ids of sessions in which a visitor did something at these times, by their numbers in a scan.
    pub async fn sessions_at(&self, columns: &Columns, visitor: &str, times: &[i64]) -> Result<HashMap<u32, String>> {
        self.session_ids(columns, Some(visitor), times, None).await
    }

    /// The same of whomsoever. Of too many it refuses to tell.
    pub async fn all_sessions_at(&self, columns: &Columns, times: &[i64]) -> Result<HashMap<u32, String>> {
        self.session_ids(columns, None, times, Some(MOST)).await
    }

    async fn session_ids(
        &self,
        columns: &Columns,
        visitor: Option<&str>,
        times: &[i64],
        most: Option<u64>,
    ) -> Result<HashMap<u32, String>> {
        let Some(snapshot) = columns.snapshot() else { return Ok(HashMap::new()) };
        let rows = row::sessions_at(snapshot.app, visitor, times).limit(most.map(|most| most + 1));
        let ids: Vec<Option<String>> = rows.into_tuple().all(&*self.db).await?;
        if most.is_some_and(|most| ids.len() as u64 > most) {
            let text = "Too many sessions begin at the same moments to list them. Narrow the range or the filter.";
            return Err(Error::CostExceeded(text.into()));
        }
        self.numbers_of(snapshot, Kind::Session, &ids.into_iter().flatten().collect::<Vec<_>>()).await
    }
}
