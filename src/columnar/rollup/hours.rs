//! Questions about whole hours: sums in place of events.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::{
    DIMENSIONS, HOUR,
    stretch::{Span, Stretch},
    tally::{Share, Tally},
};
use crate::{
    columnar::{Column, Columnar, Columns, NONE, snapshot::Snapshot},
    error::Result,
};

/// The whole hours of a question, and what it wants to know of them.
#[derive(Debug, Clone, Default)]
pub struct Hours {
    /// The start of the first, in milliseconds.
    pub from: i64,
    /// The end of the last, in milliseconds.
    pub to: i64,
    /// Stretches of them to sum up, as milliseconds of whole hours.
    pub stretches: Vec<(i64, i64)>,
    /// Whether it asks who did something.
    pub visitors: bool,
    /// Whether it asks for sessions.
    pub sessions: bool,
}

/// What the events of a stretch sum up to; of an empty one by default.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    counts: Option<Arc<Stretch>>,
    visitors: Option<Arc<Stretch>>,
    sessions: Option<Arc<Stretch>>,
    is_bot: Option<bool>,
}

/// Events with the same values together.
#[derive(Debug, Default)]
pub struct Grouped {
    /// Codes column by column, as the question has them; none of columns that are not grouped by.
    pub codes: Vec<Vec<u32>>,
    /// How many events have them.
    pub events: Vec<u64>,
}

/// A set of visitors or sessions, by the numbers that they have in every question.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    stretch: Option<Arc<Stretch>>,
    is_bot: Option<bool>,
    is_of_sessions: bool,
}

impl Hours {
    /// The same hours for two reports, the stretches of one before those of the other.
    pub fn and(mut self, other: Self) -> Self {
        self.stretches.extend(other.stretches);
        self.visitors |= other.visitors;
        self.sessions |= other.sessions;
        self
    }
}

impl Columnar {
    /// The sums of a question's stretches; nothing when a rollup is no more.
    pub(in crate::columnar) async fn totals(
        &self,
        snapshot: &Arc<Snapshot>,
        hours: &Hours,
        is_bot: Option<bool>,
    ) -> Result<Option<Vec<Totals>>> {
        let spans: Vec<Span> =
            hours.stretches.iter().map(|(from, to)| (from.div_euclid(HOUR), to.div_euclid(HOUR))).collect();
        let shares =
            [Some(Share::Counts), hours.visitors.then_some(Share::Visitors), hours.sessions.then_some(Share::Sessions)];
        let shares: Vec<Share> = shares.into_iter().flatten().collect();
        let Some(found) = self.stretches(snapshot, &spans, &shares).await? else { return Ok(None) };
        let mut totals: Vec<Totals> = spans.iter().map(|_| Totals { is_bot, ..Totals::default() }).collect();
        for (share, stretches) in shares.into_iter().zip(found) {
            for (totals, stretch) in totals.iter_mut().zip(stretches) {
                *match share {
                    Share::Counts => &mut totals.counts,
                    Share::Visitors => &mut totals.visitors,
                    Share::Sessions => &mut totals.sessions,
                } = Some(stretch);
            }
        }
        Ok(Some(totals))
    }
}

/// The tallies of people, of bots, or of both.
fn tallies(stretch: Option<&Arc<Stretch>>, is_bot: Option<bool>) -> impl Iterator<Item = &Tally> {
    let all = stretch.into_iter().flat_map(|stretch| stretch.tallies.iter().zip([false, true]));
    all.filter(move |(_, bots)| is_bot.is_none_or(|is_bot| is_bot == *bots)).map(|(tally, _)| tally)
}

impl Totals {
    fn counted(&self) -> impl Iterator<Item = &Tally> {
        tallies(self.counts.as_ref(), self.is_bot).filter(|tally| tally.events > 0)
    }

    /// Number of events.
    pub fn events(&self) -> u64 {
        self.counted().map(|tally| tally.events).sum()
    }

    /// When the first and the last of them happened.
    pub fn seen(&self) -> Option<(i64, i64)> {
        let seen = self.counted().map(|tally| (tally.first, tally.last));
        seen.reduce(|(first, last), (from, to)| (first.min(from), last.max(to)))
    }

    /// What they brought in, in millionths, by currency; a currency may be met twice.
    pub fn revenue(&self) -> impl Iterator<Item = (Option<&str>, i128)> {
        self.counted().flat_map(|tally| tally.revenue.iter().map(|(currency, sum)| (currency.as_deref(), *sum)))
    }

    /// Whose events they are.
    pub fn visitors(&self) -> Numbers {
        Numbers { stretch: self.visitors.clone(), is_bot: self.is_bot, is_of_sessions: false }
    }

    /// Of which sessions they are.
    pub fn sessions(&self) -> Numbers {
        Numbers { stretch: self.sessions.clone(), is_bot: self.is_bot, is_of_sessions: true }
    }

    /// How many of the events are of a type.
    pub fn events_of(&self, kind: &str) -> u64 {
        let groups = self.counted().filter_map(|tally| tally.groups.first()).flatten();
        groups.filter(|((own, _), _)| own.as_deref() == Some(kind)).map(|(_, events)| events).sum()
    }

    /// The events by their types and the value of one of [`DIMENSIONS`], if one is asked for.
    pub fn grouped(&self, columns: &mut Columns, by: Option<&Column>) -> Grouped {
        let places = [columns.place(&Column::EventType), by.and_then(|by| columns.place(by))];
        let by = DIMENSIONS.iter().position(|dimension| Some(dimension) == by);
        let mut grouped =
            Grouped { codes: columns.columns().iter().map(|_| Vec::new()).collect(), ..Grouped::default() };
        for tally in self.counted() {
            for ((kind, value), events) in tally.groups.get(by.unwrap_or_default()).into_iter().flatten() {
                for (place, text) in places.iter().zip([kind, value]) {
                    let Some(place) = *place else { continue };
                    let dictionary = columns.dictionary_mut(place);
                    let code = text.as_deref().map_or(NONE, |text| dictionary.intern(text));
                    grouped.codes[place].push(code);
                }
                grouped.events.push(*events);
            }
        }
        grouped
    }
}

impl Numbers {
    fn sets(&self) -> impl Iterator<Item = &RoaringBitmap> {
        let tallies = tallies(self.stretch.as_ref(), self.is_bot);
        tallies.map(|tally| if self.is_of_sessions { &tally.sessions } else { &tally.visitors })
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        let mut sets = self.sets();
        match (sets.next(), sets.next()) {
            (Some(people), Some(bots)) if !bots.is_empty() => people.union_len(bots),
            (Some(one), _) => one.len(),
            _ => 0,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this number is among them.
    pub fn contains(&self, number: u32) -> bool {
        self.sets().any(|set| set.contains(number))
    }
}
