//! Records that are passed over for a while, so that what fails at them keeps nobody else up.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long after the first failure; twice as long after each that follows, up to a bound.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Until when each is passed over, and for how long that was decided.
#[derive(Debug, Default)]
pub(super) struct Later(Mutex<HashMap<i64, (Instant, Duration)>>);

impl Later {
    /// Passes them over from now on.
    pub(super) fn add(&self, ids: impl Iterator<Item = i64>) {
        let (now, mut later) = (Instant::now(), self.lock());
        for id in ids {
            let pause = later.get(&id).map_or(PAUSE, |(_, pause)| (*pause * 2).min(LONGEST_PAUSE));
            later.insert(id, (now + pause, pause));
        }
    }

    /// Whether this one is to be passed over.
    pub(super) fn holds(&self, id: i64) -> bool {
        self.lock().get(&id).is_some_and(|(until, _)| Instant::now() < *until)
    }

    /// Forgets those that are gone.
    pub(super) fn forget(&self, ids: &[i64]) {
        let mut later = self.lock();
        for id in ids {
            later.remove(id);
        }
    }

    /// Whether there are none at all.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, (Instant, Duration)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_until_the_record_is_gone() {
        let later = Later::default();
        later.add([1, 2].into_iter());
        later.add([1].into_iter());
        assert!(later.holds(1) && later.holds(2) && !later.holds(3));
        let pauses = [1, 2].map(|id| later.lock()[&id].1);
        assert_eq!(pauses, [2 * PAUSE, PAUSE]);
        later.forget(&[1, 2]);
        assert!(later.is_empty() && !later.holds(1));
    }
}
