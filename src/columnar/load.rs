//! Columns of segments, decoded: out of the cache, or out of the store.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use futures::{StreamExt, TryStreamExt, stream};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use tokio::task;
use uuid::Uuid;

use super::{
    Column, Columnar, Dictionary, NONE, codec,
    header::Segment,
    members::Members,
    part::{Loaded, Part, Parts},
    property,
    rollup::{Share, Stretch},
    values::{Codes, Texts, Values},
};
use crate::{
    entity::{event_segment, segment_column},
    error::{Error, Result},
};

/// What of which app is kept decoded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A part of a segment. No number of a segment is used twice, so no entry is ever wrong.
    Part(Uuid, i64, Part),
    /// A share of the sums from one hour to another. The entry says which segments it is of.
    Stretch(Uuid, i64, i64, Share),
}

/// What is kept.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    Part(Loaded),
    Stretch(Arc<Stretch>),
}

impl Kept {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Part(loaded) => loaded.bytes(),
            Self::Stretch(stretch) => stretch.bytes(),
        }
    }

    fn part(self) -> Option<Loaded> {
        match self {
            Self::Part(loaded) => Some(loaded),
            Self::Stretch(_) => None,
        }
    }
}

/// Stored bytes that one statement fetches.
const FETCH_BYTES: usize = 8 << 20;
/// Statements of one question under way.
const FETCHES: usize = 3;

/// What was asked for, or nothing when one of the segments is no more.
pub(super) type Found = Option<Vec<Parts>>;

impl Columnar {
    /// These parts of these segments, segment by segment.
    pub(super) async fn load(&self, app: Uuid, segments: &[Arc<Segment>], wanted: &[Part]) -> Result<Found> {
        self.load_and(true, app, segments, wanted).await
    }

    /// All parts of a segment, of which nobody is going to ask for most again.
    pub(super) async fn load_whole(&self, app: Uuid, segment: &Arc<Segment>) -> Result<Option<Parts>> {
        let wanted: Vec<Part> = segment.header.parts.keys().cloned().collect();
        let found = self.load_and(false, app, std::slice::from_ref(segment), &wanted).await?;
        Ok(found.and_then(|mut found| {
            let mut parts = found.pop()?;
            segment.complete(&mut parts);
            Some(parts)
        }))
    }

    /// These parts of these segments, kept in the cache or not.
    pub(super) async fn load_and(
        &self,
        keep: bool,
        app: Uuid,
        segments: &[Arc<Segment>],
        wanted: &[Part],
    ) -> Result<Found> {
        let mut found: Vec<Parts> = Vec::with_capacity(segments.len());
        let mut missing: Vec<(usize, BTreeSet<Part>)> = Vec::new();
        for (place, segment) in segments.iter().enumerate() {
            let (mut parts, mut open) = (Parts::new(), BTreeSet::new());
            for part in wanted {
                let cached = segment
                    .constant_or_made(part)
                    .or_else(|| self.parts.get(&Key::Part(app, segment.id, part.clone()))?.part());
                match cached {
                    Some(loaded) => drop(parts.insert(part.clone(), loaded)),
                    None => drop(open.insert(part.clone())),
                }
            }
            found.push(parts);
            if !open.is_empty() {
                missing.push((place, open));
            }
        }
        let mut batches: Vec<Vec<(usize, BTreeSet<Part>)>> = Vec::new();
        let mut filled = 0;
        for (place, open) in missing {
            let bytes: usize = open.iter().flat_map(|part| segments[place].sources(part)).map(|(_, bytes)| bytes).sum();
            // What is made of constants takes no bytes, and yet has to be made.
            if batches.is_empty() || filled + bytes > FETCH_BYTES {
                batches.push(Vec::new());
                filled = 0;
            }
            filled += bytes;
            if let Some(batch) = batches.last_mut() {
                batch.push((place, open));
            }
        }
        let fetches = batches.into_iter().map(|batch| self.fetch(app, segments, batch));
        let mut fetches = stream::iter(fetches).buffer_unordered(FETCHES);
        while let Some(fetched) = fetches.try_next().await? {
            let Some(fetched) = fetched else { return Ok(None) };
            for (place, part, loaded) in fetched {
                if keep {
                    self.parts.insert(Key::Part(app, segments[place].id, part.clone()), Kept::Part(loaded.clone()));
                }
                found[place].insert(part, loaded);
            }
        }
        // A column that is not there would be read as one without values.
        if found.iter().any(|parts| wanted.iter().any(|part| !parts.contains_key(part))) {
            return Err(Error::internal("a column was left unread"));
        }
        Ok(Some(found))
    }

    async fn fetch(
        &self,
        app: Uuid,
        segments: &[Arc<Segment>],
        batch: Vec<(usize, BTreeSet<Part>)>,
    ) -> Result<Option<Vec<(usize, Part, Loaded)>>> {
        use segment_column::Column as C;
        let sources = |(place, open): &(usize, BTreeSet<Part>)| {
            open.iter().flat_map(|part| segments[*place].sources(part)).map(|(part, _)| part).collect::<BTreeSet<_>>()
        };
        let names: BTreeSet<String> = batch.iter().flat_map(sources).map(String::from).collect();
        let rows = segment_column::Entity::find()
            .select_only()
            .columns([C::SegmentId, C::Name, C::Data])
            .filter(C::AppId.eq(app))
            .filter(C::SegmentId.is_in(batch.iter().map(|(place, _)| segments[*place].id)))
            .filter(C::Name.is_in(names))
            .into_tuple::<(i64, String, Vec<u8>)>();
        let mut data: HashMap<(i64, Part), Vec<u8>> = HashMap::new();
        for (segment, name, bytes) in rows.all(&*self.db).await? {
            data.insert((segment, Part::try_from(name).map_err(Error::internal)?), bytes);
        }
        let batch: Vec<_> = batch.into_iter().map(|(place, open)| (place, segments[place].clone(), open)).collect();
        let decode = move || {
            let mut decoded = Vec::new();
            for (place, segment, open) in batch {
                for part in open {
                    match segment.decode(&part, &data).map_err(|error| named(error, segment.id, &part))? {
                        Some(loaded) => decoded.push((place, part, loaded)),
                        None => return Ok(Err((segment.id, part))),
                    }
                }
            }
            Ok::<_, Error>(Ok(decoded))
        };
        match task::spawn_blocking(decode).await.map_err(Error::internal)?? {
            Ok(decoded) => Ok(Some(decoded)),
            Err((segment, _)) if !self.has_segment(app, segment).await? => Ok(None),
            // Columns come and go with their segment.
            Err((segment, part)) => Err(named(Error::internal("it is not there"), segment, &part)),
        }
    }

    /// Whether a segment has not been replaced or dropped.
    pub(super) async fn has_segment(&self, app: Uuid, segment: i64) -> Result<bool> {
        use event_segment::Column as C;
        let found = event_segment::Entity::find().select_only().column(C::Id);
        let found = found.filter(C::AppId.eq(app)).filter(C::Id.eq(segment)).into_tuple::<i64>();
        Ok(found.one(&*self.db).await?.is_some())
    }
}

/// What is wrong with a column, with its name.
fn named(error: Error, segment: i64, part: &Part) -> Error {
    match error {
        Error::Internal(cause) => {
            Error::internal(format!("column {} of segment {segment}: {cause}", String::from(part.clone())))
        }
        other => other,
    }
}

impl Segment {
    /// A part that needs no column.
    pub(super) fn constant_or_made(&self, part: &Part) -> Option<Loaded> {
        match part {
            Part::Members(_) => (!self.has_members(part)).then(|| Loaded::Members(Members::anything().into())),
            Part::Column(Column::Screen) if self.header.parts.contains_key(&WIDTH) => None,
            Part::Column(Column::Property(_)) if !self.header.parts.contains_key(part) && self.has_rest() => None,
            part => self.constant(part),
        }
    }

    pub(super) fn has_rest(&self) -> bool {
        self.header.parts.contains_key(&Part::Rest)
    }

    /// Whether a filter is stored beside its column.
    pub(super) fn has_members(&self, members: &Part) -> bool {
        self.bytes_of_members(members) > 0
    }

    fn bytes_of_members(&self, members: &Part) -> usize {
        let Part::Members(column) = members else { return 0 };
        self.header.parts.get(&Part::Column(column.clone())).map_or(0, |stat| stat.members)
    }

    /// The stored columns a part is made from, and their bytes.
    fn sources(&self, part: &Part) -> Vec<(Part, usize)> {
        let parts = match part {
            Part::Column(Column::Screen) => vec![WIDTH, HEIGHT],
            Part::Column(Column::Property(_)) if !self.header.parts.contains_key(part) => vec![Part::Rest],
            Part::Ids => vec![Part::Ids, Part::Times],
            part => vec![part.clone()],
        };
        let stored = |part: Part| {
            let bytes = match &part {
                Part::Members(_) => self.bytes_of_members(&part),
                part => self.header.parts.get(part)?.bytes,
            };
            (bytes > 0).then_some((part, bytes))
        };
        parts.into_iter().filter_map(stored).collect()
    }

    /// A part out of stored columns; nothing when one is missing.
    fn decode(&self, part: &Part, data: &HashMap<(i64, Part), Vec<u8>>) -> Result<Option<Loaded>> {
        let stored = |part: &Part| data.get(&(self.id, part.clone()));
        let values = |part: &Part| match (self.constant(part), stored(part)) {
            (Some(Loaded::Values(values)), _) => Ok(Some(values)),
            (_, Some(data)) => codec::read_values(data, self.events).map(|values| Some(Arc::new(values))),
            _ => Ok(None),
        };
        Ok(match part {
            Part::Times => match stored(part) {
                Some(data) => Some(Loaded::Numbers(codec::read_times(data, self.events)?.into())),
                None => None,
            },
            Part::Seqs => match stored(part) {
                Some(data) => Some(Loaded::Numbers(codec::read_numbers(data, self.events)?.into())),
                None => None,
            },
            Part::Ids => match (stored(part), stored(&Part::Times)) {
                (Some(ids), Some(times)) => {
                    Some(Loaded::Ids(codec::read_ids(ids, &codec::read_times(times, self.events)?)?.into()))
                }
                _ => None,
            },
            Part::Column(Column::Screen) => match (values(&WIDTH)?, values(&HEIGHT)?) {
                (Some(width), Some(height)) => Some(Loaded::Values(screens(&width, &height, self.events).into())),
                _ => None,
            },
            Part::Column(Column::Property(key)) if !self.header.parts.contains_key(part) => {
                values(&Part::Rest)?.map(|rest| Loaded::Values(out_of_rest(&rest, key, self.events).into()))
            }
            Part::Members(_) => match stored(part) {
                Some(data) => Some(Loaded::Members(Members::read(data)?.into())),
                None => None,
            },
            part => values(part)?.map(Loaded::Values),
        })
    }
}

const WIDTH: Part = Part::Column(Column::ScreenWidth);
const HEIGHT: Part = Part::Column(Column::ScreenHeight);

/// A part of the tail, which has all that are not made from others.
pub(super) fn made_from_tail(parts: &Parts, part: &Part, events: usize) -> Option<Loaded> {
    if let Some(loaded) = parts.get(part) {
        return Some(loaded.clone());
    }
    let values = |part: &Part| match parts.get(part) {
        Some(Loaded::Values(values)) => Some(values.clone()),
        _ => None,
    };
    Some(Loaded::Values(Arc::new(match part {
        Part::Column(Column::Screen) => screens(&*values(&WIDTH)?, &*values(&HEIGHT)?, events),
        Part::Column(Column::Property(key)) => match values(&Part::Rest) {
            Some(rest) => out_of_rest(&rest, key, events),
            None => Values::none(),
        },
        _ => Values::none(),
    })))
}

/// `widthxheight` where both are known.
fn screens(width: &Values, height: &Values, events: usize) -> Values {
    let (mut dictionary, mut pairs) = (Dictionary::default(), HashMap::new());
    let codes = (0..events).map(|place| {
        let pair = (width.codes.get(place), height.codes.get(place));
        *pairs.entry(pair).or_insert_with(|| match (width.texts.get(pair.0), height.texts.get(pair.1)) {
            (Some(width), Some(height)) => dictionary.intern(&format!("{width}x{height}")),
            _ => NONE,
        })
    });
    let codes = Codes::new(codes.collect());
    Values { codes, texts: in_order(&dictionary) }
}

/// A property that has no column of its own.
fn out_of_rest(rest: &Values, key: &str, events: usize) -> Values {
    let mut dictionary = Dictionary::default();
    let mut of_rest = vec![NONE];
    for json in rest.texts.iter() {
        let mut code = NONE;
        property::each(json, |own, value| {
            if own == key {
                code = dictionary.intern_as(value, property::canonical);
            }
        });
        of_rest.push(code);
    }
    let code = |place| of_rest.get(rest.codes.get(place) as usize).copied().unwrap_or(NONE);
    let codes = Codes::new((0..events).map(code).collect());
    Values { codes, texts: in_order(&dictionary) }
}

fn in_order(dictionary: &Dictionary) -> Texts {
    let mut texts = Texts::default();
    (1..dictionary.codes() as u32).filter_map(|code| dictionary.value(code)).for_each(|value| texts.push(value));
    texts
}
