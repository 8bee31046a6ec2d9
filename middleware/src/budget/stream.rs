//! A stream that is paid for as it comes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, ready};

use belvedere_core::Result;
use belvedere_core::error::Error;
use belvedere_core::event::{Event, Notice};
use belvedere_core::events::{End, EndKind, Events};
use belvedere_core::spawner::Spawner;
use futures_core::Stream;
use futures_util::future::{BoxFuture, Either, select};
use futures_util::{FutureExt, StreamExt};

use super::config::Abandoned;
use super::hold::{Finishing, Hold};
use super::tariff::{Bound, Steps};
use crate::quota::{bytes_of, tokens_of};

/// Hands events on, as far as they are paid for, and settles at the end: before that is handed out.
pub(super) struct Metered {
    state: State,
    paid: Paid,
}

enum State {
    Reading(Reading),
    /// Waits for more to be reserved before this event is handed out.
    Asking(Box<Asking>),
    Settling(Option<Finishing>, Option<Error>),
    Over,
}

struct Reading {
    events: Events,
    hold: Box<Hold>,
}

/// The stream stays outside of what is asked: who leaves meanwhile closes it at once.
struct Asking {
    asking: BoxFuture<'static, (Box<Hold>, Result<()>)>,
    events: Events,
    event: Event,
    abandoned: Abandoned,
    spawner: Arc<dyn Spawner>,
}

/// What of an answer is paid for.
struct Paid {
    /// What one attempt costs at first.
    attempt: i64,
    steps: Option<Steps>,
    /// The tokens that are covered; all of them where there are no steps.
    covered: u64,
    /// The bytes of all attempts, or what a provider says of them, in tokens.
    bytes: u64,
    told: u64,
    starts: u32,
}

impl Paid {
    fn new(bound: &Bound) -> Self {
        let covered = bound.steps.map_or(u64::MAX, |steps| steps.covered);
        Paid { attempt: bound.amount, steps: bound.steps, covered, bytes: 0, told: 0, starts: 0 }
    }

    /// What has to be reserved before this event is handed out; 0 for nothing.
    #[inline]
    fn due(&mut self, event: &Event) -> i64 {
        match event {
            // Another attempt follows one that is paid for: it reads all of the request again.
            Event::Start { .. } | Event::Notice(Notice::Continued { .. }) => {
                self.starts += 1;
                if self.starts == 1 {
                    return 0;
                }
                if let Some(steps) = self.steps {
                    self.covered = self.written().max(self.covered).saturating_add(steps.covered);
                }
                return self.attempt;
            }
            Event::Usage(usage) => self.told = self.told.max(usage.output_tokens().unwrap_or(0)),
            _ => {
                let bytes = event.delta().map_or(0, str::len);
                self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
            }
        }
        let is_covered = self.told <= self.covered && self.bytes <= bytes_of(self.covered);
        if is_covered { 0 } else { self.step() }
    }

    /// The tokens that were written.
    fn written(&self) -> u64 {
        tokens_of(self.bytes).max(self.told)
    }

    /// What the steps cost that the answer is ahead of what is covered.
    #[cold]
    fn step(&mut self) -> i64 {
        let Some(steps) = self.steps else { return 0 };
        let count = self.written().saturating_sub(self.covered).div_ceil(steps.tokens.max(1));
        self.covered = self.covered.saturating_add(steps.tokens.saturating_mul(count));
        steps.amount.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

/// An answer that is paid for: at once, where it is all there and nothing more has to be reserved, else as it comes.
pub(super) async fn metered(events: Events, mut hold: Box<Hold>, bound: &Bound) -> Result<Events> {
    let mut paid = Paid::new(bound);
    let mut seen = hold.seen;
    let is_paid = events.whole().is_some_and(|mut events| {
        events.all(|event| {
            seen.event(event);
            paid.due(event) == 0
        })
    });
    if !is_paid {
        return Ok(Events::new(Metered::new(events, hold, bound)));
    }
    hold.seen = seen;
    match hold.settle(EndKind::Finished) {
        None => Ok(events),
        // Boxed: a store in memory need not be waited for, and all calls would be larger.
        Some(settling) => settling.map(|()| Ok(events)).boxed().await,
    }
}

impl Metered {
    fn new(events: Events, hold: Box<Hold>, bound: &Bound) -> Self {
        Metered { state: State::Reading(Reading { events, hold }), paid: Paid::new(bound) }
    }

    /// Begins the end: the source is closed, then it is settled.
    fn close(&mut self, reading: Reading, error: Option<Error>, end: EndKind) {
        let Reading { events, hold } = reading;
        drop(events);
        self.state = State::Settling(hold.settle(end), error);
    }

    /// Leaves off reading: for an event that more has to be reserved for, or at the end.
    fn turn(&mut self, item: Option<Result<Event>>, due: i64) {
        let State::Reading(reading) = std::mem::replace(&mut self.state, State::Over) else { return };
        match item {
            Some(Ok(event)) => self.ask(reading, event, due),
            end => {
                let error = end.and_then(Result::err);
                let ended = reading.events.end().unwrap_or(EndKind::Cancelled);
                let kind = error.as_ref().map_or(ended, |error| End::of(error).kind());
                self.close(reading, error, kind);
            }
        }
    }

    fn ask(&mut self, reading: Reading, event: Event, due: i64) {
        let Reading { events, mut hold } = reading;
        let (spawner, abandoned) = (hold.cx.lent.spawner.clone(), hold.state.abandoned);
        let asking = async move {
            let asked = hold.top_up(due).await;
            (hold, asked)
        };
        let asking = Asking { asking: asking.boxed(), events, event, abandoned, spawner };
        self.state = State::Asking(Box::new(asking));
    }
}

impl Stream for Metered {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Reading(reading) => {
                    let polled = reading.events.poll_next_unpin(cx);
                    let mut due = 0;
                    // What is paid for is handed on as it is: that is nearly every event.
                    if let Poll::Ready(Some(Ok(event))) = &polled {
                        reading.hold.seen.event(event);
                        due = this.paid.due(event);
                        if due == 0 {
                            return polled;
                        }
                    }
                    this.turn(ready!(polled), due);
                }
                State::Asking(asking) => {
                    let (hold, asked) = ready!(asking.asking.as_mut().poll(cx));
                    let State::Asking(asking) = std::mem::replace(&mut this.state, State::Over) else {
                        return Poll::Ready(None);
                    };
                    let Asking { events, event, .. } = *asking;
                    let reading = Reading { events, hold };
                    match asked {
                        Ok(()) => {
                            this.state = State::Reading(reading);
                            return Poll::Ready(Some(Ok(event)));
                        }
                        Err(error) => this.close(reading, Some(error), EndKind::Failed),
                    }
                }
                State::Settling(settling, error) => {
                    if let Some(settling) = settling {
                        ready!(settling.poll_unpin(cx));
                    }
                    let error = error.take();
                    this.state = State::Over;
                    return Poll::Ready(error.map(Err));
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Reading(reading) => leave(reading),
            State::Asking(asking) => {
                let Asking { asking, events, abandoned, spawner, .. } = *asking;
                // Whether more is reserved has to be known before it can be settled.
                let settling = match abandoned {
                    Abandoned::Close => {
                        drop(events);
                        asking.map(|(hold, _)| drop(hold.settle(EndKind::Cancelled))).boxed()
                    }
                    Abandoned::Drain => asking.map(|(hold, _)| leave(Reading { events, hold })).boxed(),
                };
                spawner.spawn("budget settling", settling);
            }
            State::Settling(..) | State::Over => {}
        }
    }
}

/// What becomes of an answer that its caller leaves.
fn leave(reading: Reading) {
    match reading.hold.state.abandoned {
        Abandoned::Close => {
            let Reading { events, hold } = reading;
            drop(events);
            // Dropped unfinished, it is finished in the background.
            drop(hold.settle(EndKind::Cancelled));
        }
        Abandoned::Drain => {
            let spawner = reading.hold.cx.lent.spawner.clone();
            spawner.spawn("budget draining", drain(reading).boxed());
        }
    }
}

/// Reads an answer on that nobody waits for, so that its provider tells what it costs.
async fn drain(mut reading: Reading) {
    let mut over = reading.hold.cx.lent.clock.sleep(reading.hold.state.drain_for);
    let end = loop {
        match select(reading.events.next(), over).await {
            Either::Left((Some(Ok(event)), rest)) => {
                reading.hold.seen.event(&event);
                over = rest;
            }
            Either::Left((Some(Err(error)), _)) => break End::of(&error).kind(),
            Either::Left((None, _)) => break EndKind::Finished,
            Either::Right(_) => break EndKind::Cancelled,
        }
    };
    let Reading { events, hold } = reading;
    drop(events);
    if let Some(settling) = hold.settle(end) {
        settling.await;
    }
}
