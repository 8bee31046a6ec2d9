//! Streams for coroutines.

use pyo3::prelude::*;

use super::{Controlled, Opening, What, Wish};
use crate::pending::Pending;
use crate::work::Work;

/// The answer as it comes: `async for event in stream`. Its call begins at the first `await`, and ends when the stream
/// is left (`async with`, `aclosing`), cancelled or dropped.
#[pyclass(frozen, extends = Controlled, module = "belvedere")]
pub(crate) struct AsyncStream;

impl AsyncStream {
    pub(crate) fn new(py: Python<'_>, call: Opening) -> PyResult<Py<Self>> {
        Py::new(py, PyClassInitializer::from(Controlled::new(call)).add_subclass(AsyncStream))
    }
}

fn wish(stream: &Bound<'_, AsyncStream>, what: What) -> Wish {
    Wish::new(&stream.as_super().get().0, what)
}

fn pending(wish: Wish) -> Pending {
    Pending::new(Work::Stream(wish))
}

#[pymethods]
impl AsyncStream {
    /// Awaited, it gives the whole answer.
    fn __await__(slf: &Bound<'_, Self>) -> Pending {
        pending(wish(slf, What::Collect))
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(slf: &Bound<'_, Self>) -> Pending {
        pending(wish(slf, What::NextAsync))
    }

    /// Opens the call, so that what is wrong with it is raised here.
    fn __aenter__(slf: Bound<'_, Self>) -> Pending {
        pending(wish(&slf, What::Open).giving(slf.into_any().unbind()))
    }

    #[pyo3(signature = (*_args))]
    fn __aexit__(slf: &Bound<'_, Self>, _args: &Bound<'_, PyAny>) -> Pending {
        pending(wish(slf, What::Close))
    }

    /// Ends the call, as `cancel` does.
    fn aclose(slf: &Bound<'_, Self>) -> Pending {
        pending(wish(slf, What::Close))
    }

    /// Reads the rest and gives the whole answer. Raises what the stream ends with.
    fn collect(slf: &Bound<'_, Self>) -> Pending {
        pending(wish(slf, What::Collect))
    }
}
