//! Events that were not kept, counted by reason, so that owners learn of them whatever their clients were told.
//!
//! Most dialects answer a request of which anything was kept with a plain success, and nobody reads the answers that
//! browsers get. Counted in memory and written every few seconds, as the use of keys is; of the events themselves
//! nothing is kept.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::{Receipt, Refusal, Verdict};
use crate::{
    clock::{Clock, day_of},
    db::Db,
    entity::{
        app,
        refusal::{self, Column},
    },
    error::Result,
};

/// For how many days counts are kept.
pub const KEPT_DAYS: i32 = 30;
/// Reasons of all apps that wait to be written. There are some dozens an app; with more, new ones are not counted.
const MOST: usize = 10_000;

/// App, day, code and field.
type Key = (Uuid, i32, &'static str, String);

/// Why events of an app were not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Stable, such as `TIMESTAMP_OUT_OF_RANGE`.
    pub code: String,
    /// The native field at fault, where there is one.
    pub field: Option<String>,
    /// What was said of the last one, in a sentence.
    pub message: String,
    /// How many events.
    pub events: u64,
    /// When the last of them arrived, in milliseconds since the epoch.
    pub last_at: i64,
}

/// Counts them. Cheap to clone.
#[derive(Clone)]
pub struct Refusals {
    db: Db,
    clock: Clock,
    counted: Arc<Mutex<BTreeMap<Key, Count>>>,
}

struct Count {
    events: i64,
    last_at: i64,
    message: String,
}

impl Refusals {
    /// Writes to `db`.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock, counted: Arc::default() }
    }

    /// Counts what was not kept of a request.
    pub fn note(&self, app: Uuid, receipt: &Receipt) {
        for (_, verdict) in &receipt.items {
            if let Verdict::Rejected(refusal) | Verdict::Ignored(refusal) = verdict {
                self.add(app, refusal);
            }
        }
    }

    fn add(&self, app: Uuid, Refusal { code, field, message }: &Refusal) {
        let last_at = self.clock.now_ms();
        // Names of properties are the sender's, and there is no end to them.
        let field = field.as_deref().and_then(|field| field.split('.').next()).unwrap_or_default().to_owned();
        let count = Count { events: 1, last_at, message: message.clone() };
        self.count((app, day_of(last_at), code, field), count);
    }

    fn count(&self, key: Key, more: Count) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= MOST && !counted.contains_key(&key) {
            return;
        }
        let count = counted.entry(key).or_insert(Count { events: 0, last_at: 0, message: String::new() });
        count.events = count.events.saturating_add(more.events);
        if more.last_at >= count.last_at {
            (count.last_at, count.message) = (more.last_at, more.message);
        }
    }

    /// Writes the counts, in one transaction; called every few seconds and at shutdown. What could not be written is
    /// written the next time.
    pub async fn flush(&self) -> Result<()> {
        let taken = std::mem::take(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return Ok(());
        }
        let written = self.write(&taken).await;
        if written.is_err() {
            taken.into_iter().for_each(|(key, count)| self.count(key, count));
        }
        written
    }

    async fn write(&self, taken: &BTreeMap<Key, Count>) -> Result<()> {
        let transaction = self.db.begin().await?;
        let apps: HashSet<Uuid> = taken.keys().map(|(app, ..)| *app).collect();
        let there = app::Entity::find().select_only().column(app::Column::Id).filter(app::Column::Id.is_in(apps));
        let there: HashSet<Uuid> = there.into_tuple().all(&transaction).await?.into_iter().collect();
        // In the order of their keys on every instance, so that two of them cannot wait for each other.
        for ((app_id, day, code, field), count) in taken.iter().filter(|((app, ..), _)| there.contains(app)) {
            let row = refusal::ActiveModel {
                app_id: Set(*app_id),
                day: Set(*day),
                code: Set((*code).to_owned()),
                field: Set(field.clone()),
                events: Set(count.events),
                last_at: Set(count.last_at),
                message: Set(count.message.clone()),
            };
            let sum = Expr::col((refusal::Entity, Column::Events)).add(count.events);
            let mut again = OnConflict::columns([Column::AppId, Column::Day, Column::Code, Column::Field]);
            again.value(Column::Events, sum).update_columns([Column::LastAt, Column::Message]);
            refusal::Entity::insert(row).on_conflict(again).exec_without_returning(&transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Why events of an app were not kept in the last `days` days, today included: what befell most of them first.
    pub async fn of_app(&self, app: Uuid, days: i32) -> Result<Vec<Refused>> {
        let first = day_of(self.clock.now_ms()).saturating_sub(days - 1);
        let mut all: HashMap<(String, String), Refused> = HashMap::new();
        for row in refusal::Entity::of_app(app, first).all(&*self.db).await? {
            let events = u64::try_from(row.events).unwrap_or_default();
            // The latest comes first.
            let refused = all.entry((row.code.clone(), row.field.clone())).or_insert(Refused {
                code: row.code,
                field: Some(row.field).filter(|field| !field.is_empty()),
                message: row.message,
                events: 0,
                last_at: row.last_at,
            });
            refused.events = refused.events.saturating_add(events);
        }
        let mut all: Vec<Refused> = all.into_values().collect();
        all.sort_unstable_by(|a, b| {
            b.events.cmp(&a.events).then_with(|| (&a.code, &a.field).cmp(&(&b.code, &b.field)))
        });
        Ok(all)
    }

    /// Forgets what was long ago.
    pub async fn forget_old(&self) -> Result<()> {
        let oldest = day_of(self.clock.now_ms()).saturating_sub(KEPT_DAYS);
        refusal::Entity::delete_many().filter(Column::Day.lte(oldest)).exec(self.db.writer()).await?;
        Ok(())
    }
}
