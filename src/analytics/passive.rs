//! Events that nobody does: what a page or a library sends by itself, while it is looked at or left, and what
//! says who somebody is. A session of one page view is a bounce with them as without.

use super::accumulator::PAGE_VIEW;
use crate::columnar::{Column, Columns};

/// Types of events that are nobody's doing.
const PASSIVE: [&str; 11] = [
    "page_leave",
    "engagement",
    "performance",
    "web_vitals",
    "$web_vitals",
    "identify",
    "alias",
    "group",
    "set",
    "$set",
    "$feature_flag_called",
];

/// What an event says of whether its session bounces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// One of these alone is a bounce.
    PageView,
    /// Nobody's doing.
    Passive,
    /// With any of these, no session bounces.
    Other,
}

/// Whether a session with so many page views and so many other doings of its visitor bounces.
pub(super) fn bounces(page_views: u32, others: u32) -> bool {
    page_views == 1 && others == 0
}

/// The codes of types of events, found once a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Types {
    page_view: u32,
    passive: [u32; PASSIVE.len()],
    /// How many of these there are.
    met: usize,
}

impl Types {
    pub(super) fn of(columns: &Columns) -> Self {
        let types = columns.place(&Column::EventType).map(|place| columns.dictionary(place));
        let code = |name: &&str| types.and_then(|types| types.code(name));
        let mut all = Self { page_view: code(&PAGE_VIEW).unwrap_or(u32::MAX), passive: [u32::MAX; _], met: 0 };
        for (place, code) in all.passive.iter_mut().zip(PASSIVE.iter().filter_map(code)) {
            *place = code;
            all.met += 1;
        }
        all
    }

    pub(super) fn is_page_view(&self, code: u32) -> bool {
        code == self.page_view
    }

    pub(super) fn doing(&self, code: u32) -> Doing {
        if code == self.page_view {
            Doing::PageView
        } else if self.passive[..self.met].contains(&code) {
            Doing::Passive
        } else {
            Doing::Other
        }
    }
}
