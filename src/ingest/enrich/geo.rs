//! Countries of addresses, out of an MMDB file.

use std::{net::IpAddr, path::Path};

use maxminddb::Reader;
use serde::Deserialize;

use crate::error::{Error, Result};

/// An open database, held in memory.
pub(super) struct Countries(Reader<Vec<u8>>);

/// A record as the free lists have it (flat) or as MaxMind has it.
#[derive(Deserialize)]
struct Record {
    country_code: Option<String>,
    country: Option<Country>,
}

#[derive(Deserialize)]
struct Country {
    iso_code: Option<String>,
}

impl Countries {
    /// Reads the whole file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let reader = Reader::open_readfile(path).map_err(|error| {
            Error::invalid("GEOIP_DATABASE", format!("The country database {} cannot be read: {error}", path.display()))
        })?;
        Ok(Self(reader))
    }

    /// The country of an address as two upper-case letters.
    pub(super) fn of(&self, ip: IpAddr) -> Option<String> {
        let record: Record = self.0.lookup(ip).ok()?.decode().ok()??;
        let code = record.country_code.or_else(|| record.country?.iso_code)?;
        let plausible = code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_alphabetic());
        plausible.then(|| code.to_ascii_uppercase())
    }
}
