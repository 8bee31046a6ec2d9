//! Exceptions of functions as errors of the pipeline, and back.

use std::fmt;
use std::time::Duration;

use belvedere::error::{ProviderError, RetryAfter, TimeoutPhase};
use belvedere::{Error, ErrorKind};
use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::PyType;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as Fault, StrDeserializer};

use crate::answer::Answer;
use crate::convert::read;
use crate::ground;

/// The exception behind an error. What it says is not printed: it may quote a prompt.
pub(crate) struct Raised(Py<PyBaseException>);

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an exception of Python")
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an exception of Python")
    }
}

impl std::error::Error for Raised {}

impl Raised {
    /// The exception that an error was made from.
    pub(crate) fn of<'py>(py: Python<'py>, error: &Error) -> Option<Bound<'py, PyBaseException>> {
        let source = std::error::Error::source(error)?;
        Some(source.downcast_ref::<Raised>()?.0.bind(py).clone())
    }
}

/// An exception as an error: one of ours keeps its kind and its fields, any other is `Unexpected`.
pub(crate) fn caught(py: Python<'_>, raised: &PyErr) -> Error {
    let value = raised.value(py);
    let error = match ours(py, value) {
        Ok(Some(error)) => error,
        _ if ground::is_cancelled(py, value) => {
            Error::new(ErrorKind::Cancelled, "a function of Python was cancelled")
        }
        _ => {
            let name = value.get_type().name().map(|name| name.to_string()).unwrap_or_default();
            Error::new(ErrorKind::Unexpected, format!("a function of Python raised {name}"))
        }
    };
    error.with_source(Raised(value.clone().unbind()))
}

fn ours(py: Python<'_>, value: &Bound<'_, PyBaseException>) -> PyResult<Option<Error>> {
    let class = py.import("belvedere._error")?.getattr("Error")?.cast_into::<PyType>()?;
    if !value.is_instance(&class)? {
        return Ok(None);
    }
    let name: String = value.getattr("kind")?.extract()?;
    let phase: Option<String> = value.getattr("phase")?.extract()?;
    let kind = kind(&name, phase.as_deref());
    let message: String = value.getattr("message")?.extract()?;
    let mut error = Error::new(kind, message);
    if value.getattr("status")?.extract::<String>().is_ok_and(|status| status == "persistent") {
        error = error.into_persistent();
    }
    if let Some(seconds) = value.getattr("retry_after")?.extract::<Option<f64>>()?
        && let Ok(delay) = Duration::try_from_secs_f64(seconds)
    {
        let is_hint = value.getattr("retry_after_is_hint")?.is_truthy()?;
        error = error.with_retry_after(match is_hint {
            true => RetryAfter::hint(delay),
            false => RetryAfter::after(delay),
        });
    }
    let reported = value.getattr("reported")?;
    if reported.is_truthy()? {
        error = error.with_provider(read::<ProviderError>(&reported, ErrorKind::Unexpected)?);
    }
    if let Ok(partial) = value.getattr("partial")?.cast::<Answer>() {
        error = error.with_partial(partial.get().core().clone());
    }
    Ok(Some(error.with_attempts(value.getattr("attempts")?.extract()?)))
}

/// The kind of this name.
fn kind(name: &str, phase: Option<&str>) -> ErrorKind {
    if name == "timeout" {
        let phase: StrDeserializer<'_, Fault> = phase.unwrap_or("total").into_deserializer();
        return ErrorKind::Timeout(TimeoutPhase::deserialize(phase).unwrap_or(TimeoutPhase::Total));
    }
    let name: StrDeserializer<'_, Fault> = name.into_deserializer();
    ErrorKind::deserialize(name).unwrap_or(ErrorKind::Unexpected)
}
