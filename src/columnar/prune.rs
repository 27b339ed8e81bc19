//! Which segments a question can do without, by what is known of them before their columns are read.
//!
//! The header lists the values of a column where they are few, and says which numbers of visitors and
//! sessions, or else which numbers, are the least and the greatest; of columns with many values a small filter is stored beside
//! them. A condition that holds for none of the values a segment may have holds for none of its events,
//! and one that holds for all of them need not be asked.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    Column, Columnar, Columns, Scan,
    batch::{Names, SOMEBODY_ELSE},
    header::Segment,
    members::Members,
    part::{Loaded, Part, Parts},
};
use crate::error::Result;

/// Which events of a segment a condition lets through, as far as can be said without reading them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// None.
    Nothing,
    /// Perhaps some.
    Something,
    /// All.
    Everything,
}

/// How a scan chooses events: what can be said of a segment before it is read.
pub trait Sieve: std::fmt::Debug + Send + Sync {
    /// Which events of a segment it lets through.
    fn judge(&self, facts: &Facts<'_>) -> Verdict;

    /// Columns of which it lets through some values that it names.
    fn names_values_of(&self) -> Vec<Column>;
}

/// What is known of a segment.
#[derive(Debug)]
pub struct Facts<'a> {
    segment: &'a Segment,
    columns: &'a Columns,
    /// The filters of columns that were asked for.
    members: Option<&'a Parts>,
}

/// What the events of a segment may have in a column.
#[derive(Debug)]
pub struct Occurring<'a> {
    /// Whether some event may have no value.
    pub some_lack: bool,
    /// All values that may occur, where they are known.
    pub values: Option<Vec<&'a str>>,
    /// The least and the greatest number among them, where that is known; the least is the greater where there is
    /// none.
    pub numbers: Option<(f64, f64)>,
    members: Option<&'a Members>,
}

impl Verdict {
    /// What is to be said of events of which each is one of these, let through or not.
    pub fn of(events: impl IntoIterator<Item = bool>) -> Self {
        events
            .into_iter()
            .map(|lets| if lets { Self::Everything } else { Self::Nothing })
            .fold(None, |all, one| Some(if all.is_none_or(|all| all == one) { one } else { Self::Something }))
            .unwrap_or(Self::Something)
    }

    /// Of events that must be let through by all.
    pub fn all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().fold(Self::Everything, |all, one| match (all, one) {
            (Self::Nothing, _) | (_, Self::Nothing) => Self::Nothing,
            (Self::Everything, Self::Everything) => Self::Everything,
            _ => Self::Something,
        })
    }

    /// Of events that must not be let through.
    pub fn inverted(self) -> Self {
        match self {
            Self::Nothing => Self::Everything,
            Self::Something => Self::Something,
            Self::Everything => Self::Nothing,
        }
    }

    /// Of events that must be let through by any.
    pub fn any(verdicts: impl IntoIterator<Item = Self>) -> Self {
        Self::all(verdicts.into_iter().map(Self::inverted)).inverted()
    }
}

impl Occurring<'_> {
    /// Nothing is known.
    const ANYTHING: Self = Self { some_lack: true, values: None, numbers: None, members: None };

    /// Whether some event may have this value.
    pub fn may_be(&self, value: &str) -> bool {
        match &self.values {
            Some(values) => values.contains(&value),
            None => self.members.is_none_or(|members| members.may_hold(value.as_bytes())),
        }
    }
}

impl Facts<'_> {
    /// What its events may have in a column.
    pub fn of(&self, column: &Column) -> Occurring<'_> {
        let part = Part::Column(column.clone());
        let Some(stat) = self.segment.header.parts.get(&part) else {
            return match column {
                Column::Screen => Occurring::ANYTHING,
                Column::Property(_) if self.segment.has_rest() => Occurring::ANYTHING,
                _ => Occurring { some_lack: true, values: Some(Vec::new()), numbers: None, members: None },
            };
        };
        let some_lack = stat.present < self.segment.events;
        if column.is_numbered() {
            return Occurring { some_lack, values: self.known(column), numbers: None, members: None };
        }
        let values = stat.values.as_ref().map(|values| values.iter().map(String::as_str).collect());
        let numbers = stat.numbers.map(|(least, greatest)| (f64::from_bits(least), f64::from_bits(greatest)));
        Occurring { some_lack, values, numbers, members: self.members_of(column) }
    }

    fn members_of(&self, column: &Column) -> Option<&Members> {
        match self.members?.get(&Part::Members(column.clone())) {
            Some(Loaded::Members(members)) => Some(members),
            _ => None,
        }
    }

    /// Those visitors or sessions asked about who may be among its own, and somebody else.
    fn known(&self, column: &Column) -> Option<Vec<&str>> {
        let known = match self.columns.names(self.columns.place(column)?) {
            Names::All(..) => return None,
            Names::Unknown => Vec::new(),
            Names::Some(names) => {
                names.iter().filter(|(number, _)| self.may_have(column, **number)).map(|(_, id)| id.as_str()).collect()
            }
        };
        Some(known.into_iter().chain([SOMEBODY_ELSE]).collect())
    }

    /// Whether a visitor or session may have an event at a time.
    pub(super) fn may_have_at(&self, column: &Column, number: u32, at: i64) -> bool {
        let header = &self.segment.header;
        (header.from..=header.to).contains(&at) && self.may_have(column, number)
    }

    /// Whether a visitor or session may be among its own.
    fn may_have(&self, column: &Column, number: u32) -> bool {
        let Some(stat) = self.segment.header.parts.get(&Part::Column(column.clone())) else { return false };
        stat.range.is_none_or(|(least, greatest)| (least..=greatest).contains(&number))
            && self.members_of(column).is_none_or(|members| members.may_hold(&number.to_le_bytes()))
    }
}

/// A segment to read, and whether all of its events are let through.
pub(super) type Chosen = (Arc<Segment>, bool);

impl Columnar {
    /// Those of these segments that may hold events of a scan; nothing when one of them is no more.
    /// Visitors and sessions of whom the scan has to know are known already.
    pub(super) async fn prune(
        &self,
        app: Uuid,
        scan: &Scan,
        columns: &Columns,
        visitor: Option<u32>,
        segments: Vec<Arc<Segment>>,
    ) -> Result<Option<Vec<Chosen>>> {
        let judge = |segment: &Segment, members: Option<&Parts>| {
            let facts = Facts { segment, columns, members };
            let is_there = visitor.is_none_or(|number| facts.may_have(&Column::Visitor, number));
            let kind =
                scan.is_bot.is_none_or(|is_bot| facts.of(&Column::IsBot).may_be(if is_bot { "true" } else { "false" }));
            let verdict = scan.sieve.as_ref().map_or(Verdict::Everything, |sieve| sieve.judge(&facts));
            if is_there && kind { verdict } else { Verdict::Nothing }
        };
        let (all, mut chosen, mut open) = (segments.len(), Vec::new(), Vec::new());
        let mut wanted: Vec<Part> =
            scan.sieve.iter().flat_map(|sieve| sieve.names_values_of()).map(Part::Members).collect();
        wanted.extend(visitor.map(|_| Part::Members(Column::Visitor)));
        for segment in segments {
            match judge(&segment, None) {
                Verdict::Nothing => {}
                verdict if verdict == Verdict::Everything && visitor.is_none() => chosen.push((segment, true)),
                _ if wanted.iter().any(|part| segment.has_members(part)) => open.push(segment),
                verdict => chosen.push((segment, verdict == Verdict::Everything)),
            }
        }
        if !open.is_empty() {
            let Some(members) = self.load(app, &open, &wanted).await? else { return Ok(None) };
            for (segment, members) in open.into_iter().zip(members) {
                let verdict = judge(&segment, Some(&members));
                if verdict != Verdict::Nothing {
                    chosen.push((segment, verdict == Verdict::Everything));
                }
            }
        }
        metrics::counter!("uea_segments_read_total").increment(chosen.len() as u64);
        metrics::counter!("uea_segments_pruned_total").increment((all - chosen.len()) as u64);
        Ok(Some(chosen))
    }
}
