//! What is done about a file of the spool that is damaged, or no spool at all.
//!
//! Whatever can be read is copied into a new file, and the old one keeps its content under another
//! name. The copy takes the old one's place only when it is whole, so that an end half-way changes
//! nothing.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    file::{Kept, SpoolFile},
    record::Record,
};

/// Records that are copied by one commit.
const AT_ONCE: usize = 256;

/// Replaces a file by what can be read of it.
pub(super) async fn mend(file: &SpoolFile, damage: &sqlx::Error) -> io::Result<()> {
    let copy = file.unlocked(copy_of(file.path()));
    copy.delete_files();
    let (saved, whole) = copy_what_can_be_read(file, &copy).await.map_err(io::Error::other)?;
    copy.close().await;
    let old = file.rename_aside().await?;
    if copy.exists() {
        fs::rename(copy.path(), file.path())?;
    }
    tracing::error!(
        %damage, records = saved, whole, kept_as = %old.display(),
        "a file of the spool is damaged; what could be read of it goes on in a new one"
    );
    Ok(())
}

/// Finishes what an end half-way through [`mend`] has left.
pub(super) fn finish(file: &SpoolFile) -> io::Result<()> {
    let copy = copy_of(file.path());
    if !file.exists() && copy.exists() {
        file.rename_leftovers()?;
        fs::rename(copy, file.path())?;
    }
    Ok(())
}

fn copy_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.mended", path.display()))
}

/// From the oldest record on until one can not be read, then from the newest one back.
async fn copy_what_can_be_read(from: &SpoolFile, to: &SpoolFile) -> Result<(usize, bool), sqlx::Error> {
    let (mut saved, mut after, mut before) = (0, i64::MIN, i64::MAX);
    let mut batch: Vec<Kept> = Vec::new();
    let mut whole = true;
    for newest_first in [false, true] {
        loop {
            let next = from.next(after, before, newest_first).await;
            let more = match next {
                Ok(Some(kept)) => {
                    if newest_first {
                        before = kept.id;
                    } else {
                        after = kept.id;
                    }
                    batch.push(kept);
                    true
                }
                Ok(None) => false,
                Err(_) => {
                    whole = false;
                    false
                }
            };
            if batch.len() >= AT_ONCE || !more {
                saved += batch.len();
                let records: Vec<(i64, &Record)> = batch.iter().map(|kept| (kept.id, &kept.record)).collect();
                to.restore(&records).await?;
                batch.clear();
            }
            if !more {
                break;
            }
        }
    }
    Ok((saved, whole))
}
