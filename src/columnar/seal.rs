//! Rows into segments, exactly once.
//!
//! Commits of an app are numbered without gaps in the order in which they become visible (see
//! `entity::event_head`), so "the events of the commits from a to b" is a set that never grows once
//! b is visible. A segment holds such a set; segments follow one another without gaps; and
//! `sealed_seq` says where they end. Sealing reads the set, makes its columns, and in one transaction
//! stores them and moves `sealed_seq`. The transaction begins by moving `revision` on from the value
//! the set was read under: of several that seal, merge, erase or delete at the same time one wins and
//! the others change nothing. So every committed event is, at every instant, either in one segment or
//! behind `sealed_seq`, whoever crashes when.
//!
//! Segments that are small are merged with their neighbours under the same rule (`merge`).

use std::{collections::HashMap, sync::Arc, time::Instant};

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    sea_query::Expr,
};
use tokio::task;
use uuid::Uuid;

use super::{
    Columnar, NONE,
    build::Builder,
    header::{self, Encoded, Segment},
    lately::Lately,
    numbers::{self, Kind},
    snapshot::{given, heads, number},
};
use crate::{
    entity::{event_aggregation, event_segment, segment_column, segment_head},
    error::{Error, Result},
};

/// Most events that are sealed at once, but for those of the last commit.
pub(super) const MOST: u64 = 262_144;
/// Bytes after which no further commit is sealed at once.
pub(super) const MOST_BYTES: usize = 128 << 20;
/// Bytes of columns in one INSERT.
const INSERT_BYTES: usize = 4 << 20;

impl Columnar {
    /// Seals the first events that are in no segment; whether there were any.
    pub async fn seal(&self, app: Uuid) -> Result<bool> {
        self.seal_behind(app, i64::MAX).await
    }

    /// The same, unless somebody has sealed what follows on this commit by then.
    pub(super) async fn seal_behind(&self, app: Uuid, sealed_seq: i64) -> Result<bool> {
        let mut alone = self.sealing.lock().await;
        let started = Instant::now();
        let (seq, head) = heads(&*self.db, app).await?;
        if seq <= head.sealed_seq || sealed_seq < head.sealed_seq {
            return Ok(false);
        }
        let (builder, until) = self.gather(&head, seq).await?;
        let (events, builder) = (builder.len(), Arc::new(builder));
        let mut lately = alone.take(&head);
        let next = segment_head::Model { sealed_seq: until, ..head.clone() };
        let mut done = self.seal_builder(&builder, (&head, next.clone()), &[], &mut lately).await?;
        if done == Replaced::Met {
            lately.expect_sessions_again();
            done = self.seal_builder(&builder, (&head, next), &[], &mut lately).await?;
        }
        let sealed = done == Replaced::Done;
        if sealed {
            alone.keep(&head, lately);
        }
        metrics::histogram!("uea_seal_seconds").record(started.elapsed().as_secs_f64());
        tracing::debug!(%app, events, sealed, ms = started.elapsed().as_millis() as u64, "sealed");
        Ok(sealed)
    }

    /// Stores a builder's events as a segment in the place of others, and moves the head of the app's segments on.
    pub(super) async fn seal_builder(
        &self,
        builder: &Arc<Builder>,
        (head, mut next): (&segment_head::Model, segment_head::Model),
        old: &[i64],
        lately: &mut Lately,
    ) -> Result<Replaced> {
        let (mut given_now, mut tables) = (Vec::new(), Vec::new());
        for kind in Kind::ALL {
            let (table, new) = self.numbered(builder, kind, head, lately).await?;
            match kind {
                Kind::Visitor => next.visitors += new.len() as i64,
                Kind::Session => next.sessions += new.len() as i64,
            }
            tables.push((kind, table));
            given_now.push((kind, new));
        }
        let (id, own) = (head.next_segment, builder.clone());
        let encode = move || {
            let mut parts = own.build();
            tables.iter().for_each(|(kind, table)| number(&mut parts, *kind, table));
            (header::encode(&parts, id, own.len()), tables)
        };
        let (segment, tables) = task::spawn_blocking(encode).await.map_err(Error::internal)?;
        let replaced = self.replace(head, next, old, segment, given_now).await?;
        if replaced == Replaced::Done {
            for (kind, table) in tables {
                lately.add(kind, builder.texts(kind).zip(table.into_iter().skip(1)));
            }
        }
        Ok(replaced)
    }

    /// The numbers of a builder's codes, and the texts that are to get one.
    async fn numbered(
        &self,
        builder: &Builder,
        kind: Kind,
        head: &segment_head::Model,
        lately: &Lately,
    ) -> Result<(Vec<u32>, Vec<String>)> {
        let mut known = HashMap::new();
        if !lately.takes_for_new(kind) {
            let mut unknown: Vec<&str> =
                builder.texts(kind).filter(|text| lately.number(kind, text).is_none()).collect();
            // Neighbours in the index.
            unknown.sort_unstable();
            known = numbers::of_texts(&*self.db, head.app_id, kind, &unknown).await?;
        }
        let (mut table, mut new) = (vec![NONE], Vec::new());
        for text in builder.texts(kind) {
            table.push(lately.number(kind, text).or_else(|| known.get(text).copied()).unwrap_or_else(|| {
                new.push(text.to_owned());
                (given(head, kind) as usize + new.len()) as u32
            }));
        }
        Ok((table, new))
    }

    /// Stores a segment in place of others, in one transaction.
    pub(super) async fn replace(
        &self,
        head: &segment_head::Model,
        mut next: segment_head::Model,
        old: &[i64],
        new: Option<(Segment, Encoded)>,
        given_now: Vec<(Kind, Vec<String>)>,
    ) -> Result<Replaced> {
        let app = head.app_id;
        next.next_segment += i64::from(new.is_some());
        let transaction = self.db.begin().await?;
        if !claim(&transaction, head, &next).await? {
            transaction.rollback().await?;
            return Ok(Replaced::Overtaken);
        }
        for (kind, texts) in &given_now {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            if !numbers::give(&transaction, app, *kind, given(head, *kind) + 1, &texts).await? {
                transaction.rollback().await?;
                return Ok(Replaced::Met);
            }
        }
        remove(&transaction, app, old).await?;
        if let Some((segment, columns)) = new {
            store(&transaction, app, head.revision + 1, &segment, columns).await?;
        }
        // From here on, questions that follow find their tail as it goes on behind what is sealed.
        let held = self.hold(app).await;
        transaction.commit().await?;
        if let Some(mut state) = held {
            let head = head.clone();
            let go_on = move || state.iter_mut().for_each(|state| state.go_on(&head, &next, &given_now));
            task::spawn_blocking(go_on).await.map_err(Error::internal)?;
        }
        Ok(Replaced::Done)
    }
}

/// What became of an attempt to change an app's segments. Only one that is done has changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replaced {
    Done,
    /// Somebody else has changed them since their head was read, or the app is gone.
    Overtaken,
    /// Somebody who was taken for new has a number.
    Met,
}

/// Moves the app's segment head on, if it is still as it was read, and holds it to the end of the
/// transaction.
pub(super) async fn claim(
    transaction: &DatabaseTransaction,
    head: &segment_head::Model,
    next: &segment_head::Model,
) -> Result<bool, DbErr> {
    use segment_head::Column as C;
    let claimed = segment_head::Entity::update_many()
        .col_expr(C::Revision, Expr::value(head.revision + 1))
        .col_expr(C::SealedSeq, Expr::value(next.sealed_seq))
        .col_expr(C::NextSegment, Expr::value(next.next_segment))
        .col_expr(C::Visitors, Expr::value(next.visitors))
        .col_expr(C::Sessions, Expr::value(next.sessions))
        .col_expr(C::Forgotten, Expr::value(next.forgotten))
        .filter(C::AppId.eq(head.app_id))
        .filter(C::Revision.eq(head.revision));
    Ok(claimed.exec(transaction).await?.rows_affected == 1)
}

pub(super) async fn remove(db: &impl ConnectionTrait, app: Uuid, segments: &[i64]) -> Result<(), DbErr> {
    if segments.is_empty() {
        return Ok(());
    }
    let of = segment_column::Column::SegmentId.is_in(segments.iter().copied());
    segment_column::Entity::delete_many().filter(segment_column::Column::AppId.eq(app)).filter(of).exec(db).await?;
    let of = event_aggregation::Column::SegmentId.is_in(segments.iter().copied());
    event_aggregation::Entity::delete_many()
        .filter(event_aggregation::Column::AppId.eq(app))
        .filter(of)
        .exec(db)
        .await?;
    let of = event_segment::Column::Id.is_in(segments.iter().copied());
    event_segment::Entity::delete_many().filter(event_segment::Column::AppId.eq(app)).filter(of).exec(db).await?;
    Ok(())
}

pub(super) async fn store(
    db: &impl ConnectionTrait,
    app: Uuid,
    revision: i64,
    segment: &Segment,
    encoded: Encoded,
) -> Result<()> {
    let Encoded { columns, rollup } = encoded;
    event_segment::Entity::insert(event_segment::ActiveModel::from(segment.row(app)?))
        .exec_without_returning(db)
        .await?;
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for (part, data) in columns {
        bytes += data.len();
        batch.push(segment_column::ActiveModel {
            app_id: Set(app),
            segment_id: Set(segment.id),
            name: Set(part.into()),
            data: Set(data),
        });
        if bytes >= INSERT_BYTES {
            segment_column::Entity::insert_many(std::mem::take(&mut batch)).exec_without_returning(db).await?;
            bytes = 0;
        }
    }
    if !batch.is_empty() {
        segment_column::Entity::insert_many(batch).exec_without_returning(db).await?;
    }
    event_aggregation::Entity::insert(rollup.row(app, segment.id, revision)).exec_without_returning(db).await?;
    Ok(())
}
