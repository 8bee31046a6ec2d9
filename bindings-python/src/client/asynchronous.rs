//! The client for coroutines.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{Arguments, Base, Client, Configured, calls};
use crate::checkpoint::Checkpoint;
use crate::convert::duration;
use crate::pending::Pending;
use crate::stream::AsyncStream;

/// Sends requests through a pipeline, from coroutines of asyncio, uvloop or trio.
#[pyclass(frozen, extends = Configured, module = "belvedere")]
pub(crate) struct AsyncClient;

impl AsyncClient {
    /// One that does not stand on this process.
    pub(crate) fn on(
        py: Python<'_>,
        base: Base,
        config: Option<&Bound<'_, PyAny>>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<Self>> {
        Py::new(py, Configured::of(py, base, Arguments::of(config, named)?)?.add_subclass(AsyncClient))
    }

    /// The face of a client that stands already.
    pub(super) fn of(py: Python<'_>, client: PyClassInitializer<Configured>) -> PyResult<Py<Self>> {
        Py::new(py, client.add_subclass(AsyncClient))
    }
}

#[pymethods]
impl AsyncClient {
    /// A client from a configuration, or from its sections by name. `counter` is a function that counts tokens, `on_retry`
    /// and the like are functions that hear signals.
    #[new]
    #[pyo3(signature = (config = None, /, **named))]
    fn py_new(
        py: Python<'_>,
        config: Option<&Bound<'_, PyAny>>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        Ok(Configured::of(py, Base::Process, Arguments::of(config, named)?)?.add_subclass(AsyncClient))
    }

    /// A client from a configuration file: `.yaml`, `.yml`, `.toml` or `.json`; with functions by name.
    #[staticmethod]
    #[pyo3(signature = (path, /, **named))]
    fn from_file(py: Python<'_>, path: PathBuf, named: Option<&Bound<'_, PyDict>>) -> PyResult<Py<Self>> {
        let arguments = Arguments::of_file(py, &path, named)?;
        Self::of(py, Configured::of(py, Base::Process, arguments)?)
    }

    /// The same client for threads: one pipeline, with its budgets, circuits, limits, streams and hooks. To reload or to
    /// close one is to reload or to close both.
    fn to_sync(slf: &Bound<'_, Self>) -> PyResult<Py<Client>> {
        Client::of(slf.py(), slf.as_super().get().share())
    }

    /// Asks, and gives the answer as it comes. The call begins when the stream is first read.
    #[pyo3(signature = (request = None, /, **fields))]
    fn stream(
        slf: &Bound<'_, Self>,
        request: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<AsyncStream>> {
        AsyncStream::new(slf.py(), calls::stream(slf.as_super(), request, fields)?)
    }

    /// Goes on with a stream that was left. It needs the `repair` layer.
    #[pyo3(signature = (checkpoint, /))]
    fn resume(slf: &Bound<'_, Self>, checkpoint: &Bound<'_, Checkpoint>) -> PyResult<Py<AsyncStream>> {
        AsyncStream::new(slf.py(), calls::resume(slf.as_super(), checkpoint.get())?)
    }

    /// Reads a stream that was opened with `stream_id=`, from an offset in events on, also while others do.
    #[pyo3(signature = (stream_id, /, offset = 0, *, scope = None))]
    fn attach(
        slf: &Bound<'_, Self>,
        stream_id: String,
        offset: u64,
        scope: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<AsyncStream>> {
        AsyncStream::new(slf.py(), calls::attach(slf.as_super(), stream_id, offset, scope)?)
    }

    /// Asks, and gives the whole answer.
    #[pyo3(signature = (request = None, /, **fields))]
    fn complete(
        slf: &Bound<'_, Self>,
        request: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Pending> {
        calls::complete(slf.as_super(), request, fields).map(Pending::new)
    }

    /// The vectors of some texts.
    #[pyo3(signature = (texts, /, **fields))]
    fn embed(
        slf: &Bound<'_, Self>,
        texts: &Bound<'_, PyAny>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Pending> {
        calls::embed(slf.as_super(), texts, fields).map(Pending::new)
    }

    /// The models on offer; they are in `answer.models`.
    #[pyo3(signature = (**options))]
    fn models(slf: &Bound<'_, Self>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Pending> {
        calls::models(slf.as_super(), options).map(Pending::new)
    }

    /// Answers a request of an SDK: status, headers and body. For the transports of `belvedere.integrations`.
    #[pyo3(signature = (method, target, headers, body, scope = None, patience = None))]
    fn _serve(
        slf: &Bound<'_, Self>,
        method: &str,
        target: &str,
        headers: Vec<(Vec<u8>, Vec<u8>)>,
        body: &[u8],
        scope: Option<&Bound<'_, PyAny>>,
        patience: Option<f64>,
    ) -> PyResult<Pending> {
        calls::serve(slf.as_super(), (method, target, headers, body), scope, patience).map(Pending::new)
    }

    /// What is left of its budgets for a scope, in the current period.
    #[pyo3(signature = (*, scope = None))]
    fn budgets(slf: &Bound<'_, Self>, scope: Option<&Bound<'_, PyAny>>) -> PyResult<Pending> {
        calls::budgets(slf.as_super(), scope).map(Pending::new)
    }

    /// Takes no more calls, lets open ones end until `timeout`, cancels the rest, and says how many those were.
    #[pyo3(signature = (timeout = None))]
    fn close(slf: &Bound<'_, Self>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Pending> {
        let timeout = timeout.map(|timeout| duration(timeout, "timeout")).transpose()?;
        calls::close(slf.as_super(), timeout.unwrap_or(super::CLOSE)).map(Pending::new)
    }

    fn __aenter__(slf: Bound<'_, Self>) -> Pending {
        Pending::ready(slf.into_any().unbind())
    }

    #[pyo3(signature = (*_args))]
    fn __aexit__(slf: &Bound<'_, Self>, _args: &Bound<'_, PyAny>) -> PyResult<Pending> {
        calls::close(slf.as_super(), super::LEAVE).map(Pending::new)
    }
}
