//! Ids of visitors who bring none: the same for a day, and nobody's any more once its salt is gone.
//!
//! The salt of a day is shared by all instances through the database: whoever comes first puts it
//! there, and everybody reads it back. While the database is away on a new day, an instance makes do
//! with a salt of its own; when the database is back its salt is put there, unless another was
//! first, and then those who were met meanwhile count twice on that day.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};
use sha2::{Digest, Sha256};
use tokio::{sync::Mutex, time::timeout};
use uuid::Uuid;

use crate::{
    clock::DAY_MS,
    db::Db,
    entity::visitor_salt,
    error::{Error, Result},
};

/// How long after midnight (UTC) visitors are looked for under yesterday's id as well.
const TURN_MS: i64 = 6 * 60 * 60 * 1_000;
/// How long events wait for the database to tell a salt.
const PATIENCE: Duration = Duration::from_secs(2);
/// When it is asked again, in milliseconds.
const AGAIN_MS: i64 = 5_000;

/// The salts of yesterday and today.
#[derive(Clone)]
pub struct Salts(Arc<Parts>);

struct Parts {
    db: Db,
    known: RwLock<HashMap<i64, Salt>>,
    /// When the database was last asked in vain. Held while it is asked.
    asked: Mutex<i64>,
}

#[derive(Clone, Copy)]
struct Salt {
    bytes: [u8; 32],
    /// Whether the database has it.
    shared: bool,
}

/// What tells a visitor from others.
#[derive(Debug, Clone, Copy)]
pub struct Traits<'a> {
    /// Whose visitor.
    pub app_id: Uuid,
    /// Their address.
    pub ip: IpAddr,
    /// What they use.
    pub user_agent: &'a str,
    /// Where they are.
    pub hostname: Option<&'a str>,
}

impl Salts {
    /// None yet.
    pub fn new(db: Db) -> Self {
        Self(Arc::new(Parts { db, known: RwLock::default(), asked: Mutex::new(i64::MIN) }))
    }

    /// Sees to it that there is a salt for this moment; costs a look where there is one.
    pub async fn ready(&self, now: i64) {
        let today = now.div_euclid(DAY_MS);
        if self.get(today).is_some_and(|salt| salt.shared) {
            return;
        }
        let mut asked = self.0.asked.lock().await;
        let known = self.get(today);
        let is_soon = known.is_some() && now.saturating_sub(*asked) < AGAIN_MS;
        if is_soon || known.is_some_and(|salt| salt.shared) {
            return;
        }
        let own = known.map_or_else(rand::random, |salt| salt.bytes);
        // An answer that comes too late is read the next time.
        match timeout(PATIENCE, share(&self.0.db, today, own)).await.unwrap_or(Err(Error::Timeout)) {
            Ok(salts) => {
                let shared = salts.into_iter().map(|(day, bytes)| (day, Salt { bytes, shared: true }));
                *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = shared.collect();
            }
            Err(error) => {
                tracing::warn!(%error, "the salt of the day is not in the database yet");
                *asked = now;
                let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
                known.retain(|day, _| *day >= today - 1);
                known.entry(today).or_insert(Salt { bytes: own, shared: false });
            }
        }
    }

    /// Forgets what is older than yesterday, here and in the database.
    pub async fn forget_old(&self, now: i64) -> Result<()> {
        let yesterday = now.div_euclid(DAY_MS) - 1;
        self.0.known.write().unwrap_or_else(PoisonError::into_inner).retain(|day, _| *day >= yesterday);
        let old = visitor_salt::Entity::delete_many().filter(visitor_salt::Column::Day.lt(yesterday));
        old.exec(self.0.db.writer()).await?;
        Ok(())
    }

    /// Who a visitor is today, and who they were under yesterday's salt while that is but some hours ago.
    pub(in crate::ingest) fn visitor(&self, now: i64, traits: Traits<'_>) -> (Option<String>, Option<String>) {
        let today = now.div_euclid(DAY_MS);
        let id = |day| Some(traits.id(&self.get(day)?.bytes));
        let has_turned = now.rem_euclid(DAY_MS) < TURN_MS;
        (id(today), if has_turned { id(today - 1) } else { None })
    }

    fn get(&self, day: i64) -> Option<Salt> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).get(&day).copied()
    }
}

/// Puts the salt of a day into the database, unless there is one, and reads back that of the day and
/// of the one before.
async fn share(db: &Db, today: i64, own: [u8; 32]) -> Result<Vec<(i64, [u8; 32])>> {
    use visitor_salt::Column::Day;
    let row = visitor_salt::ActiveModel { day: Set(today), salt: Set(own.to_vec()) };
    let unless_there = OnConflict::column(Day).do_nothing().to_owned();
    visitor_salt::Entity::insert(row).on_conflict(unless_there).exec_without_returning(db.writer()).await?;
    let salts = visitor_salt::Entity::find().filter(Day.gte(today - 1));
    let salts = salts.all(db.writer()).await?.into_iter();
    Ok(salts.filter_map(|row| Some((row.day, row.salt.try_into().ok()?))).collect())
}

impl Traits<'_> {
    fn id(&self, salt: &[u8; 32]) -> String {
        let mut hash = Sha256::new();
        hash.update(salt);
        hash.update(self.app_id);
        match self.ip.to_canonical() {
            IpAddr::V4(ip) => hash.update(ip.octets()),
            IpAddr::V6(ip) => hash.update(ip.octets()),
        }
        hash.update([0]);
        hash.update(self.user_agent);
        hash.update([0]);
        hash.update(self.hostname.unwrap_or_default());
        let digest = hash.finalize();
        let mut half = [0; 16];
        half.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        format!("anon_{}", Uuid::from_bytes(half).simple())
    }
}
