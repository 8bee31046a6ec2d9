//! What is done, for one event loop, and the bell that wakes it.

use std::fmt;
use std::sync::{Arc, Mutex};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyWeakrefReference;

use crate::runtime::{self, lock};

/// Something to be done on the thread of a loop.
pub(crate) type Posted = Box<dyn FnOnce(Python<'_>) + Send>;

/// The number of nobody who waits.
const NOBODY: u64 = u64::MAX;

/// The numbers of what is done, for one loop.
pub(crate) struct Queue {
    done: Mutex<Vec<u64>>,
    /// What is to be done there.
    posted: Mutex<Vec<Posted>>,
    bell: Bell,
}

/// How the loop is woken.
enum Bell {
    /// It watches a file descriptor.
    #[cfg(unix)]
    Descriptor(descriptor::Descriptor),
    /// It can't: a thread with the interpreter's lock calls it.
    Call(Arc<Py<PyWeakrefReference>>),
}

impl Queue {
    /// A queue for a loop that watches a file descriptor.
    ///
    /// # Errors
    /// `OSError` where the system gives none.
    pub(crate) fn watched() -> PyResult<Self> {
        #[cfg(unix)]
        return Ok(Queue {
            done: Mutex::default(),
            posted: Mutex::default(),
            bell: Bell::Descriptor(descriptor::Descriptor::new()?),
        });
        #[cfg(not(unix))]
        Err(pyo3::exceptions::PyNotImplementedError::new_err("event loops watch no file descriptors here"))
    }

    /// A queue for a loop that can only be called.
    ///
    /// # Errors
    /// `TypeError` for a loop that can't be referred to weakly.
    pub(crate) fn called(event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bell = Bell::Call(Arc::new(PyWeakrefReference::new(event_loop)?.unbind()));
        Ok(Queue { done: Mutex::default(), posted: Mutex::default(), bell })
    }

    /// The file descriptor that is readable when something is done, where there is one.
    pub(crate) fn descriptor(&self) -> Option<i32> {
        match &self.bell {
            #[cfg(unix)]
            Bell::Descriptor(descriptor) => Some(descriptor.number()),
            Bell::Call(_) => None,
        }
    }

    /// Adds a number; the first one wakes the loop.
    pub(crate) fn push(&self, id: u64) {
        let mut done = lock(&self.done);
        let is_first = done.is_empty();
        done.push(id);
        drop(done);
        if is_first {
            self.ring();
        }
    }

    /// Has something done on the thread of the loop.
    pub(crate) fn post(&self, work: Posted) {
        lock(&self.posted).push(work);
        self.push(NOBODY);
    }

    /// Takes what is to be done.
    pub(crate) fn posted(&self) -> Vec<Posted> {
        std::mem::take(&mut *lock(&self.posted))
    }

    fn ring(&self) {
        match &self.bell {
            #[cfg(unix)]
            Bell::Descriptor(descriptor) => descriptor.ring(),
            Bell::Call(event_loop) => call(event_loop.clone()),
        }
    }

    /// Takes all numbers.
    pub(crate) fn take(&self, into: &mut Vec<u64>) {
        #[cfg(unix)]
        if let Bell::Descriptor(descriptor) = &self.bell {
            descriptor.silence();
        }
        std::mem::swap(&mut *lock(&self.done), into);
    }
}

/// Has a loop drain its port. Not in this thread, which must not wait for the interpreter.
fn call(event_loop: Arc<Py<PyWeakrefReference>>) {
    let Ok(handle) = runtime::handle() else { return };
    drop(handle.spawn_blocking(move || {
        Python::try_attach(|py| -> PyResult<()> {
            let Some(event_loop) = event_loop.bind(py).upgrade() else { return Ok(()) };
            let port = event_loop.getattr(intern!(py, "_belvedere_port"))?;
            // A loop that is closed refuses it: then nobody waits.
            let drain = port.getattr(intern!(py, "drain"))?;
            event_loop.call_method1(intern!(py, "call_soon_threadsafe"), (drain,)).map(drop)
        })
    }));
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("descriptor", &self.descriptor()).finish_non_exhaustive()
    }
}

#[cfg(unix)]
mod descriptor {
    //! A file descriptor as a bell.

    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd};

    /// Both ends; one and the same on Linux.
    pub(super) struct Descriptor {
        read: OwnedFd,
        write: OwnedFd,
    }

    impl Descriptor {
        #[cfg(target_os = "linux")]
        pub(super) fn new() -> io::Result<Self> {
            use rustix::event::{EventfdFlags, eventfd};
            let read = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
            let write = read.try_clone()?;
            Ok(Descriptor { read, write })
        }

        #[cfg(not(target_os = "linux"))]
        pub(super) fn new() -> io::Result<Self> {
            use std::os::unix::net::UnixStream;
            let (read, write) = UnixStream::pair()?;
            read.set_nonblocking(true)?;
            write.set_nonblocking(true)?;
            Ok(Descriptor { read: read.into(), write: write.into() })
        }

        pub(super) fn number(&self) -> i32 {
            self.read.as_raw_fd()
        }

        /// It fails when it was rung a thousand times over, or when the loop is gone: nothing is lost.
        pub(super) fn ring(&self) {
            let _ = rustix::io::write(&self.write, &1_u64.to_ne_bytes());
        }

        pub(super) fn silence(&self) {
            let _ = rustix::io::read(&self.read, &mut [0; 8]);
        }
    }
}
