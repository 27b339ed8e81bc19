//! Answers already computed, in Redis when there is one and in the process otherwise.
//!
//! Keys carry the version of the data they were computed from, so a value is never stale and a
//! copy in the process is as good as the one in Redis.

use std::{sync::Arc, time::Duration};

use metrics::counter;
use moka::sync::Cache as Local;
use redis::AsyncCommands as _;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::shared::Shared;

/// Bytes of keys and values the process keeps.
const LOCAL_BYTES: u64 = 64 << 20;

/// A larger value is not kept; computing it again is cheaper than what it would push out.
const VALUE_BYTES: usize = 4 << 20;

/// What every key in Redis begins with. Releases may serialize differently, so they do not share.
const PREFIX: &str = concat!("uea:cache:", env!("CARGO_PKG_VERSION"), ":");

/// The same for all releases.
const ANY_RELEASE: &str = "uea:cache:*:";

/// What the keys of all answers about an app begin with.
pub fn answers_of(app: Uuid) -> String {
    format!("answer:{}:", app.simple())
}

/// A bounded cache of serialized values.
#[derive(Clone)]
pub struct Cache {
    local: Local<String, Arc<[u8]>>,
    shared: Option<Shared>,
    ttl: Duration,
}

impl Cache {
    /// Keeps values for `ttl`.
    pub fn new(shared: Option<Shared>, ttl: Duration) -> Self {
        let weigh = |key: &String, value: &Arc<[u8]>| u32::try_from(key.len() + value.len()).unwrap_or(u32::MAX);
        let local = Local::builder().weigher(weigh).max_capacity(LOCAL_BYTES).time_to_live(ttl).build();
        Self { local, shared, ttl }
    }

    /// The value under `key`; none when it is unknown, unreadable or the cache is away.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let bytes = match self.local.get(key) {
            Some(bytes) => Some(bytes),
            None => self.fetch(key).await,
        };
        let value = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        counter!("uea_cache_total", "result" => if value.is_some() { "hit" } else { "miss" }).increment(1);
        value
    }

    /// Keeps `value` under `key`. Never fails: a cache may forget.
    pub async fn put<T: Serialize>(&self, key: &str, value: &T) {
        let Ok(bytes) = serde_json::to_vec(value) else { return };
        if bytes.len() > VALUE_BYTES {
            return;
        }
        let bytes: Arc<[u8]> = bytes.into();
        self.local.insert(key.to_owned(), bytes.clone());
        if let Some(shared) = &self.shared {
            let (name, ttl) = (format!("{PREFIX}{key}"), self.ttl.as_secs().max(1));
            shared.call(async move |mut redis| redis.set_ex::<_, _, ()>(name, &*bytes, ttl).await).await;
        }
    }

    /// Drops every value whose key begins so, here and in Redis. Copies in other processes stay there until
    /// their time is over; whoever must not show them asks under another key.
    pub async fn forget(&self, prefix: &str) {
        let keys: Vec<Arc<String>> =
            self.local.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(key, _)| key).collect();
        for key in keys {
            self.local.invalidate(&*key);
        }
        let Some(shared) = &self.shared else { return };
        let (pattern, mut cursor) = (format!("{ANY_RELEASE}{prefix}*"), 0u64);
        loop {
            let scanned = shared.call(async |mut redis| {
                let mut scan = redis::cmd("SCAN");
                scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1_000);
                let (next, keys): (u64, Vec<String>) = scan.query_async(&mut redis).await?;
                if !keys.is_empty() {
                    redis.unlink::<_, ()>(keys).await?;
                }
                Ok(next)
            });
            match scanned.await {
                // Away or through.
                None | Some(0) => return,
                Some(next) => cursor = next,
            }
        }
    }

    /// What another instance has kept.
    async fn fetch(&self, key: &str) -> Option<Arc<[u8]>> {
        let name = format!("{PREFIX}{key}");
        let found = self.shared.as_ref()?.call(async move |mut redis| redis.get::<_, Option<Vec<u8>>>(name).await);
        let bytes: Arc<[u8]> = found.await??.into();
        self.local.insert(key.to_owned(), bytes.clone());
        Some(bytes)
    }
}
