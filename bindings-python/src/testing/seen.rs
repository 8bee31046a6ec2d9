//! A request that a server has seen.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;

use crate::convert::to_python;

/// A request as a dict: `method`, `url`, `headers`, and `body`, which is an object where it is JSON, else text.
pub(super) fn request_to_python<'py>(
    py: Python<'py>,
    request: &http::Request<Bytes>,
) -> PyResult<Bound<'py, PyDict>> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = PyDict::new(py);
    for (name, value) in request.headers() {
        headers.set_item(name.as_str(), text(value.as_bytes()))?;
    }
    let body = match request.body().is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(request.body()).unwrap_or_else(|_| text(request.body()).into()),
    };
    let dict = PyDict::new(py);
    dict.set_item("method", request.method().as_str())?;
    dict.set_item("url", request.uri().to_string())?;
    dict.set_item("headers", headers)?;
    dict.set_item("body", to_python(py, &body)?)?;
    Ok(dict)
}
