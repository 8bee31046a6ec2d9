//! Recording: a network that keeps what goes through it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Poller, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use futures_util::{FutureExt, StreamExt};

use super::form::How;
use super::tape::{Tape, Taped};
use super::{Cassette, Scrub};
use crate::clock::{Clock, Instant};
use crate::context::Wire;
use crate::error::Result;
use crate::transport::{Body, Transport};

/// A network that passes everything on to another one and keeps it, without what is secret. Clones share the tape.
///
/// An exchange is on the cassette once it is over: its body has ended or failed, or was dropped.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

/// What is told of the whole cassette each time an exchange is over.
type Kept = dyn Fn(&Cassette) -> Result<()> + Send + Sync;

/// Is told what happens as it happens.
pub(in crate::testing) trait Listener: Send + Sync {
    /// Something happened to the exchange of this number.
    fn heard(&self, now: Instant, exchange: usize, what: Heard);
}

/// What happens to an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::testing) enum Heard {
    /// The request goes out.
    Sent,
    /// A new connection is being made.
    Dialing,
    /// A connection is at hand.
    Connected,
    /// The head of the answer is there.
    Head,
    /// A chunk came: its number in the answer, and its bytes.
    Chunk(usize, usize),
    /// It is over.
    Over,
}

struct Shared {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    scrub: Scrub,
    tape: Mutex<Tape>,
    kept: Box<Kept>,
    listener: Option<Arc<dyn Listener>>,
}

impl Recorder {
    /// Records what goes over `inner`, with times of `clock`.
    pub fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>, scrub: Scrub) -> Self {
        Recorder::telling(inner, clock, scrub, |_| Ok(()))
    }

    /// The same; `kept` is told of the whole cassette each time an exchange is over. Its error ends that exchange.
    pub(super) fn telling(
        inner: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        scrub: Scrub,
        kept: impl Fn(&Cassette) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        let tape = Mutex::new(Tape::new(usize::MAX));
        Recorder(Arc::new(Shared { inner, clock, scrub, tape, kept: Box::new(kept), listener: None }))
    }

    /// Keeps so many bytes of answers, the newest ones, and tells `listener` what happens.
    pub(in crate::testing) fn bounded(
        inner: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        scrub: Scrub,
        bytes: usize,
        listener: Arc<dyn Listener>,
    ) -> Self {
        let tape = Mutex::new(Tape::new(bytes));
        let listener = Some(listener);
        Recorder(Arc::new(Shared { inner, clock, scrub, tape, kept: Box::new(|_| Ok(())), listener }))
    }

    /// What was recorded so far.
    pub fn cassette(&self) -> Cassette {
        self.0.tape().cassette()
    }

    /// All exchanges, also those that are not over.
    pub(in crate::testing) fn so_far(&self) -> Vec<Taped> {
        self.0.tape().so_far(self.0.clock.now(), &self.0.scrub)
    }
}

impl Shared {
    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, now: Instant, exchange: usize, what: Heard) {
        if let Some(listener) = &self.listener {
            listener.heard(now, exchange, what);
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("exchanges", &self.0.tape().len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Recorder {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        wire: Option<Arc<Wire>>,
    ) -> Result<http::Response<Body>> {
        let mut take = Take::begin(&self.0, &request);
        match take.send(request, wire).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
                take.answered(&head);
                Ok(http::Response::from_parts(head, Body::new(Recorded { body, take: Some(take) })))
            }
            Err(error) => {
                take.end(How::Broken(error.message().to_owned()))?;
                Err(error)
            }
        }
    }
}

/// One exchange while it is recorded. Dropped before its end, it was dropped by our side.
struct Take {
    shared: Arc<Shared>,
    place: usize,
    over: bool,
}

impl Take {
    fn begin(shared: &Arc<Shared>, request: &http::Request<Bytes>) -> Self {
        let now = shared.clock.now();
        let place = shared.tape().begin(now, request, &shared.scrub);
        shared.tell(now, place, Heard::Sent);
        Take { shared: shared.clone(), place, over: false }
    }

    /// Sends the request; who listens hears of the connection.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        wire: Option<Arc<Wire>>,
    ) -> Result<http::Response<Body>> {
        let shared = &self.shared;
        if shared.listener.is_none() {
            return shared.inner.send(request, wire).await;
        }
        let wire = Arc::new(Wire::within(wire));
        let send = shared.inner.send(request, Some(wire.clone()));
        connecting(send, &wire, |what| shared.tell(shared.clock.now(), self.place, what)).await
    }

    fn answered(&mut self, head: &http::response::Parts) {
        let now = self.shared.clock.now();
        self.shared.tape().head(self.place, now, head, &self.shared.scrub);
        self.shared.tell(now, self.place, Heard::Head);
    }

    fn chunk(&mut self, bytes: &Bytes) {
        let now = self.shared.clock.now();
        let number = self.shared.tape().chunk(self.place, now, bytes, &self.shared.scrub);
        self.shared.tell(now, self.place, Heard::Chunk(number, bytes.len()));
    }

    fn end(&mut self, how: How) -> Result<()> {
        if std::mem::replace(&mut self.over, true) {
            return Ok(());
        }
        let now = self.shared.clock.now();
        let cassette = {
            let mut tape = self.shared.tape();
            tape.end(self.place, now, how, &self.shared.scrub);
            tape.cassette()
        };
        self.shared.tell(now, self.place, Heard::Over);
        (self.shared.kept)(&cassette)
    }
}

/// Waits for an answer, and tells of its connection. One that is there at once was not dialed as far as can be told.
async fn connecting<T>(send: impl Future<Output = T>, wire: &Wire, tell: impl Fn(Heard)) -> T {
    let mut send = pin!(send);
    let mut dialing = pin!(wire.dialing().fuse());
    let mut connected = pin!(wire.connected().fuse());
    poll_fn(|poller| {
        let sent = send.as_mut().poll(poller);
        if dialing.as_mut().poll(poller).is_ready() && !wire.is_connected() {
            tell(Heard::Dialing);
        }
        if connected.as_mut().poll(poller).is_ready() {
            tell(Heard::Connected);
        }
        sent
    })
    .await
}

impl Drop for Take {
    fn drop(&mut self) {
        // There is no one left to tell of a refusal; the next exchange is.
        let _ = self.end(How::Dropped);
    }
}

/// A body that is recorded while it is read.
struct Recorded {
    body: Body,
    take: Option<Take>,
}

impl Stream for Recorded {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let item = std::task::ready!(self.body.poll_next_unpin(cx));
        let how = match &item {
            Some(Ok(bytes)) => {
                if let Some(take) = &mut self.take {
                    take.chunk(bytes);
                }
                return Poll::Ready(item);
            }
            Some(Err(error)) => How::Broken(error.message().to_owned()),
            None => How::Eof,
        };
        match self.take.take().map(|mut take| take.end(how)) {
            Some(Err(refused)) => Poll::Ready(Some(Err(refused))),
            _ => Poll::Ready(item),
        }
    }
}
