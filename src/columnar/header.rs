//! What is known of a segment without reading its columns.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Column, NONE, codec,
    members::Members,
    numbers::Kind,
    part::{CORE, Loaded, Part, Parts},
    property,
    rollup::{Stored, made_of},
    values::{Codes, Values},
};
use crate::{
    entity::event_segment,
    error::{Error, Result},
};

/// Longest value that stands in the header in place of a column.
const MAX_CONSTANT: usize = 256;
/// How many values of a column the header lists, so that a filter can do without the segment.
const MAX_LISTED: usize = 32;
/// How many times their stored bytes texts are taken to be where nothing says how many they are.
const PACKED: usize = 4;
/// Bytes a header may have, for whoever reads one.
const MAX_HEADER: usize = 16 << 20;

/// A segment: what it holds, and what its columns are like.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) id: i64,
    pub(super) events: usize,
    pub(super) first_seq: i64,
    pub(super) last_seq: i64,
    /// What it takes in the store.
    pub(super) bytes: i64,
    pub(super) header: Header,
}

/// What is known of the columns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Header {
    /// When its first event happened.
    pub(super) from: i64,
    /// When its last event happened.
    pub(super) to: i64,
    /// Every part it has.
    pub(super) parts: BTreeMap<Part, Stat>,
}

/// What is known of one column.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Stat {
    /// What it takes in the store; nothing when all is said here.
    #[serde(default)]
    pub(super) bytes: usize,
    /// How many events have a value.
    #[serde(default)]
    pub(super) present: usize,
    /// How many different values there are, where they have texts.
    #[serde(default)]
    pub(super) distinct: usize,
    /// Bytes of their texts. Segments of old do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<usize>,
    /// All of them, where they are few and short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) values: Option<Vec<String>>,
    /// Where they are not, and some may be numbers: the bits of the least and the greatest number, the least being
    /// the greater where there is none. Segments of old say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) numbers: Option<(u64, u64)>,
    /// Set where all events have the same, or none.
    #[serde(default)]
    pub(super) constant: bool,
    /// The code of a constant visitor or session.
    #[serde(default)]
    pub(super) code: u32,
    /// Of visitors and sessions: the least and the greatest number. Segments of old say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) range: Option<(u32, u32)>,
    /// What the filter beside the column takes in the store; nothing where there is none.
    #[serde(default)]
    pub(super) members: usize,
}

impl Segment {
    /// Of a stored row.
    pub(super) fn of(row: event_segment::Model) -> Result<Self> {
        let json = zstd::bulk::decompress(&row.header, MAX_HEADER).map_err(Error::internal)?;
        Ok(Self {
            id: row.id,
            events: usize::try_from(row.events).map_err(Error::internal)?,
            first_seq: row.first_seq,
            last_seq: row.last_seq,
            bytes: row.bytes,
            header: serde_json::from_slice(&json).map_err(Error::internal)?,
        })
    }

    /// The row to store.
    pub(super) fn row(&self, app: Uuid) -> Result<event_segment::Model> {
        let json = serde_json::to_vec(&self.header).map_err(Error::internal)?;
        let header = zstd::bulk::compress(&json, 3).map_err(Error::internal)?;
        Ok(event_segment::Model {
            app_id: app,
            id: self.id,
            events: self.events as i64,
            first_seq: self.first_seq,
            last_seq: self.last_seq,
            bytes: self.bytes + header.len() as i64,
            header,
        })
    }

    /// Adds the columns in which no event has a value.
    pub(super) fn complete(&self, parts: &mut Parts) {
        for (column, _) in CORE {
            parts.entry(Part::Column(column)).or_insert_with(|| Loaded::Values(Values::none().into()));
        }
    }

    /// Whether it may hold a visitor with one of these numbers.
    pub(super) fn may_have(&self, numbers: &BTreeSet<u32>) -> bool {
        let visitors = self.header.parts.get(&Part::Column(Column::Visitor));
        visitors.is_some_and(|stat| {
            stat.range.is_none_or(|(least, greatest)| numbers.iter().any(|own| (least..=greatest).contains(own)))
        })
    }

    /// About how many bytes a part takes once it is decoded.
    pub(super) fn decoded_bytes(&self, part: &Part) -> usize {
        match (part, self.header.parts.get(part)) {
            (_, Some(stat)) => stat.decoded_bytes(part, self.events),
            (Part::Members(column), _) => {
                self.header.parts.get(&Part::Column(column.clone())).map_or(0, |stat| stat.members)
            }
            // It is made of all of them.
            (Part::Column(Column::Property(_)), _) if self.has_rest() => self.decoded_bytes(&Part::Rest),
            (Part::Column(Column::Screen), _) => self.events * 4,
            _ => 0,
        }
    }

    /// The same of all its parts.
    pub(super) fn all_decoded_bytes(&self) -> usize {
        self.header.parts.iter().map(|(part, stat)| stat.decoded_bytes(part, self.events)).sum()
    }

    /// A part of which the header says all.
    pub(super) fn constant(&self, part: &Part) -> Option<Loaded> {
        let values = match self.header.parts.get(part) {
            None => Values::none(),
            Some(stat) if !stat.constant => return None,
            Some(stat) if stat.code != NONE => Values { codes: Codes::Constant(stat.code), ..Values::none() },
            Some(stat) => match stat.values.as_deref() {
                Some([value]) => Values::constant(value),
                _ => Values::none(),
            },
        };
        Some(Loaded::Values(values.into()))
    }
}

impl Stat {
    fn decoded_bytes(&self, part: &Part, events: usize) -> usize {
        match part {
            Part::Ids => events * 16,
            Part::Times | Part::Seqs => events * 8,
            _ if self.constant => 0,
            Part::Column(column) if column.is_numbered() => events * 4,
            _ => self.text.unwrap_or(self.bytes * PACKED) + (self.distinct + events) * 4,
        }
    }
}

/// What is stored of a segment beside its row.
#[derive(Debug)]
pub(super) struct Encoded {
    /// Its columns: their parts and their bytes.
    pub(super) columns: Vec<(Part, Vec<u8>)>,
    /// What its events sum up to.
    pub(super) rollup: Stored,
}

/// The segment of these parts, and its columns as they are stored. `events` is not zero.
pub(super) fn encode(parts: &Parts, id: i64, events: usize) -> Option<(Segment, Encoded)> {
    let (Some(Loaded::Numbers(times)), Some(Loaded::Numbers(seqs))) = (parts.get(&Part::Times), parts.get(&Part::Seqs))
    else {
        return None;
    };
    let (mut stats, mut columns) = (BTreeMap::new(), Vec::new());
    for (part, loaded) in parts {
        let mut stat = Stat::default();
        let data = match loaded {
            Loaded::Numbers(numbers) if *part == Part::Times => Some(codec::write_times(numbers)),
            Loaded::Numbers(numbers) => Some(codec::write_numbers(numbers)),
            Loaded::Ids(ids) => Some(codec::write_ids(ids, times)),
            Loaded::Values(values) => {
                stat = statistics(part, values, events);
                // What no event has needs no mention.
                if stat.present == 0 {
                    continue;
                }
                (!stat.constant).then(|| codec::write_values(values, events))
            }
            Loaded::Members(_) => continue,
        };
        stat.bytes = data.as_ref().map_or(0, Vec::len);
        if let (Part::Column(column), Loaded::Values(values)) = (part, loaded)
            && let Some(members) = members(column, values, &stat)
        {
            let data = members.write();
            stat.members = data.len();
            columns.push((Part::Members(column.clone()), data));
        }
        columns.extend(data.map(|data| (part.clone(), data)));
        stats.insert(part.clone(), stat);
    }
    let segment = Segment {
        id,
        events,
        first_seq: seqs.iter().copied().min()?,
        last_seq: seqs.iter().copied().max()?,
        bytes: columns.iter().map(|(_, data)| data.len() as i64).sum(),
        header: Header { from: *times.first()?, to: *times.last()?, parts: stats },
    };
    let rollup = made_of(parts).map(|rollup| Stored::of(&rollup, events)).unwrap_or_default();
    Some((segment, Encoded { columns, rollup }))
}

/// A filter of the values of a column, where the header does not say which they are. Sessions are short, so
/// that the least and the greatest of their numbers say it well enough.
fn members(column: &Column, values: &Values, stat: &Stat) -> Option<Members> {
    if stat.constant || stat.values.is_some() || *column == Column::Session {
        return None;
    }
    if !column.is_numbered() {
        let texts: Vec<&[u8]> = values.texts.iter().map(str::as_bytes).collect();
        return Members::of(texts.into_iter(), stat.bytes);
    }
    let numbers: Vec<[u8; 4]> = values.codes.different().into_iter().map(u32::to_le_bytes).collect();
    Members::of(numbers.iter().map(<[u8; 4]>::as_slice), stat.bytes)
}

fn statistics(part: &Part, values: &Values, events: usize) -> Stat {
    let present = match &values.codes {
        Codes::Constant(NONE) => 0,
        Codes::Constant(_) => events,
        codes => (0..events).filter(|&place| codes.get(place) != NONE).count(),
    };
    let numbered = matches!(part, Part::Column(column) if Kind::of(column).is_some());
    let texts = &values.texts;
    let listed = texts.len() <= MAX_LISTED && texts.iter().all(|text| text.len() <= MAX_CONSTANT);
    let code = match values.codes {
        Codes::Constant(code) if numbered => code,
        _ => NONE,
    };
    Stat {
        bytes: 0,
        present,
        distinct: texts.len(),
        text: (!numbered).then_some(texts.text.len()),
        constant: matches!(values.codes, Codes::Constant(_)) && (numbered || listed),
        numbers: (!listed && has_numbers(part)).then(|| {
            let numbers = || texts.iter().filter_map(property::number);
            (numbers().fold(f64::INFINITY, f64::min).to_bits(), numbers().fold(f64::NEG_INFINITY, f64::max).to_bits())
        }),
        values: (listed && !numbered).then(|| texts.iter().map(str::to_owned).collect()),
        code,
        range: if numbered { values.codes.range() } else { None },
        members: 0,
    }
}

/// Whether values of a column may be taken for numbers.
fn has_numbers(part: &Part) -> bool {
    let Part::Column(column) = part else { return false };
    matches!(column, Column::Property(_) | Column::Revenue | Column::ScreenWidth | Column::ScreenHeight)
}
