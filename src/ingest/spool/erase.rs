//! People taken out of what waits in the spool.

use uuid::Uuid;

use super::{Spool, failed, file::SpoolFile, record::Record};
use crate::{
    error::{Error, Result},
    ingest::{Draft, erase::Without},
};

impl Spool {
    /// Removes events of these ids that arrived until `until` from this process's file; says how many
    /// there were. Files of others keep them until they are drained, and the writer knows them then.
    pub(in crate::ingest) async fn erase(&self, app: Uuid, ids: &[String], until: i64) -> Result<u64> {
        let log = self.log();
        if !log.file.exists() {
            return Ok(0);
        }
        let _keeping = log.keeping.lock().await;
        let _mended = log.mended.lock().await;
        let (mut after, mut gone) = (i64::MIN, 0);
        loop {
            let batch = log.file.oldest(after).await.map_err(|error| failed(&error))?;
            let Some(last) = batch.last() else { break };
            after = last.id;
            for kept in batch.iter().filter(|kept| kept.record.app == app) {
                let Ok((events, _)) = kept.record.read() else { continue };
                gone += rewrite(&log.file, kept.id, app, events, ids, until).await?;
            }
        }
        log.recount().await.map_err(|error| failed(&error))?;
        Ok(gone)
    }
}

/// Writes a record anew without these ids, where it has any.
async fn rewrite(file: &SpoolFile, id: i64, app: Uuid, events: Vec<Draft>, ids: &[String], until: i64) -> Result<u64> {
    let (mut left, mut gone, mut changed) = (Vec::with_capacity(events.len()), 0, false);
    for mut draft in events {
        if draft.event.received_at <= until {
            match draft.without(|id| ids.iter().any(|own| own == id)) {
                Without::Same => {}
                Without::Changed => changed = true,
                Without::Gone => {
                    gone += 1;
                    continue;
                }
            }
        }
        left.push(draft);
    }
    if gone == 0 && !changed {
        return Ok(0);
    }
    let done = match Record::of(app, &left).map_err(Error::internal)? {
        _ if left.is_empty() => file.delete(&[id]).await,
        record => file.rewrite(id, &record).await,
    };
    done.map_err(|error| failed(&error))?;
    Ok(gone)
}
