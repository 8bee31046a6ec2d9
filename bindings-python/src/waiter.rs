//! What a coroutine yields to its loop.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;

use crate::runtime::lock;

/// What a coroutine yields to its loop while it waits: as much of a future as a task asks for.
#[pyclass(frozen, module = "belvedere._native")]
pub(crate) struct Waiter {
    event_loop: Py<PyAny>,
    blocking: AtomicBool,
    state: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    phase: Phase,
    /// What who cancelled said.
    message: Option<Py<PyAny>>,
    callbacks: Vec<(Py<PyAny>, Option<Py<PyAny>>)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Waits,
    Done,
    Cancelled,
}

impl Waiter {
    pub(crate) fn new(event_loop: Py<PyAny>) -> Self {
        Waiter { event_loop, blocking: AtomicBool::new(true), state: Mutex::default() }
    }

    /// Says that it is yielded, as `await` does.
    pub(crate) fn set_blocking(&self) {
        self.blocking.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_waiting(&self) -> bool {
        lock(&self.state).phase == Phase::Waits
    }

    /// Done: steps who waits, at once.
    pub(crate) fn settle(&self, this: &Bound<'_, Waiter>) -> PyResult<()> {
        let mut state = lock(&self.state);
        if state.phase != Phase::Waits {
            return Ok(());
        }
        state.phase = Phase::Done;
        let callbacks = std::mem::take(&mut state.callbacks);
        drop(state);
        let py = this.py();
        for (callback, context) in callbacks {
            match context {
                Some(context) => context.call_method1(py, intern!(py, "run"), (callback, this))?,
                None => callback.call1(py, (this,))?,
            };
        }
        Ok(())
    }

    fn call_soon(
        &self,
        this: &Bound<'_, Self>,
        callback: Py<PyAny>,
        context: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let py = this.py();
        let named = pyo3::types::PyDict::new(py);
        if let Some(context) = context {
            named.set_item(intern!(py, "context"), context)?;
        }
        let event_loop = self.event_loop.bind(py);
        event_loop.call_method(intern!(py, "call_soon"), (callback, this), Some(&named)).map(drop)
    }
}

#[pymethods]
impl Waiter {
    #[getter]
    fn _asyncio_future_blocking(&self) -> bool {
        self.blocking.load(Ordering::Relaxed)
    }

    #[setter(_asyncio_future_blocking)]
    fn set_asyncio_future_blocking(&self, blocking: bool) {
        self.blocking.store(blocking, Ordering::Relaxed);
    }

    fn get_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.event_loop.clone_ref(py)
    }

    #[pyo3(signature = (callback, *, context = None))]
    fn add_done_callback(
        slf: &Bound<'_, Self>,
        callback: Py<PyAny>,
        context: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let this = slf.get();
        let mut state = lock(&this.state);
        if state.phase == Phase::Waits {
            state.callbacks.push((callback, context));
            return Ok(());
        }
        drop(state);
        this.call_soon(slf, callback, context)
    }

    fn remove_done_callback(slf: &Bound<'_, Self>, callback: &Bound<'_, PyAny>) -> PyResult<usize> {
        let all = std::mem::take(&mut lock(&slf.get().state).callbacks);
        let count = all.len();
        let mut left = Vec::new();
        for (known, context) in all {
            if !known.bind(slf.py()).eq(callback)? {
                left.push((known, context));
            }
        }
        let removed = count - left.len();
        lock(&slf.get().state).callbacks.extend(left);
        Ok(removed)
    }

    /// The task that waits is cancelled.
    #[pyo3(signature = (msg = None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<Py<PyAny>>) -> PyResult<bool> {
        let this = slf.get();
        let mut state = lock(&this.state);
        if state.phase != Phase::Waits {
            return Ok(false);
        }
        (state.phase, state.message) = (Phase::Cancelled, msg);
        let callbacks = std::mem::take(&mut state.callbacks);
        drop(state);
        for (callback, context) in callbacks {
            this.call_soon(slf, callback, context)?;
        }
        Ok(true)
    }

    /// Nobody waits any more.
    fn drop(&self) {
        let mut state = lock(&self.state);
        state.phase = Phase::Cancelled;
        let callbacks = std::mem::take(&mut state.callbacks);
        drop(state);
        drop(callbacks);
    }

    fn done(&self) -> bool {
        lock(&self.state).phase != Phase::Waits
    }

    fn cancelled(&self) -> bool {
        lock(&self.state).phase == Phase::Cancelled
    }

    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let state = lock(&self.state);
        if state.phase != Phase::Cancelled {
            return Ok(py.None());
        }
        let message = state.message.as_ref().map(|message| message.clone_ref(py));
        drop(state);
        Err(crate::ground::cancelled(py, message))
    }

    fn exception(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.result(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        if let Ok(state) = self.state.try_lock() {
            visit.call(&state.message)?;
            for (callback, context) in &state.callbacks {
                visit.call(callback)?;
                visit.call(context)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let callbacks = std::mem::take(&mut lock(&self.state).callbacks);
        drop(callbacks);
    }
}
