//! The arithmetic of limits: by `governor` in the process, by a script in Redis.
//!
//! GCRA keeps one number a key: its *debt*, how far ahead of the present the permits already
//! taken reach. A permit costs `period / permits` of time, debt is paid off by time passing, and
//! it may never exceed what all permits cost. All in whole microseconds, which a Lua number holds
//! exactly; `governor` counts nanoseconds, and is asked in thousands of them, so that both agree
//! to the unit.

use std::{
    cell::Cell,
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use governor::{
    RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{NotKeyed, StateStore},
};

use super::{Decision, Quota};

/// The longest period, in microseconds: ten years. Thrice that, in nanoseconds, fits 64 bits.
const LONGEST: u64 = 10 * 365 * 24 * 3600 * 1_000_000;

/// Keeps the debt of `KEYS[1]` as the moment when it is paid off. `ARGV` is the cost and the most
/// debt allowed, and in tests the time, which is Redis' own otherwise, so that instances whose
/// clocks differ agree. Answers whether the cost was taken, and the debt after that.
pub const SCRIPT: &str = r"
local now = tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local cost, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local debt = math.min(math.max((tonumber(redis.call('GET', KEYS[1])) or 0) - now, 0), most)
if debt + cost > most then
  return {0, debt}
end
debt = debt + cost
if cost > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000))
end
return {1, debt}
";

/// Takes `cost` permits of `quota` out of a key whose debt is paid off at `paid_at`, or none.
/// Answers whether they were taken, and the debt after that.
pub fn take(paid_at: &AtomicU64, now: u64, quota: Quota, cost: u32) -> (bool, u64) {
    let account = Account::new(paid_at, now, quota.cost(quota.permits));
    let Some(cells) = NonZeroU32::new(quota.at_most_one_too_many(cost)) else {
        return (true, account.debt.get());
    };
    let rate = governor::Quota::with_period(Duration::from_micros(quota.permit()));
    let (Some(rate), Some(burst)) = (rate, NonZeroU32::new(quota.permits)) else {
        return (false, account.debt.get());
    };
    let limiter = RateLimiter::<_, _, _, NoOpMiddleware<Nanos>>::new(rate.allow_burst(burst), account, AtRest);
    // The outer error is a cost above the burst, which no waiting will make fit.
    let allowed = matches!(limiter.check_n(cells), Ok(Ok(())));
    (allowed, limiter.into_state_store().debt.get())
}

/// What `governor` sees of a key for one question. It is shown the debt in place of a time, at a
/// clock that stands at zero; so one number a key serves whatever quota is asked for, it may be
/// raised by what Redis says, and a copy of it answers what would be without taking anything.
struct Account<'a> {
    paid_at: &'a AtomicU64,
    now: u64,
    most: u64,
    /// The debt as last seen or left.
    debt: Cell<u64>,
}

impl<'a> Account<'a> {
    fn new(paid_at: &'a AtomicU64, now: u64, most: u64) -> Self {
        let account = Self { paid_at, now, most, debt: Cell::default() };
        account.look(paid_at.load(Ordering::Acquire));
        account
    }

    /// The debt when it is paid off at `paid_at`.
    fn look(&self, paid_at: u64) -> u64 {
        self.debt.set(paid_at.saturating_sub(self.now).min(self.most));
        self.debt.get()
    }
}

impl StateStore for Account<'_> {
    type Key = NotKeyed;

    /// Concurrent callers retry until each has seen the other's debt.
    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut seen = self.paid_at.load(Ordering::Acquire);
        loop {
            let (outcome, debt) = decide(Some(Nanos::from(self.look(seen) * 1_000)))?;
            let paid_at = self.now.saturating_add(debt.as_u64() / 1_000);
            match self.paid_at.compare_exchange_weak(seen, paid_at, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    self.look(paid_at);
                    return Ok(outcome);
                }
                Err(newer) => seen = newer,
            }
        }
    }
}

/// The clock of an [`Account`].
struct AtRest;

impl Clock for AtRest {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::default()
    }
}

impl Quota {
    /// Microseconds one permit costs; never none, however generous the quota.
    fn permit(self) -> u64 {
        let period = u64::try_from(self.period.as_micros()).unwrap_or(u64::MAX).min(LONGEST);
        (period / u64::from(self.permits.max(1))).max(1)
    }

    /// `cost`, where all that can never be allowed is the same.
    fn at_most_one_too_many(self, cost: u32) -> u32 {
        cost.min(self.permits.saturating_add(1))
    }

    /// Microseconds `cost` permits cost; beyond the quota's, one permit more than all.
    pub fn cost(self, cost: u32) -> u64 {
        self.permit() * u64::from(self.at_most_one_too_many(cost))
    }

    /// What to tell somebody who asked for `cost` permits.
    pub fn decision(self, cost: u32, (allowed, debt): (bool, u64)) -> Decision {
        let left = self.cost(self.permits).saturating_sub(debt);
        let wait = match allowed {
            true => 0,
            // No waiting will ever do; what is told is at least not an invitation to hammer.
            false if cost > self.permits => self.cost(self.permits.max(1)),
            false => self.cost(cost).saturating_sub(left),
        };
        Decision {
            allowed,
            limit: self.permits,
            remaining: u32::try_from(left / self.permit()).unwrap_or(u32::MAX),
            reset_after: Duration::from_micros(debt),
            retry_after: Duration::from_micros(wait),
        }
    }
}
