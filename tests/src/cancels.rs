//! Cancels at random points: whatever was going on, nothing is left (laws W3 and W4, cases L1, L2, L10 and L14).

mod script;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use belvedere::client::Client;
use belvedere::clock::Clock;
use belvedere::context::Call;
use belvedere::events::{Closing, End, Observer};
use belvedere::testing::{Simulation, Task};
use belvedere::{EndKind, Events, StreamController, layer_fn};
use futures_util::StreamExt;

use script::Script;

/// How a call is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Its future, or its stream, is dropped.
    Drop,
    /// A controller says so.
    Controller,
    /// The stream's owner says so.
    Stream,
    /// The client is closed.
    Close,
    /// Its deadline passes.
    Deadline,
}

/// All ways.
pub const WAYS: [By; 5] = [By::Drop, By::Controller, By::Stream, By::Close, By::Deadline];

/// Where a cancel met its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before there was a stream.
    Call,
    /// Between two events, or while one was waited for.
    Stream,
    /// In a pause.
    Pause,
    /// After its end: too late.
    Over,
}

/// All places.
pub const PLACES: [Place; 4] = [Place::Call, Place::Stream, Place::Pause, Place::Over];

/// How many cancels there were, by way and place.
#[derive(Debug, Default)]
pub struct Tally([[u64; PLACES.len()]; WAYS.len()]);

impl Tally {
    /// Counts one cancel.
    pub fn add(&mut self, by: By, place: Place) {
        let row = WAYS.iter().zip(&mut self.0).find(|(way, _)| **way == by);
        let cell = row.and_then(|(_, row)| PLACES.iter().zip(row).find(|(known, _)| **known == place));
        if let Some((_, count)) = cell {
            *count += 1;
        }
    }

    /// How many cancels of a way met their call in a place.
    pub fn count(&self, by: By, place: Place) -> u64 {
        let row = WAYS.iter().zip(&self.0).find(|(way, _)| **way == by);
        let cell = row.and_then(|(_, row)| PLACES.iter().zip(row).find(|(known, _)| **known == place));
        cell.map_or(0, |(_, count)| *count)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = PLACES.map(|place| format!("{:>10}", format!("{place:?}").to_lowercase()));
        writeln!(f, "{:<12}{}", "", heads.concat())?;
        for (by, row) in WAYS.iter().zip(&self.0) {
            let cells: String = row.iter().map(|count| format!("{count:>10}")).collect();
            writeln!(f, "{:<12}{cells}", format!("{by:?}").to_lowercase())?;
        }
        Ok(())
    }
}

/// What was seen of a call from outside of the pipeline's layers.
#[derive(Debug, Clone, Default)]
struct Seen {
    call: Arc<Mutex<Option<Arc<Call>>>>,
    ends: Arc<Mutex<Vec<EndKind>>>,
    permits: Arc<AtomicUsize>,
}

impl Seen {
    /// The end that was told first.
    fn end(&self) -> Option<EndKind> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).first().copied()
    }
}

/// Holds a permit for as long as the call lasts, and notes each end that it is told.
struct Slot(Seen);

impl Slot {
    fn take(seen: &Seen) -> Self {
        seen.permits.fetch_add(1, Ordering::AcqRel);
        Slot(seen.clone())
    }
}

impl Observer for Slot {
    fn end(self: Box<Self>, end: End<'_>) -> Closing {
        self.0.ends.lock().unwrap_or_else(PoisonError::into_inner).push(end.kind());
        Closing::Done
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.permits.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Makes one call and cancels it, all as the seed says.
///
/// # Errors
/// What was left, or was told otherwise than it was.
pub fn cancel_one(seed: u64) -> Result<(By, Place), String> {
    let script = Script::new(seed).map_err(|error| error.to_string())?;
    let simulation = Simulation::new(seed);
    script.replies().into_iter().for_each(|reply| simulation.network.push(reply));
    let seen = Seen::default();
    let watched = seen.clone();
    let watch = layer_fn("watch", move |cx, request, next| {
        *watched.call.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.call.clone());
        let slot = Slot::take(&watched);
        async move { belvedere::events::watch(&cx.clone(), next.call(cx, request), slot).await }
    });
    let service = script.service().map_err(|error| error.to_string())?;
    let client = Client::new(service, simulation.lent()).layer(watch);
    let client = script.layers.iter().cloned().fold(client, Client::shared_layer);
    let mut run = Run { script: &script, simulation: &simulation, client: &client, seen: &seen, steps: 0 };
    let told = run.go()?;
    run.nothing_is_left(&told)?;
    Ok((script.by, told.place))
}

/// What the caller was told.
struct Told {
    place: Place,
    /// The end of the stream; `None` where there was no stream, or it was dropped.
    end: Option<EndKind>,
}

/// One call being made.
struct Run<'a> {
    script: &'a Script,
    simulation: &'a Simulation,
    client: &'a Client,
    seen: &'a Seen,
    steps: usize,
}

impl Run<'_> {
    fn go(&mut self) -> Result<Told, String> {
        let mut call = Task::new(self.client.stream(self.script.request()));
        let events = loop {
            if self.is_time() {
                return self.cancel_call(call);
            }
            if let Poll::Ready(answer) = self.step(&mut call) {
                break answer;
            }
        };
        drop(call);
        match events {
            Ok(events) => self.read(events),
            Err(_) => Ok(Told { place: Place::Over, end: None }),
        }
    }

    /// Whether the cancel is due. A deadline comes by itself.
    fn is_time(&self) -> bool {
        self.steps == self.script.at && self.script.by != By::Deadline
    }

    /// Polls once; when all wait, time passes up to the next deadline.
    fn step<T>(&mut self, task: &mut Task<'_, T>) -> Poll<T> {
        self.steps += 1;
        let polled = self.simulation.poll(task);
        if polled.is_pending()
            && let Some(deadline) = self.simulation.clock.next_deadline()
        {
            self.simulation.clock.advance(deadline.since(self.simulation.clock.now()));
        }
        polled
    }

    fn cancel_call(&self, mut call: Task<'_, belvedere::Result<Events>>) -> Result<Told, String> {
        let told = Told { place: Place::Call, end: None };
        if self.script.by != By::Close {
            return Ok(told);
        }
        self.close();
        match call.poll() {
            Poll::Ready(Err(error)) if error.kind() == belvedere::ErrorKind::Cancelled => Ok(told),
            other => Err(format!("a call whose client was closed gives {other:?}")),
        }
    }

    fn read(&mut self, mut events: Events) -> Result<Told, String> {
        let controller = events.controller();
        loop {
            if controller.is_paused() && self.steps >= self.script.resume {
                controller.resume();
            } else if self.steps == self.script.pause {
                controller.pause();
            }
            if self.is_time() {
                return self.cancel_stream(events, &controller);
            }
            let mut next = Task::new(events.next());
            match self.step(&mut next) {
                Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
                Poll::Ready(_) => break,
            }
        }
        Ok(Told { place: Place::Over, end: events.end() })
    }

    /// Cancels while the next event is waited for, or between two events.
    fn cancel_stream(&self, mut events: Events, controller: &StreamController) -> Result<Told, String> {
        let place = if controller.is_paused() { Place::Pause } else { Place::Stream };
        let before = match self.script.by {
            By::Drop | By::Deadline => {
                // What was read ahead in a pause may have been the end.
                let place = if self.seen.end().is_some() { Place::Over } else { place };
                drop(events);
                return Ok(Told { place, end: None });
            }
            By::Stream => {
                let before = self.seen.end();
                events.cancel();
                before
            }
            By::Controller | By::Close => {
                let mut next = Task::new(events.next());
                let waits = self.script.waits && next.poll().is_pending();
                let before = self.seen.end();
                match self.script.by {
                    By::Controller => controller.cancel(),
                    _ => self.close(),
                }
                if waits && before.is_none() && !next.is_woken() {
                    return Err("who waits for an event is not woken by the cancel".into());
                }
                before
            }
        };
        if before.is_some() && self.script.by == By::Close {
            // The call is over, and no more the client's. What was read of it is still the caller's.
            controller.resume();
            while let Poll::Ready(Some(Ok(_))) = Task::new(events.next()).poll() {}
        }
        let mut next = Task::new(events.next());
        match (next.poll(), before) {
            // An end that was read ahead in a pause is the end.
            (Poll::Ready(None), _) | (Poll::Ready(Some(Err(_))), Some(_)) => {}
            (other, _) => return Err(format!("after its cancel the stream gives {other:?}")),
        }
        drop(next);
        if self.simulation.network.open() > 0 {
            return Err("a connection is open one turn after the cancel".into());
        }
        match (events.end(), before) {
            (Some(EndKind::Cancelled), None) => Ok(Told { place, end: events.end() }),
            (Some(end), Some(before)) if end == before => Ok(Told { place: Place::Over, end: events.end() }),
            (end, _) => Err(format!("a stream that was {before:?} before its cancel ends as {end:?}")),
        }
    }

    /// Begins to close the client, which cancels its calls at once.
    fn close(&self) {
        let mut close = Task::new(self.client.close(Duration::ZERO));
        let _waits_for_the_calls = close.poll();
    }

    fn nothing_is_left(&self, told: &Told) -> Result<(), String> {
        self.simulation.spawner.run_until_idle();
        let ends = self.seen.ends.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let call = self.seen.call.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A call that was dropped before its first poll was none.
        let attempts = call.as_ref().map_or(Vec::new(), |call| call.attempts());
        let attempts: Vec<_> = attempts.iter().map(|attempt| attempt.end).collect();
        let left = [
            ("tasks", self.simulation.spawner.open()),
            ("timers", self.simulation.clock.pending_sleeps()),
            ("connections", self.simulation.network.open()),
            ("permits", self.seen.permits.load(Ordering::Acquire)),
            ("open attempts", attempts.iter().filter(|end| end.is_none()).count()),
            ("references to the call", call.as_ref().map_or(0, |call| Arc::strong_count(call) - 1)),
        ];
        for (what, count) in left {
            if count > 0 {
                return Err(format!("{count} {what} left; ends {ends:?}, attempts {attempts:?}"));
            }
        }
        match (ends.as_slice(), told) {
            ([], Told { end: None, place: Place::Call }) if call.is_none() => {}
            ([EndKind::Cancelled], Told { end: None, place: Place::Call | Place::Stream | Place::Pause }) => {
            }
            ([one], Told { end: Some(end), .. }) if one == end => {}
            // The deadline is the client's: it drops the pipeline, and tells its own caller why.
            ([EndKind::Cancelled], Told { end: Some(EndKind::Failed), .. })
                if self.script.by == By::Deadline => {}
            ([_], Told { end: None, place: Place::Over }) => {}
            _ => return Err(format!("told {ends:?} of a call that ended as {:?}", told.end)),
        }
        Ok(())
    }
}
