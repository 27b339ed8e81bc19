//! Who may ask how often.

use std::time::Duration;

use crate::{error::Error, shared::Shared};

/// A rate: `permits` in `period`, with bursts up to `permits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// How many.
    pub permits: u32,
    /// In how long.
    pub period: Duration,
}

/// What the limiter said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may go on.
    pub allowed: bool,
    /// The quota's permits.
    pub limit: u32,
    /// Permits left right now.
    pub remaining: u32,
    /// Until all permits are back.
    pub reset_after: Duration,
    /// Until this request would be allowed; zero when it was.
    pub retry_after: Duration,
}

impl Decision {
    /// The refusal as an error.
    pub fn into_result(self) -> Result<Self, Error> {
        if self.allowed { Ok(self) } else { Err(Error::RateLimited { retry_after: self.retry_after }) }
    }
}

/// Limits by key: in Redis when there is one, in the process otherwise or while it is away.
#[derive(Clone)]
pub struct Limiter {}

impl Limiter {
    /// Starts with every permit.
    pub fn new(_shared: Option<Shared>) -> Self {
        todo!()
    }

    /// Takes `cost` permits of the quota of `key`, such as `ingest:<key id>`, or none.
    pub async fn check(&self, _key: &str, _quota: Quota, _cost: u32) -> Decision {
        todo!()
    }
}
