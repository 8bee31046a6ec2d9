//! A call as a coroutine of Python.

use std::sync::{Arc, Mutex};

use pyo3::exceptions::{PyRuntimeError, PyRuntimeWarning, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::{ffi::c_str, intern};

use crate::ground::Ground;
use crate::port::Port;
use crate::queue::Queue;
use crate::runtime::lock;
use crate::slot::Wake;
use crate::waiter::Waiter;
use crate::work::Work;

/// What a method of `AsyncClient` gives: to be awaited once, in asyncio, uvloop or trio. The call begins when it is
/// awaited; to drop it, or to cancel its task, cancels the call.
#[pyclass(frozen, weakref, module = "belvedere._native")]
pub(crate) struct Pending {
    state: Mutex<Option<State>>,
}

struct State {
    work: Work,
    /// Where it waits.
    place: Option<Place>,
}

/// The place of a coroutine that waits.
struct Place {
    port: Py<Port>,
    id: u64,
    waiter: Py<Waiter>,
    /// Trio's way of waiting.
    coroutine: Option<Py<PyAny>>,
}

impl Pending {
    pub(crate) fn new(work: Work) -> Self {
        Pending { state: Mutex::new(Some(State { work, place: None })) }
    }

    /// One that has nothing to wait for.
    pub(crate) fn ready(value: Py<PyAny>) -> Self {
        Pending::new(Work::Ready(Some(value)))
    }

    /// Runs until it has to wait, with what the loop sends or raises.
    fn step<'py>(&self, py: Python<'py>, mut trio: Trio<'py>) -> PyResult<Py<PyAny>> {
        let Some(mut state) = lock(&self.state).take() else {
            return Err(PyRuntimeError::new_err("cannot reuse already awaited coroutine"));
        };
        // From here on an error drops the work, which cancels it.
        loop {
            if let Some(place) = &state.place {
                if let Some(coroutine) = &place.coroutine {
                    match trio.step(coroutine.bind(py)) {
                        Ok(yielded) => return Ok(self.wait(state, yielded)),
                        Err(error) if error.is_instance_of::<PyStopIteration>(py) => {}
                        Err(error) => {
                            place.leave(py);
                            return Err(error);
                        }
                    }
                } else if place.waiter.get().is_waiting() {
                    place.waiter.get().set_blocking();
                    let yielded = place.waiter.clone_ref(py).into_any();
                    return Ok(self.wait(state, yielded));
                }
                place.leave(py);
                state.place = None;
            }
            if let Some(value) = state.work.poll(py, None)? {
                return Err(PyStopIteration::new_err((value,)));
            }
            let (place, queue) = Place::take(py)?;
            let wake = Wake::Loop(queue, place.id);
            match state.work.poll(py, Some(wake)) {
                Ok(None) => state.place = Some(place),
                Ok(Some(value)) => {
                    place.leave(py);
                    return Err(PyStopIteration::new_err((value,)));
                }
                Err(error) => {
                    place.leave(py);
                    return Err(error);
                }
            }
            trio = Trio::Send(py.None().into_bound(py));
        }
    }

    fn wait(&self, state: State, yielded: Py<PyAny>) -> Py<PyAny> {
        *lock(&self.state) = Some(state);
        yielded
    }
}

impl Place {
    fn take(py: Python<'_>) -> PyResult<(Self, Arc<Queue>)> {
        let ground = Ground::here(py)?;
        let port = ground.port()?;
        let queue = port.get().queue().cloned();
        let queue =
            queue.ok_or_else(|| PyRuntimeError::new_err("the event loop belongs to another process"))?;
        let (id, waiter) = port.get().wait(&ground.event_loop())?;
        let coroutine = ground.wait(&waiter)?.map(Bound::unbind);
        Ok((Place { port: port.unbind(), id, waiter: waiter.unbind(), coroutine }, queue))
    }

    fn leave(&self, py: Python<'_>) {
        self.port.get().forget(self.id);
        // Closed, one that never ran does not complain.
        if let Some(coroutine) = &self.coroutine
            && let Err(error) = coroutine.call_method0(py, intern!(py, "close"))
        {
            error.write_unraisable(py, None);
        }
    }
}

/// What is handed to trio's coroutine.
enum Trio<'py> {
    Send(Bound<'py, PyAny>),
    Throw(Bound<'py, PyAny>),
}

impl<'py> Trio<'py> {
    fn step(&self, coroutine: &Bound<'py, PyAny>) -> PyResult<Py<PyAny>> {
        let py = coroutine.py();
        match self {
            Trio::Send(value) => coroutine.call_method1(intern!(py, "send"), (value,)),
            Trio::Throw(error) => coroutine.call_method1(intern!(py, "throw"), (error,)),
        }
        .map(Bound::unbind)
    }
}

#[pymethods]
impl Pending {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.step(py, Trio::Send(py.None().into_bound(py)))
    }

    /// Goes on until it has to wait.
    fn send(&self, value: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = value.py();
        self.step(py, Trio::Send(value))
    }

    /// Raises an exception where it waits: the call is cancelled.
    #[pyo3(signature = (kind, value = None, traceback = None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let _ = traceback;
        let py = kind.py();
        let error = match value {
            Some(value) if kind.is_callable() && !value.is_instance(&kind)? => kind.call1((value,))?,
            Some(value) => value,
            None if kind.is_callable() => kind.call0()?,
            None => kind,
        };
        let waits_in_trio = lock(&self.state)
            .as_ref()
            .and_then(|state| state.place.as_ref())
            .is_some_and(|place| place.coroutine.is_some());
        if waits_in_trio {
            return self.step(py, Trio::Throw(error));
        }
        self.close(py);
        Err(PyErr::from_value(error))
    }

    /// Ends it: the call is cancelled.
    fn close(&self, py: Python<'_>) {
        let state = lock(&self.state).take();
        if let Some(place) = state.as_ref().and_then(|state| state.place.as_ref()) {
            place.leave(py);
        }
        drop(state);
    }

    fn __repr__(&self) -> &'static str {
        match lock(&self.state).as_ref() {
            Some(state) if state.work.is_fresh() => "<belvedere call, not awaited yet>",
            Some(_) => "<belvedere call>",
            None => "<belvedere call, over>",
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Ok(state) = self.state.try_lock()
            && let Some(State { work, place }) = state.as_ref()
        {
            if let Some(place) = place {
                visit.call(&place.port)?;
                visit.call(&place.waiter)?;
                visit.call(&place.coroutine)?;
            }
            work.traverse(&visit)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let state = lock(&self.state).take();
        drop(state);
    }
}

/// Dropped while it waits, its place at the loop goes with it. One that was never awaited did nothing, which nobody
/// wants.
impl Drop for Pending {
    fn drop(&mut self) {
        let Some(state) = lock(&self.state).take() else { return };
        if !state.work.is_fresh() && state.place.is_none() {
            return;
        }
        // None: the interpreter is going.
        Python::try_attach(|py| match &state.place {
            Some(place) => place.leave(py),
            None => {
                let category = py.get_type::<PyRuntimeWarning>();
                let text = c_str!("a call of belvedere.AsyncClient was never awaited");
                if let Err(error) = PyErr::warn(py, &category, text, 1) {
                    error.write_unraisable(py, None);
                }
            }
        });
    }
}
