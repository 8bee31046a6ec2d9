//! A stream in flight as data.

use belvedere::ErrorKind;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::answer::Answer;
use crate::convert::{read, to_python};
use crate::errors::raise;

/// A stream in flight as data: what was asked, and what of the answer had been handed out. It crosses processes and
/// languages as JSON; it holds request and answer in plain text, and no credentials.
#[pyclass(frozen, module = "belvedere")]
#[derive(Debug)]
pub(crate) struct Checkpoint(belvedere::Checkpoint);

impl Checkpoint {
    pub(crate) fn new(checkpoint: belvedere::Checkpoint) -> Self {
        Checkpoint(checkpoint)
    }

    pub(crate) fn core(&self) -> &belvedere::Checkpoint {
        &self.0
    }
}

#[pymethods]
impl Checkpoint {
    /// A checkpoint from its JSON form.
    #[new]
    #[pyo3(signature = (checkpoint, /))]
    fn py_new(checkpoint: &Bound<'_, PyAny>) -> PyResult<Self> {
        read(checkpoint, ErrorKind::InvalidRequest).map(Checkpoint)
    }

    /// Reads the JSON text. Raises `InvalidRequest` when it is none, or of another version.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        belvedere::Checkpoint::from_json(text).map(Checkpoint).map_err(|error| raise(py, &error))
    }

    /// The JSON text.
    fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// The JSON form.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0)
    }

    /// What had been handed out of the answer.
    #[getter]
    fn partial(&self) -> Answer {
        Answer::new(self.0.partial.clone())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Checkpoint>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __repr__(&self) -> String {
        format!("Checkpoint(messages={}, text={:?})", self.0.request.messages.len(), self.0.partial.text())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let args = PyTuple::new(py, [slf.get().to_dict(py)?])?;
        PyTuple::new(py, [slf.get_type().into_any(), args.into_any()])
    }
}
