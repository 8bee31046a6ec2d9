//! Reading the source: by the lone reader, or by one task.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::StreamExt;

use super::LogStore;
use super::state::{Drive, Item, Read, Source, State};
use super::writer::write;
use crate::context::Lent;
use crate::error::{Error, ErrorKind};

/// How many events the task reads before it lets others run.
const BURST: usize = 64;

/// What the handles of a log, its readers and its tasks share.
pub(super) struct Shared {
    pub(super) lent: Arc<Lent>,
    pub(super) store: Option<LogStore>,
    state: Mutex<State>,
}

impl Shared {
    pub(super) fn new(lent: Arc<Lent>, store: Option<LogStore>, state: State) -> Arc<Self> {
        let shared = Arc::new(Shared { lent, store, state: Mutex::new(state) });
        // What the state asked for while it was made.
        shared.with(|_| ());
        shared
    }

    /// The state, to look at.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state. Wake-ups, the end of the source and new tasks wait until the lock is free.
    pub(super) fn with<T>(self: &Arc<Self>, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let result = change(&mut state);
        // Most changes ask for nothing further.
        let Some(after) = state.take_after() else { return result };
        drop(state);
        if let Some(source) = after.source {
            close(source);
        }
        if after.spawn_driver {
            let driver = Driver(self.clone());
            self.lent.spawner.spawn("event log reader", Box::pin(driver));
        }
        if after.spawn_writer
            && let Some(store) = &self.store
        {
            let writer = write(self.clone(), store.clone());
            self.lent.spawner.spawn("event log writer", Box::pin(writer));
        }
        after.wake.into_iter().for_each(std::task::Waker::wake);
        result
    }

    /// Polls the source for the lone reader that was given it.
    pub(super) fn poll_inline(self: &Arc<Self>, id: usize, mut source: Source, cx: &mut Context<'_>) -> Read {
        let item = poll(&mut source, cx);
        self.with(|state| state.returned(id, source, item, cx.waker()))
    }

    /// Polls the source for the lone reader that it was lent to. An event does not pass through the lock.
    pub(super) fn poll_lent(
        self: &Arc<Self>,
        id: usize,
        mut source: Source,
        cx: &mut Context<'_>,
    ) -> Result<Poll<Item>, Read> {
        let item = poll(&mut source, cx);
        if matches!(item, Poll::Ready(Some(Ok(_)))) {
            match self.with(|state| state.handed_on(id, source)) {
                None => return Ok(item),
                Some(back) => source = back,
            }
        }
        Err(self.with(|state| state.returned(id, source, item, cx.waker())))
    }
}

/// Polls the source. A panic in it is its last word.
fn poll(source: &mut Source, cx: &mut Context<'_>) -> Poll<Item> {
    // What it says may hold text of the answer: it is not quoted.
    catch_unwind(AssertUnwindSafe(|| source.poll_next_unpin(cx))).unwrap_or_else(|_| {
        Poll::Ready(Some(Err(Error::new(ErrorKind::Unexpected, "the source of the answer panicked"))))
    })
}

/// Closes a source. One that panics at that has closed, too.
fn close(source: Source) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(source)));
}

/// The task that reads a source which more than one, or nobody, reads from.
struct Driver(Arc<Shared>);

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BURST {
            match self.0.with(|state| state.drive(cx.waker())) {
                Drive::Over => return Poll::Ready(()),
                Drive::Wait => return Poll::Pending,
                Drive::Poll(mut source) => {
                    let item = poll(&mut source, cx);
                    let waits = item.is_pending();
                    self.0.with(|state| state.give_back(source, item));
                    if waits {
                        return Poll::Pending;
                    }
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Driver {
    /// A task that is dropped before the end ends the log: nobody may wait for it.
    fn drop(&mut self) {
        let stopped = Error::new(ErrorKind::Cancelled, "the task that read the answer was stopped");
        self.0.with(|state| state.finish(Err(stopped)));
    }
}
