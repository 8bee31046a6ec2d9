//! Streams for threads.

use pyo3::prelude::*;

use super::{Controlled, Opening, What, Wish};
use crate::blocking;
use crate::work::Work;

/// The answer as it comes: `for event in stream`. Its call begins when it is first asked for an event, and ends when the
/// stream is left (`with`), closed or dropped.
#[pyclass(frozen, extends = Controlled, module = "belvedere")]
pub(crate) struct Stream;

impl Stream {
    pub(crate) fn new(py: Python<'_>, call: Opening) -> PyResult<Py<Self>> {
        Py::new(py, PyClassInitializer::from(Controlled::new(call)).add_subclass(Stream))
    }
}

/// Waits. Who is interrupted leaves the stream: nobody is there to go on with it.
fn wait(stream: &Bound<'_, Stream>, what: What) -> PyResult<Py<PyAny>> {
    let core = &stream.as_super().get().0;
    blocking::wait(stream.py(), Work::Stream(Wish::new(core, what))).inspect_err(|_| core.cancel())
}

#[pymethods]
impl Stream {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        wait(slf, What::Next)
    }

    /// Opens the call, so that what is wrong with it is raised here.
    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        wait(&slf, What::Open)?;
        Ok(slf)
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(slf: &Bound<'_, Self>, _args: &Bound<'_, PyAny>) {
        slf.as_super().get().0.cancel();
    }

    /// Ends the call, as `cancel` does.
    fn close(slf: &Bound<'_, Self>) {
        slf.as_super().get().0.cancel();
    }

    /// Reads the rest and gives the whole answer. Raises what the stream ends with.
    fn collect(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        wait(slf, What::Collect)
    }
}
