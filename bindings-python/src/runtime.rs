//! The one tokio runtime of the process, and what a fork does to it.
//!
//! Threads do not survive a fork, and locks that they held stay locked for ever. So a child forgets all that the
//! parent had running, without touching it, and begins anew: each process is an epoch of its own.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use belvedere::{Error, ErrorKind, Result};
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::AbortHandle;

use crate::{host, testing};

/// How long the interpreter waits at its exit for what still runs.
const EXIT: Duration = Duration::from_millis(800);

/// What one process has running. It is never dropped: the next process may be its child.
#[derive(Default)]
struct Epoch {
    running: OnceLock<Running>,
    /// The thread that exits.
    exit: OnceLock<ThreadId>,
    next: OnceLock<Box<Epoch>>,
}

struct Running {
    handle: Handle,
    /// Gone after the exit.
    runtime: Mutex<Option<Runtime>>,
}

static FIRST: Epoch = Epoch { running: OnceLock::new(), exit: OnceLock::new(), next: OnceLock::new() };
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Locks what is only ever held for a moment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of this process: how many forks lie between it and the first one.
pub(crate) fn epoch() -> u32 {
    NUMBER.load(Ordering::Acquire)
}

fn current() -> &'static Epoch {
    let mut epoch = &FIRST;
    for _ in 0..self::epoch() {
        epoch = epoch.next.get_or_init(Box::default);
    }
    epoch
}

/// The runtime of this process, made at its first use.
///
/// # Errors
/// `Unexpected` when the system gives no thread, `Cancelled` when the interpreter is about to exit.
pub(crate) fn handle() -> Result<&'static Handle> {
    let epoch = current();
    if let Some(running) = epoch.running.get() {
        return match epoch.exit.get() {
            None => Ok(&running.handle),
            Some(_) => Err(exiting()),
        };
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("belvedere")
        .enable_all()
        .build()
        .map_err(|e| Error::new(ErrorKind::Unexpected, "the system gives no thread").with_source(e))?;
    let handle = runtime.handle().clone();
    let running = epoch.running.get_or_init(|| Running { handle, runtime: Mutex::new(Some(runtime)) });
    Ok(&running.handle)
}

/// Keeps a thread from the interpreter once that exits, all but the thread that exits. Called without the interpreter's
/// lock.
///
/// Before 3.14 an interpreter that is going ends the threads that ask for its lock by force (`pthread_exit`), which the
/// frames of Rust between can't bear: the process would abort
/// (<https://github.com/python/cpython/issues/87135>). Threads that are still there are daemons, and nobody waits for them.
pub(crate) fn stay_away_from_exit() {
    if exits_elsewhere() {
        loop {
            thread::park();
        }
    }
}

/// Whether the interpreter exits, in another thread.
pub(crate) fn exits_elsewhere() -> bool {
    current().exit.get().is_some_and(|thread| *thread != thread::current().id())
}

/// What a call gets that the exit of the interpreter has cut.
pub(crate) fn exiting() -> Error {
    Error::new(ErrorKind::Cancelled, "the interpreter exits")
}

/// What those get in a child who hold something of the parent.
pub(crate) fn forked() -> Error {
    Error::new(
        ErrorKind::Cancelled,
        "the process was forked: calls and streams belong to the parent; make a new one here",
    )
}

/// Runs a task on the runtime of this process, or on the simulated machine that this thread runs.
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Result<Task> {
    let work = host::scoped(work);
    let abort = match testing::running() {
        Some(world) => Abort::Simulated(world.spawn(work)),
        None => Abort::Running(handle()?.spawn(work).abort_handle()),
    };
    Ok(Task(Tied::new(abort)))
}

/// A task of the runtime; dropping it ends the task.
pub(crate) struct Task(Tied<Abort>);

enum Abort {
    Running(AbortHandle),
    Simulated(futures_util::future::AbortHandle),
}

impl Drop for Task {
    fn drop(&mut self) {
        match self.0.get() {
            Some(Abort::Running(task)) => task.abort(),
            Some(Abort::Simulated(task)) => task.abort(),
            None => {}
        }
    }
}

/// What belongs to one process. In a child it can't be reached, and it is forgotten instead of dropped.
#[derive(Debug)]
pub(crate) struct Tied<T> {
    epoch: u32,
    /// Gone while it is dropped.
    value: Option<T>,
}

impl<T> Tied<T> {
    pub(crate) fn new(value: T) -> Self {
        Tied { epoch: epoch(), value: Some(value) }
    }

    /// What it is, in the process that made it.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.epoch == epoch())
    }
}

impl<T> Drop for Tied<T> {
    fn drop(&mut self) {
        if self.epoch != epoch() {
            std::mem::forget(self.value.take());
        }
    }
}

/// Begins a new epoch: called in the child, before anything else runs there.
#[pyfunction]
pub(crate) fn _after_fork() {
    NUMBER.fetch_add(1, Ordering::AcqRel);
}

/// Ends what runs: called once at the exit of the interpreter. It takes a second at most.
#[pyfunction]
pub(crate) fn _at_exit(py: Python<'_>) {
    let epoch = current();
    let _ = epoch.exit.set(thread::current().id());
    let runtime = epoch.running.get().and_then(|running| lock(&running.runtime).take());
    // Without the interpreter: what is dropped may wait for a function of Python.
    py.detach(|| {
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(EXIT);
        }
    });
}
