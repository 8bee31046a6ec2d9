//! Where functions of Python run.

use std::sync::{Arc, Mutex};

use pyo3::intern;
use pyo3::prelude::*;

use super::caller::Caller;
use crate::queue::Posted;
use crate::runtime::{self, lock};
use crate::testing;

/// What runs on an event loop, so that it can be cancelled there.
#[derive(Default)]
pub(super) struct Started(Mutex<State>);

#[derive(Default)]
struct State {
    cancelled: bool,
    task: Option<Py<PyAny>>,
}

impl Started {
    /// Takes note of the task; one that is cancelled already ends at once.
    fn set(&self, py: Python<'_>, task: Bound<'_, PyAny>) -> PyResult<()> {
        let mut state = lock(&self.0);
        if !state.cancelled {
            state.task = Some(task.unbind());
            return Ok(());
        }
        drop(state);
        task.call_method0(intern!(py, "cancel")).map(drop)
    }

    /// Ends it, wherever it is.
    pub(super) fn cancel(self: &Arc<Self>, caller: Option<&Arc<Caller>>) {
        let mut state = lock(&self.0);
        state.cancelled = true;
        let is_running = state.task.is_some();
        drop(state);
        if is_running {
            let this = self.clone();
            on_loop(
                caller,
                Box::new(move |py| {
                    let task = lock(&this.0).task.take();
                    let Some(task) = task else { return };
                    if let Err(error) = task.call_method0(py, intern!(py, "cancel")) {
                        error.write_unraisable(py, None);
                    }
                }),
            );
        }
    }
}

/// Runs something in a thread that may wait. On a simulated machine it is a task of that machine.
pub(super) fn in_thread(work: Posted) {
    if let Some(world) = testing::running() {
        // It is never aborted: what runs in a thread runs to its end.
        drop(world.spawn(Box::pin(async move { Python::attach(work) })));
        return;
    }
    let Ok(handle) = runtime::handle() else { return };
    drop(handle.spawn_blocking(move || {
        runtime::stay_away_from_exit();
        Python::try_attach(work);
    }));
}

/// Runs something on the event loop of the caller; without one, on a loop of our own.
pub(super) fn on_loop(caller: Option<&Arc<Caller>>, work: Posted) {
    match caller.and_then(|caller| caller.queue.as_ref()) {
        Some(queue) => queue.post(work),
        None => in_thread(Box::new(move |py| {
            if let Err(error) = on_our_loop(py, work) {
                error.write_unraisable(py, None);
            }
        })),
    }
}

fn on_our_loop(py: Python<'_>, work: Posted) -> PyResult<()> {
    let work = Mutex::new(Some(work));
    let call = pyo3::types::PyCFunction::new_closure(py, None, None, move |arguments, _| {
        let work = lock(&work).take();
        if let Some(work) = work {
            work(arguments.py());
        }
    })?;
    py.import("belvedere._host")?.call_method1(intern!(py, "on_our_loop"), (call,)).map(drop)
}

/// Starts a coroutine on the loop that runs here.
pub(super) fn start(started: &Started, caller: Option<&Caller>, coroutine: Bound<'_, PyAny>) -> PyResult<()> {
    let py = coroutine.py();
    let start = py.import("belvedere._host")?.getattr(intern!(py, "start"))?;
    let task = Caller::run(caller, py, &start, &[coroutine])?;
    started.set(py, task)
}
