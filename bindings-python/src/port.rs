//! The crossing into an event loop: a queue of what is done, and one wake of the loop for all of it.
//!
//! The runtime's threads never take the interpreter's lock. They put a number into the [`Queue`] of the loop and, if
//! the queue was empty, make its file descriptor readable. The loop then calls [`Port::drain`] on its own thread, which
//! steps the coroutines that wait, without a turn of the loop for each.

use std::fmt;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use rustc_hash::FxHashMap;

use crate::runtime::{self, Tied, lock};

/// The numbers of what is done, for one loop.
pub(crate) struct Queue {
    done: Mutex<Vec<u64>>,
    read: OwnedFd,
    write: OwnedFd,
}

impl Queue {
    fn new() -> std::io::Result<Self> {
        let (read, write) = descriptors()?;
        Ok(Queue { done: Mutex::default(), read, write })
    }

    /// Adds a number; the first one wakes the loop.
    pub(crate) fn push(&self, id: u64) {
        let mut done = lock(&self.done);
        let is_first = done.is_empty();
        done.push(id);
        drop(done);
        if is_first {
            self.signal();
        }
    }

    fn signal(&self) {
        // It fails when it is readable a thousand times over, or when the loop is gone: nothing is lost.
        let _ = rustix::io::write(&self.write, &1_u64.to_ne_bytes());
    }

    /// Takes all numbers.
    fn take(&self, into: &mut Vec<u64>) {
        let _ = rustix::io::read(&self.read, &mut [0; 8]);
        std::mem::swap(&mut *lock(&self.done), into);
    }
}

#[cfg(target_os = "linux")]
fn descriptors() -> std::io::Result<(OwnedFd, OwnedFd)> {
    use rustix::event::{EventfdFlags, eventfd};
    let read = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let write = read.try_clone()?;
    Ok((read, write))
}

#[cfg(not(target_os = "linux"))]
fn descriptors() -> std::io::Result<(OwnedFd, OwnedFd)> {
    use std::os::unix::net::UnixStream;
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    write.set_nonblocking(true)?;
    Ok((read.into(), write.into()))
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("fd", &self.read.as_raw_fd()).finish_non_exhaustive()
    }
}

/// The crossing into one event loop. The loop owns it.
#[pyclass(frozen, module = "belvedere._native")]
pub(crate) struct Port {
    queue: Tied<Arc<Queue>>,
    next: AtomicU64,
    waiting: Mutex<FxHashMap<u64, Py<Waiter>>>,
    /// Its memory is used again and again.
    spare: Mutex<Vec<u64>>,
}

impl Port {
    fn new() -> std::io::Result<Self> {
        Ok(Port {
            queue: Tied::new(Arc::new(Queue::new()?)),
            next: AtomicU64::new(0),
            waiting: Mutex::default(),
            spare: Mutex::default(),
        })
    }

    /// The port of an asyncio loop, made at its first use.
    ///
    /// # Errors
    /// What the loop raises that can't watch a file descriptor.
    pub(crate) fn of_loop<'py>(event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Port>> {
        let py = event_loop.py();
        let name = intern!(py, "_belvedere_port");
        if let Ok(known) = event_loop.getattr(name)
            && let Ok(port) = known.cast_into::<Port>()
            && port.get().queue.get().is_some()
        {
            return Ok(port);
        }
        let port = Bound::new(py, Port::new()?)?;
        let fd = port.get().fileno().unwrap_or(-1);
        event_loop.call_method1(intern!(py, "add_reader"), (fd, port.getattr(intern!(py, "drain"))?))?;
        event_loop.setattr(name, &port)?;
        Ok(port)
    }

    pub(crate) fn queue(&self) -> Option<&Arc<Queue>> {
        self.queue.get()
    }

    /// A new number, and what its coroutine yields to the loop.
    pub(crate) fn wait<'py>(&self, event_loop: &Bound<'py, PyAny>) -> PyResult<(u64, Bound<'py, Waiter>)> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let waiter = Bound::new(event_loop.py(), Waiter::new(event_loop.clone().unbind()))?;
        lock(&self.waiting).insert(id, waiter.clone().unbind());
        Ok((id, waiter))
    }

    /// Nobody waits for this number any more.
    pub(crate) fn forget(&self, id: u64) {
        let waiter = lock(&self.waiting).remove(&id);
        drop(waiter);
    }
}

#[pymethods]
impl Port {
    #[new]
    fn py_new() -> PyResult<Self> {
        Ok(Port::new()?)
    }

    /// The file descriptor that is readable when something is done.
    fn fileno(&self) -> Option<i32> {
        self.queue.get().map(|queue| queue.read.as_raw_fd())
    }

    /// Steps the coroutines whose work is done.
    fn drain(&self, py: Python<'_>) -> PyResult<()> {
        let Some(queue) = self.queue.get() else { return Ok(()) };
        if runtime::exits_elsewhere() {
            py.detach(runtime::stay_away_from_exit);
        }
        let mut done = std::mem::take(&mut *lock(&self.spare));
        queue.take(&mut done);
        let mut ids = done.drain(..);
        while let Some(id) = ids.next() {
            let waiter = lock(&self.waiting).remove(&id);
            let Some(waiter) = waiter else { continue };
            if let Err(error) = waiter.get().settle(waiter.bind(py)) {
                if error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PySystemExit>(py)
                {
                    // The loop stops here; the others are for its next turn.
                    ids.for_each(|id| queue.push(id));
                    return Err(error);
                }
                error.write_unraisable(py, None);
            }
        }
        drop(ids);
        *lock(&self.spare) = done;
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Ok(waiting) = self.waiting.try_lock() {
            for waiter in waiting.values() {
                visit.call(waiter)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        drop(waiting);
    }
}

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
    fn new(event_loop: Py<PyAny>) -> Self {
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
    fn settle(&self, this: &Bound<'_, Waiter>) -> PyResult<()> {
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
