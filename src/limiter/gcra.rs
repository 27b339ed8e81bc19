//! The arithmetic of limits, once in Rust and once in Lua.
//!
//! GCRA keeps one number a key: its *debt*, how far ahead of the present the permits already
//! taken reach. A permit costs `period / permits` of time, debt is paid off by time passing, and
//! it may never exceed the period. All in whole microseconds, which a Lua number holds exactly.

use std::time::Duration;

use super::{Decision, Quota};

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

/// Takes `cost` out of a key whose debt is paid off at `paid_at`. Answers whether it was taken,
/// and the debt after that.
pub fn take(paid_at: i64, now: i64, cost: i64, most: i64) -> (bool, i64) {
    let debt = (paid_at - now).clamp(0, most);
    if debt + cost > most { (false, debt) } else { (true, debt + cost) }
}

impl Quota {
    /// Microseconds one permit costs; never none, however generous the quota.
    fn permit(self) -> i64 {
        let period = i64::try_from(self.period.as_micros()).unwrap_or(i64::MAX / 4);
        (period / i64::from(self.permits.max(1))).clamp(1, i64::MAX / 4 / i64::from(u32::MAX))
    }

    /// Microseconds `permits` cost.
    pub fn cost(self, permits: u32) -> i64 {
        self.permit() * i64::from(permits)
    }

    /// What to tell somebody who asked for `cost` permits.
    pub fn decision(self, cost: u32, (allowed, debt): (bool, i64)) -> Decision {
        let left = (self.cost(self.permits) - debt).max(0);
        let wait = match allowed {
            true => 0,
            // No waiting will ever do; what is told is at least not an invitation to hammer.
            false if cost > self.permits => self.cost(self.permits),
            false => self.cost(cost) - left,
        };
        Decision {
            allowed,
            limit: self.permits,
            remaining: u32::try_from(left / self.permit()).unwrap_or(u32::MAX),
            reset_after: micros(debt),
            retry_after: micros(wait),
        }
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
