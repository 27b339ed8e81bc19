//! Users of a range, sorted and in pages.

use std::{
    cmp::{Ordering, Reverse},
    collections::HashSet,
};

use foldhash::fast::RandomState;

use super::{
    BigInt, UserOrder, UserPage, UserTotals,
    accumulator::{Event, Events, table_bytes},
};
use crate::{
    clock::Moment,
    columnar::{Column, Columns, NONE, View},
};

/// Computes a [`UserPage`].
#[derive(Debug)]
pub(super) struct UsersKernel {
    order: UserOrder,
    first: usize,
    after: Option<(i64, String)>,
    /// What each user did, by their code.
    users: Vec<Activity>,
    sessions: HashSet<(u32, u32), RandomState>,
}

/// What one user did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Activity {
    pub events: u64,
    pub sessions: u64,
    pub page_views: u64,
    pub first: i64,
    pub last: i64,
}

impl Activity {
    pub(super) fn add(&mut self, event: Event, is_new_session: bool) {
        if self.events == 0 {
            (self.first, self.last) = (event.at, event.at);
        }
        self.first = self.first.min(event.at);
        self.last = self.last.max(event.at);
        self.events += 1;
        self.page_views += u64::from(event.is_page_view);
        self.sessions += u64::from(is_new_session);
    }

    pub(super) fn totals(self, user_id: &str) -> UserTotals {
        UserTotals {
            user_id: user_id.to_owned(),
            events: BigInt(self.events),
            sessions: BigInt(self.sessions),
            page_views: BigInt(self.page_views),
            first_seen_at: Moment(self.first),
            last_seen_at: Moment(self.last),
        }
    }
}

impl UserOrder {
    /// The value that users are sorted by, and that a page's cursor holds beside the user's id.
    pub fn value(self, user: &UserTotals) -> i64 {
        match self {
            Self::LastSeen => user.last_seen_at.0,
            Self::FirstSeen => user.first_seen_at.0,
            Self::Events => user.events.0 as i64,
        }
    }
}

impl UsersKernel {
    pub(super) fn new(order: UserOrder, first: usize, after: Option<(i64, String)>) -> Self {
        Self { order, first, after, users: Vec::new(), sessions: HashSet::default() }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> + use<> {
        [Column::Visitor, Column::Session, Column::EventType].into_iter()
    }

    pub(super) fn fold(&mut self, view: View<'_>, rows: &[usize]) {
        let events = Events::of(view);
        for event in rows.iter().map(|&row| events.get(row)).filter(|event| event.visitor != NONE) {
            let place = event.visitor as usize;
            if self.users.len() <= place {
                self.users.resize(place + 1, Activity::default());
            }
            let is_new = event.session != NONE && self.sessions.insert((event.visitor, event.session));
            self.users[place].add(event, is_new);
        }
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let sessions = table_bytes(self.sessions.capacity(), size_of::<(u32, u32)>());
        self.users.capacity() * size_of::<Activity>() + sessions
    }

    pub(super) fn finish(self, columns: &Columns) -> UserPage {
        let dictionary = columns.place(&Column::Visitor).map(|place| columns.dictionary(place));
        let id = |code: usize| dictionary.and_then(|dictionary| dictionary.value(code as u32)).unwrap_or_default();
        let value = |code: usize| {
            let user = &self.users[code];
            match self.order {
                UserOrder::LastSeen => user.last,
                UserOrder::FirstSeen => user.first,
                UserOrder::Events => user.events as i64,
            }
        };
        let seen: Vec<usize> = (0..self.users.len()).filter(|&code| self.users[code].events > 0).collect();
        let total = BigInt(seen.len() as u64);
        let is_behind = |code: &usize| {
            self.after.as_ref().is_none_or(|(after, user)| {
                (Reverse(value(*code)), id(*code)).cmp(&(Reverse(*after), user.as_str())) == Ordering::Greater
            })
        };
        let compare = |a: &usize, b: &usize| value(*b).cmp(&value(*a)).then_with(|| id(*a).cmp(id(*b)));
        let mut codes: Vec<usize> = seen.into_iter().filter(is_behind).collect();
        let more = codes.len() > self.first;
        if more {
            codes.select_nth_unstable_by(self.first, compare);
            codes.truncate(self.first);
        }
        codes.sort_unstable_by(compare);
        let users = codes.into_iter().map(|code| self.users[code].totals(id(code)));
        UserPage { users: users.collect(), more, total }
    }
}
