//! How long an SDK waits for something to come, as its `timeout` says: for the head, and between two events.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use belvedere::clock::Clock;
use belvedere::error::TimeoutPhase;
use belvedere::{Error, ErrorKind, Event, Events, Result};
use futures_util::future::{BoxFuture, Either, select};
use futures_util::{Stream, StreamExt};

/// A limit on each wait of a call.
pub(super) struct Patience {
    limit: Duration,
    clock: Arc<dyn Clock>,
    passed: Arc<AtomicBool>,
}

impl Patience {
    pub(super) fn new(limit: Duration, clock: Arc<dyn Clock>) -> Self {
        Patience { limit, clock, passed: Arc::default() }
    }

    /// Becomes true when a wait was too long.
    pub(super) fn passed(&self) -> Arc<AtomicBool> {
        self.passed.clone()
    }

    /// What comes of it, in time.
    pub(super) async fn wait<T>(&self, call: impl Future<Output = T> + Send) -> Option<T> {
        match select(Box::pin(call), self.clock.sleep(self.limit)).await {
            Either::Left((outcome, _)) => Some(outcome),
            Either::Right(_) => None,
        }
    }

    /// A stream whose head and events come in time.
    pub(super) async fn stream(self, opening: impl Future<Output = Result<Events>> + Send) -> Result<Events> {
        match self.wait(opening).await {
            Some(opened) => Ok(Events::new(Patient { events: opened?, patience: self, sleep: None })),
            None => Err(self.lose(TimeoutPhase::FirstEvent)),
        }
    }

    fn lose(&self, phase: TimeoutPhase) -> Error {
        self.passed.store(true, Ordering::Release);
        Error::new(ErrorKind::Timeout(phase), "nothing came for as long as the request allows")
    }
}

/// Events that come in time, each.
struct Patient {
    events: Events,
    patience: Patience,
    /// Runs while nothing comes.
    sleep: Option<BoxFuture<'static, ()>>,
}

impl Stream for Patient {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Poll::Ready(item) = this.events.poll_next_unpin(cx) {
            this.sleep = None;
            return Poll::Ready(item);
        }
        let sleep = this.sleep.get_or_insert_with(|| this.patience.clock.sleep(this.patience.limit));
        std::task::ready!(sleep.as_mut().poll(cx));
        this.events.cancel();
        Poll::Ready(Some(Err(this.patience.lose(TimeoutPhase::Idle))))
    }
}
