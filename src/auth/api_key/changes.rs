//! What was changed on this instance, so that what was read before is not believed any more.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use uuid::Uuid;

/// Apps whose last change is remembered. Where there are more, everything counts as changed.
const APPS: usize = 10_000;

/// Numbers the changes, over all apps.
#[derive(Debug, Default)]
pub(super) struct Changes {
    latest: AtomicU64,
    of_apps: Mutex<OfApps>,
}

#[derive(Debug, Default)]
struct OfApps {
    /// The last change of each app; of those that are not here, it was this one or an earlier one.
    others: u64,
    last: HashMap<Uuid, u64>,
}

impl Changes {
    /// The number of the latest change of any app.
    pub(super) fn latest(&self) -> u64 {
        self.latest.load(Ordering::Acquire)
    }

    /// Notes that something of this app has changed.
    pub(super) fn add(&self, app: Uuid) {
        let mut of_apps = self.of_apps.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.latest.fetch_add(1, Ordering::AcqRel) + 1;
        if of_apps.last.len() >= APPS {
            *of_apps = OfApps { others: number, last: HashMap::new() };
        }
        of_apps.last.insert(app, number);
    }

    /// Whether what was read of this app when `latest` was the latest change is still so.
    pub(super) fn is_current(&self, app: Uuid, latest: u64) -> bool {
        let of_apps = self.of_apps.lock().unwrap_or_else(PoisonError::into_inner);
        of_apps.last.get(&app).copied().unwrap_or(of_apps.others) <= latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_of_one_app_until_there_are_too_many() {
        let (changes, [a, b]) = (Changes::default(), [1, 2].map(Uuid::from_u128));
        let before = changes.latest();
        changes.add(a);
        assert!(!changes.is_current(a, before) && changes.is_current(b, before));
        assert!(changes.is_current(a, changes.latest()));
        for app in 0..APPS as u128 {
            changes.add(Uuid::from_u128(1_000 + app));
        }
        assert!(!changes.is_current(b, before), "nobody knows any more");
        assert!(changes.is_current(b, changes.latest()));
    }
}
