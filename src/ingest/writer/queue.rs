//! The requests that wait to be stored: a line an app, served in turns.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use crate::{
    error::Result,
    ingest::{
        Draft, Verdict,
        shares::{Share, Shares},
    },
};

/// A group stops growing at this many events: larger ones add latency and no throughput.
const GROUP_EVENTS: usize = 4_000;

/// How many events an app may put into a group in its turn. What a larger request takes beyond
/// that, its app makes up for by waiting.
const TURN_EVENTS: i64 = 256;

/// Everything that waits.
pub(super) struct Queue {
    /// Room for events, held from the queue to the answer.
    pub(super) room: Shares,
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Default)]
struct Waiting {
    lines: HashMap<Uuid, Line>,
    /// Apps with a line, in the order of their turns.
    turns: VecDeque<Uuid>,
    closed: bool,
}

#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    /// Events it may still take in its turn; negative after a large request.
    credit: i64,
}

/// The events of one request, which all belong to one app.
pub(super) struct Job {
    /// The events, and whether somebody has begun to store them.
    pub(super) slip: Arc<Slip>,
    /// Whom to tell.
    pub(super) reply: oneshot::Sender<Result<Vec<Verdict>>>,
    /// What is given back when the job is dropped, whichever way that happens.
    pub(super) held: (Share, Option<Share>),
}

/// Events that are to be stored by whoever takes them first.
pub(super) struct Slip {
    /// All of one app.
    pub(super) events: Arc<Vec<Draft>>,
    taken: AtomicBool,
}

impl Slip {
    /// Nobody has them yet.
    pub(super) fn new(events: Vec<Draft>) -> Arc<Self> {
        Arc::new(Self { events: Arc::new(events), taken: AtomicBool::new(false) })
    }

    /// True for the first who asks.
    pub(super) fn take(&self) -> bool {
        !self.taken.swap(true, Ordering::AcqRel)
    }
}

impl Queue {
    /// Room for so many events.
    pub(super) fn new(events: usize) -> Self {
        Self { room: Shares::new(events.max(1)), waiting: Mutex::default(), more: Notify::new() }
    }

    /// Puts a request at the end of its app's line.
    pub(super) fn push(&self, app: Uuid, job: Job) {
        let mut waiting = self.lock();
        let Waiting { lines, turns, .. } = &mut *waiting;
        let line = lines.entry(app).or_insert_with(|| {
            turns.push_back(app);
            Line::default()
        });
        line.jobs.push_back(job);
        drop(waiting);
        self.more.notify_one();
    }

    /// Waits until there is something, then takes all that waits, in turns, up to the size of a
    /// group. Nothing when the queue was closed and is empty.
    pub(super) async fn next_group(&self) -> Option<Vec<Job>> {
        loop {
            let more = self.more.notified();
            let (group, some_left, closed) = {
                let mut waiting = self.lock();
                let group = waiting.take_group();
                (group, !waiting.turns.is_empty(), waiting.closed)
            };
            if some_left || closed {
                self.more.notify_one();
            }
            if !group.is_empty() {
                return Some(group);
            }
            if closed {
                return None;
            }
            more.await;
        }
    }

    /// Lets those go who wait for groups, once nothing is left.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.more.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take_group(&mut self) -> Vec<Job> {
        let (mut group, mut events) = (Vec::new(), 0);
        while events < GROUP_EVENTS
            && let Some(app) = self.turns.pop_front()
        {
            let Some(line) = self.lines.get_mut(&app) else { continue };
            line.credit = (line.credit + TURN_EVENTS).min(TURN_EVENTS);
            while events < GROUP_EVENTS
                && line.credit > 0
                && let Some(job) = line.jobs.pop_front()
            {
                let size = job.slip.events.len();
                if job.slip.take() {
                    line.credit -= i64::try_from(size).unwrap_or(i64::MAX);
                    events += size;
                    group.push(job);
                }
            }
            if line.jobs.is_empty() {
                self.lines.remove(&app);
            } else {
                self.turns.push_back(app);
            }
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &Queue, app: u128, events: usize) {
        let app = Uuid::from_u128(app);
        let (reply, _) = oneshot::channel();
        let held = (queue.room.take(app, events).expect("there is room"), None);
        queue.push(app, Job { slip: Slip::new(vec![Draft::default(); events]), reply, held });
    }

    fn sizes(group: &[Job]) -> Vec<usize> {
        group.iter().map(|job| job.slip.events.len()).collect()
    }

    #[tokio::test]
    async fn a_busy_app_shares_each_group_with_the_others() {
        let queue = Queue::new(100_000);
        for _ in 0..10 {
            push(&queue, 1, 2_500);
        }
        for _ in 0..300 {
            push(&queue, 2, 1);
        }
        let group = queue.next_group().await.expect("it is open");
        let small = sizes(&group).iter().filter(|size| **size == 1).count();
        assert_eq!(small, 300, "all of them, between two large ones");
        let rest = sizes(&queue.next_group().await.expect("it is open"));
        assert_eq!(rest, [2_500, 2_500], "alone it has every turn");
    }

    #[tokio::test]
    async fn what_somebody_else_has_taken_is_left_out() {
        let queue = Queue::new(100);
        push(&queue, 1, 1);
        push(&queue, 1, 2);
        let first = queue.lock().lines.values().next().and_then(|line| line.jobs.front()).map(|job| job.slip.clone());
        assert!(first.is_some_and(|slip| slip.take() && !slip.take()));
        assert_eq!(sizes(&queue.next_group().await.expect("it is open")), [2]);
        assert_eq!(queue.room.held(), 0, "it was dropped, and so was its share");
        queue.close();
        assert!(queue.next_group().await.is_none());
    }
}
