//! The sessions of a range one by one, in pages.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap, HashSet, hash_map::Entry},
    ops::ControlFlow,
    sync::Arc,
};

use async_graphql::SimpleObject;
use foldhash::fast::RandomState;

use super::{
    BigInt,
    accumulator::{Events, codes},
    allowance::{Account, Allowance},
    behaviour::{Among, Behaved, Doers, Known},
    events::EventsQuestion,
    matcher::Matcher,
    set::table_bytes,
};
use crate::{
    clock::Moment,
    columnar::{Column, Columnar, Columns, NONE, Scan, View, Worker},
    error::{Error, Result},
};

/// How often a page is begun anew because segments were replaced.
const ATTEMPTS: usize = 5;

/// A visit, as far as its events are among those asked about: the events of one session id. What is said
/// of it is what its first event says that says anything of it; of several at one moment, what comes first
/// in order.
#[derive(SimpleObject, Debug, Clone, PartialEq)]
pub struct VisitorSession {
    /// The session id, the client's or the server's.
    pub session_id: String,
    /// When its first event happened.
    pub started_at: Moment,
    /// When its last event happened.
    pub ended_at: Moment,
    /// Time from its first to its last event, in seconds.
    pub seconds: f64,
    /// Number of events.
    pub events: BigInt,
    /// Number of events of type `page_view`.
    pub page_views: BigInt,
    /// Whose it is: a user id, or the anonymous id of somebody not yet known; null where no event says so.
    pub user_id: Option<String>,
    /// Where it begins: the page of its first event that has one.
    pub entry_page: Option<String>,
    /// Where it ends: the page of its last event that has one.
    pub exit_page: Option<String>,
    /// Host the visitor came from; null for direct visits and the site's own pages.
    pub referrer_domain: Option<String>,
    /// `utm_source` of the page's address.
    pub utm_source: Option<String>,
    /// Two-letter country code (ISO 3166-1).
    pub country: Option<String>,
    /// `desktop`, `mobile`, `tablet`, `tv`, `console` or `bot`.
    pub device: Option<String>,
    /// Browser name.
    pub browser: Option<String>,
}

/// A page of sessions, the latest start first; those that start together in the order of their ids.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionPage {
    /// At most as many as asked for.
    pub sessions: Vec<VisitorSession>,
    /// Whether more follow.
    pub more: bool,
    /// Sessions of the range, on all pages.
    pub total: BigInt,
}

/// What is said of a session, and whether its last event says it.
const SAID: [(Column, bool); 8] = [
    (Column::Visitor, false),
    (Column::Path, false),
    (Column::Path, true),
    (Column::ReferrerDomain, false),
    (Column::UtmSource, false),
    (Column::Country, false),
    (Column::Device, false),
    (Column::Browser, false),
];

/// A page of the sessions that `question` selects, behind the one with this start and id.
pub async fn sessions(
    columnar: &Columnar,
    allowance: &Allowance,
    behaved: &Behaved,
    question: &EventsQuestion,
    after: Option<(i64, String)>,
) -> Result<SessionPage> {
    let _turn = allowance.turn().await?;
    let bound = after.as_ref().map_or(i64::MAX, |(start, _)| *start);
    let mut attempts = 0;
    let (listing, columns, candidates, names) = loop {
        let (listing, columns, known) = scan(columnar, allowance, behaved, question).await?;
        let candidates = listing.candidates(bound, question.first + 1);
        let starts = candidates.iter().map(|(code, seen)| (*code, seen.first)).collect();
        if let Some(names) = columnar.session_ids(&columns, question.app, question.seq, starts).await? {
            break (listing, columns, candidates, names);
        }
        attempts += 1;
        if attempts > ATTEMPTS {
            return Err(Error::unavailable("segments were replaced again and again"));
        }
        known.iter().try_for_each(|known| behaved.forget(known))?;
    };
    let total = BigInt(listing.sessions.len() as u64);
    // What was erased in between is left out.
    let named = candidates.into_iter().filter_map(|(code, seen)| Some((seen.first, names.get(&code)?, code, seen)));
    let is_behind = |start: i64, id: &str| {
        after.as_ref().is_none_or(|(last, other)| (Reverse(start), id) > (Reverse(*last), other.as_str()))
    };
    let mut named: Vec<_> = named.filter(|(start, id, ..)| is_behind(*start, id)).collect();
    named.sort_unstable_by(|(one, a, ..), (other, b, ..)| (Reverse(one), a).cmp(&(Reverse(other), b)));
    let more = named.len() > question.first;
    named.truncate(question.first);
    let visitors = named.iter().flat_map(|(.., code, seen)| listing.codes_said(*code, seen, 0)).collect();
    let visitors = columnar.visitor_ids(&columns, &visitors).await?;
    let sessions = named.into_iter().map(|(_, id, code, seen)| listing.told(id, code, &seen, &columns, &visitors));
    Ok(SessionPage { sessions: sessions.collect(), more, total })
}

async fn scan(
    columnar: &Columnar,
    allowance: &Allowance,
    behaved: &Behaved,
    question: &EventsQuestion,
) -> Result<(Listing, Columns, Option<Arc<Known>>)> {
    let EventsQuestion { app, range, bots, seq, .. } = *question;
    let columns: HashSet<Column> = SAID.into_iter().map(|(column, _)| column).collect();
    let what = Scan {
        app,
        from: range.from,
        to: range.to,
        seq,
        visitor: None,
        is_bot: bots.is_bot(),
        select: question.filter.looked_at(),
        sieve: Some(Arc::new(Matcher::new(&question.filter))),
        columns: columns.into_iter().chain([Column::Session, Column::EventType]).collect(),
        times: true,
        ids: false,
        names: question.filter.names(),
    };
    let matcher = Matcher::new(&question.filter);
    let listing = |doers: &Doers| {
        let mut matcher = matcher.clone();
        matcher.know(doers);
        Counting { matcher, listing: Listing::default(), account: allowance.account() }
    };
    let mut behaviours = HashSet::new();
    matcher.behaviours(&mut behaviours);
    let (workers, columns, known) = if behaviours.is_empty() {
        let (workers, columns) = columnar.scan(what, || listing(&Doers::new())).await?;
        (workers, columns, None)
    } else {
        let among = Among { app, range, bots, seq };
        loop {
            let (known, doers) = behaved.find(columnar, allowance, among, &behaviours).await?;
            match columnar.scan_pinned(&known.pinned, &what, &|| listing(&doers)).await? {
                Some((workers, columns)) => break (workers, columns, Some(known)),
                None => behaved.forget(&known)?,
            }
        }
    };
    let mut all = Listing::default();
    workers.into_iter().for_each(|worker| all.merge(worker.listing));
    Ok((all, columns, known))
}

/// The sessions that one thread has seen.
struct Counting {
    matcher: Matcher,
    listing: Listing,
    account: Account,
}

impl Worker for Counting {
    fn select(&mut self, view: View<'_>, rows: &mut Vec<u32>) {
        self.matcher.select(view, rows);
    }

    fn fold(&mut self, view: View<'_>) -> Result<ControlFlow<()>> {
        self.listing.fold(view);
        self.account.holds(self.listing.bytes()).map(|()| ControlFlow::Continue(()))
    }
}

/// What is known of a session: times, numbers, and when and with which code each thing was said of it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    first: i64,
    last: i64,
    events: u64,
    page_views: u64,
    said: [(i64, u32); SAID.len()],
}

/// Sessions by their codes.
#[derive(Debug, Default)]
struct Listing {
    sessions: HashMap<u32, Seen, RandomState>,
    /// What was said at the same moment as something else of the same kind.
    besides: BTreeSet<(u32, usize, i64, u32)>,
}

impl Listing {
    fn fold(&mut self, view: View<'_>) {
        let events = Events::of(view);
        let columns = SAID.map(|(column, _)| codes(view, &column));
        for row in 0..view.batch.len() {
            let event = events.get(row);
            if event.session != NONE {
                let said = columns.map(|column| (event.at, column.get(row).copied().unwrap_or(NONE)));
                let (at, page_views) = (event.at, u64::from(event.is_page_view));
                self.add(event.session, Seen { first: at, last: at, events: 1, page_views, said });
            }
        }
    }

    fn add(&mut self, session: u32, more: Seen) {
        let seen = match self.sessions.entry(session) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(place) => {
                place.insert(more);
                return;
            }
        };
        seen.first = seen.first.min(more.first);
        seen.last = seen.last.max(more.last);
        seen.events += more.events;
        seen.page_views += more.page_views;
        for (kind, ((own, other), (_, is_last))) in seen.said.iter_mut().zip(more.said).zip(SAID).enumerate() {
            if other.1 == NONE || *own == other {
                continue;
            }
            if own.1 == NONE || (other.0 != own.0 && (other.0 > own.0) == is_last) {
                *own = other;
            } else if other.0 == own.0 {
                self.besides.insert((session, kind, other.0, other.1));
            }
        }
    }

    /// Adds what another has seen of other events.
    fn merge(&mut self, other: Self) {
        self.besides.extend(other.besides);
        other.sessions.into_iter().for_each(|(session, seen)| self.add(session, seen));
    }

    /// About how much memory it takes.
    fn bytes(&self) -> usize {
        table_bytes(self.sessions.capacity(), size_of::<(u32, Seen)>())
            + self.besides.len() * 2 * size_of::<(u32, usize, i64, u32)>()
    }

    /// The sessions among which the next page is: those that start at `bound`, so many before it, and
    /// whichever start together with the last of them.
    fn candidates(&self, bound: i64, most: usize) -> Vec<(u32, Seen)> {
        let mut found: Vec<_> = self.sessions.iter().map(|(&code, &seen)| (code, seen)).collect();
        found.retain(|(_, seen)| seen.first <= bound);
        let together = found.iter().filter(|(_, seen)| seen.first == bound).count();
        if found.len() > together + most {
            let place = together + most - 1;
            let (_, (_, last), _) = found.select_nth_unstable_by_key(place, |(_, seen)| Reverse(seen.first));
            let last = last.first;
            found.retain(|(_, seen)| seen.first >= last);
        }
        found
    }

    /// Codes of what was said first, or last, of a kind.
    fn codes_said(&self, session: u32, seen: &Seen, kind: usize) -> impl Iterator<Item = u32> {
        let (at, own) = seen.said[kind];
        let others = self.besides.range((session, kind, at, 0)..=(session, kind, at, u32::MAX));
        others.map(|(.., other)| *other).chain([own]).filter(|code| *code != NONE)
    }

    fn told(
        &self,
        id: &str,
        code: u32,
        seen: &Seen,
        columns: &Columns,
        visitors: &HashMap<u32, String>,
    ) -> VisitorSession {
        let text = |kind: usize, code: u32| match &SAID.get(kind)?.0 {
            Column::Visitor => visitors.get(&code).map(String::as_str),
            column => columns.value(columns.place(column)?, code),
        };
        let [user_id, entry_page, exit_page, referrer_domain, utm_source, country, device, browser] =
            std::array::from_fn(|kind| {
                let all = self.codes_said(code, seen, kind);
                all.filter_map(|code| text(kind, code)).min().map(str::to_owned)
            });
        VisitorSession {
            session_id: id.to_owned(),
            started_at: Moment(seen.first),
            ended_at: Moment(seen.last),
            seconds: seen.last.abs_diff(seen.first) as f64 / 1_000.0,
            events: BigInt(seen.events),
            page_views: BigInt(seen.page_views),
            user_id,
            entry_page,
            exit_page,
            referrer_domain,
            utm_source,
            country,
            device,
            browser,
        }
    }
}
