//! A stream that is handed out evenly.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, ready};
use std::time::Duration;

use belvedere_core::clock::{Clock, Instant};
use belvedere_core::context::Context;
use belvedere_core::event::Event;
use belvedere_core::events::Events;
use belvedere_core::pause::{Pause, PausePolicy};
use belvedere_core::{Error, Result};
use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;

use super::held::{Held, Item, Run};
use super::pace::{Cost, Pace};
use super::{By, Throttle, cut};

/// How many bytes are held at most, and one event.
const HOLD: usize = 32 << 10;

/// Holds events back and hands them out in time. All of its time stands still while the call is paused.
pub(super) struct Throttled {
    /// Gone once it is over.
    source: Option<Events>,
    /// The error it ended with, to be handed out behind what is held.
    failure: Option<Error>,
    held: Held,
    pace: Pace,
    by: By,
    window: Duration,
    tick: Tick,
    clock: Arc<dyn Clock>,
    pause: Pause,
    /// The policy of the call's pause reads on, into a store or until its buffer is full: then time goes on, too.
    reads_on: bool,
    timer: Option<(Instant, BoxFuture<'static, ()>)>,
}

/// The beat of a cadence.
struct Tick {
    /// When the next one may come.
    next: Instant,
    /// How much text may still go out in this one.
    quota: Cost,
}

/// What comes next of what is held.
enum Next {
    /// So many bytes of the first text, or the first event as it is.
    Out(usize),
    /// Nothing before this moment.
    Wait(Instant),
}

impl Throttled {
    pub(super) fn new(throttle: &Throttle, source: Events, cx: &Context) -> Self {
        let clock = cx.lent.clock.clone();
        let reads_on = !matches!(cx.call.options.pause, None | Some(PausePolicy::Backpressure));
        let pause = cx.call.pause.clone();
        let now = running(clock.as_ref(), &pause, reads_on);
        Throttled {
            source: Some(source),
            failure: None,
            held: Held::default(),
            pace: Pace::new(throttle, now),
            by: throttle.by.unwrap_or_default().within(throttle.window),
            window: throttle.window,
            tick: Tick { next: now, quota: Cost::default() },
            clock,
            pause,
            reads_on,
            timer: None,
        }
    }

    fn now(&self) -> Instant {
        running(self.clock.as_ref(), &self.pause, self.reads_on)
    }

    /// What comes next; `None` while nothing is held.
    fn next(&mut self, now: Instant) -> Option<Next> {
        let (bytes, cost, not_before) = match (self.held.front()?, self.by) {
            (Item::Event(event), _) => (0, Cost::of(event), now),
            (Item::Run(_), By::Cadence(interval)) => return Some(self.beat(now, interval)),
            (Item::Run(run), By::Word) => self.piece(run, now, cut::word),
            (Item::Run(run), By::Line) => self.piece(run, now, cut::line),
        };
        let at = self.pace.free(cost).max(not_before);
        Some(if at <= now { Next::Out(bytes) } else { Next::Wait(at) })
    }

    /// The next piece of a text, its cost, and from when on it may go out.
    fn piece(&self, run: &Run, now: Instant, cut: fn(&str) -> Option<usize>) -> (usize, Cost, Instant) {
        let text = run.rest();
        if let Some((piece, _)) = cut(text).and_then(|bytes| text.split_at_checked(bytes)) {
            return (piece.len(), Cost::text(piece, 1), now);
        }
        // Its end may still come, as long as there is room and time for it.
        let may_grow = self.held.is_single() && self.source.is_some() && self.held.size() < HOLD;
        let until = run.since().filter(|_| may_grow).map_or(now, |since| since + self.window);
        (text.len(), Cost::text(text, 1), until)
    }

    /// The next piece of a text at a cadence.
    fn beat(&mut self, now: Instant, interval: Duration) -> Next {
        if now >= self.tick.next {
            let paid = self.pace.free(Cost { bytes: 1, twelfths: 1, events: 0 });
            if paid > now {
                return Next::Wait(paid);
            }
            let quota = match self.pace.is_free() {
                true => {
                    Cost { bytes: self.held.share(now, self.window, interval), twelfths: u64::MAX, events: 0 }
                }
                false => self.pace.within(interval),
            };
            // Even the slowest hands out a character.
            let quota = Cost { bytes: quota.bytes.max(1), twelfths: quota.twelfths.max(1), ..quota };
            self.tick = Tick { next: now + interval, quota };
        }
        if self.tick.quota.bytes == 0 || self.tick.quota.twelfths == 0 {
            return Next::Wait(self.tick.next);
        }
        let at = self.pace.free(Cost { events: 1, ..Cost::default() });
        if at > now {
            return Next::Wait(at);
        }
        let Some(Item::Run(run)) = self.held.front() else { return Next::Out(0) };
        let mut left = self.tick.quota;
        let bytes = cut::characters(run.rest(), |character| {
            left = left.minus(Cost::text(character, 0));
            left.bytes == 0 || left.twelfths == 0
        });
        self.tick.quota = left;
        Next::Out(bytes)
    }

    /// From when on the source may be read; `None`: not before something was handed out, or never.
    ///
    /// It is read only while all that is held will be out within the window: so an end that is read now is not
    /// delayed by more.
    fn readable(&self, now: Instant) -> Option<Instant> {
        if self.source.is_none() || self.held.size() >= HOLD {
            return None;
        }
        if self.held.is_empty() {
            return Some(now);
        }
        let beat = match self.by {
            By::Cadence(_) if !self.pace.is_free() => self.tick.next.since(now),
            _ => Duration::ZERO,
        };
        let ahead = self.pace.debt(now).saturating_add(beat);
        let over = ahead.saturating_add(self.pace.time(self.held.cost())).saturating_sub(self.window);
        // The time that the held itself takes is not waited off: it passes by handing out.
        (over <= ahead).then(|| now + over)
    }

    /// Reads the source if it may be read now. False: there is nothing yet.
    fn read(&mut self, now: Instant, poller: &mut Poller<'_>) -> bool {
        if self.readable(now).is_none_or(|at| at > now) {
            return false;
        }
        let Some(source) = &mut self.source else { return false };
        match source.poll_next_unpin(poller) {
            Poll::Pending => return false,
            Poll::Ready(Some(Ok(event))) => {
                let (by, pace) = (self.by, &self.pace);
                self.held.push(event, now, |text| by.pieces(text, pace));
            }
            Poll::Ready(end) => {
                self.source = None;
                self.failure = end.and_then(Result::err);
            }
        }
        true
    }

    /// Ready at this moment of running time.
    fn poll_timer(&mut self, at: Instant, now: Instant, poller: &mut Poller<'_>) -> Poll<()> {
        if self.timer.as_ref().is_none_or(|(due, _)| *due != at) {
            self.timer = Some((at, self.clock.sleep(at.since(now))));
        }
        let Some((_, sleep)) = &mut self.timer else { return Poll::Ready(()) };
        ready!(sleep.as_mut().poll(poller));
        self.timer = None;
        Poll::Ready(())
    }
}

/// Now, without the pauses of the call that count.
fn running(clock: &dyn Clock, pause: &Pause, reads_on: bool) -> Instant {
    let now = clock.now();
    let spent = if reads_on { Duration::ZERO } else { pause.spent(now) };
    Instant::from_origin(now.since_origin().saturating_sub(spent))
}

impl Stream for Throttled {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if !this.reads_on {
                ready!(this.pause.poll_running(poller));
            }
            let now = this.now();
            // A beat hands out its share of all that is there, so that is read first.
            let reads_first = matches!(this.by, By::Cadence(_));
            if reads_first && this.read(now, poller) {
                continue;
            }
            let next = match this.next(now) {
                Some(Next::Out(bytes)) => {
                    let Some((event, cost)) = this.held.take(bytes) else { continue };
                    this.pace.spend(now, cost);
                    return Poll::Ready(Some(Ok(event)));
                }
                Some(Next::Wait(at)) => Some(at),
                None if this.source.is_none() => return Poll::Ready(this.failure.take().map(Err)),
                None => None,
            };
            if !reads_first && this.read(now, poller) {
                continue;
            }
            let readable = this.readable(now).filter(|at| *at > now);
            match next.into_iter().chain(readable).min() {
                Some(at) => ready!(this.poll_timer(at, now, poller)),
                None => return Poll::Pending,
            }
        }
    }
}
