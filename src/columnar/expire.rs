//! Events that are older than their app keeps them.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::{Columnar, erase::Which, forget::Forgotten, header::Segment, snapshot::heads};
use crate::{
    entity::{event, event_segment},
    error::Result,
};

/// Segments that are rewritten or dropped at once, before others have their turn.
const SEGMENTS: usize = 50;

/// What became of old events.
#[derive(Debug, Clone, Copy)]
pub struct Expired {
    /// Whether some were removed.
    pub removed: bool,
    /// Whether all of them are gone.
    pub all: bool,
}

impl Columnar {
    /// Removes events of an app that happened before a time, of so many segments and of none yet.
    pub async fn expire(&self, app: Uuid, before: i64) -> Result<Expired> {
        let which = Which::Before(app, before);
        let (mut removed, mut all) = (0, true);
        // First those of no segment yet: what is sealed meanwhile is among the segments that follow.
        if self.has_old_rows(app, before).await? {
            all &= self.remove_rows(&which).await?;
            removed += 1;
        }
        for (id, _) in self.commits_of_segments(app).await? {
            let row = event_segment::Entity::find_by_id((app, id)).one(self.db.writer()).await?;
            let Some(segment) = row.map(Segment::of).transpose()? else {
                // What it was merged into is met next time.
                all = false;
                continue;
            };
            if segment.header.from >= before {
                continue;
            }
            if removed >= SEGMENTS {
                all = false;
                break;
            }
            all &= self.rewrite(&which, id).await?;
            removed += 1;
        }
        if removed > 0 {
            self.forget(app, Forgotten::All).await?;
        }
        Ok(Expired { removed: removed > 0, all })
    }

    /// Whether there are such rows behind the segments.
    async fn has_old_rows(&self, app: Uuid, before: i64) -> Result<bool> {
        use event::Column as C;
        let (_, head) = heads(self.db.writer(), app).await?;
        let old = event::Entity::find().select_only().column(C::Seq).filter(C::AppId.eq(app));
        let old = old.filter(C::Seq.gt(head.sealed_seq)).filter(C::Timestamp.lt(before)).limit(1);
        Ok(old.into_tuple::<i64>().one(self.db.writer()).await?.is_some())
    }
}
