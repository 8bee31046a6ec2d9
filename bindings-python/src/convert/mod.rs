//! Objects of Python as values of Rust and back, without a JSON text in between.

mod fault;
mod map;
mod reader;
mod time;
mod writer;

pub(crate) use fault::Fault;
pub(crate) use map::Fields;
pub(crate) use reader::Reader;
pub(crate) use time::{duration, seconds};
pub(crate) use writer::to_python;

use belvedere::{Error, ErrorKind};
use pyo3::prelude::*;
use serde::de::DeserializeOwned;

/// Reads an object as a `T`; what is wrong is said with its path, as an error of this kind.
///
/// # Errors
/// What an object raises that is asked for its fields, or the fault.
pub(crate) fn read<T: DeserializeOwned>(object: &Bound<'_, PyAny>, kind: ErrorKind) -> PyResult<T> {
    if let Ok(value) = T::deserialize(Reader::new(object)) {
        return Ok(value);
    }
    // Again, to learn where: paths cost, so they are kept only now.
    serde_path_to_error::deserialize(Reader::new(object)).map_err(|e| at_path(object.py(), e, "", kind))
}

/// A fault with its path, below `base`.
pub(crate) fn at_path(
    py: Python<'_>,
    error: serde_path_to_error::Error<Fault>,
    base: &str,
    kind: ErrorKind,
) -> PyErr {
    let path = match error.path().to_string() {
        path if path == "." => base.to_owned(),
        path if base.is_empty() => path,
        path => format!("{base}.{path}"),
    };
    match error.into_inner() {
        Fault::Raised(raised) => raised,
        Fault::Wrong(what) => {
            let message = if path.is_empty() { what } else { format!("{path}: {what}") };
            crate::errors::raise(py, &Error::new(kind, message))
        }
    }
}
