//! Those who wait for a quota: the first to come is the first to be served.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, Waker};

use belvedere_core::clock::{Clock, Instant};
use futures_util::future::select;

use super::keys::Keys;
use super::rates::{Ask, Rates, Short};
use crate::quota::Key;

/// The calls of one key that wait, in the order they came. Only the first of them asks the quota; the others wait for
/// it to be gone.
#[derive(Debug, Default)]
pub(super) struct Line {
    places: VecDeque<Waiting>,
    next: u64,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    ask: Ask,
    /// Whether it has to look again.
    is_called: bool,
    waker: Option<Waker>,
}

impl Line {
    /// What all in the line ask for: requests and tokens.
    pub(super) fn asked(&self) -> (u64, u64) {
        let tokens = self.places.iter().fold(0, |sum: u64, place| sum.saturating_add(place.ask.tokens));
        (self.places.len() as u64, tokens)
    }

    /// Lets one more in, and says who that is.
    pub(super) fn join(&mut self, ask: Ask) -> u64 {
        let id = self.next;
        self.next += 1;
        self.places.push_back(Waiting { id, ask, is_called: false, waker: None });
        id
    }

    /// Lets one go. False: it was the last.
    pub(super) fn leave(&mut self, id: u64) -> bool {
        let was_first = self.is_first(id);
        self.places.retain(|place| place.id != id);
        if was_first {
            self.call_first();
        }
        !self.places.is_empty()
    }

    pub(super) fn is_first(&self, id: u64) -> bool {
        self.places.front().is_some_and(|place| place.id == id)
    }

    /// Has the first look again: it is its turn now, or there is more than it knew of.
    pub(super) fn call_first(&mut self) {
        if let Some(first) = self.places.front_mut() {
            first.is_called = true;
            if let Some(waker) = first.waker.take() {
                waker.wake();
            }
        }
    }

    /// Ready once it has to look again.
    fn poll_called(&mut self, id: u64, cx: &mut Poller<'_>) -> Poll<()> {
        let Some(place) = self.places.iter_mut().find(|place| place.id == id) else { return Poll::Ready(()) };
        if std::mem::take(&mut place.is_called) {
            return Poll::Ready(());
        }
        place.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A place in the line of a key. Who drops it has left.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) keys: Arc<Keys>,
    pub(super) key: Key,
    pub(super) ask: Ask,
    pub(super) id: u64,
}

impl Place {
    /// Waits for its turn and for what it asks for, until that would come too late.
    pub(super) async fn wait(self, clock: &dyn Clock, rates: &Rates, until: Instant) -> Result<(), Short> {
        loop {
            let left = until.since(clock.now());
            let nap = match self.keys.take_in_turn(clock.boot(), &self, rates) {
                Turn::Taken => return Ok(()),
                Turn::First(Short::Until { wait, .. }) if wait <= left => wait,
                Turn::First(short) => return Err(short),
                Turn::Behind(short) if left.is_zero() => return Err(short),
                Turn::Behind(_) => left,
            };
            let called = poll_fn(|cx| self.keys.with_line(&self.key, |line| line.poll_called(self.id, cx)));
            select(called, clock.sleep(nap)).await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.keys.leave(&self.key, self.id);
    }
}

/// What one who waits got.
#[derive(Debug)]
pub(super) enum Turn {
    /// What it asked for.
    Taken,
    /// Nothing yet.
    First(Short),
    /// Nothing: others come first.
    Behind(Short),
}
