//! What can be waited for, in a coroutine or in a thread.

use std::fmt;
use std::future::Future;

use futures_util::future::BoxFuture;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::errors::raise;
use crate::serve::{Head, Piece};
use crate::slot::{Job, Outcome, Wake};
use crate::stream::Wish;

/// Work that begins when it is first waited for, and ends when it is dropped.
pub(crate) enum Work {
    /// A call that has not begun.
    Fresh(BoxFuture<'static, Outcome>),
    /// Nothing to do but to give this, once.
    Ready(Option<Py<PyAny>>),
    /// A call.
    Running(Job),
    /// Something of a stream.
    Stream(Wish),
    /// The beginning of an answer to an SDK.
    Head(Head),
    /// Some more of it.
    Piece(Piece),
}

impl Work {
    /// A call.
    pub(crate) fn new(call: impl Future<Output = Outcome> + Send + 'static) -> Self {
        Work::Fresh(Box::pin(call))
    }

    /// What came of it. None: not yet; then `wake` is woken.
    ///
    /// # Errors
    /// What went wrong.
    pub(crate) fn poll(&mut self, py: Python<'_>, wake: Option<Wake>) -> PyResult<Option<Py<PyAny>>> {
        if matches!(self, Work::Fresh(_)) {
            let idle = Work::Fresh(Box::pin(std::future::pending()));
            if let Work::Fresh(call) = std::mem::replace(self, idle) {
                *self = Work::Running(Job::start(call).map_err(|error| raise(py, &error))?);
            }
        }
        match self {
            Work::Fresh(_) => Ok(None),
            Work::Running(job) => match job.poll(wake).map_err(|error| raise(py, &error))? {
                Some(outcome) => outcome(py).map(Some),
                None => Ok(None),
            },
            Work::Ready(value) => Ok(value.take()),
            Work::Stream(wish) => wish.poll(py, wake),
            Work::Head(head) => head.poll(py, wake),
            Work::Piece(piece) => piece.poll(py, wake),
        }
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Work::Ready(value) => visit.call(value),
            Work::Stream(wish) => wish.traverse(visit),
            Work::Head(head) => head.traverse(visit),
            Work::Piece(piece) => piece.traverse(visit),
            Work::Fresh(_) | Work::Running(_) => Ok(()),
        }
    }

    /// Whether it has not begun, so that leaving it is an oversight.
    pub(crate) fn is_fresh(&self) -> bool {
        matches!(self, Work::Fresh(_))
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Work::Fresh(_) => "Fresh",
            Work::Running(_) => "Running",
            Work::Ready(_) => "Ready",
            Work::Stream(_) => "Stream",
            Work::Head(_) => "Head",
            Work::Piece(_) => "Piece",
        })
    }
}
