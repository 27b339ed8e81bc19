//! A filter, ready to be applied to batches.
//!
//! A condition is asked once for every different value of its column, and then looked up.

use std::{
    borrow::Cow,
    collections::HashSet,
    ops::{BitAnd, BitOr},
    sync::Arc,
};

use super::{
    behaviour::{BehaviourFilter, Doers, Visitors},
    filter::{EventFilter, NumberFilter, PropertyFilter, StringFilter, Test},
};
use crate::columnar::{Column, Columns, Facts, NONE, Sieve, Verdict, View, property};

/// A compiled [`EventFilter`].
#[derive(Debug, Clone)]
pub(super) struct Matcher(Node);

#[derive(Debug, Clone)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Leaf(Box<Leaf>),
    Did(Box<Did>),
}

/// A condition on what the visitor of an event did, and who did it, once that is known.
#[derive(Debug, Clone)]
struct Did {
    behaviour: BehaviourFilter,
    wanted: bool,
    by: Option<Arc<Visitors>>,
}

/// A condition on a column, and what it said about the values met so far, by their codes.
#[derive(Debug, Clone)]
struct Leaf {
    column: Column,
    condition: Condition,
    verdicts: Vec<bool>,
}

#[derive(Debug, Clone)]
enum Condition {
    Text(TextCondition),
    Number(NumberFilter),
    Property(Box<(PropertyFilter, Option<TextCondition>)>),
}

#[derive(Debug, Clone)]
struct TextCondition {
    filter: StringFilter,
    one_of: Option<HashSet<String>>,
    not_in: Option<HashSet<String>>,
}

impl Matcher {
    pub(super) fn new(filter: &EventFilter) -> Self {
        Self(Node::new(filter))
    }

    /// What it has to know of visitors.
    pub(super) fn behaviours<'m>(&'m self, found: &mut HashSet<&'m BehaviourFilter>) {
        self.0.each_did(&mut |did| found.extend([&did.behaviour]));
    }

    /// Lets it know who did what; before, nobody has done anything.
    pub(super) fn know(&mut self, doers: &Doers) {
        self.0.know(doers);
    }

    /// The only column it looks at, where each of its values alone decides, if it looks at any; nothing where
    /// more than that has to be known of an event.
    pub(super) fn only_column(&self) -> Option<Option<&Column>> {
        match &self.0 {
            Node::All(nodes) => match nodes.as_slice() {
                [] => Some(None),
                [Node::Leaf(leaf)] => Some(Some(&leaf.column)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Which values of its only column it lets through, by their codes.
    pub(super) fn verdicts(&mut self, columns: &Columns, place: usize) -> &[bool] {
        match &mut self.0 {
            Node::All(nodes) => match nodes.as_mut_slice() {
                [Node::Leaf(leaf)] => {
                    leaf.learn(columns, place);
                    &leaf.verdicts
                }
                _ => &[],
            },
            _ => &[],
        }
    }

    /// Whether the filter lets each event of a batch through.
    pub(super) fn mask(&mut self, view: View<'_>, mask: &mut Vec<bool>) {
        mask.clear();
        mask.resize(view.batch.len(), true);
        self.0.retain(view, mask);
    }

    /// The events of a batch that the filter lets through, by their places.
    pub(super) fn select(&mut self, view: View<'_>, rows: &mut Vec<u32>) {
        let mut mask = Vec::new();
        self.mask(view, &mut mask);
        // Written always and counted only where it matches, so that nothing has to be guessed.
        rows.clear();
        rows.resize(mask.len(), 0);
        let mut matching = 0;
        for (row, &lets) in mask.iter().enumerate() {
            rows[matching] = row as u32;
            matching += usize::from(lets);
        }
        rows.truncate(matching);
    }
}

impl Sieve for Matcher {
    fn judge(&self, facts: &Facts<'_>) -> Verdict {
        self.0.judge(facts)
    }

    fn names_values_of(&self) -> Vec<Column> {
        let mut columns = Vec::new();
        self.0.each_leaf(&mut |leaf| {
            if leaf.condition.named().is_some() {
                columns.push(leaf.column.clone());
            }
        });
        columns
    }
}

impl Node {
    /// Which events of a segment match.
    fn judge(&self, facts: &Facts<'_>) -> Verdict {
        match self {
            Self::All(nodes) => Verdict::all(nodes.iter().map(|node| node.judge(facts))),
            Self::Any(nodes) => Verdict::any(nodes.iter().map(|node| node.judge(facts))),
            Self::Not(node) => node.judge(facts).inverted(),
            Self::Leaf(leaf) => leaf.judge(facts),
            Self::Did(_) => Verdict::Something,
        }
    }

    fn each_leaf<'n>(&'n self, found: &mut impl FnMut(&'n Leaf)) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().for_each(|node| node.each_leaf(found)),
            Self::Not(node) => node.each_leaf(found),
            Self::Leaf(leaf) => found(leaf),
            Self::Did(_) => {}
        }
    }

    fn each_did<'n>(&'n self, found: &mut impl FnMut(&'n Did)) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().for_each(|node| node.each_did(found)),
            Self::Not(node) => node.each_did(found),
            Self::Leaf(_) => {}
            Self::Did(did) => found(did),
        }
    }

    fn know(&mut self, doers: &Doers) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter_mut().for_each(|node| node.know(doers)),
            Self::Not(node) => node.know(doers),
            Self::Leaf(_) => {}
            Self::Did(did) => did.by = doers.get(&did.behaviour).cloned(),
        }
    }

    fn new(filter: &EventFilter) -> Self {
        let leaves = filter.conditions().map(|(_, column, test)| Self::Leaf(Box::new(Leaf::new(column, test))));
        let and = filter.and.iter().flatten().map(Self::new);
        let or = filter.or.iter().map(|filters| Self::Any(filters.iter().map(Self::new).collect()));
        let not = filter.not.iter().map(|filter| Self::Not(Box::new(Self::new(filter))));
        let saved = filter.saved.iter().map(|filter| Self::new(filter));
        let did = filter
            .behaviours()
            .map(|(_, wanted, behaviour)| Self::Did(Box::new(Did { behaviour: behaviour.clone(), wanted, by: None })));
        Self::All(leaves.chain(and).chain(or).chain(not).chain(saved).chain(did).collect())
    }

    /// Takes out of the mask the events that do not match.
    fn retain(&mut self, view: View<'_>, mask: &mut [bool]) {
        match self {
            Self::All(nodes) => nodes.iter_mut().for_each(|node| node.retain(view, mask)),
            Self::Any(nodes) => {
                let mut any = vec![false; mask.len()];
                for node in nodes {
                    let mut matches = mask.to_vec();
                    node.retain(view, &mut matches);
                    combine(&mut any, &matches, bool::bitor);
                }
                mask.copy_from_slice(&any);
            }
            Self::Not(node) => {
                let mut matches = mask.to_vec();
                node.retain(view, &mut matches);
                combine(mask, &matches, |lets, matches| lets & !matches);
            }
            Self::Leaf(leaf) => leaf.retain(view, mask),
            Self::Did(did) => did.retain(view, mask),
        }
    }
}

impl Did {
    fn retain(&self, view: View<'_>, mask: &mut [bool]) {
        let (Some(place), Some(by)) = (view.columns.place(&Column::Visitor), &self.by) else { return mask.fill(false) };
        for (lets, &visitor) in mask.iter_mut().zip(view.batch.codes[place]) {
            *lets = *lets && visitor != NONE && by.contains(visitor) == self.wanted;
        }
    }
}

fn combine(mask: &mut [bool], other: &[bool], with: impl Fn(bool, bool) -> bool) {
    for (lets, &other) in mask.iter_mut().zip(other) {
        *lets = with(*lets, other);
    }
}

impl Leaf {
    fn new(column: Column, test: Test<'_>) -> Self {
        let condition = match test {
            Test::Text(filter) => Condition::Text(TextCondition::new(filter)),
            Test::Number(filter) => Condition::Number(filter.clone()),
            Test::Property(filter) => {
                Condition::Property(Box::new((filter.clone(), filter.string.as_ref().map(TextCondition::new))))
            }
        };
        Self { column, condition, verdicts: Vec::new() }
    }

    fn retain(&mut self, view: View<'_>, mask: &mut [bool]) {
        let Some(place) = view.columns.place(&self.column) else { return mask.fill(false) };
        self.learn(view.columns, place);
        for (lets, &code) in mask.iter_mut().zip(view.batch.codes[place]) {
            *lets = lets.bitand(self.verdicts[code as usize]);
        }
    }

    /// Which events of a segment match, by the values they may have.
    fn judge(&self, facts: &Facts<'_>) -> Verdict {
        let occurring = facts.of(&self.column);
        let values = match (&occurring.values, self.condition.named()) {
            (Some(values), _) if values.is_empty() => None,
            (Some(values), _) => Some(Verdict::of(values.iter().map(|value| self.condition.holds(Some(value))))),
            (None, Some(named)) if !named.iter().any(|value| occurring.may_be(value)) => Some(Verdict::Nothing),
            (None, _) if occurring.numbers.is_some_and(|numbers| self.condition.misses(numbers)) => {
                Some(Verdict::Nothing)
            }
            _ => Some(Verdict::Something),
        };
        let lack = occurring.some_lack.then(|| Verdict::of([self.condition.holds(None)]));
        match (values, lack) {
            (Some(values), Some(lack)) if values != lack => Verdict::Something,
            (Some(verdict), _) | (None, Some(verdict)) => verdict,
            (None, None) => Verdict::Something,
        }
    }

    /// Judges the values that are new in a column.
    fn learn(&mut self, columns: &Columns, place: usize) {
        let codes = columns.codes(place);
        if let (Some(known), true) = (columns.asked_about(place), self.verdicts.len() < codes) {
            // All others are alike.
            self.verdicts = vec![self.condition.holds(columns.value(place, u32::MAX)); codes];
            self.verdicts[NONE as usize] = self.condition.holds(None);
            for (&code, id) in known {
                if let Some(verdict) = self.verdicts.get_mut(code as usize) {
                    *verdict = self.condition.holds(Some(id));
                }
            }
        }
        for code in self.verdicts.len()..codes {
            self.verdicts.push(self.condition.holds(columns.value(place, code as u32)));
        }
    }
}

impl Condition {
    fn holds(&self, value: Option<&str>) -> bool {
        match self {
            Self::Text(condition) => condition.holds(value),
            Self::Number(filter) => number_holds(filter, value.and_then(property::number)),
            Self::Property(both) => {
                let (filter, string) = both.as_ref();
                string.as_ref().is_none_or(|string| string.holds(value.and_then(property::string).as_deref()))
                    && filter.number.as_ref().is_none_or(|f| number_holds(f, value.and_then(property::number)))
                    && filter.boolean.is_none_or(|wanted| value.and_then(property::boolean) == Some(wanted))
                    && filter.exists.is_none_or(|wanted| value.is_some() == wanted)
            }
        }
    }
}

impl Condition {
    /// Whether it holds for no value where all numbers lie between two.
    fn misses(&self, numbers: (f64, f64)) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Number(filter) => number_misses(filter, numbers),
            Self::Property(both) => both.0.number.as_ref().is_some_and(|filter| number_misses(filter, numbers)),
        }
    }

    /// All the values it may hold for, as a column has them, where it names them.
    fn named(&self) -> Option<Vec<Cow<'_, str>>> {
        match self {
            Self::Text(condition) => Some(condition.named()?.map(Cow::from).collect()),
            Self::Number(_) => None,
            Self::Property(both) => {
                let strings = both.1.as_ref()?.named()?;
                Some(strings.map(|string| Cow::from(serde_json::Value::from(string).to_string())).collect())
            }
        }
    }
}

impl TextCondition {
    /// All the values it may hold for, where it names them.
    fn named(&self) -> Option<impl Iterator<Item = &str>> {
        let list = match (&self.filter.eq, &self.filter.one_of) {
            (Some(value), _) => std::slice::from_ref(value),
            (None, Some(list)) => list,
            _ => return None,
        };
        Some(list.iter().map(String::as_str))
    }

    fn new(filter: &StringFilter) -> Self {
        let set = |list: &Option<Vec<String>>| list.as_ref().map(|list| list.iter().cloned().collect());
        Self { one_of: set(&filter.one_of), not_in: set(&filter.not_in), filter: filter.clone() }
    }

    fn holds(&self, value: Option<&str>) -> bool {
        let filter = &self.filter;
        let has = |wanted: &Option<String>, test: fn(&str, &str) -> bool| {
            wanted.as_deref().is_none_or(|wanted| value.is_some_and(|value| test(value, wanted)))
        };
        has(&filter.eq, |value, wanted| value == wanted)
            && has(&filter.contains, |value, wanted| value.contains(wanted))
            && has(&filter.starts_with, |value, wanted| value.starts_with(wanted))
            && has(&filter.ends_with, |value, wanted| value.ends_with(wanted))
            && filter.not_eq.as_deref().is_none_or(|unwanted| value != Some(unwanted))
            && self.one_of.as_ref().is_none_or(|wanted| value.is_some_and(|value| wanted.contains(value)))
            && self.not_in.as_ref().is_none_or(|unwanted| !value.is_some_and(|value| unwanted.contains(value)))
            && filter.exists.is_none_or(|wanted| value.is_some() == wanted)
    }
}

/// Whether it holds for no number from one to another.
fn number_misses(filter: &NumberFilter, (least, greatest): (f64, f64)) -> bool {
    let lies = |wanted: Option<super::filter::Number>, outside: &dyn Fn(f64) -> bool| {
        wanted.is_some_and(|wanted| outside(wanted.get()))
    };
    lies(filter.eq, &|wanted| wanted < least || wanted > greatest)
        || lies(filter.gt, &|wanted| wanted >= greatest)
        || lies(filter.gte, &|wanted| wanted > greatest)
        || lies(filter.lt, &|wanted| wanted <= least)
        || lies(filter.lte, &|wanted| wanted < least)
}

fn number_holds(filter: &NumberFilter, value: Option<f64>) -> bool {
    let has = |wanted: Option<super::filter::Number>, test: fn(&f64, &f64) -> bool| {
        wanted.is_none_or(|wanted| value.is_some_and(|value| test(&value, &wanted.get())))
    };
    has(filter.eq, |value, wanted| value == wanted)
        && has(filter.gt, |value, wanted| value > wanted)
        && has(filter.gte, |value, wanted| value >= wanted)
        && has(filter.lt, |value, wanted| value < wanted)
        && has(filter.lte, |value, wanted| value <= wanted)
        && filter.exists.is_none_or(|wanted| value.is_some() == wanted)
}
