//! Recording: a network that keeps what goes through it.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Poller, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;

use super::form::{Answered, Chunk, Content, Ending, Exchange, How};
use super::{Cassette, Scrub};
use crate::clock::{Clock, Instant};
use crate::context::Wire;
use crate::error::Result;
use crate::transport::{Body, Transport};

/// A network that passes everything on to another one and keeps it, without what is secret. Clones share the tape.
///
/// An exchange is kept once it is over: its body has ended or failed, or was dropped.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

/// What is told of the whole cassette each time an exchange is over.
type Kept = dyn Fn(&Cassette) -> Result<()> + Send + Sync;

struct Shared {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    scrub: Scrub,
    tape: Mutex<Tape>,
    kept: Box<Kept>,
}

/// The exchanges by the order in which their requests were sent; those that are not over have a gap.
#[derive(Default)]
struct Tape(Vec<Option<Exchange>>);

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
        Recorder(Arc::new(Shared { inner, clock, scrub, tape: Mutex::default(), kept: Box::new(kept) }))
    }

    /// What was recorded so far.
    pub fn cassette(&self) -> Cassette {
        self.0.cassette()
    }
}

impl Shared {
    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cassette(&self) -> Cassette {
        Cassette { exchanges: self.tape().0.iter().flatten().cloned().collect(), ..Cassette::default() }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("exchanges", &self.0.tape().0.len()).finish_non_exhaustive()
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
        match self.0.inner.send(request, wire).await {
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
    began: Instant,
    secrets: Vec<String>,
    exchange: Option<Exchange>,
}

impl Take {
    fn begin(shared: &Arc<Shared>, request: &http::Request<Bytes>) -> Self {
        let scrub = &shared.scrub;
        let mut secrets = Vec::new();
        let sent = scrub.request(request, &mut secrets);
        let end = Ending { at_us: 0, how: How::Dropped };
        let place = {
            let mut tape = shared.tape();
            tape.0.push(None);
            tape.0.len() - 1
        };
        let exchange = Some(Exchange { request: sent, response: None, end, expected: None });
        Take { shared: shared.clone(), place, began: shared.clock.now(), secrets, exchange }
    }

    fn at_us(&self) -> u64 {
        u64::try_from(self.shared.clock.now().since(self.began).as_micros()).unwrap_or(u64::MAX)
    }

    fn answered(&mut self, head: &http::response::Parts) {
        let at_us = self.at_us();
        let mut headers = self.shared.scrub.headers(&head.headers, &mut self.secrets);
        self.shared.scrub.texts(headers.values_mut(), &self.secrets);
        if let Some(exchange) = &mut self.exchange {
            exchange.response =
                Some(Answered { at_us, status: head.status.as_u16(), headers, chunks: Vec::new() });
        }
    }

    fn chunk(&mut self, bytes: &Bytes) {
        let chunk = Chunk { at_us: self.at_us(), body: Content(bytes.clone()) };
        if let Some(response) = self.exchange.as_mut().and_then(|exchange| exchange.response.as_mut()) {
            response.chunks.push(chunk);
        }
    }

    fn end(&mut self, how: How) -> Result<()> {
        let at_us = self.at_us();
        let Some(mut exchange) = self.exchange.take() else { return Ok(()) };
        exchange.end = Ending { at_us, how };
        self.shared.scrub.answer(&mut exchange, &self.secrets);
        if let Some(place) = self.shared.tape().0.get_mut(self.place) {
            *place = Some(exchange);
        }
        (self.shared.kept)(&self.shared.cassette())
    }
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
