//! Money, summed by currency: exact, because it is counted in whole millionths.

use std::fmt;

use async_graphql::SimpleObject;
use serde::{Deserialize, Serialize};

use crate::columnar::millionths;

/// An exact decimal number, in millionths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Decimal(pub i128);

/// An amount of money.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revenue {
    /// How much, in the currency's unit.
    pub amount: Decimal,
    /// Its ISO 4217 code, such as `EUR`; null where the sender named none.
    pub currency: Option<String>,
}

/// A currency's three letters; zeros for none.
pub(super) type Currency = [u8; 3];

/// Sums by currency. Few, so a list is as good as a map.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums(Vec<(Currency, i128)>);

impl Sums {
    pub(super) fn add(&mut self, currency: Currency, millionths: i128) {
        match self.0.iter_mut().find(|(own, _)| *own == currency) {
            Some((_, sum)) => *sum = sum.saturating_add(millionths),
            None => self.0.push((currency, millionths)),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(currency, sum)| self.add(*currency, *sum));
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<(Currency, i128)>()
    }

    /// By currency in order, none last.
    pub(super) fn revenue(&self) -> Vec<Revenue> {
        let mut sums = self.0.clone();
        sums.sort_unstable_by_key(|(currency, _)| (*currency == Currency::default(), *currency));
        sums.into_iter().map(|(currency, sum)| Revenue { amount: Decimal(sum), currency: named(currency) }).collect()
    }
}

fn named(currency: Currency) -> Option<String> {
    if currency == Currency::default() { None } else { Some(String::from_utf8_lossy(&currency).into_owned()) }
}

/// The three letters of a currency.
pub(super) fn currency(code: Option<&str>) -> Currency {
    code.and_then(|code| code.as_bytes().try_into().ok()).unwrap_or_default()
}

impl fmt::Display for Decimal {
    /// With at least two places, as money is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, all) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let places = format!("{:06}", all % 1_000_000);
        let (cents, rest) = places.split_at(2);
        write!(f, "{sign}{}.{cents}{}", all / 1_000_000, rest.trim_end_matches('0'))
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        decimal.to_string()
    }
}

impl TryFrom<String> for Decimal {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a decimal number")
    }
}

impl Decimal {
    /// Reads what is written with a point and six places at most.
    pub fn parse(text: &str) -> Option<Self> {
        millionths(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_exactly_and_read_back() {
        for (millionths, text) in [
            (0, "0.00"),
            (19_990_000, "19.99"),
            (-500_000, "-0.50"),
            (1, "0.000001"),
            (1_250_000, "1.25"),
            (1_255_000, "1.255"),
            (i128::from(i64::MAX) * 1_000_000, "9223372036854775807.00"),
        ] {
            assert_eq!(Decimal(millionths).to_string(), text);
            assert_eq!(Decimal::parse(text), Some(Decimal(millionths)));
        }
        for wrong in ["", "-", "1.0000001", "1e5", ".5", "+1", "1,5"] {
            assert_eq!(Decimal::parse(wrong), None, "{wrong}");
        }
    }
}
