//! The Rust side of a stream, shared by both kinds of streams and by those who wait for it.

use std::sync::{Arc, Mutex};

use pyo3::exceptions::{PyStopAsyncIteration, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use std::task::Poll;

use super::Opening;
use super::feed::{Feed, Found};
use crate::answer::Answer;
use crate::errors::raise;
use crate::event::Event;
use crate::runtime::{self, Task, Tied, lock};
use crate::slot::Wake;

/// A stream whose call begins when it is first waited for, and ends when it is dropped.
pub(crate) struct Core {
    feed: Tied<Arc<Feed>>,
    call: Mutex<Option<Opening>>,
    task: Mutex<Option<Task>>,
}

impl Core {
    pub(crate) fn new(call: Opening) -> Arc<Self> {
        Arc::new(Core {
            feed: Tied::new(Arc::default()),
            call: Mutex::new(Some(call)),
            task: Mutex::default(),
        })
    }

    /// What it reads into.
    ///
    /// # Errors
    /// When the process was forked meanwhile.
    pub(crate) fn feed(&self, py: Python<'_>) -> PyResult<&Arc<Feed>> {
        self.feed.get().ok_or_else(|| raise(py, &runtime::forked()))
    }

    /// Begins the call, the first time, and gives what it reads into.
    ///
    /// # Errors
    /// When the process was forked meanwhile, or exits.
    pub(crate) fn begin(&self, py: Python<'_>) -> PyResult<&Arc<Feed>> {
        let feed = self.feed(py)?;
        let call = lock(&self.call).take();
        if let Some(call) = call {
            let task = runtime::spawn(feed.clone().run(call)).map_err(|error| raise(py, &error))?;
            *lock(&self.task) = Some(task);
        }
        Ok(feed)
    }

    /// Takes the call, if it has not begun.
    pub(super) fn take(&self) -> Option<Opening> {
        lock(&self.call).take()
    }

    /// Ends the call; without effect where it has ended.
    pub(crate) fn cancel(&self) {
        let Some(feed) = self.feed.get() else { return };
        let call = lock(&self.call).take();
        if feed.cancel() {
            let task = lock(&self.task).take();
            drop(task);
        }
        drop(call);
    }
}

/// What is waited for of a stream.
pub(crate) struct Wish {
    core: Arc<Core>,
    what: What,
    /// What it gives when it is done, instead of None.
    gives: Option<Py<PyAny>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    /// That the call is open.
    Open,
    /// The next event; `StopAsyncIteration` at the end.
    NextAsync,
    /// The next event; `StopIteration` at the end.
    Next,
    /// The whole answer.
    Collect,
    /// Nothing: it is cancelled.
    Close,
}

impl Wish {
    pub(crate) fn new(core: &Arc<Core>, what: What) -> Self {
        Wish { core: core.clone(), what, gives: None }
    }

    /// Gives this when it is done.
    pub(crate) fn giving(self, gives: Py<PyAny>) -> Self {
        Wish { gives: Some(gives), ..self }
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.gives)
    }

    /// What came of it. None: not yet; then `wake` is woken.
    ///
    /// # Errors
    /// What the stream ended with, the end itself included.
    pub(crate) fn poll(&self, py: Python<'_>, wake: Option<Wake>) -> PyResult<Option<Py<PyAny>>> {
        if let What::Close = self.what {
            self.core.cancel();
            return Ok(Some(py.None()));
        }
        let feed = self.core.begin(py)?;
        match self.what {
            What::Open => Ok(found(py, feed.poll_open(wake))?
                .map(|()| self.gives.as_ref().map_or_else(|| py.None(), |gives| gives.clone_ref(py)))),
            What::NextAsync | What::Next => match found(py, feed.poll_next(wake))? {
                None => Ok(None),
                Some(Some(event)) => Ok(Some(Py::new(py, Event::new(event))?.into_any())),
                Some(None) if matches!(self.what, What::Next) => Err(PyStopIteration::new_err(())),
                Some(None) => Err(PyStopAsyncIteration::new_err(())),
            },
            What::Collect => match found(py, feed.poll_collected(wake))? {
                None => Ok(None),
                Some(answer) => Ok(Some(Py::new(py, Answer::new(answer))?.into_any())),
            },
            What::Close => Ok(None),
        }
    }
}

fn found<T>(py: Python<'_>, found: Found<T>) -> PyResult<Option<T>> {
    match found {
        Poll::Pending => Ok(None),
        Poll::Ready(Ok(value)) => Ok(Some(value)),
        Poll::Ready(Err(error)) => Err(raise(py, &error)),
    }
}
