//! Sums over a set of events, which can be added to one another.

use std::{cmp::Ordering, sync::Arc};

use roaring::RoaringBitmap;

use super::DIMENSIONS;

/// Numbers of events by their type and the value of a dimension, in rising order.
pub(in crate::columnar) type Groups = Vec<(Pair, u64)>;

/// A type and a value; neither need be there.
pub(in crate::columnar) type Pair = (Option<Arc<str>>, Option<Arc<str>>);

/// What some events sum up to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::columnar) struct Tally {
    pub(in crate::columnar) events: u64,
    /// When the first and the last happened; of no meaning without events.
    pub(in crate::columnar) first: i64,
    pub(in crate::columnar) last: i64,
    /// One for each of [`DIMENSIONS`]. Each counts every event.
    pub(in crate::columnar) groups: [Groups; DIMENSIONS.len()],
    /// In millionths, by currency in rising order.
    pub(in crate::columnar) revenue: Vec<(Option<Arc<str>>, i128)>,
    /// The numbers of those who did them.
    pub(in crate::columnar) visitors: RoaringBitmap,
    pub(in crate::columnar) sessions: RoaringBitmap,
}

/// What of a tally is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::columnar) enum Share {
    /// All but the sets.
    Counts,
    Visitors,
    Sessions,
}

impl Tally {
    /// Adds a share of what other events sum up to.
    pub(in crate::columnar) fn add(&mut self, other: &Self, share: Share) {
        match share {
            Share::Visitors => self.visitors |= &other.visitors,
            Share::Sessions => self.sessions |= &other.sessions,
            Share::Counts if other.events == 0 => {}
            Share::Counts => {
                let is_first = self.events == 0;
                self.first = if is_first { other.first } else { self.first.min(other.first) };
                self.last = if is_first { other.last } else { self.last.max(other.last) };
                self.events += other.events;
                self.groups.iter_mut().zip(&other.groups).for_each(|(own, more)| add_sorted(own, more));
                add_sorted(&mut self.revenue, &other.revenue);
            }
        }
    }

    /// About how much memory it takes.
    pub(in crate::columnar) fn bytes(&self) -> usize {
        let groups: usize = self.groups.iter().map(|groups| groups.len() * size_of::<(Pair, u64)>()).sum();
        let sets = self.visitors.serialized_size() + self.sessions.serialized_size();
        size_of::<Self>() + groups + self.revenue.len() * size_of::<(Pair, i128)>() + sets
    }
}

/// Adds sums of the same keys, both in rising order.
fn add_sorted<K: Ord + Clone, N: Copy + std::ops::AddAssign>(own: &mut Vec<(K, N)>, more: &[(K, N)]) {
    let is_same = own.len() == more.len() && own.iter().zip(more).all(|((own, _), (more, _))| own == more);
    if is_same {
        return own.iter_mut().zip(more).for_each(|((_, own), (_, more))| *own += *more);
    }
    let mut all = Vec::with_capacity(own.len() + more.len());
    let mut own_rest = std::mem::take(own).into_iter().peekable();
    for (key, count) in more {
        while let Some(before) = own_rest.next_if(|(own, _)| own < key) {
            all.push(before);
        }
        match own_rest.next_if(|(own, _)| own.cmp(key) == Ordering::Equal) {
            Some((key, mut sum)) => {
                sum += *count;
                all.push((key, sum));
            }
            None => all.push((key.clone(), *count)),
        }
    }
    all.extend(own_rest);
    *own = all;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorted_sums_add_up(
            one in prop::collection::btree_map(0_u8..30, 1_u64..9, 0..20),
            other in prop::collection::btree_map(0_u8..30, 1_u64..9, 0..20),
        ) {
            let mut sums: Vec<(u8, u64)> = one.clone().into_iter().collect();
            let more: Vec<(u8, u64)> = other.clone().into_iter().collect();
            add_sorted(&mut sums, &more);
            let mut all: BTreeMap<u8, u64> = one;
            other.into_iter().for_each(|(key, count)| *all.entry(key).or_default() += count);
            prop_assert_eq!(sums, all.into_iter().collect::<Vec<_>>());
        }
    }
}
