//! Sessions of visitors whose client keeps none.
//!
//! A session goes on until its visitor has been silent for half an hour, or comes by a new campaign.
//! It is found under the lock that every writer of the app's events holds, so that two instances
//! can not begin it twice. A late event joins what it lies next to; sessions that are there stay
//! apart, whatever comes between them. Groups whose events all bring a session cost nothing here.

mod postgres;
mod sqlite;

use std::{borrow::Cow, collections::HashMap};

use sea_orm::DbErr;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::{connection::Transaction, row::Row};
use crate::error::of_driver;

/// How long a visitor may be silent, in milliseconds.
const SILENCE_MS: i64 = 30 * 60 * 1_000;
/// How far back the campaign of a session is looked for.
const CAMPAIGN_MS: i64 = 24 * 60 * 60 * 1_000;
/// And in how many of the visitor's last events: an id that many share must not cost a scan.
const CAMPAIGN_EVENTS: i64 = 200;
/// By how much an event may have arrived before it happened.
const EARLY_MS: i64 = 5 * 60 * 1_000;

/// Source, medium and name of a campaign.
type Campaign = [Option<String>; 3];

/// A visitor of an app.
type Visitor = (Uuid, String);

/// An event without a session, and whose neighbours are looked for.
struct Probe {
    visitor: Visitor,
    at: i64,
    /// Whether it brings a campaign, which has to be held against that of its neighbour's session.
    has_campaign: bool,
}

/// An event of the same visitor, not more than the silence away.
#[derive(Debug, Clone)]
struct Near {
    at: i64,
    session: String,
    campaign: Campaign,
}

/// The nearest stored events of a visitor that have a session.
#[derive(Debug, Default)]
struct Neighbours {
    /// At the same time or before, with the campaign of its session where it was asked for.
    before: Option<Near>,
    /// After, with its own campaign; not looked for where there is one before.
    after: Option<Near>,
}

/// As whom else a visitor may have been here a moment ago.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Other {
    /// Before they were known: the session goes on.
    Anonymous,
    /// Under the salt of yesterday: session and id go on.
    Yesterday,
}

/// Gives every event of a visitor a session.
pub(super) async fn complete(transaction: &mut Transaction<'_>, rows: &mut [Row<'_>]) -> Result<(), DbErr> {
    if !rows.iter().any(|row| row.session_id.is_none() && visitor(row).is_some()) {
        return Ok(());
    }
    let mut order: Vec<usize> = (0..rows.len()).filter(|&place| visitor(&rows[place]).is_some()).collect();
    order.sort_unstable_by_key(|&place| (rows[place].draft.event.timestamp, rows[place].key()));
    let lacking = || order.iter().map(|&place| &rows[place]).filter(|row| row.session_id.is_none());
    let probes: Vec<Probe> = lacking().flat_map(|row| probes(row).into_iter().map(|(probe, _)| probe)).collect();
    let found = match transaction {
        Transaction::Postgres(transaction) => postgres::neighbours(transaction, &probes).await,
        Transaction::Sqlite(transaction) => sqlite::neighbours(transaction, &probes).await,
    };
    let mut found = found.map_err(of_driver)?.into_iter();
    let mut group = Group::of(rows, &order);
    for place in order {
        let Some(row) = rows.get_mut(place) else { continue };
        group.take(row, &mut found);
    }
    Ok(())
}

/// Whom an event counts for; nobody for a bot's.
fn visitor(row: &Row<'_>) -> Option<Visitor> {
    let id = row.user_id.as_deref().or(row.anonymous_id.as_deref()).filter(|_| !row.draft.event.is_bot)?;
    Some((row.draft.event.app_id, id.to_owned()))
}

/// What an event without a session asks, first as who its visitor is.
fn probes(row: &Row<'_>) -> Vec<(Probe, Option<Other>)> {
    let other = match (&row.user_id, &row.anonymous_id, &row.draft.yesterday) {
        (Some(user), Some(anonymous), _) if user != anonymous => Some((anonymous.as_ref(), Other::Anonymous)),
        (None, _, Some(yesterday)) => Some((yesterday.as_str(), Other::Yesterday)),
        _ => None,
    };
    let app_id = row.draft.event.app_id;
    let has_campaign = campaign(row).iter().any(Option::is_some);
    let probe = |visitor| Probe { visitor, at: row.draft.event.timestamp, has_campaign };
    let own = visitor(row).map(|visitor| (probe(visitor), None));
    let other = other.map(|(id, other)| (probe((app_id, id.to_owned())), Some(other)));
    own.into_iter().chain(other).collect()
}

fn campaign(row: &Row<'_>) -> Campaign {
    let event = &row.draft.event;
    [event.utm_source.clone(), event.utm_medium.clone(), event.utm_campaign.clone()]
}

fn is_named(campaign: &Campaign) -> bool {
    campaign.iter().any(Option::is_some)
}

/// What is known of the visitors of a group, event by event.
struct Group {
    /// The last event taken of each.
    last: HashMap<Visitor, Near>,
    /// The events with a session of the client's, oldest first.
    given: HashMap<Visitor, Vec<Near>>,
}

impl Group {
    fn of(rows: &[Row<'_>], order: &[usize]) -> Self {
        let mut given: HashMap<Visitor, Vec<Near>> = HashMap::new();
        for row in order.iter().filter_map(|&place| rows.get(place)) {
            if let (Some(visitor), Some(session)) = (visitor(row), row.session_id.as_deref()) {
                let near = Near { at: row.draft.event.timestamp, session: session.to_owned(), campaign: campaign(row) };
                given.entry(visitor).or_default().push(near);
            }
        }
        Self { last: HashMap::new(), given }
    }

    /// Takes the next event in time. One without a session gets one, by its neighbours out of `found`.
    fn take(&mut self, row: &mut Row<'_>, found: &mut impl Iterator<Item = Neighbours>) {
        let at = row.draft.event.timestamp;
        let own_campaign = campaign(row);
        let Some(mut who) = visitor(row) else { return };
        if let Some(session) = row.session_id.as_deref() {
            let session = session.to_owned();
            self.remember(who, Near { at, session, campaign: own_campaign });
            return;
        }
        let (mut before, mut after) = (None::<Near>, None);
        for (probe, other) in probes(row) {
            let stored = found.next().unwrap_or_default();
            let candidate = self.before(&probe, stored.before);
            let is_nearer = match (&before, &candidate) {
                (Some(before), Some(candidate)) => candidate.at > before.at,
                (None, candidate) => candidate.is_some(),
                _ => false,
            };
            if other.is_none() {
                after = self.after(&probe).into_iter().chain(stored.after).min_by_key(|near| near.at);
            }
            if is_nearer {
                before = candidate;
                if other == Some(Other::Yesterday) {
                    row.anonymous_id = Some(Cow::Owned(probe.visitor.1.clone()));
                    who = probe.visitor;
                }
            }
        }
        let goes_on = |near: &Near| !is_named(&own_campaign) || near.campaign == own_campaign;
        let leads_to = |near: &Near| !is_named(&near.campaign) || near.campaign == own_campaign;
        let session = match before {
            Some(near) => goes_on(&near).then_some(near),
            None => after.filter(leads_to),
        };
        let (session, inherited) = match session {
            Some(near) => (near.session, near.campaign),
            None => (session_id(&who, at), Campaign::default()),
        };
        row.session_id = Some(Cow::Owned(session.clone()));
        let campaign = if is_named(&own_campaign) { own_campaign } else { inherited };
        self.remember(who, Near { at, session, campaign });
    }

    /// The last event before, in the group or stored; one session's campaign is told by either.
    fn before(&self, probe: &Probe, stored: Option<Near>) -> Option<Near> {
        let own = self.last.get(&probe.visitor).filter(|near| probe.at - near.at <= SILENCE_MS).cloned();
        match (own, stored) {
            (Some(mut own), Some(stored)) if own.at >= stored.at => {
                if own.session == stored.session && !is_named(&own.campaign) {
                    own.campaign = stored.campaign;
                }
                Some(own)
            }
            (own, None) => own,
            (_, stored) => stored,
        }
    }

    /// The next event of the group that brings a session.
    fn after(&self, probe: &Probe) -> Option<Near> {
        let given = self.given.get(&probe.visitor)?;
        let next = given.get(given.partition_point(|near| near.at <= probe.at))?;
        (next.at - probe.at <= SILENCE_MS).then(|| next.clone())
    }

    fn remember(&mut self, who: Visitor, mut near: Near) {
        if let Some(last) = self.last.get(&who)
            && last.session == near.session
            && !is_named(&near.campaign)
        {
            near.campaign = last.campaign.clone();
        }
        self.last.insert(who, near);
    }
}

/// The same on every instance and in either store: made of app, visitor and start.
fn session_id((app_id, visitor): &Visitor, start: i64) -> String {
    let digest = Sha256::new().chain_update(app_id).chain_update(visitor).chain_update(start.to_be_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}
