//! The timers of one attempt.

use std::sync::Arc;
use std::task::{Context as Poller, Poll, ready};
use std::time::Duration;

use belvedere_core::clock::{Clock, Instant};
use belvedere_core::context::{Call, Context, Wire};
use belvedere_core::error::{Error, ErrorKind, TimeoutPhase};
use belvedere_core::event::Event;
use belvedere_core::events::EndKind;
use futures_util::future::{self, BoxFuture};

use super::Timeout;
use super::running::Running;

/// How many events are handed out without waiting before `total` is looked at.
const GLANCE: u32 = 32;

/// One limit that is running. It is due at a moment that may move on; its sleep is only begun anew when it ends
/// too early.
struct Timer {
    phase: TimeoutPhase,
    limit: Duration,
    /// On running time.
    due: Instant,
    sleep: BoxFuture<'static, ()>,
}

impl Timer {
    fn new(running: &Running, phase: TimeoutPhase, limit: Duration, now: Instant) -> Self {
        Timer { phase, limit, due: now + limit, sleep: running.sleep(limit) }
    }

    /// Ready once it is due.
    fn poll(&mut self, running: &Running, cx: &mut Poller<'_>) -> Poll<()> {
        while self.sleep.as_mut().poll(cx).is_ready() {
            let left = self.due.since(running.now());
            if left.is_zero() {
                return Poll::Ready(());
            }
            self.sleep = running.sleep(left);
        }
        Poll::Pending
    }
}

/// The timers of one attempt. All of them but `connect` go by running time.
pub(super) struct Timers {
    running: Running,
    call: Arc<Call>,
    wire: Arc<Wire>,
    /// Ready once a connection was not there in time; gone when the call has answered.
    connect: Option<(Duration, BoxFuture<'static, ()>)>,
    /// Gone when content has come.
    first: Option<Timer>,
    /// Begins when it first has to wait.
    idle: Option<Timer>,
    idle_limit: Option<Duration>,
    total: Option<Timer>,
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
        let clock = &cx.lent.clock;
        let running = Running::new(clock.clone(), cx.call.clone());
        let now = running.now();
        let timer = |phase, limit: Option<Duration>| limit.map(|l| Timer::new(&running, phase, l, now));
        Timers {
            connect: limits.connect.map(|l| -> (Duration, BoxFuture<'static, ()>) {
                (l, Box::pin(unconnected(wire.clone(), clock.clone(), l)))
            }),
            first: timer(TimeoutPhase::FirstEvent, limits.first_event),
            idle: None,
            idle_limit: limits.idle,
            total: timer(TimeoutPhase::Total, limits.total),
            away: now,
            waiting: None,
            alive: now,
            unwatched: 0,
            finished: false,
            call: cx.call.clone(),
            running,
            wire,
        }
    }

    /// Waits for the call to answer: ready with the error of the timer that ran out.
    pub(super) fn calling(&mut self, cx: &mut Poller<'_>) -> Poll<Error> {
        if let Some((limit, unconnected)) = &mut self.connect {
            let limit = *limit;
            if unconnected.as_mut().poll(cx).is_ready() {
                return Poll::Ready(self.error(TimeoutPhase::Connect, limit));
            }
        }
        self.poll(cx)
    }

    /// The call has answered; its caller has not asked for an event yet.
    pub(super) fn answered(&mut self) {
        self.connect = None;
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
        let total = self.total.as_ref().filter(|_| !self.finished && !self.running.is_paused())?;
        (total.due <= self.running.now()).then(|| self.error(total.phase, total.limit))
    }

    /// Waits for an event: ready with the error of the timer that ran out.
    pub(super) fn waiting(&mut self, cx: &mut Poller<'_>) -> Poll<Error> {
        let (now, alive) = self.running.look(self.wire.last());
        self.alive = self.alive.max(alive.unwrap_or_default());
        let since = *self.waiting.get_or_insert_with(|| {
            if let Some(first) = &mut self.first {
                first.due = first.due + now.since(self.away);
            }
            now
        });
        if let (None, Some(limit)) = (&self.first, self.idle_limit) {
            let running = &self.running;
            let idle = self.idle.get_or_insert_with(|| Timer::new(running, TimeoutPhase::Idle, limit, since));
            idle.due = self.alive.max(since) + limit;
        }
        self.poll(cx)
    }

    /// Ready with the error of the timer that was due first; not while the call is paused.
    fn poll(&mut self, cx: &mut Poller<'_>) -> Poll<Error> {
        self.unwatched = 0;
        let running = &self.running;
        ready!(running.poll(cx));
        let fired = [&mut self.first, &mut self.idle, &mut self.total]
            .into_iter()
            .flatten()
            .filter_map(|timer| timer.poll(running, cx).is_ready().then_some(&*timer))
            .min_by_key(|timer| timer.due)
            .map(|timer| (timer.phase, timer.limit));
        match fired {
            Some((phase, limit)) => Poll::Ready(self.error(phase, limit)),
            None => Poll::Pending,
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
        let attempts = u32::try_from(self.call.attempts().len()).unwrap_or(u32::MAX);
        Error::new(ErrorKind::Timeout(phase), message).with_operation("Timeout::call").with_attempts(attempts)
    }
}

/// Ready once a connection that is being made was not there within `limit`.
async fn unconnected(wire: Arc<Wire>, clock: Arc<dyn Clock>, limit: Duration) {
    wire.dialing().await;
    let connected = std::pin::pin!(wire.connected());
    if let future::Either::Left(_) = future::select(connected, clock.sleep(limit)).await {
        future::pending().await
    }
}

/// Whether the model itself has begun to answer.
fn is_content(event: &Event) -> bool {
    !matches!(event, Event::Start { .. } | Event::Usage(_) | Event::Notice(_) | Event::Raw { .. })
}
