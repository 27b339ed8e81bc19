//! The ids of the commits that this process made last, so that groups look theirs up before they hold the heads.
//!
//! Whoever holds the head of an app keeps all others from storing anything of it, and looking ids up takes a good part
//! of a commit. So a group looks its ids up first, beside the number of the app's last commit, and holds the head
//! afterwards. What was committed in between it can not have seen: of commits of this process the ids are kept here,
//! and of any other, or where it is not known what became of one, the group looks all of its ids up once more.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};
use uuid::Uuid;

/// Commits of an app that are kept.
const COMMITS: usize = 16;
/// Apps of which any are.
const APPS: usize = 64;
/// How long to wait for the news of a commit whose head is free again: a moment, unless its connection was lost.
const NEWS: Duration = Duration::from_millis(50);

type Ids = Arc<HashSet<Uuid, foldhash::fast::RandomState>>;

/// What is kept, by app. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Recent(Arc<Mutex<HashMap<Uuid, VecDeque<Commit>>>>);

#[derive(Clone)]
struct Commit {
    seq: i64,
    ids: Ids,
    fate: watch::Receiver<Fate>,
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nobody knows yet.
    Open,
    /// It is there, and nobody else can have its number.
    Done,
    /// Given up, or its answer was lost: another may have its number.
    Unknown,
}

/// A commit that is about to be made; what became of it is unknown when this is dropped.
pub(super) struct Making(watch::Sender<Fate>);

impl Making {
    /// It was made.
    pub(super) fn done(self) {
        self.0.send_replace(Fate::Done);
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.0.send_if_modified(|fate| {
            let open = *fate == Fate::Open;
            if open {
                *fate = Fate::Unknown;
            }
            open
        });
    }
}

impl Recent {
    /// Notes, while its head is held, that commit `seq` of `app` may store these ids.
    pub(super) fn begin(&self, app: Uuid, seq: i64, ids: impl Iterator<Item = Uuid>) -> Making {
        let (sender, fate) = watch::channel(Fate::Open);
        let mut apps = self.lock();
        if apps.len() >= APPS && !apps.contains_key(&app) {
            apps.clear();
        }
        let commits = apps.entry(app).or_default();
        // An earlier try that was given up had the same number.
        commits.retain(|commit| commit.seq != seq);
        if commits.len() >= COMMITS {
            commits.pop_front();
        }
        commits.push_back(Commit { seq, ids: Arc::new(ids.collect()), fate });
        Making(sender)
    }

    /// Which of `ids` the commits of `app` behind `after` and before `before` may have stored; nothing where one of
    /// them is not known to be of this process.
    pub(super) async fn among(&self, app: Uuid, after: i64, before: i64, ids: &[Uuid]) -> Option<Vec<Uuid>> {
        let commits: Vec<Commit> = {
            let apps = self.lock();
            let known = apps.get(&app).map(|commits| commits.iter().filter(|commit| commit.seq > after));
            known.into_iter().flatten().filter(|commit| commit.seq < before).cloned().collect()
        };
        if i64::try_from(commits.len()).ok()? != before - after - 1 {
            return None;
        }
        for commit in &commits {
            let mut fate = commit.fate.clone();
            let known = timeout(NEWS, fate.wait_for(|fate| *fate != Fate::Open)).await;
            if *known.ok()?.ok()? != Fate::Done {
                return None;
            }
        }
        let met = |id: &&Uuid| commits.iter().any(|commit| commit.ids.contains(*id));
        Some(ids.iter().filter(met).copied().collect())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, VecDeque<Commit>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[tokio::test]
    async fn only_an_unbroken_line_of_own_commits_is_believed() {
        let (recent, app) = (Recent::default(), id(1));
        let ids = [id(10), id(11), id(12)];
        assert_eq!(recent.among(app, 4, 5, &ids).await, Some(vec![]), "nothing came between");
        assert_eq!(recent.among(app, 4, 6, &ids).await, None, "somebody else's");
        let making = recent.begin(app, 5, [id(10)].into_iter());
        assert_eq!(recent.among(app, 4, 6, &ids).await, None, "nobody knows");
        making.done();
        assert_eq!(recent.among(app, 4, 6, &ids).await, Some(vec![id(10)]));
        drop(recent.begin(app, 6, [id(11)].into_iter()));
        assert_eq!(recent.among(app, 4, 7, &ids).await, None, "its number may be another's");
        // The next try has the same number.
        recent.begin(app, 6, [id(12)].into_iter()).done();
        assert_eq!(recent.among(app, 4, 7, &ids).await, Some(vec![id(10), id(12)]));
        assert_eq!(recent.among(app, 5, 7, &ids).await, Some(vec![id(12)]));
        assert_eq!(recent.among(id(2), 5, 7, &ids).await, None, "another app");
        for seq in 7..40 {
            recent.begin(app, seq, std::iter::empty()).done();
        }
        assert_eq!(recent.among(app, 4, 40, &ids).await, None, "forgotten");
    }
}
