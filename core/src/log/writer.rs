//! The task that writes a log to its store, behind the readers.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use futures_util::future::select;

use super::LogStore;
use super::drive::Shared;
use super::record::{BATCH, End};
use super::shelf::Writes;
use super::state::State;
use crate::error::Result;
use crate::event::Event;

/// A batch ends when its events take this much memory.
const BATCH_BYTES: usize = 64 * 1024;

/// How long events gather before they are written. Nobody in this process waits for it.
const GATHER: Duration = Duration::from_millis(50);

/// How often the lease is renewed: one that comes late twice is still in time.
const RENEW: Duration = Duration::from_secs(3);

/// How often a write is tried, and how long the writer waits in between: all of it is shorter than a lease.
const TRIES: u32 = 4;
const RETRY: Duration = Duration::from_secs(1);

/// What there is to write; none: nothing ever again.
enum Work {
    Batch(u64, Vec<Event>),
    Delete(Vec<u64>),
    End(End),
    Nothing,
}

/// Writes until there is nothing more to write, or the store fails.
pub(super) async fn write(shared: Arc<Shared>, store: LogStore) {
    // Also when the task is dropped: the log then no longer waits for it.
    let writer = Writer { shared, store };
    // A store that fails stops the writing, never the readers: who reads from the store sees the lease end.
    let _ = match writer.store.writes {
        Writes::All => writer.publish().await,
        Writes::Overflow => writer.spill().await,
    };
}

struct Writer {
    shared: Arc<Shared>,
    store: LogStore,
}

impl Writer {
    async fn publish(&self) -> Result<()> {
        let clock = &self.shared.lent.clock;
        self.tried(|| self.store.begin()).await?;
        let mut renew = clock.now() + RENEW;
        loop {
            let unwritten = poll_fn(|cx| self.shared.with(|state| state.unwritten(cx.waker())));
            select(unwritten, clock.sleep(renew.since(clock.now()))).await;
            if clock.now() >= renew {
                self.tried(|| self.store.put_lease()).await?;
                renew = clock.now() + RENEW;
            }
            let urgent = poll_fn(|cx| self.shared.with(|state| state.urgent(cx.waker())));
            select(urgent, clock.sleep(GATHER)).await;
            match self.shared.with(State::publishing) {
                Work::Batch(first, events) => self.put(first, &events).await?,
                Work::End(end) => return self.tried(|| self.store.put_end(&end)).await,
                Work::Delete(_) | Work::Nothing => {}
            }
        }
    }

    async fn spill(&self) -> Result<()> {
        loop {
            match poll_fn(|cx| self.shared.with(|state| state.spilling(cx.waker()))).await {
                Work::Batch(first, events) => self.put(first, &events).await?,
                Work::Delete(batches) => self.tried(|| self.store.delete_batches(&batches)).await?,
                Work::End(_) | Work::Nothing => return Ok(()),
            }
        }
    }

    /// Does a write that may be done again, until it succeeds or has failed [`TRIES`] times.
    async fn tried<F: Future<Output = Result<()>>>(&self, write: impl Fn() -> F) -> Result<()> {
        for _ in 1..TRIES {
            if write().await.is_ok() {
                return Ok(());
            }
            self.shared.lent.clock.sleep(RETRY).await;
        }
        write().await
    }

    async fn put(&self, first: u64, events: &[Event]) -> Result<()> {
        self.tried(|| self.store.put_batch(first, events)).await?;
        self.shared.with(|state| state.wrote(first, first + events.len() as u64));
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.with(State::stop_writing);
    }
}

impl State {
    /// Ready when there is something to write.
    fn unwritten(&mut self, waker: &Waker) -> Poll<()> {
        if self.over.is_some() || self.held.end() > self.shelf.written() {
            return Poll::Ready(());
        }
        self.shelf.wait(waker);
        Poll::Pending
    }

    /// Ready when there is no point in waiting for more.
    fn urgent(&mut self, waker: &Waker) -> Poll<()> {
        let unwritten = self.held.end().saturating_sub(self.shelf.written());
        if self.over.is_some() || self.shelf.is_wanted() || unwritten >= BATCH as u64 {
            return Poll::Ready(());
        }
        self.shelf.wait(waker);
        Poll::Pending
    }

    fn publishing(&mut self) -> Work {
        self.shelf.take_wanted();
        let first = self.shelf.written();
        let events = self.held.batch(first, BATCH, BATCH_BYTES);
        match &self.over {
            _ if !events.is_empty() => Work::Batch(first, events),
            Some(over) => Work::End(End::new(first, over)),
            None => Work::Nothing,
        }
    }

    fn spilling(&mut self, waker: &Waker) -> Poll<Work> {
        let stale = self.shelf.take_stale();
        if !stale.is_empty() {
            return Poll::Ready(Work::Delete(stale));
        }
        if self.is_orphaned() {
            return Poll::Ready(Work::Nothing);
        }
        if self.shelf.take_wanted() && !self.held.is_empty() {
            let events = self.held.batch(self.held.base(), BATCH, BATCH_BYTES);
            return Poll::Ready(Work::Batch(self.held.base(), events));
        }
        self.shelf.wait(waker);
        Poll::Pending
    }

    /// Notes a batch that is in the store now.
    fn wrote(&mut self, first: u64, end: u64) {
        self.shelf.wrote(first, end);
        if self.rules.writes == Some(Writes::Overflow) {
            self.held.trim_to(end);
        }
        self.moved();
    }

    /// The writer is gone: what it would still have written is no longer waited for.
    fn stop_writing(&mut self) {
        self.shelf.fail();
        self.moved();
    }
}
