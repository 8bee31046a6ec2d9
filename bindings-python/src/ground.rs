//! The event loop that a coroutine runs on: asyncio's (uvloop's too) or trio's.

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::port::Port;
use crate::waiter::Waiter;

/// Where a coroutine is awaited.
#[derive(Debug)]
pub(crate) enum Ground<'py> {
    /// In a task of this loop of asyncio.
    Asyncio(Bound<'py, PyAny>),
    /// In a task of trio; the module that knows it.
    Trio(Bound<'py, PyModule>),
}

static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
static RUNNING_LOOP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static CANCELLED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// A module, if the program has loaded it.
fn loaded(py: Python<'_>, name: &str) -> PyResult<bool> {
    let modules = MODULES.get_or_try_init(py, || -> PyResult<_> {
        Ok(py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?.unbind())
    })?;
    modules.bind(py).contains(name)
}

/// The loop of asyncio that runs in this thread.
fn running_loop(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    if RUNNING_LOOP.get(py).is_none() && !loaded(py, "asyncio")? {
        return Ok(None);
    }
    let get = RUNNING_LOOP.get_or_try_init(py, || -> PyResult<_> {
        Ok(py.import("asyncio")?.getattr("_get_running_loop")?.unbind())
    })?;
    let found = get.bind(py).call0()?;
    Ok((!found.is_none()).then_some(found))
}

/// The exception of a task of asyncio that is cancelled.
pub(crate) fn cancelled(py: Python<'_>, message: Option<Py<PyAny>>) -> PyErr {
    let class = CANCELLED.get_or_try_init(py, || -> PyResult<_> {
        Ok(py.import("asyncio")?.getattr("CancelledError")?.unbind())
    });
    let made = class.and_then(|class| match message {
        Some(message) => class.bind(py).call1((message,)),
        None => class.bind(py).call0(),
    });
    match made {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// Whether an exception is that of a task that is cancelled, in asyncio or in trio.
pub(crate) fn is_cancelled(py: Python<'_>, error: &Bound<'_, pyo3::exceptions::PyBaseException>) -> bool {
    let of = |module: &str, class: &str| -> PyResult<bool> {
        Ok(loaded(py, module)? && error.is_instance(&py.import(module)?.getattr(class)?)?)
    };
    of("asyncio", "CancelledError").unwrap_or(false) || of("trio", "Cancelled").unwrap_or(false)
}

impl<'py> Ground<'py> {
    /// The loop that runs in this thread.
    ///
    /// # Errors
    /// `RuntimeError` that says which loops there are.
    pub(crate) fn here(py: Python<'py>) -> PyResult<Self> {
        if let Some(event_loop) = running_loop(py)? {
            return Ok(Ground::Asyncio(event_loop));
        }
        if loaded(py, "trio")? {
            let module = py.import("belvedere._trio")?;
            if module.call_method0(intern!(py, "is_running"))?.is_truthy()? {
                return Ok(Ground::Trio(module));
            }
        }
        Err(PyRuntimeError::new_err(
            "no running event loop: await it in a task of asyncio, uvloop or trio, or take belvedere.Client",
        ))
    }

    /// The crossing into it.
    pub(crate) fn port(&self) -> PyResult<Bound<'py, Port>> {
        match self {
            Ground::Asyncio(event_loop) => Port::of_loop(event_loop),
            Ground::Trio(module) => {
                Ok(module.call_method0(intern!(module.py(), "port"))?.cast_into::<Port>()?)
            }
        }
    }

    /// The loop itself; None for trio.
    pub(crate) fn event_loop(&self) -> Bound<'py, PyAny> {
        match self {
            Ground::Asyncio(event_loop) => event_loop.clone(),
            Ground::Trio(module) => module.py().None().into_bound(module.py()),
        }
    }

    /// The coroutine that waits in trio's own way.
    pub(crate) fn wait(&self, waiter: &Bound<'py, Waiter>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Ground::Asyncio(_) => Ok(None),
            Ground::Trio(module) => module.call_method1(intern!(module.py(), "wait"), (waiter,)).map(Some),
        }
    }
}
