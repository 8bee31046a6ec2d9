//! Work that panics, so that a test sees what becomes of who waits for it.

use futures_util::FutureExt;
use pyo3::prelude::*;

use crate::pending::Pending;
use crate::slot::Outcome;
use crate::stream::AsyncStream;
use crate::work::Work;

/// A call that panics on the runtime's thread.
#[pyfunction]
pub(crate) fn _panicking_call() -> Pending {
    Pending::new(Work::new(async { panics::<Outcome>() }))
}

/// A stream that panics there: when it is opened.
#[pyfunction]
pub(crate) fn _panicking_stream(py: Python<'_>) -> PyResult<Py<AsyncStream>> {
    AsyncStream::new(py, async { panics() }.boxed())
}

#[expect(clippy::panic, reason = "that is what it is for")]
fn panics<T>() -> T {
    panic!("on purpose")
}
