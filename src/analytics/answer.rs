//! Questions to answers: from the cache, or by one scan for all that ask about the same events.

use crate::{
    analytics::{Answer, Question},
    auth::AppScope,
    cache::Cache,
    db::Db,
    error::Result,
};

/// An answer, and whether it was computed before.
#[derive(Debug, Clone)]
pub struct Answered {
    /// What was asked for.
    pub answer: Answer,
    /// Whether it came from the cache.
    pub cached: bool,
}

/// Answers every question, in their order. Questions that share app, range, filter and commit
/// share one scan.
pub async fn answer(_db: &Db, _cache: &Cache, _questions: &[Question]) -> Vec<Result<Answered>> {
    todo!()
}

/// The number of the app's last commit: everything asked within one request is asked as of it.
pub async fn head(_db: &Db, _app: AppScope) -> Result<i64> {
    todo!()
}
