//! Several scans of the same events: numbers of visitors and sessions mean the same in all of them.

use std::sync::Arc;

use super::{Census, Columnar, Columns, Newest, Scan, View, Worker, newest::Found, snapshot::Snapshot};
use crate::{auth::AppScope, error::Result};

/// An app's events as of a moment, to be scanned more than once.
#[derive(Debug, Clone)]
pub struct Pinned(Arc<Snapshot>);

impl Columnar {
    /// The events of an app now. Whatever was acknowledged before the call is among them.
    pub async fn pin(&self, app: AppScope) -> Result<Pinned> {
        Ok(Pinned(self.snapshot(app.app_id()).await?))
    }

    /// As [`Self::scan`] does; nothing when segments were replaced since they were pinned.
    pub async fn scan_pinned<W: Worker>(
        &self,
        pinned: &Pinned,
        scan: &Scan,
        worker: &impl Fn() -> W,
    ) -> Result<Option<(Vec<W>, Columns)>> {
        let started = std::time::Instant::now();
        let scanned = self.scan_snapshot(&pinned.0, scan, None, worker).await?;
        metrics::histogram!("uea_scan_seconds").record(started.elapsed().as_secs_f64());
        Ok(scanned)
    }

    /// As [`Self::census`] does; nothing when segments were replaced since they were pinned.
    pub async fn census_pinned<C: Census>(&self, pinned: &Pinned, scan: &Scan, census: C) -> Result<Option<C>> {
        self.census_of(&pinned.0, scan, census).await
    }

    /// As [`Self::newest`] does; nothing when segments were replaced since they were pinned.
    pub async fn newest_pinned<S>(&self, pinned: &Pinned, newest: &Newest, select: S) -> Result<Option<Found>>
    where
        S: FnMut(View<'_>, &mut Vec<u32>) + Send + 'static,
    {
        Ok(self.newest_of(&pinned.0, newest, select).await?.0)
    }
}
