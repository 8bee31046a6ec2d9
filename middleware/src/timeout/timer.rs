//! The timers of one attempt.

use std::sync::Arc;
use std::task::{Context as Poller, Poll, ready};
use std::time::Duration;

use belvedere_core::clock::Instant;
use belvedere_core::context::{Context, Wire};
use belvedere_core::error::{Error, ErrorKind, TimeoutPhase};
use belvedere_core::event::Event;
use belvedere_core::events::EndKind;
use futures_util::future::BoxFuture;

use super::Timeout;
use super::running::Running;

/// How many events are handed out without waiting before `total` is looked at.
const GLANCE: u32 = 32;

/// Wakes the task at a moment, on running time. A pause moves the moment on, so it may come too early.
struct Alarm {
    at: Instant,
    sleep: BoxFuture<'static, ()>,
}

/// How far the connection is.
enum Connect {
    /// None is being made yet, as far as it is known.
    Waiting,
    /// One is being made; this ends once it has taken too long.
    Dialing(BoxFuture<'static, ()>),
    /// Nothing is to be watched any more.
    Over,
}

/// The timers of one attempt. All of them but `connect` go by running time, and share one alarm.
pub(super) struct Timers {
    limits: Timeout,
    running: Running,
    wire: Arc<Wire>,
    connect: Connect,
    /// When content is due; gone when it has come.
    first: Option<Instant>,
    /// When a sign of life is due. Begins when it first has to wait.
    idle: Option<Instant>,
    total: Option<Instant>,
    alarm: Option<Alarm>,
    /// Since when the caller has been away, while `first` runs.
    away: Instant,
    /// Since when the caller has been waiting; `None` while it is away.
    waiting: Option<Instant>,
    /// When the wire last gave a sign of life.
    alive: Instant,
    /// Events handed out since `total` was looked at.
    unwatched: u32,
    /// A `Finish` was handed out: the answer is complete, whatever the wire still does.
    finished: bool,
}

impl Timers {
    /// Starts the timers of a call that begins now.
    pub(super) fn start(limits: Timeout, cx: &Context, wire: Arc<Wire>) -> Self {
        let running = Running::new(cx.lent.clock.clone(), cx.call.clone());
        let now = running.now();
        Timers {
            connect: Connect::Waiting,
            first: limits.first_event.map(|limit| now + limit),
            idle: None,
            total: limits.total.map(|limit| now + limit),
            alarm: None,
            away: now,
            waiting: None,
            alive: now,
            unwatched: 0,
            finished: false,
            limits,
            running,
            wire,
        }
    }

    /// Waits for the call to answer: ready with the error of the timer that ran out.
    pub(super) fn calling(&mut self, cx: &mut Poller<'_>) -> Poll<Error> {
        if let Some(limit) = self.limits.connect
            && self.poll_unconnected(limit, cx).is_ready()
        {
            return Poll::Ready(self.error(TimeoutPhase::Connect, limit));
        }
        self.poll(cx)
    }

    /// Ready once a connection that is being made was not there within `limit`.
    fn poll_unconnected(&mut self, limit: Duration, cx: &mut Poller<'_>) -> Poll<()> {
        if matches!(self.connect, Connect::Waiting) && self.wire.poll_dialing(cx).is_ready() {
            self.connect = Connect::Dialing(self.running.clock.sleep(limit));
        }
        if self.wire.is_connected() {
            self.connect = Connect::Over;
        }
        match &mut self.connect {
            Connect::Dialing(sleep) => sleep.as_mut().poll(cx),
            Connect::Waiting | Connect::Over => Poll::Pending,
        }
    }

    /// The call has answered; its caller has not asked for an event yet.
    pub(super) fn answered(&mut self) {
        self.connect = Connect::Over;
        self.away = self.running.now();
    }

    /// Whether the answer is complete: then no timer makes it fail.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Takes note of an event that is handed out. An error when `total` ran out under a stream that never waits.
    #[inline]
    pub(super) fn event(&mut self, event: &Event) -> Option<Error> {
        self.waiting = None;
        self.finished |= matches!(event, Event::Finish { .. });
        if self.first.is_some() {
            if is_content(event) {
                self.first = None;
            } else {
                self.away = self.running.now();
            }
        }
        self.unwatched += 1;
        if self.unwatched < GLANCE { None } else { self.glance() }
    }

    /// Looks at `total`.
    #[cold]
    fn glance(&mut self) -> Option<Error> {
        self.unwatched = 0;
        let due = self.total.filter(|_| !self.finished && !self.running.is_paused())?;
        let limit = self.limits.total.filter(|_| due <= self.running.now())?;
        Some(self.error(TimeoutPhase::Total, limit))
    }

    /// Waits for an event: ready with the error of the timer that ran out.
    pub(super) fn waiting(&mut self, cx: &mut Poller<'_>) -> Poll<Error> {
        let (now, alive) = self.running.look(self.wire.last());
        self.alive = self.alive.max(alive.unwrap_or_default());
        let since = *self.waiting.get_or_insert_with(|| {
            if let Some(first) = &mut self.first {
                *first = *first + now.since(self.away);
            }
            now
        });
        if let (None, Some(limit)) = (self.first, self.limits.idle) {
            self.idle = Some(self.alive.max(since) + limit);
        }
        self.poll(cx)
    }

    /// Ready with the error of the timer that was due first; not while the call is paused.
    fn poll(&mut self, cx: &mut Poller<'_>) -> Poll<Error> {
        self.unwatched = 0;
        ready!(self.running.poll(cx));
        let Timeout { first_event, idle, total, .. } = self.limits;
        let next = [
            (TimeoutPhase::FirstEvent, self.first, first_event),
            (TimeoutPhase::Idle, self.idle, idle),
            (TimeoutPhase::Total, self.total, total),
        ];
        let next = next.into_iter().filter_map(|(phase, due, limit)| Some((phase, due?, limit?)));
        let Some((phase, due, limit)) = next.min_by_key(|(_, due, _)| *due) else { return Poll::Pending };
        let mut alarm = self.alarm.take().filter(|alarm| alarm.at <= due);
        loop {
            let left = || due.since(self.running.now());
            let Alarm { sleep, .. } =
                alarm.get_or_insert_with(|| Alarm { at: due, sleep: self.running.clock.sleep(left()) });
            if sleep.as_mut().poll(cx).is_pending() {
                self.alarm = alarm;
                return Poll::Pending;
            }
            if left().is_zero() {
                return Poll::Ready(self.error(phase, limit));
            }
            alarm = None;
        }
    }

    fn error(&self, phase: TimeoutPhase, limit: Duration) -> Error {
        // The attempt ends by being dropped, and all the same as its stream does, not as Cancelled.
        match self.finished {
            true => self.wire.set_end(EndKind::Finished, None),
            false => self.wire.set_end(EndKind::Failed, Some(ErrorKind::Timeout(phase))),
        }
        let (what, option) = match phase {
            TimeoutPhase::Connect => ("no connection was made within", "timeout.connect"),
            TimeoutPhase::FirstEvent => ("no content came within", "timeout.first_event"),
            TimeoutPhase::Idle => ("the wire was silent for", "timeout.idle"),
            TimeoutPhase::Total => ("the answer was not complete within", "timeout.total"),
        };
        let message = format!("{what} {limit:?}; if that is to be expected, raise `{option}`");
        let attempts = self.running.call.with_attempts(<[_]>::len);
        let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        Error::new(ErrorKind::Timeout(phase), message).with_operation("Timeout::call").with_attempts(attempts)
    }
}

/// Whether the model itself has begun to answer.
fn is_content(event: &Event) -> bool {
    !matches!(event, Event::Start { .. } | Event::Usage(_) | Event::Notice(_) | Event::Raw { .. })
}
