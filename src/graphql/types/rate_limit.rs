//! What a sender may still ask.

use async_graphql::{Context, SimpleObject};

use crate::{
    clock::Moment,
    error::Error,
    graphql::{context::ContextExt, error::Result},
};

/// What whoever asks may still ask this minute. Every question costs points, known before it is
/// answered: a report some hundred, a page of a list as much as one of its items times its size. Points
/// come back as time passes. Beside them the number of requests is bounded, which the `RateLimit-*`
/// headers of every answer tell.
#[derive(SimpleObject)]
pub struct RateLimit {
    /// Points there are in a minute.
    limit: i32,
    /// Points that this request costs, all of it together.
    cost: i32,
    /// Points that are left after it.
    remaining: i32,
    /// When all points will be back, if nothing else is asked.
    reset_at: Moment,
}

impl RateLimit {
    /// Of the sender of this request.
    pub fn of(ctx: &Context<'_>) -> Result<Self> {
        let taken = ctx.charge().taken().ok_or_else(|| Error::internal("a document is run that was not charged"))?;
        let whole = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let wait = i64::try_from(taken.decision.reset_after.as_millis()).unwrap_or(i64::MAX);
        Ok(Self {
            limit: whole(taken.decision.limit),
            cost: i32::try_from(taken.cost).unwrap_or(i32::MAX),
            remaining: whole(taken.decision.remaining),
            reset_at: Moment(ctx.app().clock.now_ms().saturating_add(wait)),
        })
    }
}
