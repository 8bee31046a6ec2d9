//! A response body that plays its acts.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use belvedere_core::clock::Clock;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::{Frame, SizeHint};

use super::flight::Flight;
use super::plan::Act;
use super::socket::Link;

/// A body that writes, waits and breaks as it was told.
pub(super) struct Played {
    acts: VecDeque<Act>,
    keep_alive: Option<(Duration, Bytes)>,
    /// What is left of the body, where its length is told.
    left: Option<u64>,
    /// The wait of the act at the front: until the next sign of life, or until its end.
    sleep: Option<BoxFuture<'static, ()>>,
    flushed: bool,
    flight: Flight,
    /// The connection, where it has nothing but this body to write.
    link: Option<Arc<Link>>,
    clock: Arc<dyn Clock>,
}

impl Played {
    pub(super) fn new(
        acts: VecDeque<Act>,
        keep_alive: Option<(Duration, Bytes)>,
        length: Option<u64>,
        (mut flight, link, clock): (Flight, Option<Arc<Link>>, Arc<dyn Clock>),
    ) -> Self {
        if acts.is_empty() {
            flight.finished();
        }
        Played { acts, keep_alive, left: length, sleep: None, flushed: false, flight, link, clock }
    }

    fn write(&mut self, bytes: Bytes) -> Frame<Bytes> {
        self.flight.wrote(bytes.len());
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.left = self.left.map(|left| left.saturating_sub(size));
        Frame::data(bytes)
    }

    /// Waits for `duration`, with signs of life on the way.
    fn wait(&mut self, duration: Option<Duration>, poller: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let every = self.keep_alive.as_ref().map(|(every, _)| *every);
        let step = match (duration, every) {
            (Some(rest), Some(every)) => Some(rest.min(every)),
            (rest, every) => rest.or(every),
        };
        let Some(step) = step else { return Poll::Pending };
        let clock = &self.clock;
        let sleep = self.sleep.get_or_insert_with(|| clock.sleep(step));
        std::task::ready!(sleep.as_mut().poll(poller));
        self.sleep = None;
        let rest = duration.map(|duration| duration.saturating_sub(step));
        if rest == Some(Duration::ZERO) {
            self.acts.pop_front();
            return Poll::Ready(None);
        }
        if let Some(Act::Wait(wait)) = self.acts.front_mut() {
            *wait = rest;
        }
        Poll::Ready(self.keep_alive.as_ref().map(|(_, sign)| sign.clone()))
    }
}

impl hyper::body::Body for Played {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        poller: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        loop {
            match this.acts.front() {
                Some(Act::Wait(duration)) => {
                    let duration = *duration;
                    if let Some(sign) = std::task::ready!(this.wait(duration, poller)) {
                        return Poll::Ready(Some(Ok(this.write(sign))));
                    }
                }
                // Whoever drives a body flushes when the body has nothing for it.
                Some(Act::Flush) if !this.flushed => {
                    this.flushed = true;
                    poller.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Act::Flush) => {
                    this.flushed = false;
                    this.acts.pop_front();
                }
                Some(Act::Write(_)) => {
                    let Some(Act::Write(bytes)) = this.acts.pop_front() else { continue };
                    let frame = this.write(bytes);
                    if this.acts.is_empty() {
                        this.flight.finished();
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                Some(Act::Cut) => {
                    this.flight.cut();
                    this.acts.clear();
                    return Poll::Ready(None);
                }
                Some(Act::Close | Act::Reset) => {
                    let reset = this.acts.front() == Some(&Act::Reset);
                    this.flight.cut();
                    this.acts.clear();
                    if let Some(link) = this.link.as_ref().filter(|_| reset) {
                        link.reset();
                    }
                    return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
                }
                None => {
                    this.flight.finished();
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.acts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
