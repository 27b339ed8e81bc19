//! What a segment keeps apart, and under which names.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Column, members::Members, values::Values};

/// Something every event of a segment has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) enum Part {
    /// When it happened. Events are sorted by it, then by their ids.
    Times,
    /// Its id.
    Ids,
    /// The number of the commit that stored it.
    Seqs,
    /// The value of a column.
    Column(Column),
    /// Properties that got no column of their own: a JSON object.
    Rest,
    /// Not of an event: which values a column may hold. No header mentions it.
    Members(Column),
}

/// The columns of every segment, with their names. Custom properties are `p:` and the key.
pub(super) const CORE: [(Column, &str); 28] = [
    (Column::EventType, "event_type"),
    (Column::Visitor, "visitor"),
    (Column::Session, "session"),
    (Column::Url, "url"),
    (Column::Hostname, "hostname"),
    (Column::Path, "path"),
    (Column::Referrer, "referrer"),
    (Column::ReferrerDomain, "referrer_domain"),
    (Column::UtmSource, "utm_source"),
    (Column::UtmMedium, "utm_medium"),
    (Column::UtmCampaign, "utm_campaign"),
    (Column::UtmTerm, "utm_term"),
    (Column::UtmContent, "utm_content"),
    (Column::Title, "title"),
    (Column::Browser, "browser"),
    (Column::BrowserVersion, "browser_version"),
    (Column::Os, "os"),
    (Column::OsVersion, "os_version"),
    (Column::Device, "device"),
    (Column::Country, "country"),
    (Column::Region, "region"),
    (Column::City, "city"),
    (Column::Language, "language"),
    (Column::Revenue, "revenue"),
    (Column::Currency, "currency"),
    (Column::IsBot, "is_bot"),
    (Column::ScreenWidth, "screen_width"),
    (Column::ScreenHeight, "screen_height"),
];

static BY_NAME: LazyLock<BTreeMap<&'static str, &'static Column>> =
    LazyLock::new(|| CORE.iter().map(|(column, name)| (*name, column)).collect());

const PROPERTY: &str = "p:";
const MEMBERS: &str = "m:";

impl From<Part> for String {
    fn from(part: Part) -> Self {
        let name = match &part {
            Part::Times => "time",
            Part::Ids => "id",
            Part::Seqs => "seq",
            Part::Rest => "rest",
            Part::Members(column) => return format!("{MEMBERS}{}", Self::from(Part::Column(column.clone()))),
            Part::Column(Column::Property(key)) => return format!("{PROPERTY}{key}"),
            Part::Column(column) => CORE.iter().find(|(own, _)| own == column).map_or("screen", |(_, name)| name),
        };
        name.to_owned()
    }
}

impl TryFrom<String> for Part {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Ok(match name.as_str() {
            "time" => Self::Times,
            "id" => Self::Ids,
            "seq" => Self::Seqs,
            "rest" => Self::Rest,
            name => match (name.strip_prefix(MEMBERS), name.strip_prefix(PROPERTY), BY_NAME.get(name)) {
                (Some(column), ..) => match Self::try_from(column.to_owned())? {
                    Self::Column(column) => Self::Members(column),
                    _ => return Err(format!("a segment has a filter of {column}, which is no column")),
                },
                (_, Some(key), _) => Self::Column(Column::Property(key.to_owned())),
                (.., Some(column)) => Self::Column((*column).clone()),
                _ => return Err(format!("a segment has an unknown column {name}")),
            },
        })
    }
}

/// A part, decoded. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) enum Loaded {
    Numbers(Arc<Vec<i64>>),
    Ids(Arc<Vec<Uuid>>),
    Values(Arc<Values>),
    Members(Arc<Members>),
}

impl Loaded {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len() * size_of::<i64>(),
            Self::Ids(ids) => ids.len() * size_of::<Uuid>(),
            Self::Values(values) => values.bytes(),
            Self::Members(members) => members.bytes(),
        }
    }
}

/// The decoded parts of one segment, or of the tail.
pub(super) type Parts = BTreeMap<Part, Loaded>;
