//! Live logs by key: one run for all who ask for the same.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};

use super::state::cancelled;
use super::{Cursor, EventLog, LogOptions};
use crate::context::Lent;
use crate::error::Result;
use crate::event::Event;
use crate::events::{EndKind, Events};

/// Live logs by key. Clones share them.
///
/// The first who joins under a key leads: its run is made. Who joins while the run lives follows, from the beginning
/// of the answer. A run ends when its source ends or its last reader leaves, and its key is free at once: the map is
/// as large as the number of live runs.
pub struct Flights<K: Ord>(Arc<Table<K>>);

struct Table<K: Ord>(Mutex<Flying<K>>);

struct Flying<K> {
    flights: BTreeMap<K, Flight>,
    epochs: u64,
}

#[derive(Clone)]
struct Flight {
    /// Tells a run from an earlier one under the same key, whose end may come late.
    epoch: u64,
    log: EventLog,
}

/// Frees the key of a run when its source is gone, however it went.
struct Ticket<K: Ord> {
    table: Weak<Table<K>>,
    key: K,
    epoch: u64,
}

/// The source of a run: first it is made, then it is read.
struct Run<K: Ord> {
    opening: Option<BoxFuture<'static, Result<Events>>>,
    events: Option<Events>,
    /// Goes when the run goes.
    _ticket: Ticket<K>,
}

impl<K: Ord + Clone + Send + 'static> Flights<K> {
    /// No flights yet.
    pub fn new() -> Self {
        Flights::default()
    }

    /// A reader of the live run under `key`; if there is none, of a new one, which `make` makes when it is first
    /// read. A run that can't be made fails for all its readers with the same error.
    ///
    /// A run that has outgrown its bound goes on for its readers and takes nobody in: the key gets a new one.
    pub fn join<F>(
        &self,
        key: K,
        lent: &Arc<Lent>,
        options: LogOptions,
        make: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Cursor>
    where
        F: Future<Output = Result<Events>> + Send + 'static,
    {
        loop {
            let mut table = self.0.lock();
            let Some(flight) = table.flights.get(&key).cloned() else {
                let ticket = Ticket { table: Arc::downgrade(&self.0), key: key.clone(), epoch: table.epochs };
                let run = Run {
                    opening: Some(Box::pin(async move { make().await })),
                    events: None,
                    _ticket: ticket,
                };
                let log = EventLog::new(Events::new(run), lent.clone(), options);
                // The leader is in before anybody can follow: a follower that leaves is not the last.
                let leader = log.reader()?;
                let epoch = table.epochs;
                table.epochs += 1;
                table.flights.insert(key, Flight { epoch, log });
                return Ok(leader);
            };
            // Joined without the table: a run that ends right now needs it to leave.
            drop(table);
            match flight.log.join_live() {
                Some(cursor) => return Ok(cursor),
                None => self.0.remove(&key, flight.epoch),
            }
        }
    }

    /// The log of the live run under this key.
    pub fn get(&self, key: &K) -> Option<EventLog> {
        self.0.lock().flights.get(key).map(|flight| flight.log.clone())
    }

    /// How many runs are live.
    pub fn len(&self) -> usize {
        self.0.lock().flights.len()
    }

    /// True when no run is live.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Ord> Table<K> {
    fn lock(&self) -> MutexGuard<'_, Flying<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a run out, unless its key has a later one.
    fn remove(&self, key: &K, epoch: u64) {
        let mut table = self.lock();
        let is_this = table.flights.get(key).is_some_and(|flight| flight.epoch == epoch);
        let gone = is_this.then(|| table.flights.remove(key));
        drop(table);
        // Its log may be the last handle, and its end needs the table.
        drop(gone);
    }
}

impl<K: Ord> Drop for Ticket<K> {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            table.remove(&self.key, self.epoch);
        }
    }
}

impl<K: Ord> Unpin for Run<K> {}

impl<K: Ord> Stream for Run<K> {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(opening) = &mut self.opening {
            let made = ready!(opening.poll_unpin(cx));
            self.opening = None;
            match made {
                Ok(events) => self.events = Some(events),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        let Some(events) = &mut self.events else { return Poll::Ready(None) };
        let item = ready!(events.poll_next_unpin(cx));
        match item {
            None if events.end() == Some(EndKind::Cancelled) => Poll::Ready(Some(Err(cancelled()))),
            item => Poll::Ready(item),
        }
    }
}

impl<K: Ord> Clone for Flights<K> {
    fn clone(&self) -> Self {
        Flights(self.0.clone())
    }
}

impl<K: Ord> Default for Flights<K> {
    fn default() -> Self {
        Flights(Arc::new(Table(Mutex::new(Flying { flights: BTreeMap::new(), epochs: 0 }))))
    }
}

/// Keys may hold text of requests: only their number prints.
impl<K: Ord> fmt::Debug for Flights<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("live", &self.0.lock().flights.len()).finish()
    }
}
