//! What an instance keeps of an app between two questions.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};
use uuid::Uuid;

use super::{APP_IDLE, Columnar, header::Segment, numbers::Kind, snapshot::Snapshot, tail::Gathered};
use crate::entity::segment_head;

/// Events of a tail. One that is longer is sealed first by whoever asks,
pub(super) const MAX_TAIL: usize = 400_000;
/// and so is one of more bytes.
pub(super) const MAX_TAIL_BYTES: usize = 256 << 20;
/// How long whoever seals waits for those who read what is known of an app.
const HOLD: Duration = Duration::from_millis(500);
/// The same on SQLite, which has one writer.
const HOLD_WRITER: Duration = Duration::from_millis(50);

/// What an instance keeps of an app.
#[derive(Debug, Clone, Default)]
pub(super) struct Known(pub(super) Arc<Mutex<Option<State>>>);

/// The last snapshot, and a tail that goes on.
#[derive(Debug)]
pub(super) struct State {
    pub(super) snapshot: Arc<Snapshot>,
    /// The commit up to which the tail has been read.
    pub(super) seq: i64,
    pub(super) tail: Gathered,
    /// The revision of the segments that the tail follows on.
    revision: i64,
    /// When somebody last asked about it.
    pub(super) asked_at: Instant,
}

impl State {
    /// Of all commits up to one, as of now.
    pub(super) fn of(
        app: Uuid,
        (seq, head): (i64, segment_head::Model),
        segments: Vec<Arc<Segment>>,
        rollups: Arc<HashMap<i64, (usize, i64)>>,
        tail: Gathered,
    ) -> Self {
        let (view, revision) = (tail.view(), head.revision);
        let snapshot = Arc::new(Snapshot { app, head, segments, rollups, tail: view });
        Self { snapshot, seq, tail, revision, asked_at: Instant::now() }
    }

    /// Whether its tail only lacks what came up to a commit, with segments as `head` says.
    pub(super) fn goes_on(&self, seq: i64, head: &segment_head::Model) -> bool {
        self.revision == head.revision && self.seq <= seq
    }

    /// How many events, and of how many bytes, its tail has room for.
    pub(super) fn room(&self) -> (usize, usize) {
        (MAX_TAIL.saturating_sub(self.tail.events()), MAX_TAIL_BYTES.saturating_sub(self.tail.bytes()))
    }

    /// Lets the tail follow on the segments as they have become, where it followed on them as they were. `new` are
    /// those who got numbers, from the first that was free.
    pub(super) fn go_on(
        &mut self,
        before: &segment_head::Model,
        now: &segment_head::Model,
        new: &[(Kind, Vec<String>)],
    ) {
        if self.revision != before.revision {
            return;
        }
        let state_of = |head: &segment_head::Model| (head.sealed_seq, head.visitors, head.sessions);
        if state_of(before) != state_of(now) {
            self.tail.seal(before, now, new);
            self.seq = self.seq.max(now.sealed_seq);
        }
        self.revision += 1;
    }
}

impl Columnar {
    /// Keeps questions from what is known of an app, unless they are long at it. What nobody has asked for long is
    /// forgotten.
    pub(super) async fn hold(&self, app: Uuid) -> Option<OwnedMutexGuard<Option<State>>> {
        let known = self.apps.get(&app)?;
        let longest = if self.db.is_postgres() { HOLD } else { HOLD_WRITER };
        let mut state = timeout(longest, known.0.lock_owned()).await.ok()?;
        state.take_if(|state| state.asked_at.elapsed() > APP_IDLE);
        Some(state)
    }
}
