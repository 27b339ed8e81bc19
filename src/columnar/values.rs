//! One column of a block: a code an event, and what the codes mean.

use super::NONE;

/// Codes in as few bytes as their largest needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Codes {
    /// The same for every event.
    Constant(u32),
    One(Vec<u8>),
    Two(Vec<u16>),
    Four(Vec<u32>),
}

impl Codes {
    pub(super) fn new(codes: Vec<u32>) -> Self {
        let most = codes.iter().copied().max().unwrap_or(NONE);
        match codes.first() {
            Some(&first) if codes.iter().all(|&code| code == first) => Self::Constant(first),
            None => Self::Constant(NONE),
            _ if most <= u32::from(u8::MAX) => Self::One(codes.into_iter().map(|code| code as u8).collect()),
            _ if most <= u32::from(u16::MAX) => Self::Two(codes.into_iter().map(|code| code as u16).collect()),
            _ => Self::Four(codes),
        }
    }

    /// The codes of these events, translated, behind those in `out`.
    pub(super) fn read(&self, places: Places<'_>, translate: Translate<'_>, out: &mut Vec<u32>) {
        match self {
            Self::Constant(code) => {
                let code = translate.one(*code);
                out.resize(out.len() + places.len(), code);
            }
            Self::One(codes) => copy(codes, places, translate, out),
            Self::Two(codes) => copy(codes, places, translate, out),
            Self::Four(codes) => copy(codes, places, translate, out),
        }
    }

    pub(super) fn get(&self, place: usize) -> u32 {
        match self {
            Self::Constant(code) => *code,
            Self::One(codes) => codes.get(place).map_or(NONE, |&code| code.into()),
            Self::Two(codes) => codes.get(place).map_or(NONE, |&code| code.into()),
            Self::Four(codes) => codes.get(place).copied().unwrap_or(NONE),
        }
    }

    /// Adds the places from `from` to `to` that have this code.
    pub(super) fn find(&self, code: u32, from: usize, to: usize, places: &mut Vec<u32>) {
        fn among<T: Copy + PartialEq>(codes: &[T], code: T, from: usize, to: usize, places: &mut Vec<u32>) {
            let codes = codes.get(from..to).unwrap_or_default();
            for (step, part) in codes.chunks(64).enumerate() {
                // Mostly it is nowhere near.
                if part.iter().fold(false, |found, own| found | (*own == code)) {
                    let first = from + step * 64;
                    let own = part.iter().enumerate().filter(|(_, own)| **own == code);
                    places.extend(own.map(|(place, _)| (first + place) as u32));
                }
            }
        }
        match self {
            Self::Constant(own) if *own == code => places.extend(from as u32..to as u32),
            Self::Constant(_) => {}
            Self::One(codes) => u8::try_from(code).into_iter().for_each(|code| among(codes, code, from, to, places)),
            Self::Two(codes) => u16::try_from(code).into_iter().for_each(|code| among(codes, code, from, to, places)),
            Self::Four(codes) => among(codes, code, from, to, places),
        }
    }

    /// The different codes but [`NONE`], in rising order.
    pub(super) fn different(&self) -> Vec<u32> {
        let mut codes: Vec<u32> = match self {
            Self::Constant(code) => vec![*code],
            Self::One(codes) => codes.iter().map(|&code| code.into()).collect(),
            Self::Two(codes) => codes.iter().map(|&code| code.into()).collect(),
            Self::Four(codes) => codes.clone(),
        };
        codes.sort_unstable();
        codes.dedup();
        codes.retain(|&code| code != NONE);
        codes
    }

    /// The least and the greatest code but [`NONE`].
    pub(super) fn range(&self) -> Option<(u32, u32)> {
        fn among<T: Copy + Into<u32>>(codes: &[T]) -> Option<(u32, u32)> {
            let codes = || codes.iter().map(|&code| code.into()).filter(|&code| code != NONE);
            Some((codes().min()?, codes().max()?))
        }
        match self {
            Self::Constant(code) => among(&[*code]),
            Self::One(codes) => among(codes),
            Self::Two(codes) => among(codes),
            Self::Four(codes) => among(codes),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Constant(_) => 0,
            Self::One(codes) => codes.len(),
            Self::Two(codes) => codes.len() * 2,
            Self::Four(codes) => codes.len() * 4,
        }
    }
}

/// Which events of a block: a stretch, or some by their places.
#[derive(Debug, Clone, Copy)]
pub(super) enum Places<'a> {
    All { from: usize, to: usize },
    Some(&'a [u32]),
}

impl Places<'_> {
    pub(super) fn len(self) -> usize {
        match self {
            Self::All { from, to } => to - from,
            Self::Some(places) => places.len(),
        }
    }
}

/// Adds the elements in some places.
pub(super) fn pick<T: Copy>(from: &[T], places: Places<'_>, into: &mut Vec<T>) {
    match places {
        Places::All { from: start, to } => into.extend_from_slice(from.get(start..to).unwrap_or_default()),
        Places::Some(places) => into.extend(places.iter().filter_map(|&place| from.get(place as usize))),
    }
}

/// What the codes of a block are in the question that reads it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Translate<'a> {
    /// The same: numbers of visitors and sessions.
    Same,
    /// Looked up.
    Table(&'a [u32]),
}

impl Translate<'_> {
    fn one(self, code: u32) -> u32 {
        match self {
            Self::Same => code,
            Self::Table(table) => table.get(code as usize).copied().unwrap_or(NONE),
        }
    }
}

fn copy<T: Copy + Into<u32>>(codes: &[T], places: Places<'_>, translate: Translate<'_>, out: &mut Vec<u32>) {
    match (places, translate) {
        (Places::All { from, to }, Translate::Same) => {
            out.extend(codes.get(from..to).unwrap_or_default().iter().map(|&code| code.into()));
        }
        (Places::All { from, to }, translate) => {
            let codes = codes.get(from..to).unwrap_or_default();
            out.extend(codes.iter().map(|&code| translate.one(code.into())));
        }
        (Places::Some(places), translate) => {
            let code = |&place: &u32| codes.get(place as usize).map_or(NONE, |&code| translate.one(code.into()));
            out.extend(places.iter().map(code));
        }
    }
}

/// The different values of a column in rising order: the value of code 1 first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) text: String,
    /// Where each ends.
    pub(super) ends: Vec<u32>,
}

impl Texts {
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, code: u32) -> Option<&str> {
        let place = (code as usize).checked_sub(1)?;
        let from = if place == 0 { 0 } else { *self.ends.get(place - 1)? };
        self.text.get(from as usize..*self.ends.get(place)? as usize)
    }

    /// In the order of their codes, from 1.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (1..=self.len() as u32).filter_map(|code| self.get(code))
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * 4
    }
}

/// A column: codes, and the texts they stand for. Visitors and sessions have codes that mean the
/// same in all segments of an app, and no texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) codes: Codes,
    pub(super) texts: Texts,
}

impl Values {
    /// No event has a value.
    pub(super) fn none() -> Self {
        Self { codes: Codes::Constant(NONE), texts: Texts::default() }
    }

    /// Every event has this value.
    pub(super) fn constant(value: &str) -> Self {
        let mut texts = Texts::default();
        texts.push(value);
        Self { codes: Codes::Constant(1), texts }
    }

    pub(super) fn bytes(&self) -> usize {
        self.codes.bytes() + self.texts.bytes()
    }
}
