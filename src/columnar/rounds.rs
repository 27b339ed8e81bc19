//! What the server does with segments by itself: seals and merges what is due, and makes rollups.

use std::time::{Duration, Instant};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr, sea_query::ExprTrait};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Columnar,
    snapshot::{heads, seq_of, with_segments},
};
use crate::{
    entity::{event, event_head, segment_head},
    error::{Error, Result},
};

/// Events that are sealed as soon as there are so many.
const ENOUGH: u64 = 32_768;
/// Events that are sealed however few they are, once the oldest has waited so long.
const LONG_MS: i64 = 5 * 60 * 1_000;
/// How often the apps are looked at, while nothing is due.
const ROUND: Duration = Duration::from_secs(1);
/// How often segments are looked at that may lack rollups: those made by older servers.
const ROLLUPS: Duration = Duration::from_secs(10 * 60);

impl Columnar {
    /// Seals and merges in the background until `stop`.
    pub fn start_sealing(&self, stop: CancellationToken) {
        let columnar = self.clone();
        let rounds = async move {
            let mut rolled_up = None;
            loop {
                if rolled_up.is_none_or(|at: Instant| at.elapsed() > ROLLUPS) && !columnar.roll_up_some().await {
                    rolled_up = Some(Instant::now());
                }
                if !columnar.round().await {
                    tokio::time::sleep(ROUND).await;
                }
            }
        };
        tokio::spawn(async move { stop.run_until_cancelled(rounds).await });
    }

    /// Seals once what is due of each app, so that none keeps the others waiting, and whatever is wrong with
    /// one, the others have their turn; whether anything was sealed. Between two steps it rests as long as the
    /// last one took, so that sealing takes at most half of what one task can take.
    async fn round(&self) -> bool {
        let apps = self.unsealed().await.unwrap_or_else(|error| {
            report(&error, None, "events wait to be sealed");
            Vec::new()
        });
        let mut sealed = false;
        for app in apps {
            let started = Instant::now();
            match self.step(app).await {
                Ok(false) => continue,
                Ok(true) => sealed = true,
                Err(error) => report(&error, Some(app), "events wait to be sealed"),
            }
            tokio::time::sleep(started.elapsed().min(ROUND)).await;
        }
        sealed
    }

    /// Seals what is due of an app, and merges; whether anything was sealed.
    async fn step(&self, app: Uuid) -> Result<bool> {
        if !self.is_due(app).await? || !self.seal(app).await? {
            return Ok(false);
        }
        if let Err(error) = self.merge(app).await {
            report(&error, Some(app), "segments wait to be merged");
        }
        Ok(true)
    }

    /// Makes some of the rollups that are missing, a few of each app; whether more may be.
    async fn roll_up_some(&self) -> bool {
        let started = Instant::now();
        let apps = self.without_rollups().await.unwrap_or_else(|error| {
            report(&error, None, "segments wait for their rollups");
            Vec::new()
        });
        let mut made = false;
        for app in apps {
            if started.elapsed() > ROUND {
                return true;
            }
            match self.make_some_rollups(app).await {
                Ok(some) => made |= some != Some(0),
                Err(error) => report(&error, Some(app), "segments wait for their rollups"),
            }
        }
        made
    }

    /// Apps that have events behind their segments.
    async fn unsealed(&self) -> Result<Vec<Uuid>> {
        let sealed = Expr::col((segment_head::Entity, segment_head::Column::SealedSeq));
        let apps = with_segments()
            .column(event_head::Column::AppId)
            .filter(Expr::col((event_head::Entity, event_head::Column::Seq)).gt(sealed));
        Ok(apps.into_tuple().all(&*self.db).await?)
    }

    async fn is_due(&self, app: Uuid) -> Result<bool> {
        let Ok((_, head)) = heads(&*self.db, app).await else { return Ok(false) };
        if self.has_many_fresh(app) || seq_of(&*self.db, app, head.sealed_seq, ENOUGH - 1).await?.is_some() {
            return Ok(true);
        }
        let oldest = event::Entity::find()
            .select_only()
            .column(event::Column::ReceivedAt)
            .filter(event::Column::AppId.eq(app))
            .filter(event::Column::Seq.gt(head.sealed_seq))
            .order_by_asc(event::Column::Seq)
            .limit(1);
        let oldest = oldest.into_tuple::<i64>().one(&*self.db).await?;
        Ok(oldest.is_some_and(|oldest| oldest <= self.clock.now_ms() - LONG_MS))
    }
}

fn report(error: &Error, app: Option<Uuid>, what: &str) {
    tracing::warn!(app = app.map(tracing::field::display), %error, "{what}");
    error.log();
}
