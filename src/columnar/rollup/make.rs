//! Columns into a rollup.

use std::{collections::BTreeMap, sync::Arc};

use roaring::RoaringBitmap;

use super::{DIMENSIONS, HOUR, Hour, Rollup, tally::Tally};
use crate::columnar::{
    Column, NONE,
    part::{Loaded, Part, Parts},
    row::millionths,
    values::{Places, Translate, Values},
};

/// The sums of a segment that has these parts; nothing where they do not say enough.
pub(in crate::columnar) fn made_of(parts: &Parts) -> Option<Rollup> {
    let Some(Loaded::Numbers(times)) = parts.get(&Part::Times) else { return None };
    let of = |column: Column| match parts.get(&Part::Column(column)) {
        Some(Loaded::Values(values)) => Some(Texts::of(values)),
        _ => None,
    };
    let types = of(Column::EventType)?;
    let by: Vec<Texts<'_>> = DIMENSIONS.into_iter().map(of).collect::<Option<_>>()?;
    let columns = Columns {
        times,
        types,
        by,
        visitors: of(Column::Visitor)?,
        sessions: of(Column::Session)?,
        revenues: of(Column::Revenue)?,
        currencies: of(Column::Currency)?,
    };
    let is_bot = of(Column::IsBot)?;
    let mut hours = Vec::new();
    let mut from = 0;
    while let Some(&at) = times.get(from) {
        let number = at.div_euclid(HOUR);
        let to = from + times.get(from..)?.partition_point(|at| at.div_euclid(HOUR) == number);
        let codes = is_bot.codes(Places::All { from, to });
        let is = |code: u32| is_bot.values.texts.get(code) == Some("true");
        for bots in [false, true] {
            let own = codes.iter().enumerate().filter(|(_, code)| is(**code) == bots);
            let places: Vec<u32> = own.map(|(place, _)| (from + place) as u32).collect();
            if !places.is_empty() {
                hours.push(Hour { number, is_bot: bots, tally: columns.tally(&places) });
            }
        }
        from = to;
    }
    Some(Rollup { hours })
}

/// What is summed.
struct Columns<'a> {
    times: &'a [i64],
    types: Texts<'a>,
    by: Vec<Texts<'a>>,
    visitors: Texts<'a>,
    sessions: Texts<'a>,
    revenues: Texts<'a>,
    currencies: Texts<'a>,
}

/// A column, with its texts ready to be shared.
struct Texts<'a> {
    values: &'a Values,
    texts: Vec<Option<Arc<str>>>,
}

impl<'a> Texts<'a> {
    fn of(values: &'a Values) -> Self {
        let texts = std::iter::once(None).chain(values.texts.iter().map(|text| Some(Arc::from(text))));
        Self { values, texts: texts.collect() }
    }

    fn codes(&self, places: Places<'_>) -> Vec<u32> {
        let mut codes = Vec::with_capacity(places.len());
        self.values.codes.read(places, Translate::Same, &mut codes);
        codes
    }

    fn text(&self, code: u32) -> Option<Arc<str>> {
        self.texts.get(code as usize).cloned().flatten()
    }

    /// The different codes, but that of no value.
    fn set(&self, places: Places<'_>) -> RoaringBitmap {
        let mut codes = self.codes(places);
        codes.sort_unstable();
        codes.into_iter().filter(|code| *code != NONE).collect()
    }
}

impl Columns<'_> {
    /// Of the events in these places, of which there is at least one, in their order.
    fn tally(&self, places: &[u32]) -> Tally {
        let at = |place: Option<&u32>| place.and_then(|&place| self.times.get(place as usize)).copied();
        let places_of = Places::Some(places);
        let types = self.types.codes(places_of);
        let mut tally = Tally {
            events: places.len() as u64,
            first: at(places.first()).unwrap_or_default(),
            last: at(places.last()).unwrap_or_default(),
            visitors: self.visitors.set(places_of),
            sessions: self.sessions.set(places_of),
            ..Tally::default()
        };
        for (groups, by) in tally.groups.iter_mut().zip(&self.by) {
            let values = by.codes(places_of);
            let mut pairs: Vec<u64> =
                types.iter().zip(values).map(|(&kind, value)| u64::from(kind) << 32 | u64::from(value)).collect();
            pairs.sort_unstable();
            let same = pairs.chunk_by(|a, b| a == b).filter_map(|same| Some((*same.first()?, same.len() as u64)));
            groups.extend(
                same.map(|(pair, count)| ((self.types.text((pair >> 32) as u32), by.text(pair as u32)), count)),
            );
            // Codes rise with their texts in segments, and need not elsewhere.
            groups.sort_unstable();
        }
        let mut sums: BTreeMap<Option<Arc<str>>, i128> = BTreeMap::new();
        let revenues = self.revenues.codes(places_of);
        for (code, currency) in revenues.into_iter().zip(self.currencies.codes(places_of)) {
            if let Some(amount) = self.revenues.values.texts.get(code).and_then(millionths) {
                *sums.entry(self.currencies.text(currency)).or_default() += amount;
            }
        }
        tally.revenue = sums.into_iter().collect();
        tally
    }
}
