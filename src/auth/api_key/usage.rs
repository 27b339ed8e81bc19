//! How much keys are used: counted in memory, written by day every few seconds, and looked at for what is unusual.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{CaseStatement, Expr, OnConflict},
};
use uuid::Uuid;

use super::{ActiveKey, ApiKeys};
use crate::{
    clock::{DAY_MS, day_of},
    entity::{
        api_key,
        api_key_day::{self, Column},
    },
    error::Result,
};

/// For how many days the use of a day is kept.
pub const KEPT_DAYS: i32 = 400;

/// With how many days before it a day is compared.
const COMPARED: i32 = 14;
/// How many of these the key must have been there for.
const KNOWN: i32 = 7;
/// How many times the use of an ordinary day is unusual.
const TIMES: i64 = 10;
/// How little use is never unusual.
const LITTLE: i64 = 1_000;

/// Use that is not written yet, by key and day.
#[derive(Debug, Clone, Default)]
pub(super) struct Usage(Arc<Mutex<HashMap<(Uuid, i32), Uses>>>);

#[derive(Debug, Clone, Copy)]
struct Uses {
    app_id: Uuid,
    count: u64,
    last_at: i64,
}

impl Usage {
    fn add(&self, key: (Uuid, i32), more: Uses) {
        let mut usage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = usage.entry(key).or_insert(Uses { count: 0, ..more });
        entry.count = entry.count.saturating_add(more.count);
        entry.last_at = Ord::max(entry.last_at, more.last_at);
    }

    fn take(&self) -> HashMap<(Uuid, i32), Uses> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How much a key was used in a day of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970-01-01.
    pub day: i32,
    /// Events it let in, or questions it asked.
    pub uses: i64,
    /// Whether that is far more than on the days before.
    pub is_unusual: bool,
}

impl Day {
    /// When it begins, in milliseconds since the epoch.
    pub fn starts_at(self) -> i64 {
        i64::from(self.day) * DAY_MS
    }
}

impl ApiKeys {
    /// Counts events that a key let in, or questions that it asked, in memory.
    pub fn used(&self, key: &ActiveKey, count: u64) {
        let now = self.clock.now_ms();
        self.usage.add((key.id, day_of(now)), Uses { app_id: key.scope.app_id(), count, last_at: now });
    }

    /// Writes the counts, in one transaction; called every few seconds and at shutdown. What could not be
    /// written is counted again the next time.
    pub async fn flush_usage(&self) -> Result<()> {
        let mut taken: Vec<_> = self.usage.take().into_iter().collect();
        if taken.is_empty() {
            return Ok(());
        }
        // In one order on every instance, so that two of them cannot wait for each other.
        taken.sort_unstable_by_key(|(key, _)| *key);
        let written = self.write_usage(&taken).await;
        if written.is_err() {
            taken.into_iter().for_each(|(key, uses)| self.usage.add(key, uses));
        }
        written
    }

    async fn write_usage(&self, taken: &[((Uuid, i32), Uses)]) -> Result<()> {
        use api_key::Column::{Id, LastUsedAt, UsageCount};
        let transaction = self.db.begin().await?;
        for ((key, day), uses) in taken {
            let count = i64::try_from(uses.count).unwrap_or(i64::MAX);
            let later =
                CaseStatement::new().case(LastUsedAt.gt(uses.last_at), Expr::col(LastUsedAt)).finally(uses.last_at);
            let updated = api_key::Entity::update_many()
                .col_expr(UsageCount, Expr::col(UsageCount).add(count))
                .col_expr(LastUsedAt, later.into())
                .filter(Id.eq(*key))
                .exec(&transaction)
                .await?;
            // Gone with its app; a row of its day could not be written, now or ever.
            if updated.rows_affected == 0 {
                continue;
            }
            let row = api_key_day::ActiveModel {
                app_id: Set(uses.app_id),
                key_id: Set(*key),
                day: Set(*day),
                uses: Set(count),
            };
            let sum = Expr::col((api_key_day::Entity, Column::Uses)).add(count);
            let mut again = OnConflict::columns([Column::AppId, Column::KeyId, Column::Day]);
            again.value(Column::Uses, sum);
            api_key_day::Entity::insert(row).on_conflict(again).exec_without_returning(&transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// How much a key was used on each of the last `days` days, today first.
    pub async fn days(&self, key: &api_key::Model, days: i32) -> Result<Vec<Day>> {
        let (today, born) = (day_of(self.clock.now_ms()), day_of(key.created_at));
        let first = Ord::max(today.saturating_sub(days - 1), born);
        let rows =
            api_key_day::Entity::of_key(key.app_id, key.id).filter(Column::Day.gte(first.saturating_sub(COMPARED)));
        let uses: HashMap<i32, i64> = rows.all(&*self.db).await?.into_iter().map(|row| (row.day, row.uses)).collect();
        let on = |day: i32| uses.get(&day).copied().unwrap_or_default();
        let days = (first..=today).rev().map(|day| {
            let before = (Ord::max(day.saturating_sub(COMPARED), born)..day).map(on).collect();
            Day { day, uses: on(day), is_unusual: is_unusual(on(day), before) }
        });
        Ok(days.collect())
    }

    /// Forgets how much keys were used long ago.
    pub async fn forget_old_days(&self) -> Result<()> {
        let oldest = day_of(self.clock.now_ms()).saturating_sub(KEPT_DAYS);
        api_key_day::Entity::delete_many().filter(Column::Day.lt(oldest)).exec(self.db.writer()).await?;
        Ok(())
    }
}

/// Whether `uses` is more than ten times the median of the days before, of which there must be a week.
fn is_unusual(uses: i64, mut before: Vec<i64>) -> bool {
    before.sort_unstable();
    let enough = i32::try_from(before.len()).is_ok_and(|days| days >= KNOWN);
    let median = before.get(before.len() / 2).copied().unwrap_or_default();
    enough && uses > Ord::max(median.saturating_mul(TIMES), LITTLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_times_an_ordinary_day_is_unusual() {
        let week = |uses: i64| vec![uses; 7];
        assert!(is_unusual(2_001, week(200)) && !is_unusual(2_000, week(200)));
        assert!(is_unusual(1_001, week(0)) && !is_unusual(1_000, week(0)), "little is never unusual");
        assert!(!is_unusual(i64::MAX, vec![1; 6]), "nobody knows yet what is ordinary");
        assert!(!is_unusual(5_000, vec![1, 1, 1, 600, 600, 600, 600]), "one quiet weekend says nothing");
        assert!(!is_unusual(i64::MAX, week(i64::MAX)));
    }
}
