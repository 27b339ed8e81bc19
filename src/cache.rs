//! Answers already computed, in Redis when there is one and in the process otherwise.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use crate::shared::Shared;

/// A bounded cache of serialized values.
#[derive(Clone)]
pub struct Cache {}

impl Cache {
    /// Keeps values for `ttl`.
    pub fn new(_shared: Option<Shared>, _ttl: Duration) -> Self {
        todo!()
    }

    /// The value under `key`; none when it is unknown, unreadable or the cache is away.
    pub async fn get<T: DeserializeOwned>(&self, _key: &str) -> Option<T> {
        todo!()
    }

    /// Keeps `value` under `key`. Never fails: a cache may forget.
    pub async fn put<T: Serialize>(&self, _key: &str, _value: &T) {
        todo!()
    }
}
