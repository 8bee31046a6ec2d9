//! Errors of the pipeline as exceptions of Python.

use belvedere::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

use crate::answer::Answer;
use crate::convert::{seconds, to_python};
use crate::host::Raised;

static KINDS: PyOnceLock<Py<PyDict>> = PyOnceLock::new();

/// The exception that an error is.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    raised(py, error).map_or_else(|failed| failed, PyErr::from_value)
}

/// What a function of Python raised comes back as the same object.
fn raised<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let made = exception(py, error)?;
    let Some(cause) = Raised::of(py, error) else { return Ok(made) };
    if cause.is_instance(&py.import("belvedere._error")?.getattr("Error")?)? {
        // What layers found out on its way, such as the attempts, is told, too.
        cause.getattr("__dict__")?.call_method1("update", (made.getattr("__dict__")?,))?;
        return Ok(cause.into_any());
    }
    made.setattr("__cause__", &cause)?;
    Ok(made)
}

fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let named = PyDict::new(py);
    named.set_item("text", error.to_string())?;
    named.set_item("status", to_python(py, &error.status())?)?;
    named.set_item("retry_after", error.retry_after().map(seconds))?;
    named.set_item("retry_after_is_hint", error.retry_after_is_hint())?;
    named.set_item("attempts", error.attempts())?;
    if let ErrorKind::Timeout(phase) = error.kind() {
        named.set_item("phase", phase.name())?;
    }
    if let Some(provider) = error.provider() {
        named.set_item("reported", to_python(py, provider)?)?;
        named.set_item("http_status", provider.status)?;
        named.set_item("request_id", provider.request_id.as_deref())?;
    }
    if let Some(last) = error.history().last() {
        named.set_item("provider", last.provider.as_str())?;
        named.set_item("model", last.model.as_deref())?;
        named.set_item("history", crate::record::attempts(py, error.history())?)?;
    }
    if let Some(partial) = error.partial() {
        named.set_item("partial", Answer::new(partial.clone()))?;
    }
    if !error.context().is_empty() {
        let context = PyDict::new(py);
        for (key, value) in error.context() {
            context.set_item(key, value)?;
        }
        named.set_item("context", context)?;
    }
    class(py, error.kind())?.call((error.message(),), Some(&named))
}

/// The class of a kind.
pub(crate) fn class(py: Python<'_>, kind: ErrorKind) -> PyResult<Bound<'_, PyType>> {
    let kinds = KINDS.get_or_try_init(py, || -> PyResult<_> {
        Ok(py.import("belvedere.errors")?.getattr("KINDS")?.cast_into::<PyDict>()?.unbind())
    })?;
    match kinds.bind(py).get_item(kind.name())? {
        Some(class) => Ok(class.cast_into()?),
        None => Ok(py.import("belvedere._error")?.getattr("Error")?.cast_into()?),
    }
}
