//! How long a connection may make us wait.
//!
//! Hyper knows one time for heads, which begins when the last answer ends: it serves for connections that
//! rest between requests. A head that has begun must be whole far sooner, and an answer must be taken. Of HTTP/2 it
//! knows no time at all for connections that rest.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long clients may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the head of a request, once it has begun; of a connection's first from its beginning.
    pub head: Duration,
    /// For nothing: between requests, and while an answer waits to be taken.
    pub idle: Duration,
}

impl Default for Patience {
    /// Longer than the proxies in front let a connection rest (mostly 60 seconds), so that none of them
    /// sends a request into one that closes.
    fn default() -> Self {
        Self { head: Duration::from_secs(15), idle: Duration::from_secs(75) }
    }
}

/// What is known of a connection's requests; shared by the stream and whoever answers.
#[derive(Debug, Default)]
pub(super) struct Pace {
    heads: AtomicU64,
    answers: AtomicU64,
    /// It is no HTTP any more.
    upgraded: AtomicBool,
}

/// A request whose head is whole and whose answer is being found; or was given up, when dropped.
pub(super) struct Answering(Arc<Pace>);

/// The body of an answer, which is being given until it is dropped.
pub(super) struct Given {
    body: Body,
    _answering: Answering,
}

impl Answering {
    pub(super) fn begin(pace: &Arc<Pace>) -> Self {
        pace.heads.fetch_add(1, Ordering::AcqRel);
        Self(pace.clone())
    }
}

impl Answering {
    /// Goes on until the body was given.
    pub(super) fn until_given(self, body: Body) -> Body {
        Body::new(Given { body, _answering: self })
    }
}

impl HttpBody for Given {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answers.fetch_add(1, Ordering::AcqRel);
    }
}

impl Pace {
    /// From now on the connection is another protocol's.
    pub(super) fn upgraded(&self) {
        self.upgraded.store(true, Ordering::Release);
    }

    /// How many heads there were, unless one is still being answered or there will be no more.
    fn at_rest(&self) -> Option<u64> {
        let heads = self.heads.load(Ordering::Acquire);
        let resting = heads == self.answers.load(Ordering::Acquire) && !self.upgraded.load(Ordering::Acquire);
        resting.then_some(heads)
    }
}

/// A stream that fails once its client has taken too long.
pub(super) struct Paced<S> {
    stream: S,
    pace: Arc<Pace>,
    patience: Patience,
    /// Whether it is HTTP/1, where a head is all that may arrive between requests; unknown before a byte came.
    is_first_version: Option<bool>,
    /// When the head that has begun must be whole, and after how many others it comes.
    head: Option<(u64, Pin<Box<Sleep>>)>,
    /// When the next request of an HTTP/2 connection must have begun, and after how many others it comes: its
    /// client may keep the connection busy with frames that ask nothing.
    rest: Option<(u64, Pin<Box<Sleep>>)>,
    /// When something of what waits to be taken must have been.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Arc<Pace>, patience: Patience) -> Self {
        Self { stream, pace, patience, is_first_version: None, head: None, rest: None, stalled: None }
    }

    /// What to answer whoever reads of an HTTP/2 connection on which nothing is asked, after so many requests, or
    /// something is.
    fn rest(&mut self, cx: &mut Context<'_>, resting: Option<u64>, read: Poll<io::Result<()>>) -> Poll<io::Result<()>> {
        let Some(heads) = resting else {
            self.rest = None;
            return read;
        };
        let deadline = match &mut self.rest {
            Some((after, deadline)) if *after == heads => deadline,
            rest => &mut rest.insert((heads, Box::pin(sleep(self.patience.idle)))).1,
        };
        if deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(too_slow("nothing was asked for long")));
        }
        read
    }

    /// What to answer whoever could write nothing, or something.
    fn written<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.patience.idle)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(too_slow("the answer was not taken in time")))
    }
}

fn too_slow(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let new = buffer.filled().get(before..).unwrap_or_default();
        if this.is_first_version.is_none() && !new.is_empty() {
            // No method begins so but the one that announces HTTP/2.
            this.is_first_version = Some(!new.starts_with(b"PRI"));
        }
        let resting = this.pace.at_rest();
        if this.is_first_version == Some(false) {
            return this.rest(cx, resting, read);
        }
        let Some(heads) = resting.filter(|_| this.is_first_version == Some(true)) else {
            this.head = None;
            return read;
        };
        if this.head.as_ref().is_some_and(|(after, _)| *after != heads) {
            this.head = None;
        }
        if read.is_ready() {
            if !new.is_empty() && this.head.is_none() {
                this.head = Some((heads, Box::pin(sleep(this.patience.head))));
            }
            return read;
        }
        let Some((_, deadline)) = &mut this.head else { return Poll::Pending };
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(too_slow("the head did not end in time")))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.written(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
