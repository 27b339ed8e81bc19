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
    io::{AsyncBufRead, AsyncRead, AsyncReadExt},
    time::timeout,
};
use tokio_util::io::StreamReader;

use super::error::Problem;
use crate::error::Error;

/// How long a client may take to send the body.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long what is left of a refused body is waited for.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);
/// The window a zstd frame may ask for, as a power of two: 8 MiB, which every level but "ultra"
/// keeps to.
const ZSTD_WINDOW: u32 = 23;
/// What is set aside for a body before any of it has arrived.
const FIRST_BYTES: usize = 64 << 10;

/// A body that is still arriving.
pub struct Incoming {
    raw: Pin<Box<dyn AsyncBufRead + Send>>,
    most: usize,
}

impl Incoming {
    /// Neither what arrives nor what it inflates to may exceed `most` bytes.
    pub fn new(body: Body, most: usize) -> Self {
        let raw = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
        Self { raw: Box::pin(raw), most }
    }

    /// The whole body, inflated. Reading stops where it becomes too much, so that a bomb costs no
    /// more than an honest body.
    pub async fn read(&mut self, headers: &HeaderMap) -> Result<Bytes, Problem> {
        let announced =
            headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|announced| announced > self.most) {
            return Err(self.too_large());
        }
        let encoding = headers.get(header::CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap_or("?"));
        // One byte more than may come tells "too much" from "just enough".
        let bound = self.most as u64 + 1;
        let raw = (&mut self.raw).take(bound);
        let inflated: Pin<Box<dyn AsyncRead + Send + '_>> = match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Box::pin(raw),
            "gzip" | "x-gzip" => Box::pin(GzipDecoder::new(raw)),
            "deflate" => Box::pin(ZlibDecoder::new(raw)),
            "br" => Box::pin(BrotliDecoder::new(raw)),
            "zstd" => Box::pin(ZstdDecoder::with_params(raw, &[DParameter::window_log_max(ZSTD_WINDOW)])),
            _ => return Err(unknown_encoding()),
        };
        let mut bytes = Vec::with_capacity(announced.unwrap_or_default().min(FIRST_BYTES));
        let read = timeout(READ_TIMEOUT, inflated.take(bound).read_to_end(&mut bytes)).await;
        match read {
            Ok(Ok(_)) if bytes.len() > self.most => Err(self.too_large()),
            Ok(Ok(_)) => Ok(bytes.into()),
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

    /// Reads on for a while, to no end. A connection that is closed while its client still sends
    /// is reset, and the client may never see why it was refused.
    pub async fn discard(self) {
        let mut rest = self.raw.take(4 * self.most as u64);
        let _ = timeout(DISCARD_TIMEOUT, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }

    fn too_large(&self) -> Problem {
        too_large(self.most)
    }
}

/// What `decoder` makes of a body that is here already, as long as that is at most so many bytes.
pub async fn inflate(decoder: impl AsyncRead + Unpin, most: usize) -> Result<Bytes, Problem> {
    let mut bytes = Vec::new();
    match decoder.take(most as u64 + 1).read_to_end(&mut bytes).await {
        Ok(_) if bytes.len() > most => Err(too_large(most)),
        Ok(_) => Ok(bytes.into()),
        Err(_) => Err(Error::invalid("body", "The body is incomplete, or not what it seems to be.").into()),
    }
}

fn too_large(most: usize) -> Problem {
    let message = format!("A request may hold at most {most} bytes, inflated.");
    Error::TooLarge { field: Some("body".into()), message }.into()
}

fn unknown_encoding() -> Problem {
    let message = "Content-Encoding must be gzip, deflate, br or zstd, and only one of them.";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_ENCODING", message)
        .at("content-encoding")
        .with(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br, zstd"))
}
