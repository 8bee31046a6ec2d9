//! The events of one answer, for many readers.
//!
//! An [`EventLog`] is append-only; each reader is a [`Cursor`] at its own offset, and the fastest one drives the
//! source. A lone reader polls the source itself: no task, no copy. The first follower moves the source into a task
//! of its own, which reads when a reader waits for more and not before, so pressure reaches the socket.
//! What is kept is bounded in bytes.

mod cursor;
mod drive;
mod flights;
mod held;
mod readers;
mod record;
mod shelf;
mod state;
mod stored;
mod writer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::context::Lent;
use crate::error::Result;
use crate::events::{End, EndKind, Events};
use crate::store::Store;
use drive::Shared;
use state::{Rules, State, cancelled};

pub use cursor::Cursor;
pub use flights::Flights;
pub use shelf::Writes;

/// The events of one answer, for many readers. Clones share it.
///
/// *Detach*, *pause* and *cancel* are three verbs: a detached log goes on to its end without readers; a reader that
/// pauses just does not read; [`cancel`](EventLog::cancel) ends the log for all. A panic of the source is one
/// `Unexpected` error for all readers, where panics unwind: in the browser one ends the program.
#[derive(Clone)]
pub struct EventLog(Arc<Owner>);

/// What handles and readers hold, and tasks do not: when it goes, nobody can attach any more.
struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.with(State::orphan);
    }
}

/// How a log keeps events, and for whom.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// At most this much memory for events, by [`Event::size`](crate::event::Event::size); 1 MiB. One event may
    /// exceed it: its size is not known before it was read.
    pub bytes: usize,
    /// Which events are kept for who attaches later.
    pub keep: Keep,
    /// What a reader means that holds up the others at the bound.
    pub laggards: Laggards,
    /// What happens at the bound while nobody reads and the log [reads on](EventLog::read_on).
    pub full: Full,
    /// Where events go besides memory.
    pub store: Option<LogStore>,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            bytes: 1024 * 1024,
            keep: Keep::default(),
            laggards: Laggards::default(),
            full: Full::default(),
            store: None,
        }
    }
}

/// Which events are kept for who attaches later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Keep {
    /// All, up to the bound. Past it only the unread ones are kept, and nobody may join.
    #[default]
    All,
    /// Those that a reader has still to read; all of them while nobody reads.
    Unread,
}

/// What a reader means that holds up the others at the bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Laggards {
    /// The source waits for it.
    #[default]
    Wait,
    /// It ends with a `Truncated` error, and the others go on.
    End,
}

/// What happens at the bound while nobody waits for an event and the log reads on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Full {
    /// The source waits until somebody reads.
    #[default]
    Wait,
    /// The oldest events go to the store and are read back from there. Without a store, or when it fails: as `Wait`.
    Spill,
    /// The source is closed. What came is delivered, then a `Truncated` error.
    Close,
}

/// Where the events of a log go besides memory.
#[derive(Clone)]
pub struct LogStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The log's place in it: the prefix of its keys, before a `/`.
    pub key: Arc<str>,
    /// How long what is written lives, from when it is written.
    pub keep: Duration,
    /// What is written.
    pub writes: Writes,
}

/// Keys may hold ids of people: they do not print.
impl fmt::Debug for LogStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogStore")
            .field("store", &self.store)
            .field("keep", &self.keep)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}

impl EventLog {
    /// A log of these events. Nothing is read before a reader asks.
    pub fn new(source: Events, lent: Arc<Lent>, options: LogOptions) -> Self {
        let rules = Rules {
            bytes: options.bytes,
            laggards: options.laggards,
            full: options.full,
            keep: options.keep,
            writes: options.store.as_ref().map(|store| store.writes),
        };
        let state = State::new(Box::new(source), rules);
        EventLog(Arc::new(Owner(Shared::new(lent, options.store, state))))
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.0
    }

    /// A reader from the beginning.
    ///
    /// # Errors
    /// As [`attach`](EventLog::attach).
    pub fn reader(&self) -> Result<Cursor> {
        self.attach(0)
    }

    /// A reader from this offset on: of the events that are there, and then of those that come.
    ///
    /// # Errors
    /// `InvalidRequest` when the events from there on are no longer kept, when the log ended before the offset, or
    /// when it has outgrown its bound and takes nobody in any more.
    pub fn attach(&self, offset: u64) -> Result<Cursor> {
        let id = self.shared().with(|state| state.join(offset))?;
        Ok(Cursor::live(self.0.clone(), id, offset))
    }

    /// A reader of a log that another process [publishes](Writes::All) to `store` under `key`, from this offset on.
    /// The store is asked for more every 100 ms.
    ///
    /// The reader ends with `InvalidRequest` when there is no such log, with `Truncated` when its writer is gone or
    /// the events are no longer there, and with the store's error.
    pub fn attach_stored(store: Arc<dyn Store>, key: &str, offset: u64, lent: Arc<Lent>) -> Cursor {
        let follower = stored::Follower::new(store, key, offset, lent);
        let events = stream::try_unfold(follower, |mut follower| async move {
            Ok(follower.next().await?.map(|event| (event, follower)))
        });
        Cursor::stored(offset, events.boxed())
    }

    /// From now on the log needs no readers: a task reads to its end, within the bound.
    pub fn detach(&self) {
        self.shared().with(State::detach);
    }

    /// Ends the log for all readers with `Cancelled`, and closes the source. Idempotent.
    pub fn cancel(&self) {
        self.shared().with(|state| state.finish(Err(cancelled())));
    }

    /// From now on a task reads without being asked, as far as there is room; then [`LogOptions::full`] says.
    pub fn read_on(&self) {
        self.shared().with(|state| state.read_on(true));
    }

    /// From now on the source is read when a reader asks: ends [`read_on`](EventLog::read_on).
    pub fn read_on_demand(&self) {
        self.shared().with(|state| state.read_on(false));
    }

    /// True when the source was closed because there was no room ([`Full::Close`]).
    pub fn is_closed(&self) -> bool {
        self.shared().state().is_closed()
    }

    /// How the log ended; `None` while it has not. Readers may have events before them all the same.
    pub fn end(&self) -> Option<EndKind> {
        let state = self.shared().state();
        let over = state.over.as_ref()?;
        Some(over.as_ref().map_or_else(|error| End::of(error).kind(), |()| EndKind::Finished))
    }

    /// How many events came so far: the offset of the next one.
    pub fn offset(&self) -> u64 {
        self.shared().state().held.end()
    }

    /// How much memory the events take that are held, by [`Event::size`](crate::event::Event::size).
    pub fn bytes(&self) -> usize {
        self.shared().state().held.bytes()
    }

    /// How many readers there are.
    pub fn readers(&self) -> usize {
        self.shared().state().readers.len()
    }

    /// A reader from the beginning of a log that has not ended.
    fn join_live(&self) -> Option<Cursor> {
        let id = self.shared().with(State::join_live)?;
        Some(Cursor::live(self.0.clone(), id, 0))
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared().state();
        f.debug_struct("EventLog")
            .field("events", &state.held.end())
            .field("bytes", &state.held.bytes())
            .field("readers", &state.readers.len())
            .field("over", &state.over.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_bounds;
#[cfg(test)]
mod tests_feed;
#[cfg(test)]
mod tests_flights;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests_model;
#[cfg(test)]
mod tests_store;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests_threads;
