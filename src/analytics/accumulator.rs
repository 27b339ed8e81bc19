//! Figures in the making. Every report counts with this, so that they cannot disagree.

use std::ops::Range;

use super::{
    BigInt, Figures, Needs,
    passive::{Doing, Types, bounces},
    revenue::{self, Currency, Decimal, Sums},
    rolled::Summed,
    set::{CodeMap, CodeSet},
};
use crate::columnar::{Column, Columns, NONE, Numbers, View};

/// The type of event that counts as a page view.
pub const PAGE_VIEW: &str = "page_view";

/// What counting looks at in one event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub at: i64,
    pub visitor: u32,
    pub session: u32,
    pub is_page_view: bool,
}

/// The columns of a batch that counting looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Events<'a> {
    timestamps: &'a [i64],
    types: &'a [u32],
    visitors: &'a [u32],
    sessions: &'a [u32],
    revenues: &'a [u32],
    currencies: &'a [u32],
    columns: &'a Columns,
    kinds: Types,
}

/// The columns that figures are counted from.
pub(super) fn columns(needs: Needs) -> impl Iterator<Item = Column> {
    let visitor = needs.users.then_some(Column::Visitor);
    let session = (needs.sessions || needs.visits).then_some(Column::Session);
    let [revenue, currency] = [Column::Revenue, Column::Currency].map(|column| needs.revenue.then_some(column));
    let event_type = (needs.page_views || needs.visits).then_some(Column::EventType);
    [event_type, visitor, session, revenue, currency].into_iter().flatten()
}

impl<'a> Events<'a> {
    pub(super) fn of(view: View<'a>) -> Self {
        let codes = |column| codes(view, &column);
        Self {
            timestamps: view.batch.timestamps,
            types: codes(Column::EventType),
            visitors: codes(Column::Visitor),
            sessions: codes(Column::Session),
            revenues: codes(Column::Revenue),
            currencies: codes(Column::Currency),
            columns: view.columns,
            kinds: Types::of(view.columns),
        }
    }

    pub(super) fn are_page_views(&self) -> impl Iterator<Item = bool> {
        self.types.iter().map(|&code| self.kinds.is_page_view(code))
    }

    /// The same in another order, but for what is not needed.
    pub(super) fn in_order(&self, needs: Needs, rows: &[u32]) -> Ordered<'a> {
        let pick = |codes: &[u32], needed: bool| match needed && !codes.is_empty() {
            true => rows.iter().map(|&row| codes[row as usize]).collect(),
            false => Vec::new(),
        };
        let times = needs.visits || needs.revenue;
        Ordered {
            timestamps: if times {
                rows.iter().map(|&row| self.timestamps[row as usize]).collect()
            } else {
                Vec::new()
            },
            types: pick(self.types, needs.page_views || needs.visits),
            visitors: pick(self.visitors, needs.users || times),
            sessions: pick(self.sessions, needs.sessions || times),
            revenues: pick(self.revenues, needs.revenue),
            currencies: pick(self.currencies, needs.revenue),
            columns: self.columns,
            kinds: self.kinds,
        }
    }

    pub(super) fn get(&self, row: usize) -> Event {
        let code = |codes: &[u32]| codes.get(row).copied().unwrap_or(NONE);
        Event {
            at: self.timestamps[row],
            visitor: code(self.visitors),
            session: code(self.sessions),
            is_page_view: self.kinds.is_page_view(code(self.types)),
        }
    }

    /// What an event brought in, in millionths, with its currency.
    fn revenue(&self, row: usize) -> Option<(Currency, i128)> {
        let code = |codes: &[u32]| codes.get(row).copied().unwrap_or(NONE);
        let amount = Some(code(self.revenues)).filter(|code| *code != NONE)?;
        let value = |column, code| self.columns.value(self.columns.place(column)?, code);
        let amount = Decimal::parse(value(&Column::Revenue, amount)?)?;
        Some((revenue::currency(value(&Column::Currency, code(self.currencies))), amount.0))
    }

    /// Users and sessions event by event, where they are needed.
    pub(super) fn users_and_sessions(&self, needs: Needs) -> [&'a [u32]; 2] {
        [(self.visitors, needs.users), (self.sessions, needs.sessions)]
            .map(|(codes, needed)| if needed { codes } else { Default::default() })
    }
}

/// [`Events`] in an order of their own.
pub(super) struct Ordered<'a> {
    timestamps: Vec<i64>,
    types: Vec<u32>,
    visitors: Vec<u32>,
    sessions: Vec<u32>,
    revenues: Vec<u32>,
    currencies: Vec<u32>,
    columns: &'a Columns,
    kinds: Types,
}

impl Ordered<'_> {
    pub(super) fn view(&self) -> Events<'_> {
        Events {
            timestamps: &self.timestamps,
            types: &self.types,
            visitors: &self.visitors,
            sessions: &self.sessions,
            revenues: &self.revenues,
            currencies: &self.currencies,
            columns: self.columns,
            kinds: self.kinds,
        }
    }
}

/// The codes of a column; none when the scan does not read it.
pub(super) fn codes<'a>(view: View<'a>, column: &Column) -> &'a [u32] {
    view.columns.place(column).and_then(|place| view.batch.codes.get(place)).copied().unwrap_or_default()
}

/// One session within a set of events.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Visit {
    first: i64,
    last: i64,
    page_views: u32,
    /// What else its visitor did.
    others: u32,
}

impl Default for Visit {
    /// One without events.
    fn default() -> Self {
        Self { first: i64::MAX, last: i64::MIN, page_views: 0, others: 0 }
    }
}

/// Counts a set of events.
#[derive(Debug, Clone, Default)]
pub(super) struct Accumulator {
    events: u64,
    page_views: u64,
    users: CodeSet,
    sessions: CodeSet,
    /// Users and sessions of events that were only summed up.
    summed: Option<Box<(Numbers, Numbers)>>,
    visits: CodeMap<Visit>,
    revenue: Sums,
}

impl Accumulator {
    /// Adds events of which nothing else is needed.
    pub(super) fn count(&mut self, events: u64, page_views: u64) {
        self.events += events;
        self.page_views += page_views;
    }

    /// Adds what other events sum up to; once, and to nothing that is merged afterwards.
    pub(super) fn add_summed(&mut self, sum: &Summed) {
        self.count(sum.events, sum.page_views);
        for (currency, millionths) in sum.totals.revenue() {
            self.revenue.add(revenue::currency(currency), millionths);
        }
        self.summed = Some(Box::new((sum.totals.visitors(), sum.totals.sessions())));
    }

    /// Adds these events of a batch, column by column.
    pub(super) fn add_all(&mut self, needs: Needs, events: &Events<'_>, rows: Range<usize>) {
        fn part<'a, T>(codes: &'a [T], rows: &Range<usize>) -> &'a [T] {
            codes.get(rows.clone()).unwrap_or_default()
        }
        self.events += rows.len() as u64;
        if needs.page_views {
            let types = part(events.types, &rows);
            self.page_views += types.iter().filter(|&&code| events.kinds.is_page_view(code)).count() as u64;
        }
        if needs.users {
            self.users.extend(part(events.visitors, &rows));
        }
        if needs.sessions && !needs.visits {
            self.sessions.extend(part(events.sessions, &rows));
        }
        if needs.visits {
            let types = part(events.types, &rows).iter().copied().chain(std::iter::repeat(NONE));
            let all = part(events.timestamps, &rows).iter().zip(part(events.sessions, &rows)).zip(types);
            for ((&at, &session), code) in all {
                let doing = events.kinds.doing(code);
                let [page_views, others] = [Doing::PageView, Doing::Other].map(|one| u32::from(doing == one));
                self.visit(session, Visit { first: at, last: at, page_views, others });
            }
        }
        if needs.revenue {
            for (currency, millionths) in rows.filter_map(|row| events.revenue(row)) {
                self.revenue.add(currency, millionths);
            }
        }
    }

    /// Adds what was counted apart: events, those of them that are page views, whose they are, and of which
    /// sessions.
    pub(super) fn add_counted(&mut self, events: u64, page_views: u64, users: &[u64], sessions: &[u64]) {
        self.count(events, page_views);
        self.users.add_bits(users);
        self.sessions.add_bits(sessions);
    }

    /// Adds what another has counted of other events in the same scan.
    pub(super) fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.page_views += other.page_views;
        self.users.merge(&other.users);
        self.sessions.merge(&other.sessions);
        self.revenue.merge(&other.revenue);
        other.visits.each(|session, &visit| self.visit(session, visit));
    }

    fn visit(&mut self, session: u32, more: Visit) {
        if session == NONE {
            return;
        }
        let visit = self.visits.entry(session);
        visit.first = visit.first.min(more.first);
        visit.last = visit.last.max(more.last);
        // Beyond one, it does not matter how many.
        visit.page_views = visit.page_views.saturating_add(more.page_views);
        visit.others = visit.others.saturating_add(more.others);
    }

    /// About how much memory its sets take, beside itself.
    pub(super) fn bytes(&self) -> usize {
        self.users.bytes() + self.sessions.bytes() + self.visits.bytes() + self.revenue.bytes()
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn page_views(&self) -> u64 {
        self.page_views
    }

    pub(super) fn users(&self) -> u64 {
        match &self.summed {
            Some(summed) => summed.0.len() + self.users.iter().filter(|code| !summed.0.contains(*code)).count() as u64,
            None => self.users.len(),
        }
    }

    /// Every session has a visit where visits are kept.
    pub(super) fn sessions(&self) -> u64 {
        let own = match &self.summed {
            Some(summed) => {
                summed.1.len() + self.sessions.iter().filter(|code| !summed.1.contains(*code)).count() as u64
            }
            None => self.sessions.len(),
        };
        let mut visits = 0;
        self.visits.each(|_, _| visits += 1);
        own.max(visits)
    }

    /// The figures needed; the others stay zero.
    pub(super) fn figures(&self, needs: Needs) -> Figures {
        let mut figures = Figures { events: BigInt(self.events), ..Figures::default() };
        if needs.page_views {
            figures.page_views = BigInt(self.page_views);
        }
        if needs.revenue {
            figures.revenue = self.revenue.revenue();
        }
        if needs.users {
            figures.unique_users = BigInt(self.users());
        }
        if needs.sessions {
            figures.sessions = BigInt(self.sessions());
        }
        if needs.visits {
            // Whole numbers are summed, so that the order of events cannot change the result.
            let (mut visits, mut bounced, mut millis) = (0_u64, 0_u64, 0_i128);
            self.visits.each(|_, visit| {
                visits += 1;
                bounced += u64::from(bounces(visit.page_views, visit.others));
                millis += i128::from(visit.last - visit.first);
            });
            if visits > 0 {
                figures.bounce_rate = Some(bounced as f64 / visits as f64);
                figures.average_session_seconds = Some(millis as f64 / visits as f64 / 1_000.0);
            }
        }
        figures
    }
}
