//! What hooks hear.

use belvedere::hooks::Signal as CoreSignal;
use pyo3::exceptions::{PyAttributeError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::to_python;
use crate::errors::raise;

/// What the pipeline did: the object of its JSON form, `type` and then its fields, which are attributes and items. The
/// attribute `error` is the exception itself.
#[pyclass(frozen, module = "belvedere")]
pub(crate) struct Signal {
    fields: Py<PyDict>,
    error: Option<Py<PyAny>>,
}

impl Signal {
    pub(super) fn new(py: Python<'_>, signal: &CoreSignal) -> PyResult<Self> {
        let error = match signal {
            CoreSignal::Error { error, .. }
            | CoreSignal::StoreFailed { error, .. }
            | CoreSignal::ReloadFailed { error } => Some(raise(py, error).into_value(py).into_any()),
            _ => None,
        };
        Ok(Signal { fields: to_python(py, signal)?.cast_into::<PyDict>()?.unbind(), error })
    }
}

#[pymethods]
impl Signal {
    /// What happened, such as `retry`: the `type` of the JSON form.
    #[getter]
    fn kind<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.fields.bind(py).get_item("type")
    }

    /// The JSON form.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.fields.bind(py).copy()
    }

    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        if let (Some(error), "error") = (&self.error, name) {
            return Ok(error.bind(py).clone());
        }
        let found = self.fields.bind(py).get_item(name)?;
        found.ok_or_else(|| PyAttributeError::new_err(format!("this signal has no `{name}`")))
    }

    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let found = self.fields.bind(py).get_item(name)?;
        found.ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    fn __contains__(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        self.fields.bind(py).contains(name)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Signal({})", self.fields.bind(py).repr()?))
    }
}
