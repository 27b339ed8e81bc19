//! The numbers of a custom property.

use std::{collections::HashMap, sync::Arc};

use async_graphql::SimpleObject;
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

use super::{BigInt, Dimension, accumulator::codes, condition::Number, filter::MAX_TEXT, labels::Labels};
use crate::{
    columnar::{Column, Columns, NONE, View, property},
    error::{Error, Result},
};

/// How many quantiles may be asked for.
pub const MAX_QUANTILES: usize = 20;
/// How many groups may be shown.
pub const MAX_ROWS: i32 = 1_000;
/// How many different pairs of group and value may be counted.
const MAX_PAIRS: usize = 2_000_000;

/// Which numbers to describe, checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct PropertyStatsQuery {
    column: Column,
    quantiles: Vec<Number>,
    by: Option<Column>,
    limit: usize,
}

impl PropertyStatsQuery {
    /// Checks the arguments `key`, `quantiles`, `by`, `property` and `limit`.
    pub fn new(
        key: String,
        quantiles: Vec<Number>,
        by: Option<Dimension>,
        property: Option<&str>,
        limit: i32,
    ) -> Result<Self> {
        if key.is_empty() || key.len() > MAX_TEXT {
            return Err(Error::invalid("key", "key must be the key of a custom property."));
        }
        if quantiles.len() > MAX_QUANTILES {
            return Err(Error::invalid("quantiles", format!("At most {MAX_QUANTILES} quantiles.")));
        }
        if quantiles.iter().any(|quantile| !(0.0..=1.0).contains(&quantile.get())) {
            return Err(Error::invalid("quantiles", "Quantiles are from 0 to 1."));
        }
        if !(1..=MAX_ROWS).contains(&limit) {
            return Err(Error::invalid("limit", "limit must be from 1 to 1,000."));
        }
        let by = by.map(|by| by.column(property)).transpose()?;
        Ok(Self { column: Column::Property(key), quantiles, by, limit: limit as usize })
    }
}

/// The numbers that a custom property has in the events of a range. Values of other types, texts of
/// digits among them, are left out.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PropertyStats {
    /// All of them.
    #[graphql(flatten)]
    pub all: NumberStats,
    /// How many events have no number in this property.
    pub events_without: BigInt,
    /// The same by the value of `by`: the groups with most numbers first, equal ones in the order of their
    /// values, no value last. Groups without any number are left out. Empty without `by`.
    pub rows: Vec<PropertyStatsGroup>,
    /// How many groups have a number, shown or not.
    pub groups: BigInt,
}

/// The numbers of a group of events.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PropertyStatsGroup {
    /// What the events share; null where they have no value.
    pub value: Option<String>,
    /// Their numbers.
    #[graphql(flatten)]
    pub stats: NumberStats,
}

/// What some numbers are like.
#[derive(SimpleObject, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NumberStats {
    /// How many there are: one for every event.
    pub count: BigInt,
    /// Their sum: each different number times how often it occurs, added in rising order. What lies beyond the
    /// largest double (about 1.8e308) is shown as that.
    pub sum: f64,
    /// Their mean; null where there are none.
    pub average: Option<f64>,
    /// The least; null where there are none.
    pub min: Option<f64>,
    /// The greatest; null where there are none.
    pub max: Option<f64>,
    /// Those asked for, in the order asked; empty where there are no numbers.
    pub quantiles: Vec<Quantile>,
}

/// A quantile.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// Which share of the numbers, from 0 to 1.
    pub q: f64,
    /// The least number such that at least this share of the numbers is no greater than it (the nearest
    /// rank): always one of them.
    pub value: f64,
}

/// Computes a [`PropertyStats`].
#[derive(Debug, Clone)]
pub(super) struct PropertyStatsKernel {
    query: Arc<PropertyStatsQuery>,
    /// Events by the code of the property.
    all: Vec<u64>,
    /// Events by the codes of group and property, where groups are asked for.
    by: HashMap<(u32, u32), u64, RandomState>,
}

impl PropertyStatsKernel {
    pub(super) fn new(query: &PropertyStatsQuery) -> Self {
        Self { query: Arc::new(query.clone()), all: Vec::new(), by: HashMap::default() }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        [self.query.column.clone()].into_iter().chain(self.query.by.clone())
    }

    pub(super) fn fold(&mut self, view: View<'_>) -> Result<()> {
        let values = codes(view, &self.query.column);
        let by = self.query.by.as_ref().map(|by| codes(view, by));
        for row in 0..view.batch.len() {
            let value = values[row];
            super::summary::count(&mut self.all, value, 1);
            if let (Some(by), true) = (by, value != NONE) {
                *self.by.entry((by[row], value)).or_default() += 1;
            }
        }
        self.check()
    }

    fn check(&self) -> Result<()> {
        if self.by.len() > MAX_PAIRS {
            return Err(Error::CostExceeded(format!(
                "The property has more than {MAX_PAIRS} different values in its groups. Narrow the range or the \
                 filter, or ask without `by`."
            )));
        }
        Ok(())
    }

    /// Adds what another has counted of other events.
    pub(super) fn merge(&mut self, other: Self) -> Result<()> {
        if self.all.len() < other.all.len() {
            self.all.resize(other.all.len(), 0);
        }
        self.all.iter_mut().zip(&other.all).for_each(|(count, more)| *count += more);
        other.by.into_iter().for_each(|(key, count)| *self.by.entry(key).or_default() += count);
        self.check()
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.all.capacity() * size_of::<u64>() + self.by.capacity() * size_of::<((u32, u32), u64)>() * 8 / 7
    }

    pub(super) fn finish(self, columns: &Columns) -> PropertyStats {
        let Self { query, all, by } = self;
        let place = columns.place(&query.column);
        let number = |code: u32| {
            let value = columns.dictionary(place?).value(code)?;
            // Negative zero is zero.
            property::number(value).map(|number| number + 0.0)
        };
        let events: u64 = all.iter().sum();
        let numbers = all.iter().enumerate().filter_map(|(code, &count)| Some((number(code as u32)?, count)));
        let all = NumberStats::of(numbers.filter(|(_, count)| *count > 0).collect(), &query.quantiles);
        let labels = Labels::of(columns, query.by.as_ref());
        let mut groups: HashMap<u32, Vec<(f64, u64)>, RandomState> = HashMap::default();
        for ((group, code), count) in by {
            if let (Some(number), Some(&rank)) = (number(code), labels.ranks().get(group as usize)) {
                groups.entry(rank).or_default().push((number, count));
            }
        }
        let count = BigInt(groups.len() as u64);
        let counted = |(rank, numbers): (u32, Vec<(f64, u64)>)| {
            let count: u64 = numbers.iter().map(|(_, count)| count).sum();
            (rank, count, numbers)
        };
        let mut groups: Vec<_> = groups.into_iter().map(counted).collect();
        groups.sort_unstable_by(|(a, one, _), (b, other, _)| other.cmp(one).then(a.cmp(b)));
        groups.truncate(query.limit);
        let rows = groups.into_iter().map(|(rank, _, numbers)| PropertyStatsGroup {
            value: labels.text(rank).map(str::to_owned),
            stats: NumberStats::of(numbers, &query.quantiles),
        });
        PropertyStats { events_without: BigInt(events - all.count.0), all, rows: rows.collect(), groups: count }
    }
}

impl NumberStats {
    /// Of numbers with how often they occur.
    fn of(mut numbers: Vec<(f64, u64)>, quantiles: &[Number]) -> Self {
        // Numbers may be written in several ways.
        numbers.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        numbers.dedup_by(|(number, more), (before, count)| {
            let is_same = number == before;
            *count += if is_same { *more } else { 0 };
            is_same
        });
        let count: u64 = numbers.iter().map(|(_, count)| count).sum();
        let (Some(&(min, _)), Some(&(max, _))) = (numbers.first(), numbers.last()) else { return Self::default() };
        let (sum, average) = sum_and_average(&numbers, count);
        let at = |q: f64| {
            let rank = (q * count as f64).ceil().max(1.0);
            let mut passed = 0;
            let found = numbers.iter().find(|(_, count)| {
                passed += count;
                passed as f64 >= rank
            });
            found.map_or(max, |(number, _)| *number)
        };
        Self {
            count: BigInt(count),
            sum,
            average: Some(average),
            min: Some(min),
            max: Some(max),
            quantiles: quantiles.iter().map(|q| Quantile { q: q.get(), value: at(q.get()) }).collect(),
        }
    }
}

/// The sum of numbers with how often they occur, no greater than a double can be, and their mean.
fn sum_and_average(numbers: &[(f64, u64)], count: u64) -> (f64, f64) {
    /// So far from the largest double, no number of events adds up to it. Powers of two change no digit.
    const SMALL: f64 = 1.0 / (1_u128 << 65) as f64;
    let sum = |scale: f64| numbers.iter().map(|&(number, count)| number * scale * count as f64).sum::<f64>();
    let plain = sum(1.0);
    if plain.is_finite() {
        return (plain, plain / count as f64);
    }
    let scaled = sum(SMALL);
    ((scaled / SMALL).clamp(f64::MIN, f64::MAX), (scaled / count as f64 / SMALL).clamp(f64::MIN, f64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_beyond_what_a_double_can_be_are_still_numbers() {
        assert_eq!(sum_and_average(&[(-2.0, 1), (0.5, 4)], 5), (0.0, 0.0));
        assert_eq!(sum_and_average(&[(1.7e308, 2)], 2), (f64::MAX, 1.7e308));
        assert_eq!(sum_and_average(&[(-1.7e308, 1 << 40)], 1 << 40), (f64::MIN, -1.7e308));
        assert_eq!(sum_and_average(&[(-1.7e308, 2), (1.7e308, 2)], 4), (0.0, 0.0));
        let (sum, average) = sum_and_average(&[(-1.7e308, 2), (1.0e308, 3)], 5);
        assert!((sum / -4.0e307 - 1.0).abs() < 1e-12 && (average / -8.0e306 - 1.0).abs() < 1e-12, "{sum} {average}");
    }
}
