//! The numbers that this instance met lately, so that sealing looks up few.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;
use uuid::Uuid;

use super::numbers::Kind;
use crate::entity::segment_head;

/// Texts of a kind that are kept before those met longest ago are forgotten.
const TEXTS: usize = 50_000;
/// Bytes that may be kept over all apps.
const BYTES: usize = 64 << 20;
/// What a text costs beside its bytes.
const ENTRY_BYTES: usize = 48;

/// What is kept of all apps. Whoever holds it is the only one of this instance that changes segments.
#[derive(Debug, Default)]
pub(super) struct Apps(BTreeMap<Uuid, Lately>);

impl Apps {
    /// What is known of an app whose segments are as `head` says: nothing where others have changed them.
    pub(super) fn take(&mut self, head: &segment_head::Model) -> Lately {
        self.0.remove(&head.app_id).filter(|lately| lately.revision == head.revision).unwrap_or_default()
    }

    /// Keeps it, as of the step of this instance that followed on `head`.
    pub(super) fn keep(&mut self, head: &segment_head::Model, mut lately: Lately) {
        lately.revision = head.revision + 1;
        let room = BYTES.saturating_sub(lately.bytes());
        while self.0.values().map(Lately::bytes).sum::<usize>() > room {
            self.0.pop_first();
        }
        self.0.insert(head.app_id, lately);
    }
}

/// Numbers of an app's visitors and sessions.
#[derive(Debug, Default)]
pub(super) struct Lately {
    /// The revision of the app's segments that the numbers are known as of.
    revision: i64,
    kinds: [Generations; 2],
    /// Whether ids of sessions come again long after they were met first.
    sessions_return: bool,
}

/// What was met since half of it was forgotten, and what was met before.
#[derive(Debug, Default)]
struct Generations {
    young: Texts,
    old: Texts,
}

#[derive(Debug, Default)]
struct Texts {
    numbers: HashMap<Box<str>, u32, RandomState>,
    bytes: usize,
}

impl Lately {
    /// The number of a text.
    pub(super) fn number(&self, kind: Kind, text: &str) -> Option<u32> {
        let Generations { young, old } = &self.kinds[kind as usize];
        young.numbers.get(text).or_else(|| old.numbers.get(text)).copied()
    }

    /// Whether a text that was not met lately may be taken for new. A session is soon over, and its id
    /// with it; should one have a number after all, that is found out when it is to be given another.
    pub(super) fn takes_for_new(&self, kind: Kind) -> bool {
        kind == Kind::Session && self.revision > 0 && !self.sessions_return
    }

    /// Notes that a session came again long after it was met first.
    pub(super) fn expect_sessions_again(&mut self) {
        self.sessions_return = true;
    }

    /// Adds the numbers of texts that were met.
    pub(super) fn add<'t>(&mut self, kind: Kind, numbers: impl Iterator<Item = (&'t str, u32)>) {
        let Generations { young, old } = &mut self.kinds[kind as usize];
        for (text, number) in numbers {
            if young.numbers.len() >= TEXTS {
                *old = std::mem::take(young);
            }
            if !young.numbers.contains_key(text) {
                young.bytes += text.len() + ENTRY_BYTES;
                young.numbers.insert(text.into(), number);
            }
        }
    }

    fn bytes(&self) -> usize {
        self.kinds.iter().map(|kind| kind.young.bytes + kind.old.bytes).sum()
    }
}
