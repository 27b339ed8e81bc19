//! The task that writes to the spool: all who wait share one commit.

use std::sync::{Arc, atomic::Ordering};

use tokio::sync::{mpsc, oneshot};

use super::{Log, record::Record};
use crate::{error::Result, ingest::shares::Share};

/// Requests of one commit.
const GROUP: usize = 1_024;

/// A request that waits to be kept.
pub(super) struct Entry {
    pub(super) record: Record,
    pub(super) room: Share,
    pub(super) done: oneshot::Sender<Result<()>>,
}

/// Keeps what waits, group by group, for as long as the spool lives.
pub(super) async fn keep_groups(log: Arc<Log>, mut waiting: mpsc::UnboundedReceiver<Entry>) {
    let mut group = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        let records: Vec<&Record> = group.iter().map(|entry| &entry.record).collect();
        let keeping = log.keeping.lock().await;
        let before = *log.mended.lock().await;
        // Before they are there, for what is there may be stored and uncounted at once.
        let events = records.iter().map(|record| u64::from(record.events)).sum();
        log.events.fetch_add(events, Ordering::AcqRel);
        let kept = log.healed(|| log.file.insert(&records)).await;
        if let Err(error) = &kept {
            error.log();
            log.uncount(events);
        }
        for entry in group.drain(..) {
            if kept.is_ok() {
                entry.room.keep();
            }
            let _ = entry.done.send(kept.clone());
        }
        let mended = log.mended.lock().await;
        if *mended != before
            && let Err(error) = log.recount().await
        {
            tracing::warn!(%error, "the spool can not be counted");
        }
        drop((mended, keeping));
        log.filled.notify_one();
    }
    log.file.close().await;
}
