//! Users of a range, sorted and in pages.

use std::{
    cmp::{Ordering, Reverse},
    collections::HashSet,
};

use async_graphql::Enum;
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

use super::{
    BigInt,
    accumulator::{Event, Events},
    set::table_bytes,
};
use crate::{
    clock::Moment,
    columnar::{Column, Columns, NONE, View},
};

/// Computes a [`UserPage`].
#[derive(Debug, Clone)]
pub(super) struct UsersKernel {
    order: UserOrder,
    first: usize,
    after: Option<(i64, String)>,
    /// What each user did, by their code.
    users: Vec<Activity>,
    /// The first user met of each session, by its code. Most sessions have no other.
    owners: Vec<u32>,
    /// Further users, each with the session.
    shared: HashSet<(u32, u32), RandomState>,
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
    pub(super) fn add(&mut self, event: Event) {
        if self.events == 0 {
            (self.first, self.last) = (event.at, event.at);
        }
        self.first = self.first.min(event.at);
        self.last = self.last.max(event.at);
        self.events += 1;
        self.page_views += u64::from(event.is_page_view);
    }

    /// Adds what happened besides, but for sessions, which may be the same.
    pub(super) fn merge(&mut self, other: &Self) {
        if other.events == 0 {
            return;
        }
        if self.events == 0 {
            (self.first, self.last) = (other.first, other.last);
        }
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.events += other.events;
        self.page_views += other.page_views;
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

/// What one user did in a range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserTotals {
    /// The user id, or the anonymous id of somebody not yet known.
    pub user_id: String,
    /// Number of events.
    pub events: BigInt,
    /// Number of different session ids.
    pub sessions: BigInt,
    /// Number of events of type `page_view`.
    pub page_views: BigInt,
    /// When their first event happened.
    pub first_seen_at: Moment,
    /// When their last event happened.
    pub last_seen_at: Moment,
}

/// What to sort users by, largest or latest first.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub enum UserOrder {
    /// When they were last seen.
    #[default]
    LastSeen,
    /// When they were first seen.
    FirstSeen,
    /// Number of events.
    Events,
}

/// A page of users, sorted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserPage {
    /// At most as many as asked for.
    pub users: Vec<UserTotals>,
    /// Whether more follow.
    pub more: bool,
    /// Users of the range, on all pages.
    pub total: BigInt,
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
        Self { order, first, after, users: Vec::new(), owners: Vec::new(), shared: HashSet::default() }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> + use<> {
        [Column::Visitor, Column::Session, Column::EventType].into_iter()
    }

    pub(super) fn fold(&mut self, view: View<'_>) {
        let events = Events::of(view);
        for event in (0..view.batch.len()).map(|row| events.get(row)).filter(|event| event.visitor != NONE) {
            self.of(event.visitor).add(event);
            self.belongs(event.session, event.visitor);
        }
    }

    fn of(&mut self, visitor: u32) -> &mut Activity {
        let place = visitor as usize;
        if self.users.len() <= place {
            self.users.resize(place + 1, Activity::default());
        }
        &mut self.users[place]
    }

    fn belongs(&mut self, session: u32, visitor: u32) {
        let place = session as usize;
        if session == NONE || visitor == NONE {
            return;
        }
        if self.owners.len() <= place {
            self.owners.resize(place + 1, NONE);
        }
        match &mut self.owners[place] {
            owner if *owner == NONE => *owner = visitor,
            owner if *owner == visitor => {}
            _ => drop(self.shared.insert((visitor, session))),
        }
    }

    /// Adds what another has counted of other events.
    pub(super) fn merge(&mut self, other: &Self) {
        for (visitor, activity) in other.users.iter().enumerate().filter(|(_, activity)| activity.events > 0) {
            self.of(visitor as u32).merge(activity);
        }
        for (session, &visitor) in other.owners.iter().enumerate() {
            self.belongs(session as u32, visitor);
        }
        other.shared.iter().for_each(|&(visitor, session)| self.belongs(session, visitor));
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let shared = table_bytes(self.shared.capacity(), size_of::<(u32, u32)>());
        self.users.capacity() * size_of::<Activity>() + self.owners.capacity() * size_of::<u32>() + shared
    }

    pub(super) fn finish(mut self, columns: &Columns) -> UserPage {
        let shared = self.shared.iter().map(|(visitor, _)| *visitor);
        for visitor in self.owners.iter().copied().chain(shared).filter(|&visitor| visitor != NONE) {
            if let Some(user) = self.users.get_mut(visitor as usize) {
                user.sessions += 1;
            }
        }
        let place = columns.place(&Column::Visitor);
        let id = |code: usize| place.and_then(|place| columns.value(place, code as u32)).unwrap_or_default();
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
