//! Segments made anew of the rows, where it is doubtful what they hold.
//!
//! One after the other takes the place of what held the events of its commits before, under the rule by which
//! all segments change (`seal`). So servers may run meanwhile, and one that breaks off has changed nothing but
//! what it has put right. Visitors and sessions keep their numbers.

use std::sync::Arc;

use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, Query},
};
use uuid::Uuid;

use super::{
    Columnar,
    build::Builder,
    erase::next_commit,
    forget::Forgotten,
    lately::Lately,
    numbers::Kind,
    seal::{MOST_BYTES, Replaced, claim},
    snapshot::{heads, read_rows},
};
use crate::{
    entity::{event_aggregation, event_code, event_segment, segment_column, segment_head},
    error::{Error, Result},
};

/// How often somebody else may come first.
const ATTEMPTS: u32 = 20;

/// What became of a step.
enum Step {
    /// The commits up to this one are done, with so many segments.
    Until(i64, u64),
    Overtaken,
    End,
}

impl Columnar {
    /// Makes all segments of an app anew; how many.
    pub async fn rebuild_segments(&self, app: Uuid) -> Result<u64> {
        self.begin_rebuild(app).await?;
        let (mut after, mut made, mut lost) = (0, 0, 0);
        loop {
            match self.rebuild_next(app, after).await? {
                Step::Until(until, more) => (after, made, lost) = (until, made + more, 0),
                Step::Overtaken if lost < ATTEMPTS => lost += 1,
                Step::Overtaken => return Err(Error::unavailable("segments were replaced again and again")),
                Step::End => break,
            }
        }
        // Answers made of what was there before are not given any more.
        let transaction = self.db.begin().await?;
        next_commit(&transaction, app).await?;
        transaction.commit().await?;
        self.forget(app, Forgotten::All).await?;
        Ok(made)
    }

    /// Lets no number be given twice, whatever became of the app's head, and removes what is of no segment.
    async fn begin_rebuild(&self, app: Uuid) -> Result<()> {
        let _one_at_a_time = self.sealing.lock().await;
        for _ in 0..ATTEMPTS {
            let transaction = self.db.begin().await?;
            next_commit(&transaction, app).await?;
            let (_, head) = heads(&transaction, app).await?;
            let mut next = segment_head::Model { forgotten: head.forgotten + 1, ..head.clone() };
            next.visitors = Ord::max(next.visitors, greatest(&transaction, app, Kind::Visitor).await?);
            next.sessions = Ord::max(next.sessions, greatest(&transaction, app, Kind::Session).await?);
            next.next_segment = Ord::max(next.next_segment, last_segment(&transaction, app).await? + 1);
            if claim(&transaction, &head, &next).await? {
                remove_strays(&transaction, app).await?;
                transaction.commit().await?;
                return Ok(());
            }
            transaction.rollback().await?;
        }
        Err(Error::unavailable("segments were replaced again and again"))
    }

    /// Makes the next segment of the commits behind one: in the place of another, or of rows that are in none.
    async fn rebuild_next(&self, app: Uuid, after: i64) -> Result<Step> {
        let _one_at_a_time = self.sealing.lock().await;
        let (_, head) = heads(self.db.writer(), app).await?;
        if after >= head.sealed_seq {
            return Ok(Step::End);
        }
        let segments = self.commits_of_segments(app).await?;
        let (old, commits, most) = match segments.into_iter().find(|(_, commits)| *commits.end() > after) {
            Some((id, commits)) if *commits.start() <= after + 1 => {
                (vec![id], (commits.start() - 1, *commits.end()), usize::MAX)
            }
            Some((_, commits)) => (Vec::new(), (after, commits.start() - 1), MOST_BYTES),
            None => (Vec::new(), (after, head.sealed_seq), MOST_BYTES),
        };
        let mut builder = Builder::default();
        let until = read_rows(self.db.writer(), app, commits, most, &mut builder).await?;
        let made = u64::from(builder.len() > 0);
        if made == 0 && old.is_empty() {
            return Ok(Step::Until(until, 0));
        }
        let heads = (&head, head.clone());
        match self.seal_builder(&Arc::new(builder), heads, &old, &mut Lately::default()).await? {
            Replaced::Done => Ok(Step::Until(until, made)),
            _ => Ok(Step::Overtaken),
        }
    }
}

/// The greatest number of a kind that somebody has.
async fn greatest(transaction: &DatabaseTransaction, app: Uuid, kind: Kind) -> Result<i64> {
    use event_code::Column as C;
    let greatest = event_code::Entity::find().select_only().expr(Expr::col(C::Code).max());
    let greatest = greatest.filter(C::AppId.eq(app)).filter(C::Kind.eq(kind.stored())).into_tuple::<Option<i64>>();
    Ok(greatest.one(transaction).await?.flatten().unwrap_or_default())
}

/// The greatest number of a segment of which anything is left.
async fn last_segment(transaction: &DatabaseTransaction, app: Uuid) -> Result<i64> {
    use event_segment::Column as C;
    use segment_column::Column as D;
    let of_segments = event_segment::Entity::find().select_only().expr(Expr::col(C::Id).max());
    let of_segments = of_segments.filter(C::AppId.eq(app)).into_tuple::<Option<i64>>().one(transaction).await?;
    let of_columns = segment_column::Entity::find().select_only().expr(Expr::col(D::SegmentId).max());
    let of_columns = of_columns.filter(D::AppId.eq(app)).into_tuple::<Option<i64>>().one(transaction).await?;
    Ok(Ord::max(of_segments.flatten(), of_columns.flatten()).unwrap_or_default())
}

/// Removes columns and rollups of segments that are not there.
async fn remove_strays(transaction: &DatabaseTransaction, app: Uuid) -> Result<()> {
    use event_aggregation::Column as R;
    use event_segment::Column as C;
    use segment_column::Column as D;
    let segments = || {
        let mut segments = Query::select();
        segments.column(C::Id).from(event_segment::Entity).and_where(C::AppId.eq(app));
        segments.to_owned()
    };
    let columns = D::AppId.eq(app).and(D::SegmentId.not_in_subquery(segments()));
    segment_column::Entity::delete_many().filter(columns).exec(transaction).await?;
    let rollups = R::AppId.eq(app).and(R::SegmentId.not_in_subquery(segments()));
    event_aggregation::Entity::delete_many().filter(rollups).exec(transaction).await?;
    Ok(())
}
