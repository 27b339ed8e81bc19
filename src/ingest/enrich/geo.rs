//! Places of addresses, out of an MMDB file: the owner's own, or the countries that are built in.

use std::{borrow::Cow, collections::HashMap, net::IpAddr, path::Path};

use maxminddb::Reader;
use serde::Deserialize;

use crate::{
    error::{Error, Result},
    ingest::wire::bounds,
};

mod built_in {
    // Says `COUNTRIES`: the file that the build found, or nothing.
    include!(concat!(env!("OUT_DIR"), "/geo.rs"));
}

/// An open database. What is built in stays where the program lies, and takes memory only where it is
/// looked into; a file is read whole.
pub(super) struct Places(Reader<Cow<'static, [u8]>>);

/// Where an address is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::ingest) struct Place {
    /// Two upper-case letters.
    pub country: Option<String>,
    /// Part of the country.
    pub region: Option<String>,
    /// Town.
    pub city: Option<String>,
}

/// A record as the free lists have it (flat) or as MaxMind has it.
#[derive(Deserialize)]
struct Record {
    country_code: Option<String>,
    country: Option<Country>,
    state1: Option<String>,
    subdivisions: Option<Vec<Named>>,
    city: Option<City>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Country {
    Code(String),
    Record { iso_code: Option<String> },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum City {
    Name(String),
    Record(Named),
}

#[derive(Deserialize)]
struct Named {
    names: Option<HashMap<String, String>>,
}

impl Places {
    /// Reads the whole file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let unreadable = |error: &dyn std::fmt::Display| {
            Error::invalid("GEOIP_DATABASE", format!("The geo database {} cannot be read: {error}", path.display()))
        };
        let bytes = std::fs::read(path).map_err(|error| unreadable(&error))?;
        Ok(Self(Reader::from_source(Cow::Owned(bytes)).map_err(|error| unreadable(&error))?))
    }

    /// What is built in, where the build found it.
    pub(super) fn built_in() -> Option<Self> {
        let reader = Reader::from_source(Cow::Borrowed(built_in::COUNTRIES?));
        reader.map(Self).inspect_err(|error| tracing::warn!(%error, "the countries built in cannot be read")).ok()
    }

    /// Where an address is, as far as the database knows.
    pub(super) fn of(&self, ip: IpAddr) -> Place {
        let record: Option<Record> = self.0.lookup(ip).ok().and_then(|found| found.decode().ok()).flatten();
        record.map(Record::place).unwrap_or_default()
    }
}

impl Record {
    fn place(self) -> Place {
        let code = self.country_code.or(match self.country {
            Some(Country::Code(code)) => Some(code),
            Some(Country::Record { iso_code }) => iso_code,
            None => None,
        });
        let is_code = |code: &String| code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_alphabetic());
        let region = self.subdivisions.and_then(|parts| parts.into_iter().next()).and_then(Named::english);
        let city = match self.city {
            Some(City::Name(name)) => Some(name),
            Some(City::Record(named)) => named.english(),
            None => None,
        };
        Place {
            country: code.filter(is_code).map(|code| code.to_ascii_uppercase()),
            region: region.or(self.state1).and_then(bounded),
            city: city.and_then(bounded),
        }
    }
}

impl Named {
    fn english(self) -> Option<String> {
        self.names?.remove("en")
    }
}

fn bounded(mut name: String) -> Option<String> {
    name.retain(|letter| letter != '\0');
    name.truncate(name.floor_char_boundary(bounds::PLACE));
    (!name.is_empty()).then_some(name)
}
