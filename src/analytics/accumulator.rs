//! Figures in the making. Every report counts with this, so that they cannot disagree.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::{
    BigInt, Figures, Needs,
    revenue::{self, Currency, Decimal, Sums},
};
use crate::columnar::{Column, Columns, NONE, View};

/// The type of event that counts as a page view.
pub const PAGE_VIEW: &str = "page_view";

/// A set of codes.
pub(super) type Codes = HashSet<u32, RandomState>;

/// What counting looks at in one event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub at: i64,
    pub visitor: u32,
    pub session: u32,
    pub is_page_view: bool,
    /// In millionths, with its currency.
    pub revenue: Option<(Currency, i128)>,
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
    page_view: u32,
}

/// The columns that figures are counted from.
pub(super) fn columns(needs: Needs) -> impl Iterator<Item = Column> {
    let visitor = needs.users.then_some(Column::Visitor);
    let session = (needs.sessions || needs.visits).then_some(Column::Session);
    let [revenue, currency] = [Column::Revenue, Column::Currency].map(|column| needs.revenue.then_some(column));
    [Some(Column::EventType), visitor, session, revenue, currency].into_iter().flatten()
}

impl<'a> Events<'a> {
    pub(super) fn of(view: View<'a>) -> Self {
        let codes = |column| codes(view, &column);
        let types = view.columns.place(&Column::EventType);
        let page_view = types.and_then(|place| view.columns.dictionary(place).code(PAGE_VIEW));
        Self {
            timestamps: &view.batch.timestamps,
            types: codes(Column::EventType),
            visitors: codes(Column::Visitor),
            sessions: codes(Column::Session),
            revenues: codes(Column::Revenue),
            currencies: codes(Column::Currency),
            columns: view.columns,
            page_view: page_view.unwrap_or(u32::MAX),
        }
    }

    pub(super) fn get(&self, row: usize) -> Event {
        let code = |codes: &[u32]| codes.get(row).copied().unwrap_or(NONE);
        Event {
            at: self.timestamps[row],
            visitor: code(self.visitors),
            session: code(self.sessions),
            is_page_view: code(self.types) == self.page_view,
            revenue: Some(code(self.revenues)).filter(|code| *code != NONE).and_then(|amount| {
                let value = |column, code| self.columns.dictionary(self.columns.place(column)?).value(code);
                let amount = Decimal::parse(value(&Column::Revenue, amount)?)?;
                Some((revenue::currency(value(&Column::Currency, code(self.currencies))), amount.0))
            }),
        }
    }
}

/// The codes of a column; none when the scan does not read it.
pub(super) fn codes<'a>(view: View<'a>, column: &Column) -> &'a [u32] {
    view.columns.place(column).map_or(&[], |place| &view.batch.codes[place])
}

/// One session within a set of events.
#[derive(Debug, Clone, Copy)]
struct Visit {
    first: i64,
    last: i64,
    events: u32,
    page_views: u32,
}

/// Bytes of a table with this many places, each of which takes so many; tables are an eighth empty,
/// and small ones have a row of marks beside.
pub(super) const fn table_bytes(places: usize, each: usize) -> usize {
    if places == 0 { 0 } else { 32 + places * (each + 1) * 8 / 7 }
}

/// Counts a set of events.
#[derive(Debug, Default)]
pub(super) struct Accumulator {
    events: u64,
    page_views: u64,
    users: Codes,
    sessions: Codes,
    visits: HashMap<u32, Visit, RandomState>,
    revenue: Sums,
}

impl Accumulator {
    pub(super) fn add(&mut self, needs: Needs, event: Event) {
        self.events += 1;
        self.page_views += u64::from(event.is_page_view);
        if needs.users && event.visitor != NONE {
            self.users.insert(event.visitor);
        }
        if needs.revenue
            && let Some((currency, millionths)) = event.revenue
        {
            self.revenue.add(currency, millionths);
        }
        if event.session == NONE {
            return;
        }
        if needs.visits {
            let page_views = u32::from(event.is_page_view);
            self.visit(event.session, Visit { first: event.at, last: event.at, events: 1, page_views });
        } else if needs.sessions {
            self.sessions.insert(event.session);
        }
    }

    /// Adds what another has counted of other events in the same scan.
    pub(super) fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.page_views += other.page_views;
        self.users.extend(&other.users);
        self.sessions.extend(&other.sessions);
        self.revenue.merge(&other.revenue);
        for (&session, &visit) in &other.visits {
            self.visit(session, visit);
        }
    }

    fn visit(&mut self, session: u32, more: Visit) {
        let visit = self.visits.entry(session).or_insert(Visit { events: 0, page_views: 0, ..more });
        visit.first = visit.first.min(more.first);
        visit.last = visit.last.max(more.last);
        // Beyond one, it does not matter how many.
        visit.events = visit.events.saturating_add(more.events);
        visit.page_views = visit.page_views.saturating_add(more.page_views);
    }

    /// About how much memory its sets take, beside itself.
    pub(super) fn bytes(&self) -> usize {
        table_bytes(self.users.capacity(), size_of::<u32>())
            + table_bytes(self.sessions.capacity(), size_of::<u32>())
            + table_bytes(self.visits.capacity(), size_of::<(u32, Visit)>())
            + self.revenue.bytes()
    }

    /// Adds an event and tells by how many bytes its sets have grown, for whoever keeps too many
    /// of these to ask each.
    pub(super) fn grow(&mut self, needs: Needs, event: Event) -> usize {
        let before = self.bytes();
        self.add(needs, event);
        self.bytes() - before
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn page_views(&self) -> u64 {
        self.page_views
    }

    pub(super) fn users(&self) -> u64 {
        self.users.len() as u64
    }

    /// Every session has a visit where visits are kept.
    pub(super) fn sessions(&self) -> u64 {
        self.sessions.len().max(self.visits.len()) as u64
    }

    /// The figures needed; the others stay zero.
    pub(super) fn figures(&self, needs: Needs) -> Figures {
        let mut figures =
            Figures { events: BigInt(self.events), page_views: BigInt(self.page_views), ..Figures::default() };
        if needs.revenue {
            figures.revenue = self.revenue.revenue();
        }
        if needs.users {
            figures.unique_users = BigInt(self.users());
        }
        if needs.sessions {
            figures.sessions = BigInt(self.sessions());
        }
        if needs.visits && !self.visits.is_empty() {
            // Whole numbers are summed, so that the order of events cannot change the result.
            let (mut bounced, mut millis) = (0_u64, 0_i128);
            for visit in self.visits.values() {
                bounced += u64::from(visit.events == 1 && visit.page_views == 1);
                millis += i128::from(visit.last - visit.first);
            }
            let visits = self.visits.len() as f64;
            figures.bounce_rate = Some(bounced as f64 / visits);
            figures.average_session_seconds = Some(millis as f64 / visits / 1_000.0);
        }
        figures
    }
}
