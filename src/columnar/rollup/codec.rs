//! Rollups as bytes and back.
//!
//! ```text
//! rollup    version(1) length(4) bytes, zstd or not, crc32(4)
//! inside    texts: how many, their lengths and bytes
//!           hours: how many; of each its distance to the one before, whether of bots, when its first event
//!           happened and how much later its last; for each dimension how many groups: type, value, events;
//!           how many currencies: currency, sum; the visitors; the sessions
//! set       how many, and the distance of each number to the one before
//! ```
//! All numbers are written with seven bits a byte, least significant first. Texts are given by their
//! places from 1; 0 is no text.

use std::{collections::BTreeMap, sync::Arc};

use roaring::RoaringBitmap;

use super::{HOUR, Hour, Rollup, tally::Tally};
use crate::{
    columnar::codec::{Input, damaged, framed, write_bytes},
    error::Result,
};

/// A rollup as bytes.
pub(in crate::columnar) fn encode(rollup: &Rollup) -> Vec<u8> {
    let mut out = Writer::default();
    let mut places: BTreeMap<Arc<str>, u64> = BTreeMap::new();
    for Hour { tally, .. } in &rollup.hours {
        let groups = tally.groups.iter().flatten().flat_map(|((kind, value), _)| [kind, value]);
        let all = groups.chain(tally.revenue.iter().map(|(currency, _)| currency)).flatten();
        places.extend(all.map(|text| (text.clone(), 0)));
    }
    out.number(places.len() as u64);
    for (place, (text, own)) in places.iter_mut().enumerate() {
        *own = place as u64 + 1;
        out.number(text.len() as u64);
        out.0.extend(text.as_bytes());
    }
    let place = |text: &Option<Arc<str>>| text.as_ref().and_then(|text| places.get(text)).copied().unwrap_or_default();
    out.number(rollup.hours.len() as u64);
    let mut before = 0;
    for Hour { number, is_bot, tally } in &rollup.hours {
        out.signed(i128::from(number - before));
        before = *number;
        out.number(u64::from(*is_bot));
        out.number((tally.first - number * HOUR) as u64);
        out.number((tally.last - tally.first) as u64);
        for groups in &tally.groups {
            out.number(groups.len() as u64);
            for ((kind, value), events) in groups {
                [place(kind), place(value), *events].into_iter().for_each(|number| out.number(number));
            }
        }
        out.number(tally.revenue.len() as u64);
        for (currency, sum) in &tally.revenue {
            out.number(place(currency));
            out.signed(*sum);
        }
        out.set(&tally.visitors);
        out.set(&tally.sessions);
    }
    framed(|bytes| {
        bytes.extend((out.0.len() as u32).to_le_bytes());
        write_bytes(&out.0, bytes);
    })
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u64) {
        self.wide(number.into());
    }

    fn signed(&mut self, number: i128) {
        self.wide(((number << 1) ^ (number >> 127)) as u128);
    }

    fn wide(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn set(&mut self, set: &RoaringBitmap) {
        self.number(set.len());
        let mut before = 0;
        for number in set {
            self.number(u64::from(number - before));
            before = number;
        }
    }
}

/// [`encode`] back.
pub(in crate::columnar) fn decode(bytes: &[u8]) -> Result<Rollup> {
    let mut input = Input::open(bytes)?;
    let len = input.length()?;
    let bytes = input.bytes(len)?;
    Reader(&bytes).rollup().ok_or_else(damaged)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn rollup(mut self) -> Option<Rollup> {
        let texts = (0..self.number()?).map(|_| self.text()).collect::<Option<Vec<_>>>()?;
        let text = |place: u64| Some((place > 0).then_some(texts.get((place as usize).checked_sub(1)?)?.clone()));
        let text = |place: u64| if place == 0 { Some(None) } else { text(place) };
        let (mut hours, mut number) = (Vec::new(), 0_i64);
        for _ in 0..self.number()? {
            number = number.checked_add(i64::try_from(self.signed()?).ok()?)?;
            let is_bot = self.number()? == 1;
            let first = number.checked_mul(HOUR)?.checked_add_unsigned(self.number()?)?;
            let mut tally = Tally { first, last: first.checked_add_unsigned(self.number()?)?, ..Tally::default() };
            for groups in &mut tally.groups {
                for _ in 0..self.number()? {
                    let pair = (text(self.number()?)?, text(self.number()?)?);
                    groups.push((pair, self.number()?));
                }
            }
            tally.events = tally.groups.first()?.iter().map(|(_, events)| events).sum();
            for _ in 0..self.number()? {
                let currency = text(self.number()?)?;
                tally.revenue.push((currency, self.signed()?));
            }
            tally.visitors = self.set()?;
            tally.sessions = self.set()?;
            hours.push(Hour { number, is_bot, tally });
        }
        self.0.is_empty().then_some(Rollup { hours })
    }

    fn number(&mut self) -> Option<u64> {
        // Most are of one byte.
        match self.0.split_first()? {
            (&byte, rest) if byte < 0x80 => {
                self.0 = rest;
                Some(byte.into())
            }
            _ => self.wide()?.try_into().ok(),
        }
    }

    fn signed(&mut self) -> Option<i128> {
        let number = self.wide()?;
        Some((number >> 1) as i128 ^ -((number & 1) as i128))
    }

    fn wide(&mut self) -> Option<u128> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u128::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
        }
    }

    fn text(&mut self) -> Option<Arc<str>> {
        let len = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        std::str::from_utf8(text).ok().map(Arc::from)
    }

    fn set(&mut self) -> Option<RoaringBitmap> {
        let (count, mut set, mut before) = (self.number()?, RoaringBitmap::new(), 0_u32);
        for _ in 0..count {
            before = before.checked_add(u32::try_from(self.number()?).ok()?)?;
            set.try_push(before).ok()?;
        }
        Some(set)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = Option<Arc<str>>> {
        prop::option::of("[a-cé]{0,3}").prop_map(|text| text.map(Arc::from))
    }

    fn set() -> impl Strategy<Value = RoaringBitmap> {
        prop::collection::btree_set(prop_oneof![1_u32..200, 1_u32..=u32::MAX], 0..50)
            .prop_map(|set| set.into_iter().collect())
    }

    fn hour() -> impl Strategy<Value = Hour> {
        let groups = prop::collection::btree_map((text(), text()), 1_u64..100_000, 1..9);
        let groups = groups.prop_map(|groups| groups.into_iter().collect::<Vec<_>>());
        let revenue = prop::collection::btree_map(text(), -1_000_000_000_000_000_000_000_i128..1_000_000, 0..3);
        let times = (0..HOUR, 0..HOUR).prop_map(|(a, b)| (a.min(b), a.max(b)));
        (-500_000_i64..500_000, any::<bool>(), times, groups, revenue, set(), set()).prop_map(
            |(number, is_bot, (first, last), groups, revenue, visitors, sessions)| {
                let events = groups.iter().map(|(_, events)| events).sum();
                let (first, last) = (number * HOUR + first, number * HOUR + last);
                let groups = [groups.clone(), groups.clone(), groups.clone(), groups];
                let revenue = revenue.into_iter().collect();
                Hour { number, is_bot, tally: Tally { events, first, last, groups, revenue, visitors, sessions } }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            hours in prop::collection::vec(hour(), 0..6), flip in any::<prop::sample::Index>(),
        ) {
            let rollup = Rollup { hours };
            let mut written = encode(&rollup);
            prop_assert_eq!(&decode(&written).unwrap(), &rollup);
            let place = flip.index(written.len());
            prop_assert!(decode(&written[..place]).is_err());
            written[place] ^= 0x10;
            prop_assert!(decode(&written).is_err());
        }

        /// Though its checksum fits: nothing panics.
        #[test]
        fn what_is_damaged_is_refused(
            hours in prop::collection::vec(hour(), 0..3),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        ) {
            let written = encode(&Rollup { hours });
            let mut input = Input::open(&written).unwrap();
            let len = input.length().unwrap();
            let mut body = input.bytes(len).unwrap();
            edits.iter().for_each(|(place, byte)| { let place = place.index(body.len()); body[place] = *byte; });
            let _ = Reader(&body).rollup();
        }
    }
}
