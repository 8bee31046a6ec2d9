//! Where the runtime leaves what came of a call, and how it tells who waits for it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::thread::Thread;

use belvedere::{Error, ErrorKind, Result};
use futures_util::FutureExt;
use pyo3::prelude::*;

use crate::queue::Queue;
use crate::runtime::{self, Task, Tied, lock};

/// What came of a call, still to be turned into an object of Python.
pub(crate) type Outcome = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// An outcome that is an error.
pub(crate) fn failed(error: Error) -> Outcome {
    Box::new(move |py| Err(crate::errors::raise(py, &error)))
}

/// Who waits.
#[derive(Debug, Clone)]
pub(crate) enum Wake {
    /// A coroutine: its loop is told.
    Loop(Arc<Queue>, u64),
    /// A thread.
    Thread(Thread),
}

impl Wake {
    pub(crate) fn wake(self) {
        match self {
            Wake::Loop(queue, id) => queue.push(id),
            Wake::Thread(thread) => thread.unpark(),
        }
    }
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    wake: Option<Wake>,
}

impl Slot {
    /// The first outcome stays.
    fn fill(&self, outcome: Outcome) {
        let mut state = lock(&self.state);
        state.outcome.get_or_insert(outcome);
        let wake = state.wake.take();
        drop(state);
        if let Some(wake) = wake {
            wake.wake();
        }
    }
}

/// Fills the slot, whatever becomes of the task.
struct Fills(Option<Arc<Slot>>);

impl Drop for Fills {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.fill(failed(runtime::exiting()));
        }
    }
}

/// Work that runs on the runtime. Dropping it cancels the work.
pub(crate) struct Job(Tied<(Arc<Slot>, Task)>);

impl Job {
    /// Starts to work.
    ///
    /// # Errors
    /// Those of [`runtime::handle`].
    pub(crate) fn start(work: impl Future<Output = Outcome> + Send + 'static) -> Result<Self> {
        let slot = Arc::new(Slot::default());
        let mut fills = Fills(Some(slot.clone()));
        let task = runtime::spawn(async move {
            let outcome = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| failed(panicked()));
            if let Some(slot) = fills.0.take() {
                slot.fill(outcome);
            }
        })?;
        Ok(Job(Tied::new((slot, task))))
    }

    /// What came of it; else `wake` is woken when it is there.
    ///
    /// # Errors
    /// When the process was forked meanwhile.
    pub(crate) fn poll(&self, wake: Option<Wake>) -> Result<Option<Outcome>> {
        let (slot, _) = self.0.get().ok_or_else(runtime::forked)?;
        let mut state = lock(&slot.state);
        let outcome = state.outcome.take();
        state.wake = wake.filter(|_| outcome.is_none());
        Ok(outcome)
    }
}

/// What a panic becomes. Its text is not kept: it may quote from an answer.
pub(crate) fn panicked() -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "the pipeline panicked; that is a bug, please report what stands on stderr",
    )
}
