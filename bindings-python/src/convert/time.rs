//! Durations: seconds in Python, text with units in documents.

use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

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
    let seconds = match is_timedelta(object)? {
        true => object.call_method0(intern!(object.py(), "total_seconds"))?.extract::<f64>(),
        false => object.extract::<f64>(),
    };
    let Ok(seconds) = seconds else {
        return Err(PyTypeError::new_err(format!(
            "{name} must be seconds, a timedelta, or a text such as \"20s\""
        )));
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| negative())
}

/// Whether it is a `datetime.timedelta`. By its name: to ask for the class would load its module.
///
/// # Errors
/// None but what the class of the object raises.
pub(super) fn is_timedelta(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(object.get_type().name()?.to_cow()? == "timedelta")
}

/// A duration in seconds, as Python tells times.
pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
