//! The events of one request as they lie in the spool: JSON, compressed, under a checksum.

use async_compression::{
    Level,
    tokio::{bufread::ZstdDecoder, write::ZstdEncoder},
};
use futures::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    ingest::Draft,
};

/// What a record costs beside its body: row, page, index.
const OVERHEAD: usize = 64;

/// Compressed events and what proves that they are whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub app: Uuid,
    pub events: u32,
    pub crc: u32,
    pub body: Vec<u8>,
}

impl Record {
    /// Writes events of one app down.
    pub(super) fn of(app: Uuid, events: &[Draft]) -> Result<Self> {
        let json = serde_json::to_vec(events).map_err(Error::internal)?;
        let mut encoder = ZstdEncoder::with_quality(Vec::new(), Level::Fastest);
        let written = async {
            encoder.write_all(&json).await?;
            encoder.shutdown().await
        };
        at_once(written)?;
        let body = encoder.into_inner();
        let events = u32::try_from(events.len()).map_err(Error::internal)?;
        Ok(Self { app, events, crc: checksum(app, events, &body), body })
    }

    /// Reads them back, with their size as JSON, or says what is wrong with the record.
    pub(super) fn read(&self) -> Result<(Vec<Draft>, usize), &'static str> {
        if self.crc != checksum(self.app, self.events, &self.body) {
            return Err("the checksum does not fit");
        }
        let mut json = Vec::new();
        let read = async { ZstdDecoder::new(&*self.body).read_to_end(&mut json).await };
        at_once(read).map_err(|_| "it cannot be inflated")?;
        let events = serde_json::from_slice(&json).map_err(|_| "it is not in a form that this version reads")?;
        Ok((events, json.len()))
    }

    /// What it takes of the spool.
    pub(super) fn bytes(&self) -> usize {
        self.body.len() + OVERHEAD
    }
}

/// Over everything: a record that came under another app would be as bad as one that is broken.
fn checksum(app: Uuid, events: u32, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(app.as_bytes());
    hasher.update(&events.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

/// What reads and writes memory never waits.
fn at_once<T>(work: impl Future<Output = std::io::Result<T>>) -> Result<T> {
    work.now_or_never().unwrap_or_else(|| Err(std::io::ErrorKind::WouldBlock.into())).map_err(Error::internal)
}
