//! The custom properties that events have: which, how often, of which types and values.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_graphql::{Enum, SimpleObject};
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use tokio::task;

use super::{
    Answer, BigInt, Question, Report,
    allowance::{Account, Allowance},
    behaviour::{Among, Behaved},
    matcher::Matcher,
};
use crate::{
    columnar::{Census, Columnar, Dictionary, Scan, View, property},
    error::{Error, Result},
};

/// How many properties may be shown.
pub const MAX_PROPERTIES: i32 = 200;
/// How many values of each may be shown.
pub const MAX_VALUES: i32 = 10;
/// Characters of a value that is shown.
pub const MAX_SHOWN: usize = 200;
/// How many different properties may be told apart.
const MAX_KEYS: usize = 10_000;
/// What their values may take together.
const MAX_BYTES: usize = 256 << 20;
/// What a property costs beside its values.
const KEY_BYTES: usize = 256;

/// How much of the properties to show, checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct TopPropertiesQuery {
    limit: usize,
    values: usize,
}

impl TopPropertiesQuery {
    /// Checks the arguments `limit` and `values`.
    pub fn new(limit: i32, values: i32) -> Result<Self> {
        if !(1..=MAX_PROPERTIES).contains(&limit) {
            return Err(Error::invalid("limit", format!("limit must be from 1 to {MAX_PROPERTIES}.")));
        }
        if !(0..=MAX_VALUES).contains(&values) {
            return Err(Error::invalid("values", format!("values must be from 0 to {MAX_VALUES}.")));
        }
        Ok(Self { limit: limit as usize, values: values as usize })
    }
}

/// The custom properties of the events of a range.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PropertyCensus {
    /// Those that most events have, first; equal ones in the order of their keys.
    pub properties: Vec<TopProperty>,
    /// How many there are, shown or not.
    pub different: BigInt,
}

/// A custom property, and what it is in the events of a range.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopProperty {
    /// Its key in `metadata`.
    pub key: String,
    /// Number of events that have it. A property of null is no property.
    pub events: BigInt,
    /// Their share of all events, from 0 to 1.
    pub share: f64,
    /// Which types its values have, the most frequent first; equal ones in the order of the types.
    pub types: Vec<PropertyTypeCount>,
    /// Number of different values. Values of different types are different, numbers that are equal are not.
    pub distinct_values: BigInt,
    /// The commonest values, as many as asked for by `values`; equal ones in the order of their texts.
    pub values: Vec<PropertyValueCount>,
}

/// How often a custom property has values of one type.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyTypeCount {
    /// The type.
    #[graphql(name = "type")]
    pub kind: PropertyType,
    /// Number of events.
    pub events: BigInt,
}

/// How often a custom property has one value.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyValueCount {
    /// A string as it is, everything else as JSON; of a long one, the first 200 characters.
    pub value: String,
    /// Whether `value` is cut off.
    pub is_cut: bool,
    /// Its type.
    #[graphql(name = "type")]
    pub kind: PropertyType,
    /// Number of events.
    pub events: BigInt,
}

/// The type of a JSON value.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PropertyType {
    /// Text.
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl PropertyType {
    /// Of an entry of a column.
    fn of(entry: &str) -> Self {
        match entry.as_bytes().first() {
            Some(b'"') => Self::String,
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b't' | b'f') => Self::Boolean,
            _ => Self::Number,
        }
    }
}

/// The answer to a question of this kind; nothing for questions of other kinds.
pub(super) async fn answer(
    columnar: &Columnar,
    allowance: &Allowance,
    behaved: &Behaved,
    question: &Question,
) -> Option<Result<Answer>> {
    let Report::TopProperties(query) = &question.report else { return None };
    let answer = async {
        let (counting, query) = (count(columnar, allowance, behaved, question).await?, query.clone());
        task::spawn_blocking(move || Answer::TopProperties(counting.finish(&query))).await.map_err(Error::internal)
    };
    Some(answer.await)
}

async fn count(columnar: &Columnar, allowance: &Allowance, behaved: &Behaved, question: &Question) -> Result<Counting> {
    let Question { app, range, filter, bots, seq, .. } = question;
    let matcher = Matcher::new(filter);
    let counting =
        |matcher| Counting { matcher, account: allowance.account(), events: 0, keys: HashMap::default(), bytes: 0 };
    if range.from >= range.to {
        return Ok(counting(matcher));
    }
    let scan = Scan {
        app: *app,
        from: range.from,
        to: range.to,
        seq: *seq,
        visitor: None,
        is_bot: bots.is_bot(),
        select: filter.looked_at(),
        sieve: Some(Arc::new(Matcher::new(filter))),
        columns: Vec::new(),
        times: false,
        ids: false,
        names: filter.names(),
    };
    let _turn = allowance.turn().await?;
    let mut behaviours = HashSet::new();
    matcher.behaviours(&mut behaviours);
    if behaviours.is_empty() {
        return columnar.census(scan, || counting(matcher.clone())).await;
    }
    let among = Among { app: *app, range: *range, bots: *bots, seq: *seq };
    loop {
        let (known, doers) = behaved.find(columnar, allowance, among, &behaviours).await?;
        let mut matcher = matcher.clone();
        matcher.know(&doers);
        match columnar.census_pinned(&known.pinned, &scan, counting(matcher)).await? {
            Some(census) => return Ok(census),
            None => behaved.forget(&known)?,
        }
    }
}

/// The properties met so far.
struct Counting {
    matcher: Matcher,
    account: Account,
    events: u64,
    keys: HashMap<String, Counted, RandomState>,
    bytes: usize,
}

/// The values of a property.
#[derive(Default)]
struct Counted {
    values: Dictionary,
    /// Events by the code of the value.
    counts: Vec<u64>,
}

impl Census for Counting {
    fn select(&mut self, view: View<'_>, rows: &mut Vec<u32>) {
        self.matcher.select(view, rows);
    }

    fn events(&mut self, events: u64) {
        self.events += events;
    }

    fn property(&mut self, key: &str, values: &mut dyn Iterator<Item = (&str, u64)>) -> Result<()> {
        let mut values = values.peekable();
        if values.peek().is_none() {
            return Ok(());
        }
        if !self.keys.contains_key(key) {
            if self.keys.len() >= MAX_KEYS {
                return Err(too_many(&format!("more than {MAX_KEYS} different properties")));
            }
            self.bytes += KEY_BYTES + key.len();
            self.keys.insert(key.to_owned(), Counted::default());
        }
        let Some(counted) = self.keys.get_mut(key) else { return Ok(()) };
        let before = counted.bytes();
        for (value, events) in values {
            let code = counted.values.intern(value) as usize;
            if counted.counts.len() <= code {
                counted.counts.resize(code + 1, 0);
            }
            counted.counts[code] += events;
        }
        self.bytes = (self.bytes + counted.bytes()).saturating_sub(before);
        self.account.holds(self.bytes)?;
        if self.bytes > MAX_BYTES {
            return Err(too_many("too many different values of properties"));
        }
        Ok(())
    }
}

fn too_many(what: &str) -> Error {
    Error::CostExceeded(format!("The events have {what}. Narrow the range or the filter."))
}

impl Counted {
    fn bytes(&self) -> usize {
        self.values.bytes() + self.counts.capacity() * size_of::<u64>()
    }

    /// Every value with its events.
    fn values(&self) -> impl Iterator<Item = (&str, u64)> {
        let counts = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        counts.filter_map(|(code, &count)| Some((self.values.value(code as u32)?, count)))
    }

    fn types(&self) -> Vec<PropertyTypeCount> {
        let mut types: HashMap<PropertyType, u64, RandomState> = HashMap::default();
        self.values().for_each(|(value, events)| *types.entry(PropertyType::of(value)).or_default() += events);
        let types = types.into_iter().map(|(kind, events)| PropertyTypeCount { kind, events: BigInt(events) });
        let mut types: Vec<_> = types.collect();
        types.sort_unstable_by_key(|one| (Reverse(one.events), one.kind));
        types
    }

    fn top(&self, most: usize) -> Vec<PropertyValueCount> {
        // Few values are as frequent as the last that is shown; only their texts are compared.
        let mut counts: Vec<u64> = self.values().map(|(_, count)| count).collect();
        if most == 0 || counts.is_empty() {
            return Vec::new();
        }
        counts.sort_unstable_by_key(|&count| Reverse(count));
        let least = counts.get(most - 1).copied().unwrap_or(0);
        let values = self.values().filter(|(_, count)| *count >= least);
        let mut values: Vec<_> = values.map(|(entry, count)| (Reverse(count), property::shown(entry), entry)).collect();
        values.sort_unstable();
        values.truncate(most);
        let shown = |(Reverse(events), text, entry): (Reverse<u64>, String, &str)| {
            let cut = text.char_indices().nth(MAX_SHOWN).map(|(at, _)| at);
            PropertyValueCount {
                value: text.get(..cut.unwrap_or(text.len())).unwrap_or_default().to_owned(),
                is_cut: cut.is_some(),
                kind: PropertyType::of(entry),
                events: BigInt(events),
            }
        };
        values.into_iter().map(shown).collect()
    }
}

impl Counting {
    fn finish(self, query: &TopPropertiesQuery) -> PropertyCensus {
        let with_events =
            |(key, counted): (String, Counted)| (Reverse(counted.counts.iter().sum::<u64>()), key, counted);
        let mut keys: Vec<_> = self.keys.into_iter().map(with_events).collect();
        keys.sort_unstable_by(|(a, one, _), (b, other, _)| a.cmp(b).then_with(|| one.cmp(other)));
        let different = BigInt(keys.len() as u64);
        let properties = keys.into_iter().take(query.limit).map(|(Reverse(events), key, counted)| TopProperty {
            key,
            events: BigInt(events),
            share: events as f64 / self.events as f64,
            types: counted.types(),
            distinct_values: BigInt(counted.values().count() as u64),
            values: counted.top(query.values),
        });
        PropertyCensus { properties: properties.collect(), different }
    }
}
