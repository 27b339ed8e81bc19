//! The body of a request: capped, inflated, and read to its end even when it is refused.

use std::{io, pin::Pin, time::Duration};

use async_compression::{
    tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder},
    zstd::DParameter,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use bytes::Bytes;
use futures::TryStreamExt;
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt},
    time::timeout,
};
use tokio_util::io::StreamReader;
use uuid::Uuid;

use super::error::Problem;
use crate::{
    error::Error,
    ingest::shares::{Share, Shares, refused_for_want_of_room},
};

/// How long a client may take to send the body.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long what is left of a refused body is waited for.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);
/// When a client should try again after there was no memory for its body.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The window a zstd frame may ask for, as a power of two: 8 MiB, which every level but "ultra"
/// keeps to.
const ZSTD_WINDOW: u32 = 23;
/// The most that is set aside for a body before any of it has arrived.
const FIRST_BYTES: usize = 64 << 10;

/// The least that is set aside for a body whose length was not announced.
const LEAST_BYTES: usize = 1 << 10;

/// A body that is still arriving.
pub struct Incoming {
    raw: Pin<Box<dyn AsyncBufRead + Send>>,
    most: usize,
    share: Option<Share>,
}

impl Incoming {
    /// Neither what arrives nor what it inflates to may exceed `most` bytes.
    pub fn new(body: Body, most: usize) -> Self {
        let raw = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
        Self { raw: Box::pin(raw), most, share: None }
    }

    /// Counts the body's memory as that of `app`. Refused at once where the app has enough already.
    pub fn charge(&mut self, room: &Shares, app: Uuid, headers: &HeaderMap) -> Result<(), Problem> {
        self.share = Some(room.take(app, first_bytes(headers)).ok_or_else(no_memory)?);
        Ok(())
    }

    /// Goes on as memory of `app`, now that it is known. Refused where that app has enough already.
    pub fn charge_to(&mut self, app: Uuid) -> Result<(), Problem> {
        let moved = self.share.as_mut().is_none_or(|share| share.move_to(app));
        if moved { Ok(()) } else { Err(no_memory().into()) }
    }

    /// What was taken of that memory, for whoever goes on with what was read.
    pub fn share(&mut self) -> Option<Share> {
        self.share.take()
    }

    /// The whole body, inflated. Reading stops where it becomes too much, so that a bomb costs no
    /// more than an honest body.
    pub async fn read(&mut self, headers: &HeaderMap) -> Result<Bytes, Problem> {
        if announced(headers).is_some_and(|announced| announced > self.most) {
            return Err(self.too_large());
        }
        let encoding = headers.get(header::CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap_or("?"));
        let coding = Coding::named(encoding.trim()).ok_or_else(unknown_encoding)?;
        let mut bytes = Vec::with_capacity(first_bytes(headers));
        let read = timeout(READ_TIMEOUT, self.fill(&mut bytes, coding)).await;
        match read {
            Ok(Ok(false)) => Err(no_memory().into()),
            Ok(Ok(true)) if bytes.len() > self.most => Err(self.too_large()),
            Ok(Ok(true)) => Ok(bytes.into()),
            Ok(Err(error)) => {
                tracing::debug!(%error, encoding, "unreadable body");
                Err(Error::invalid("body", "The body is incomplete, or not what Content-Encoding says.").into())
            }
            Err(_) => {
                let message = "The body did not arrive in time.";
                Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "TIMEOUT", message).at("body"))
            }
        }
    }

    /// Reads all of it, as long as there is a share of memory; false when there is none.
    async fn fill(&mut self, bytes: &mut Vec<u8>, coding: Coding) -> io::Result<bool> {
        // One byte more than may come tells "too much" from "just enough".
        let bound = self.most as u64 + 1;
        let raw = (&mut self.raw).take(bound);
        let inflated: Pin<Box<dyn AsyncRead + Send + '_>> = match coding {
            Coding::Identity => Box::pin(raw),
            Coding::Gzip => Box::pin(gunzip(raw)),
            Coding::Deflate => Box::pin(ZlibDecoder::new(raw)),
            Coding::Brotli => Box::pin(BrotliDecoder::new(raw)),
            Coding::Zstd => {
                let mut decoder = ZstdDecoder::with_params(raw, &[DParameter::window_log_max(ZSTD_WINDOW)]);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
        };
        let has_room = read_to_end(inflated.take(bound), bytes, self.share.as_mut()).await?;
        // What stands behind the end of what was compressed would be lost without a word.
        if has_room && bytes.len() <= self.most && !self.raw.fill_buf().await?.is_empty() {
            return Err(io::Error::other("something follows what was compressed"));
        }
        Ok(has_room)
    }

    /// What `decoder` makes of what was read, bounded and counted like the body itself.
    pub async fn inflate(&mut self, decoder: impl AsyncRead + Unpin) -> Result<Bytes, Problem> {
        let mut bytes = Vec::new();
        match read_to_end(decoder.take(self.most as u64 + 1), &mut bytes, self.share.as_mut()).await {
            Ok(false) => Err(no_memory().into()),
            Ok(true) if bytes.len() > self.most => Err(self.too_large()),
            Ok(true) => Ok(bytes.into()),
            Err(_) => Err(Error::invalid("body", "The body is incomplete, or not what it seems to be.").into()),
        }
    }

    /// Reads on for a while, to no end. A connection that is closed while its client still sends
    /// is reset, and the client may never see why it was refused.
    pub async fn discard(self) {
        let mut rest = self.raw.take(4 * self.most as u64);
        let _ = timeout(DISCARD_TIMEOUT, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }

    fn too_large(&self) -> Problem {
        let message = format!("A request may hold at most {} bytes, inflated.", self.most);
        Error::TooLarge { field: Some("body".into()), message }.into()
    }
}

/// How a body may be compressed.
#[derive(Debug, Clone, Copy)]
enum Coding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "" | "identity" => Self::Identity,
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "br" => Self::Brotli,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }
}

/// What was compressed by gzip, in one piece or in several.
pub(super) fn gunzip<R: AsyncBufRead>(from: R) -> GzipDecoder<R> {
    let mut decoder = GzipDecoder::new(from);
    decoder.multiple_members(true);
    decoder
}

/// Reads to the end, as long as there is a share of memory for what arrives; false when there is none.
async fn read_to_end(
    mut from: impl AsyncRead + Unpin,
    bytes: &mut Vec<u8>,
    mut share: Option<&mut Share>,
) -> io::Result<bool> {
    loop {
        if bytes.len() == bytes.capacity() {
            let more = bytes.len().max(LEAST_BYTES);
            if share.as_mut().is_some_and(|share| !share.grow(more)) {
                return Ok(false);
            }
            bytes.reserve_exact(more);
        }
        if from.read_buf(bytes).await? == 0 {
            return Ok(true);
        }
    }
}

/// What is set aside at first: as much as was announced, up to a bound.
fn first_bytes(headers: &HeaderMap) -> usize {
    announced(headers).unwrap_or_default().saturating_add(1).clamp(LEAST_BYTES, FIRST_BYTES)
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn no_memory() -> Error {
    refused_for_want_of_room("memory", RETRY_AFTER, "the app's share of the memory for bodies is full")
}

fn unknown_encoding() -> Problem {
    let message = "Content-Encoding must be gzip, deflate, br or zstd, and only one of them.";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_ENCODING", message)
        .at("content-encoding")
        .with(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br, zstd"))
}
