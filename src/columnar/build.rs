//! Events on their way to being columns: rows, or the events of segments that become one.

use std::{collections::HashMap, fmt::Write as _};

use foldhash::fast::RandomState;
use uuid::Uuid;

use super::{
    Column, Dictionary, NONE,
    part::{CORE, Loaded, Part, Parts},
    property,
    values::{Codes, Places, Texts, Translate, Values, pick},
};

/// How many custom properties of a segment get columns of their own; events of more keep the others
/// together.
const MAX_PROPERTIES: usize = 500;

/// Bytes of an event's time, id and commit.
const EVENT_BYTES: usize = 32;

/// Gathers events.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) times: Vec<i64>,
    pub(super) ids: Vec<Uuid>,
    pub(super) seqs: Vec<i64>,
    /// In the order of [`CORE`].
    pub(super) core: Vec<Gathered>,
    places: HashMap<String, usize, RandomState>,
    properties: Vec<Sparse>,
    rest: Sparse,
}

/// A value of every event.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) values: Dictionary,
    pub(super) codes: Vec<u32>,
}

/// Values of some events: where, and the code.
#[derive(Debug, Default)]
struct Sparse {
    values: Dictionary,
    codes: Vec<(u32, u32)>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            times: Vec::new(),
            ids: Vec::new(),
            seqs: Vec::new(),
            core: CORE.iter().map(|_| Gathered::default()).collect(),
            places: HashMap::default(),
            properties: Vec::new(),
            rest: Sparse::default(),
        }
    }
}

impl Builder {
    /// How many events it holds.
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        let core = self.core.iter().map(|gathered| gathered.values.bytes() + gathered.codes.len() * 4);
        let others = self.properties.iter().chain([&self.rest]);
        let others = others.map(|sparse| sparse.values.bytes() + sparse.codes.len() * 8);
        self.len() * EVENT_BYTES + core.chain(others).sum::<usize>()
    }

    /// Adds the custom properties of the event added last.
    pub(super) fn add_properties(&mut self, json: &str) {
        self.shred(self.row(), |found| property::each(json, found));
    }

    /// The same of properties that were taken apart before. `text` is room to write values in.
    pub(super) fn add_values(&mut self, properties: &serde_json::Map<String, serde_json::Value>, text: &mut String) {
        self.shred(self.row(), |found| {
            for (key, value) in properties {
                text.clear();
                let _ = write!(text, "{value}");
                found(key, text);
            }
        });
    }

    /// The commit and the id of the event added last.
    pub(super) fn last(&self) -> Option<(i64, Option<Uuid>)> {
        Some((*self.seqs.last()?, self.ids.last().copied()))
    }

    fn row(&self) -> u32 {
        (self.len() as u32).saturating_sub(1)
    }

    /// Adds custom properties of an event. Each key either has a column or is among the others, in all
    /// events gathered.
    fn shred(&mut self, row: u32, each: impl FnOnce(&mut dyn FnMut(&str, &str))) {
        let mut rest = String::new();
        each(&mut |key, value| match self.property(key) {
            Some(property) => property.codes.push((row, property.values.intern_as(value, property::canonical))),
            None => {
                rest.push_str(if rest.is_empty() { "{" } else { "," });
                rest.push_str(&serde_json::Value::from(key).to_string());
                rest.push(':');
                rest.push_str(value);
            }
        });
        if !rest.is_empty() {
            rest.push('}');
            self.rest.codes.push((row, self.rest.values.intern(&rest)));
        }
    }

    /// The column of a property, made if there is room for one more.
    fn property(&mut self, key: &str) -> Option<&mut Sparse> {
        let place = match self.places.get(key) {
            Some(&place) => place,
            None if self.properties.len() < MAX_PROPERTIES => {
                self.places.insert(key.to_owned(), self.properties.len());
                self.properties.push(Sparse::default());
                self.properties.len() - 1
            }
            None => return None,
        };
        self.properties.get_mut(place)
    }

    /// Adds these events of a segment, of which all parts are given. Visitors and sessions keep
    /// their numbers, so whoever appends does not add rows as well.
    pub(super) fn append(&mut self, parts: &Parts, places: Places<'_>) {
        let first = self.len();
        for (part, loaded) in parts {
            match (part, loaded) {
                (Part::Times, Loaded::Numbers(times)) => pick(times, places, &mut self.times),
                (Part::Seqs, Loaded::Numbers(seqs)) => pick(seqs, places, &mut self.seqs),
                (Part::Ids, Loaded::Ids(ids)) => pick(ids, places, &mut self.ids),
                (Part::Column(column), Loaded::Values(values)) => self.append_column(column, values, places, first),
                _ => {}
            }
        }
        if let Some(Loaded::Values(rest)) = parts.get(&Part::Rest) {
            self.append_rest(rest, places, first);
        }
    }

    /// Adds these events of another builder, in rising order. All events of both came as rows.
    pub(super) fn append_rows(&mut self, other: &Self, rows: &[u32]) {
        let (first, places) = (self.len(), Places::Some(rows));
        pick(&other.times, places, &mut self.times);
        pick(&other.seqs, places, &mut self.seqs);
        pick(&other.ids, places, &mut self.ids);
        for (own, theirs) in self.core.iter_mut().zip(&other.core) {
            let mut table = Renamed::of(&theirs.values);
            let codes = rows.iter().map(|&row| table.code(theirs.codes[row as usize], &mut own.values));
            own.codes.extend(codes);
        }
        for (key, &place) in &other.places {
            let Some(theirs) = other.properties.get(place) else { continue };
            let mut table = Renamed::of(&theirs.values);
            for (row, code) in among(&theirs.codes, rows) {
                let row = first as u32 + row;
                match self.property(key) {
                    Some(own) => own.codes.push((row, table.code(code, &mut own.values))),
                    None => {
                        let value = theirs.values.value(code).unwrap_or("null");
                        self.shred(row, |found| found(key, value));
                    }
                }
            }
        }
        for (row, code) in among(&other.rest.codes, rows) {
            if let Some(json) = other.rest.values.value(code) {
                self.shred(first as u32 + row, |found| property::each(json, found));
            }
        }
    }

    fn append_column(&mut self, column: &Column, values: &Values, places: Places<'_>, first: usize) {
        if let Some(core) = CORE.iter().position(|(own, _)| own == column) {
            let Some(Gathered { values: dictionary, codes }) = self.core.get_mut(core) else { return };
            if column.is_numbered() {
                return values.codes.read(places, Translate::Same, codes);
            }
            let table = translation(&values.texts, dictionary);
            return values.codes.read(places, Translate::Table(&table), codes);
        }
        let Column::Property(key) = column else { return };
        let mut codes = Vec::new();
        values.codes.read(places, Translate::Same, &mut codes);
        let present = codes.iter().enumerate().filter(|(_, code)| **code != NONE);
        let Some(property) = self.property(key) else {
            for (row, &code) in present {
                let value = values.texts.get(code).unwrap_or("null");
                self.shred((first + row) as u32, |found| found(key, value));
            }
            return;
        };
        let table = translation(&values.texts, &mut property.values);
        let translated = present.filter_map(|(row, &code)| Some(((first + row) as u32, *table.get(code as usize)?)));
        property.codes.extend(translated);
    }

    fn append_rest(&mut self, rest: &Values, places: Places<'_>, first: usize) {
        let mut codes = Vec::new();
        rest.codes.read(places, Translate::Same, &mut codes);
        for (row, code) in codes.into_iter().enumerate() {
            if let Some(json) = rest.texts.get(code) {
                self.shred((first + row) as u32, |found| property::each(json, found));
            }
        }
    }

    /// The columns, with events sorted by time and id. Visitors and sessions that came as rows are
    /// in the order of their codes, and not sorted, for their codes are still to be replaced.
    pub(super) fn build(&self) -> Parts {
        let order = self.order();
        let sorted = |numbers: &[i64]| {
            Loaded::Numbers(order.iter().map(|&row| numbers[row as usize]).collect::<Vec<_>>().into())
        };
        let mut parts = Parts::from([
            (Part::Times, sorted(&self.times)),
            (Part::Seqs, sorted(&self.seqs)),
            (Part::Ids, Loaded::Ids(order.iter().map(|&row| self.ids[row as usize]).collect::<Vec<_>>().into())),
        ]);
        for ((column, _), gathered) in CORE.iter().zip(&self.core) {
            let values = if column.is_numbered() {
                let codes = order.iter().map(|&row| gathered.codes[row as usize]).collect();
                Values { codes: Codes::new(codes), texts: texts(&gathered.values, |_| {}).0 }
            } else {
                values(&gathered.values, order.iter().map(|&row| gathered.codes[row as usize]))
            };
            parts.insert(Part::Column(column.clone()), Loaded::Values(values.into()));
        }
        for (key, &place) in &self.places {
            let Some(property) = self.properties.get(place) else { continue };
            let dense = dense(&property.codes, self.len());
            let values = values(&property.values, order.iter().map(|&row| dense[row as usize]));
            parts.insert(Part::Column(Column::Property(key.clone())), Loaded::Values(values.into()));
        }
        if !self.rest.codes.is_empty() {
            let rest = self.whole_rest();
            let dense = dense(&rest.codes, self.len());
            let values = values(&rest.values, order.iter().map(|&row| dense[row as usize]));
            parts.insert(Part::Rest, Loaded::Values(values.into()));
        }
        parts
    }

    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_by_key(|&row| (self.times[row as usize], self.ids[row as usize]));
        order
    }

    /// The further properties with one entry an event.
    fn whole_rest(&self) -> Sparse {
        let mut rows: HashMap<u32, String, RandomState> = HashMap::default();
        for &(row, code) in &self.rest.codes {
            let json = self.rest.values.value(code).unwrap_or("{}");
            rows.entry(row)
                .and_modify(|whole| {
                    whole.truncate(whole.len().saturating_sub(1));
                    whole.push(',');
                    whole.push_str(json.get(1..).unwrap_or("}"));
                })
                .or_insert_with(|| json.to_owned());
        }
        let mut rest = Sparse::default();
        for (row, json) in rows {
            rest.codes.push((row, rest.values.intern(&json)));
        }
        rest
    }
}

/// The codes of some values in another dictionary, as far as they were asked for.
struct Renamed<'d> {
    from: &'d Dictionary,
    codes: Vec<u32>,
}

impl<'d> Renamed<'d> {
    fn of(from: &'d Dictionary) -> Self {
        Self { from, codes: vec![NONE; from.codes()] }
    }

    fn code(&mut self, code: u32, into: &mut Dictionary) -> u32 {
        let (Some(known), Some(value)) = (self.codes.get_mut(code as usize), self.from.value(code)) else {
            return NONE;
        };
        if *known == NONE {
            *known = into.intern(value);
        }
        *known
    }
}

/// Of the values of some events those of `rows`, by their places there. Both are in rising order.
fn among<'a>(sparse: &'a [(u32, u32)], rows: &'a [u32]) -> impl Iterator<Item = (u32, u32)> + 'a {
    let first = rows.first().map_or(sparse.len(), |&first| sparse.partition_point(|&(row, _)| row < first));
    let mut at = 0;
    sparse.get(first..).unwrap_or_default().iter().filter_map(move |&(row, code)| {
        at += rows.get(at..)?.partition_point(|&own| own < row);
        (rows.get(at) == Some(&row)).then_some((at as u32, code))
    })
}

fn dense(sparse: &[(u32, u32)], events: usize) -> Vec<u32> {
    let mut dense = vec![NONE; events];
    for &(row, code) in sparse {
        if let Some(place) = dense.get_mut(row as usize) {
            *place = code;
        }
    }
    dense
}

/// The codes of a dictionary for the values of a column, by their codes there.
pub(super) fn translation(texts: &Texts, dictionary: &mut Dictionary) -> Vec<u32> {
    std::iter::once(NONE).chain(texts.iter().map(|text| dictionary.intern(text))).collect()
}

/// A dictionary's values in an order of choice, and what became of their codes.
fn texts(dictionary: &Dictionary, sort: impl FnOnce(&mut Vec<u32>)) -> (Texts, Vec<u32>) {
    let mut codes: Vec<u32> = (1..dictionary.codes() as u32).collect();
    sort(&mut codes);
    let (mut texts, mut ranks) = (Texts::default(), vec![NONE; dictionary.codes()]);
    for (place, &code) in codes.iter().enumerate() {
        texts.push(dictionary.value(code).unwrap_or_default());
        ranks[code as usize] = place as u32 + 1;
    }
    (texts, ranks)
}

/// A column whose values are in rising order. Values that no event has any more are left out.
fn values(dictionary: &Dictionary, codes: impl Iterator<Item = u32>) -> Values {
    let codes: Vec<u32> = codes.collect();
    let mut used = vec![false; dictionary.codes()];
    codes.iter().for_each(|&code| used[code as usize] = true);
    let (texts, ranks) = texts(dictionary, |codes| {
        codes.retain(|&code| used[code as usize]);
        codes.sort_unstable_by_key(|&code| dictionary.value(code));
    });
    Values { codes: Codes::new(codes.into_iter().map(|code| ranks[code as usize]).collect()), texts }
}

impl Builder {
    /// The texts of visitors or sessions that came as rows.
    pub(super) fn dictionary(&self, kind: super::numbers::Kind) -> Option<&Dictionary> {
        let place = CORE.iter().position(|(column, _)| *column == kind.column())?;
        self.core.get(place).map(|gathered| &gathered.values)
    }

    /// The same in the order of their codes.
    pub(super) fn texts(&self, kind: super::numbers::Kind) -> impl Iterator<Item = &str> {
        let dictionary = self.dictionary(kind).into_iter();
        dictionary.flat_map(|dictionary| (1..dictionary.codes() as u32).filter_map(|code| dictionary.value(code)))
    }
}
