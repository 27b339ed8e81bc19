//! Rollups for segments that have none: those made before there were rollups, and all after a command.

use std::{sync::Arc, time::Instant};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::task;
use uuid::Uuid;

use super::{DIMENSIONS, Stored, made_of};
use crate::{
    columnar::{Column, Columnar, erase::next_commit, header::Segment, part::Part, seal::claim, snapshot::heads},
    entity::{event_aggregation, event_segment},
    error::{Error, Result},
};

/// Segments that get their rollups in one transaction.
const AT_ONCE: u64 = 8;
/// How often somebody else may come first.
const ATTEMPTS: u32 = 20;

impl Columnar {
    /// Drops all rollups of an app and makes them anew; how many. Meanwhile columns answer.
    pub async fn rebuild_rollups(&self, app: Uuid) -> Result<u64> {
        for _ in 0..ATTEMPTS {
            let _one_at_a_time = self.sealing.lock().await;
            let (_, head) = heads(&*self.db, app).await?;
            let transaction = self.db.begin().await?;
            // Answers made of those that are dropped are not given any more.
            next_commit(&transaction, app).await?;
            if claim(&transaction, &head, &head).await? {
                let own = event_aggregation::Column::AppId.eq(app);
                event_aggregation::Entity::delete_many().filter(own).exec(&transaction).await?;
                transaction.commit().await?;
                drop(_one_at_a_time);
                return self.make_rollups(app).await;
            }
            transaction.rollback().await?;
        }
        Err(Error::unavailable("segments were replaced again and again"))
    }

    /// Makes the rollups that segments of an app lack; how many.
    pub async fn make_rollups(&self, app: Uuid) -> Result<u64> {
        let (mut made, mut lost) = (0, 0);
        loop {
            match self.make_some_rollups(app).await? {
                Some(0) => return Ok(made),
                Some(more) => made += more,
                None if lost < ATTEMPTS => lost += 1,
                None => return Err(Error::unavailable("segments were replaced again and again")),
            }
        }
    }

    /// Apps that have segments without rollups.
    pub(in crate::columnar) async fn without_rollups(&self) -> Result<Vec<Uuid>> {
        let apps = lacking().select_only().column(event_segment::Column::AppId).distinct();
        Ok(apps.into_tuple().all(&*self.db).await?)
    }

    /// Makes a few; nothing when somebody else has changed the app's segments meanwhile.
    pub(in crate::columnar) async fn make_some_rollups(&self, app: Uuid) -> Result<Option<u64>> {
        let _one_at_a_time = self.sealing.lock().await;
        let started = Instant::now();
        let (_, head) = heads(&*self.db, app).await?;
        let rows = lacking()
            .filter(event_segment::Column::AppId.eq(app))
            .order_by_asc(event_segment::Column::Id)
            .limit(AT_ONCE)
            .all(&*self.db)
            .await?;
        let (wanted, revision) = (parts(), head.revision + 1);
        let mut made = Vec::new();
        for row in rows {
            let segment = Arc::new(Segment::of(row)?);
            let Some(found) = self.load_and(false, app, std::slice::from_ref(&segment), &wanted).await? else {
                return Ok(None);
            };
            let Some(parts) = found.into_iter().next() else { return Ok(None) };
            made.push(
                task::spawn_blocking(move || {
                    let stored = made_of(&parts).map(|rollup| Stored::of(&rollup, segment.events));
                    stored.unwrap_or_default().row(app, segment.id, revision)
                })
                .await
                .map_err(Error::internal)?,
            );
        }
        let count = made.len() as u64;
        if count == 0 {
            return Ok(Some(0));
        }
        let transaction = self.db.begin().await?;
        if !claim(&transaction, &head, &head).await? {
            transaction.rollback().await?;
            return Ok(None);
        }
        event_aggregation::Entity::insert_many(made).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        tracing::debug!(%app, count, ms = started.elapsed().as_millis() as u64, "rolled up");
        Ok(Some(count))
    }
}

/// What a rollup is made of.
fn parts() -> Vec<Part> {
    let others =
        [Column::EventType, Column::Visitor, Column::Session, Column::Revenue, Column::Currency, Column::IsBot];
    let columns = others.into_iter().chain(DIMENSIONS).map(Part::Column);
    std::iter::once(Part::Times).chain(columns).collect()
}

/// Segments without a rollup.
fn lacking() -> sea_orm::Select<event_segment::Entity> {
    let rollups = event_segment::Entity::belongs_to(event_aggregation::Entity)
        .from((event_segment::Column::AppId, event_segment::Column::Id))
        .to((event_aggregation::Column::AppId, event_aggregation::Column::SegmentId));
    event_segment::Entity::find()
        .join(sea_orm::JoinType::LeftJoin, rollups.into())
        .filter(event_aggregation::Column::AppId.is_null())
}
