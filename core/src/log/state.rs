//! What a log knows, and the rules by which it reads, keeps and ends. Nothing here waits, polls or wakes: what is
//! to be done once the lock is free is written down in [`After`].

mod room;

use std::task::{Poll, Waker};

use super::held::Held;
use super::readers::Readers;
use super::shelf::{Shelf, Writes};
use super::{Full, Keep, Laggards};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::events::{EndKind, Events};

/// What the events come from. It is out of the state while somebody polls it.
pub(super) type Source = Box<Events>;

/// The rules of a log, as its options declare them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) bytes: usize,
    pub(super) laggards: Laggards,
    pub(super) full: Full,
    pub(super) keep: Keep,
    /// What is written to the store; `None` without one.
    pub(super) writes: Option<Writes>,
}

/// How the source ended; `Err` also for Truncated and Cancelled.
pub(super) type Over = Result<()>;

/// What is known of a log, under its lock.
pub(super) struct State {
    pub(super) rules: Rules,
    pub(super) held: Held,
    pub(super) readers: Readers,
    pub(super) shelf: Shelf,
    pub(super) over: Option<Over>,
    source: Option<Source>,
    /// The task reads, not the lone reader.
    driven: bool,
    driver: Option<Waker>,
    /// Reading waits for room, not for demand.
    blocked: bool,
    closed: bool,
    detached: bool,
    reads_on: bool,
    /// The bound was passed: nobody may join, and what all have read is not kept.
    passed: bool,
    /// Nobody can ever read from here again.
    orphaned: bool,
    after: After,
}

/// What is to be done once the lock is free.
#[derive(Default)]
pub(super) struct After {
    pub(super) wake: Vec<Waker>,
    pub(super) source: Option<Source>,
    pub(super) spawn_driver: bool,
    pub(super) spawn_writer: bool,
}

/// What a reader finds.
pub(super) enum Read {
    /// The next event.
    Event(Event),
    /// The reader is woken when there is more.
    Wait,
    /// The source is the reader's to poll, and to be given back by [`State::returned`].
    Poll(Source),
    /// The event is in the store, in the batch that begins with this offset.
    Stored(u64),
    /// The end.
    Over(Over),
}

/// What the task that reads has to do.
pub(super) enum Drive {
    /// Poll the source, and give it back by [`State::give_back`].
    Poll(Source),
    /// Wait to be woken.
    Wait,
    /// Nothing any more.
    Over,
}

impl State {
    pub(super) fn new(source: Source, rules: Rules) -> Self {
        let mut state = State {
            rules,
            held: Held::default(),
            readers: Readers::default(),
            shelf: Shelf::new(rules.writes),
            over: None,
            source: Some(source),
            driven: false,
            driver: None,
            blocked: false,
            closed: false,
            detached: false,
            reads_on: false,
            passed: false,
            orphaned: false,
            after: After::default(),
        };
        state.after.spawn_writer = state.shelf.publishes();
        state
    }

    /// What is to be done once the lock is free; `None`: nothing.
    pub(super) fn take_after(&mut self) -> Option<After> {
        let After { wake, source, spawn_driver, spawn_writer } = &self.after;
        let nothing = wake.is_empty() && source.is_none() && !spawn_driver && !spawn_writer;
        (!nothing).then(|| std::mem::take(&mut self.after))
    }

    /// Takes a reader in at `offset`.
    pub(super) fn join(&mut self, offset: u64) -> Result<usize> {
        let refused = |why: &str| {
            Err(Error::new(ErrorKind::InvalidRequest, format!("cannot attach: {why}"))
                .with("offset", offset.to_string()))
        };
        if self.passed && !self.shelf.publishes() {
            return refused("the log has outgrown its bound");
        }
        if offset < self.shelf.first().unwrap_or(self.held.base()) {
            return refused("the events from there on are no longer kept");
        }
        if self.over.is_some() && offset > self.held.end() {
            return refused("the log has ended before that offset");
        }
        if self.over.is_none() && self.readers.len() > 0 {
            self.drive_by_task();
        }
        let id = self.readers.join(offset);
        self.moved();
        Ok(id)
    }

    /// Takes a reader in at the beginning, if the source has not ended and everything is still there.
    pub(super) fn join_live(&mut self) -> Option<usize> {
        if self.over.is_some() { None } else { self.join(0).ok() }
    }

    /// Lets a reader go. With the last one the source is closed, unless it is detached.
    pub(super) fn leave(&mut self, id: usize) {
        self.readers.leave(id);
        if self.readers.len() == 0 && !self.detached {
            self.finish(Err(cancelled()));
        }
        self.moved();
    }

    /// Nobody holds the log any more.
    pub(super) fn orphan(&mut self) {
        self.orphaned = true;
        if !self.detached {
            self.finish(Err(cancelled()));
        }
        self.moved();
        self.shelf.wake(&mut self.after.wake);
    }

    /// The next event of a reader, or what it has to do to get it.
    pub(super) fn read(&mut self, id: usize, waker: &Waker) -> Read {
        let Some(offset) = self.readers.offset(id) else {
            return Read::Over(Err(truncated("the reader fell too far behind")));
        };
        if offset < self.held.base() {
            return match self.shelf.find(offset) {
                Some(first) => Read::Stored(first),
                None => Read::Over(Err(truncated("the events from there on are no longer kept"))),
            };
        }
        if let Some(event) = self.take(id, offset) {
            return Read::Event(event);
        }
        match &self.over {
            Some(_) if offset > self.held.end() => {
                return Read::Over(Err(truncated("the log ended before the offset that was attached to")));
            }
            Some(over) => return Read::Over(over.clone()),
            None => {}
        }
        if !self.driven
            && self.has_room(true)
            && let Some(source) = self.source.take()
        {
            return Read::Poll(source);
        }
        self.readers.wait(id, waker);
        self.wake_driver();
        Read::Wait
    }

    /// The event at `offset` for a reader that stands there.
    fn take(&mut self, id: usize, offset: u64) -> Option<Event> {
        let held = self.held.get(offset)?;
        // The last reader who needs the first event gets it itself, and no copy.
        let alone = self.readers.is_last(offset) && offset == self.held.base();
        let event = if alone && !self.keeps_all() && !self.shelf.needs(offset) {
            self.held.take_first()?
        } else {
            held.clone()
        };
        self.step(id);
        Some(event)
    }

    /// Moves a reader on by one event.
    pub(super) fn step(&mut self, id: usize) {
        if self.readers.advance(id) {
            self.moved();
        }
    }

    /// The source, for a lone reader whose next event need not be kept: the short way of [`read`](State::read).
    pub(super) fn lend(&mut self, id: usize) -> Option<Source> {
        let straight = self.hands_on() && self.readers.offset(id) == Some(self.held.end());
        if straight { self.source.take() } else { None }
    }

    /// Takes a lent source back, whose event the reader keeps. `None` when that is so; else the event must come in.
    pub(super) fn handed_on(&mut self, id: usize, source: Source) -> Option<Source> {
        if !self.hands_on() {
            return Some(source);
        }
        self.source = Some(source);
        self.held.pass();
        self.readers.advance(id);
        None
    }

    /// Takes the source back from the lone reader, with what it gave.
    pub(super) fn returned(&mut self, id: usize, source: Source, item: Poll<Item>, waker: &Waker) -> Read {
        if item.is_pending() && !self.driven && self.over.is_none() {
            self.source = Some(source);
            self.readers.wait(id, waker);
            return Read::Wait;
        }
        self.give_back(source, item);
        self.wake_driver();
        self.read(id, waker)
    }

    /// Takes the source back from who polled it, with what it gave.
    pub(super) fn give_back(&mut self, source: Source, item: Poll<Item>) {
        if self.over.is_some() {
            // Ended meanwhile: what came is late, and the source is closed.
            self.after.source = Some(source);
            return;
        }
        match item {
            Poll::Ready(Some(Ok(event))) => {
                self.source = Some(source);
                self.held.push(event);
                self.readers.wake(&mut self.after.wake);
                self.shelf.wake(&mut self.after.wake);
                self.moved();
            }
            Poll::Ready(end) => {
                let over = match end {
                    Some(Err(error)) => Err(error),
                    _ if source.end() == Some(EndKind::Cancelled) => Err(cancelled()),
                    _ => Ok(()),
                };
                self.source = Some(source);
                self.finish(over);
            }
            Poll::Pending => self.source = Some(source),
        }
    }

    /// What the task that reads has to do.
    pub(super) fn drive(&mut self, waker: &Waker) -> Drive {
        if self.over.is_some() {
            return Drive::Over;
        }
        match &mut self.driver {
            Some(there) => there.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        let demand = self.readers.waiting() > 0;
        if !((demand || self.is_eager()) && self.has_room(demand)) {
            // A log that closed itself for want of room is over, too.
            return if self.over.is_some() { Drive::Over } else { Drive::Wait };
        }
        self.source.take().map_or(Drive::Wait, Drive::Poll)
    }

    /// Ends the log for all. The first end stays.
    pub(super) fn finish(&mut self, over: Over) {
        if self.over.is_some() {
            return;
        }
        self.over = Some(over);
        self.after.source = self.source.take();
        self.readers.wake(&mut self.after.wake);
        self.shelf.wake(&mut self.after.wake);
        self.wake_driver();
    }

    /// From now on the source is read whether anybody waits or not.
    pub(super) fn read_on(&mut self, on: bool) {
        self.reads_on = on;
        if on {
            self.drive_by_task();
            self.wake_driver();
        }
    }

    /// From now on the log needs no readers.
    pub(super) fn detach(&mut self) {
        self.detached = true;
        self.drive_by_task();
        self.wake_driver();
    }

    /// True when the log closed its source itself, for want of room.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// True when nobody can ever attach again.
    pub(super) fn is_orphaned(&self) -> bool {
        self.orphaned
    }

    fn drive_by_task(&mut self) {
        if !self.driven && self.over.is_none() {
            self.driven = true;
            self.after.spawn_driver = true;
        }
    }

    /// Wakes who reads the source: the task, or the lone reader.
    fn wake_driver(&mut self) {
        if self.driven {
            self.after.wake.extend(self.driver.clone());
        }
    }

    /// Reads without demand.
    fn is_eager(&self) -> bool {
        self.reads_on || self.detached
    }

    fn keeps_all(&self) -> bool {
        self.rules.keep == Keep::All && !self.passed && !self.orphaned
    }

    /// True when an event goes to the lone reader without being kept.
    fn hands_on(&self) -> bool {
        let reads_itself = !self.driven && self.over.is_none();
        reads_itself
            && self.held.is_empty()
            && !self.keeps_all()
            && !self.shelf.publishes()
            && self.readers.len() == 1
    }
}

/// An item of the source.
pub(super) type Item = Option<Result<Event>>;

pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the call was cancelled")
}

pub(super) fn truncated(why: &str) -> Error {
    Error::new(ErrorKind::Truncated, why)
}
