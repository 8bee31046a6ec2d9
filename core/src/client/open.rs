//! The calls of a client that have not ended, and the streams they gave.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use crate::cancel::Cancel;
use crate::context::{Call, Lent};
use crate::error::{Error, ErrorKind, Result, TimeoutPhase};
use crate::event::Event;
use crate::events::Events;
use crate::hooks::Signal;

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Cancelled, "the client is closed")
}

/// The error of a call as its caller gets it: with the list of its attempts. Everybody who listens hears of it.
pub(super) fn failed(error: Error, call: &Call, lent: &Lent) -> Error {
    let error = error.with_history(call.attempts());
    if error.kind() != ErrorKind::Cancelled {
        lent.hooks.emit(|| Signal::Error { call: call.id, error: error.clone() });
    }
    error
}

pub(super) fn poll_deadline(
    deadline: &mut Option<(BoxFuture<'static, ()>, Duration)>,
    call: &Call,
    poller: &mut Poller<'_>,
) -> Poll<Error> {
    let Some((sleep, limit)) = deadline else { return Poll::Pending };
    sleep.as_mut().poll(poller).map(|()| {
        call.set_late();
        let limit = humantime::format_duration(*limit);
        Error::new(
            ErrorKind::Timeout(TimeoutPhase::Total),
            format!("the call did not end within its timeout of {limit}"),
        )
        .with("option", "timeout")
    })
}

/// The stream of an open call: held to its deadline, known to the client until its end.
pub(super) struct Open {
    events: Events,
    deadline: Option<(BoxFuture<'static, ()>, Duration)>,
    /// Events handed out since the deadline was last looked at.
    unchecked: u32,
    call: Arc<Call>,
    lent: Arc<Lent>,
    ticket: Option<Ticket>,
}

/// A source that never has to be waited for is held to the deadline once in so many events.
const CHECK_EVERY: u32 = 64;

impl Open {
    pub(super) fn new(
        events: Events,
        deadline: Option<(BoxFuture<'static, ()>, Duration)>,
        call: Arc<Call>,
        lent: Arc<Lent>,
        ticket: Ticket,
    ) -> Self {
        Open { events, deadline, unchecked: 0, call, lent, ticket: Some(ticket) }
    }
}

impl Stream for Open {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let due = this.unchecked >= CHECK_EVERY;
        this.unchecked = if due { 0 } else { this.unchecked + 1 };
        let late = if due { poll_deadline(&mut this.deadline, &this.call, poller) } else { Poll::Pending };
        let polled = match late {
            Poll::Ready(error) => Poll::Ready(Some(Err(error))),
            Poll::Pending => this.events.poll_next_unpin(poller),
        };
        let item = match polled {
            Poll::Ready(item) => item,
            Poll::Pending => match poll_deadline(&mut this.deadline, &this.call, poller) {
                Poll::Ready(error) => Some(Err(error)),
                Poll::Pending => return Poll::Pending,
            },
        };
        if matches!(item, Some(Ok(_))) {
            return Poll::Ready(item);
        }
        let item = item.or_else(|| this.events.after_end());
        this.deadline = None;
        this.ticket = None;
        // At its end the source lets go of its attempts, so that each has its end when they are listed.
        this.events.cancel();
        Poll::Ready(item.map(|item| item.map_err(|error| failed(error, &this.call, &this.lent))))
    }
}

/// The calls of a client that have not ended.
#[derive(Debug, Default)]
pub(super) struct OpenCalls {
    state: Mutex<OpenState>,
    idle: Notify,
}

#[derive(Debug, Default)]
pub(super) struct OpenState {
    closed: bool,
    next: u64,
    pub(super) calls: BTreeMap<u64, Cancel>,
}

/// Keeps a call among the open ones until it is dropped.
pub(super) struct Ticket {
    open: Arc<OpenCalls>,
    id: u64,
}

impl OpenCalls {
    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, OpenState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(self: &Arc<Self>, cancel: Cancel) -> Result<Ticket> {
        let mut state = self.lock();
        if state.closed {
            return Err(closed());
        }
        let id = state.next;
        state.next += 1;
        state.calls.insert(id, cancel);
        Ok(Ticket { open: self.clone(), id })
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(super) fn cancel_all(&self) -> usize {
        let calls: Vec<Cancel> = self.lock().calls.values().cloned().collect();
        calls.iter().for_each(Cancel::cancel);
        calls.len()
    }

    pub(super) async fn idle(&self) {
        loop {
            let mut notified = pin!(self.idle.notified());
            notified.as_mut().enable();
            if self.lock().calls.is_empty() {
                return;
            }
            notified.await;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.open.lock();
        state.calls.remove(&self.id);
        if state.calls.is_empty() {
            self.open.idle.notify_waiters();
        }
    }
}
