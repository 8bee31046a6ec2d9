//! Durations: seconds in Python, text with units in documents.

use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDelta, PyString};

/// Reads seconds (int, float), a `timedelta`, or a text with units (`"20s"`).
///
/// # Errors
/// `TypeError` or `ValueError` that name the argument.
pub(crate) fn duration(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Duration> {
    let negative = || PyValueError::new_err(format!("{name} must be a time, not negative and not endless"));
    if let Ok(text) = object.cast::<PyString>() {
        let parsed = belvedere::duration::parse(text.to_cow()?.as_ref());
        return parsed.map_err(|what| PyValueError::new_err(format!("{name} {what}")));
    }
    if object.is_instance_of::<PyDelta>() {
        return object.extract::<Duration>().map_err(|_| negative());
    }
    let Ok(seconds) = object.extract::<f64>() else {
        return Err(PyTypeError::new_err(format!(
            "{name} must be seconds, a timedelta, or a text such as \"20s\""
        )));
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| negative())
}

/// A duration in seconds, as Python tells times.
pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
