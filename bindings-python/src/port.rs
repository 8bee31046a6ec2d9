//! The crossing into an event loop.
//!
//! The runtime's threads never take the interpreter's lock. They put a number into the [`Queue`] of the loop and, if
//! the queue was empty, make its file descriptor readable. The loop then calls [`Port::drain`] on its own thread, which
//! steps the coroutines that wait, without a turn of the loop for each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use pyo3::exceptions::{PyKeyboardInterrupt, PyNotImplementedError, PySystemExit};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use rustc_hash::FxHashMap;

use crate::queue::Queue;
use crate::runtime::{self, Tied, lock};
use crate::waiter::Waiter;

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
    fn new(queue: Queue) -> Self {
        Port {
            queue: Tied::new(Arc::new(queue)),
            next: AtomicU64::new(0),
            waiting: Mutex::default(),
            spare: Mutex::default(),
        }
    }

    /// The port of an asyncio loop, made at its first use.
    ///
    /// # Errors
    /// What the loop raises that takes no attribute.
    pub(crate) fn of_loop<'py>(event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Port>> {
        let py = event_loop.py();
        let name = intern!(py, "_belvedere_port");
        if let Ok(known) = event_loop.getattr(name)
            && let Ok(port) = known.cast_into::<Port>()
            && port.get().queue.get().is_some()
        {
            return Ok(port);
        }
        let port = match Queue::watched().and_then(|queue| Port::watched_by(event_loop, queue)) {
            Err(error) if error.is_instance_of::<PyNotImplementedError>(py) => {
                Bound::new(py, Port::new(Queue::called(event_loop)?))?
            }
            made => made?,
        };
        event_loop.setattr(name, &port)?;
        Ok(port)
    }

    /// The port of a loop that watches its file descriptor.
    fn watched_by<'py>(event_loop: &Bound<'py, PyAny>, queue: Queue) -> PyResult<Bound<'py, Port>> {
        let py = event_loop.py();
        let descriptor = queue.descriptor();
        let port = Bound::new(py, Port::new(queue))?;
        let drain = port.getattr(intern!(py, "drain"))?;
        event_loop.call_method1(intern!(py, "add_reader"), (descriptor, drain))?;
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
        Ok(Port::new(Queue::watched()?))
    }

    /// The file descriptor that is readable when something is done.
    fn fileno(&self) -> Option<i32> {
        self.queue.get().and_then(|queue| queue.descriptor())
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
        queue.posted().into_iter().for_each(|work| work(py));
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
