//! What apps keep no longer: events that happened too long ago, and what named them.
//!
//! An app with `retention_days` keeps the day it is there, and as many whole days before. By days, so
//! that a segment is written anew once a day at most, and the total of a day is there or gone.

use jiff::{ToSpan, tz::TimeZone};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::erase::{Eraser, drop_links, lock_head};
use crate::{
    auth::export,
    cache,
    entity::{app, dead_letter, identity},
    error::{Error, Result},
};

/// How often the segments of one app are gone through in one turn; the rest has the next turn.
const PASSES: usize = 200;
/// Links removed by one transaction.
const LINKS: u64 = 1_000;
/// Links to users who have no events.
const WITHOUT_EVENTS: &str = "NOT EXISTS (SELECT 1 FROM events WHERE events.app_id = identities.app_id \
    AND COALESCE(events.user_id, events.anonymous_id) = identities.user_id)";

impl Eraser {
    /// Removes what each app keeps no longer. Whatever an interruption leaves is removed by the next call,
    /// here or on another instance.
    pub async fn expire(&self) -> Result<()> {
        export::forget_old(&self.db, self.clock.now_ms()).await?;
        let apps = app::Entity::find().filter(app::Column::RetentionDays.is_not_null());
        for app in apps.all(self.db.writer()).await? {
            // Whatever is wrong with one app, the others have their turn.
            let expired = match kept_from(&app, self.clock.now_ms()) {
                Ok(Some(before)) => self.expire_app(app.id, before).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = expired {
                tracing::warn!(app = %app.id, "events that are too old could not be removed");
                error.log();
            }
        }
        Ok(())
    }

    async fn expire_app(&self, app: Uuid, before: i64) -> Result<()> {
        use dead_letter::Column as C;
        let mut removed = false;
        for _ in 0..PASSES {
            let expired = self.columnar.expire(app, before).await?;
            removed |= expired.removed;
            if expired.all {
                break;
            }
        }
        if removed {
            self.cache.forget(&cache::answers_of(app)).await;
        }
        let letters = C::AppId.eq(app).and(C::ReceivedAt.lt(before));
        dead_letter::Entity::delete_many().filter(letters).exec(self.db.writer()).await?;
        self.expire_links(app, before).await
    }

    /// Removes links from before then to users none of whose events is left.
    async fn expire_links(&self, app: Uuid, before: i64) -> Result<()> {
        use identity::Column as C;
        let idle = || C::AppId.eq(app).and(C::CreatedAt.lt(before)).and(Expr::cust(WITHOUT_EVENTS));
        loop {
            let some = identity::Entity::find().select_only().column(C::FromId).filter(idle()).limit(LINKS);
            let some: Vec<String> = some.into_tuple().all(self.db.writer()).await?;
            if some.is_empty() {
                return Ok(());
            }
            let transaction = self.db.begin().await?;
            // Whoever stores events of these users meanwhile comes before or after.
            lock_head(&transaction, app).await?;
            let gone = identity::Entity::delete_many().filter(idle()).filter(C::FromId.is_in(some));
            let gone = gone.exec(&transaction).await?.rows_affected;
            drop_links(&transaction, app, gone).await?;
            transaction.commit().await?;
        }
    }
}

/// The first instant an app keeps; nothing when it keeps all.
fn kept_from(app: &app::Model, now: i64) -> Result<Option<i64>> {
    let Some(days) = app.retention_days else { return Ok(None) };
    let zone = TimeZone::get(&app.timezone).map_err(Error::internal)?;
    let now = jiff::Timestamp::from_millisecond(now).map_err(Error::internal)?.to_zoned(zone);
    let first = now.checked_sub(days.days()).and_then(|first| first.start_of_day()).map_err(Error::internal)?;
    Ok(Some(first.timestamp().as_millisecond()))
}
