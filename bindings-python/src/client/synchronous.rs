//! The client for threads.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{Arguments, AsyncClient, Base, Configured, calls};
use crate::blocking::wait;
use crate::checkpoint::Checkpoint;
use crate::convert::duration;
use crate::stream::Stream;

/// Sends requests through a pipeline, and waits for what they give. Threads may share it; other threads run meanwhile.
#[pyclass(frozen, extends = Configured, module = "belvedere")]
pub(crate) struct Client;

impl Client {
    /// One that does not stand on this process.
    pub(crate) fn on(
        py: Python<'_>,
        base: Base,
        config: Option<&Bound<'_, PyAny>>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<Self>> {
        Py::new(py, Configured::of(py, base, Arguments::of(config, named)?)?.add_subclass(Client))
    }

    /// The face of a client that stands already.
    pub(super) fn of(py: Python<'_>, client: PyClassInitializer<Configured>) -> PyResult<Py<Self>> {
        Py::new(py, client.add_subclass(Client))
    }
}

#[pymethods]
impl Client {
    /// A client from a configuration, or from its sections by name. `counter` is a function that counts tokens, `on_retry`
    /// and the like are functions that hear signals.
    #[new]
    #[pyo3(signature = (config = None, /, **named))]
    fn py_new(
        py: Python<'_>,
        config: Option<&Bound<'_, PyAny>>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        Ok(Configured::of(py, Base::Process, Arguments::of(config, named)?)?.add_subclass(Client))
    }

    /// A client from a configuration file: `.yaml`, `.yml`, `.toml` or `.json`; with functions by name.
    #[staticmethod]
    #[pyo3(signature = (path, /, **named))]
    fn from_file(py: Python<'_>, path: PathBuf, named: Option<&Bound<'_, PyDict>>) -> PyResult<Py<Self>> {
        let arguments = Arguments::of_file(py, &path, named)?;
        Self::of(py, Configured::of(py, Base::Process, arguments)?)
    }

    /// The same client for coroutines: one pipeline, with its budgets, circuits, limits, streams and hooks. To reload or to
    /// close one is to reload or to close both.
    fn to_async(slf: &Bound<'_, Self>) -> PyResult<Py<AsyncClient>> {
        AsyncClient::of(slf.py(), slf.as_super().get().share())
    }

    /// Asks, and gives the answer as it comes. The call begins when the stream is first read.
    #[pyo3(signature = (request = None, /, **fields))]
    fn stream(
        slf: &Bound<'_, Self>,
        request: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<Stream>> {
        Stream::new(slf.py(), calls::stream(slf.as_super(), request, fields)?)
    }

    /// Goes on with a stream that was left. It needs the `repair` layer.
    #[pyo3(signature = (checkpoint, /))]
    fn resume(slf: &Bound<'_, Self>, checkpoint: &Bound<'_, Checkpoint>) -> PyResult<Py<Stream>> {
        Stream::new(slf.py(), calls::resume(slf.as_super(), checkpoint.get())?)
    }

    /// Reads a stream that was opened with `stream_id=`, from an offset in events on, also while others do.
    #[pyo3(signature = (stream_id, /, offset = 0, *, scope = None))]
    fn attach(
        slf: &Bound<'_, Self>,
        stream_id: String,
        offset: u64,
        scope: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<Stream>> {
        Stream::new(slf.py(), calls::attach(slf.as_super(), stream_id, offset, scope)?)
    }

    /// Asks, and gives the whole answer.
    #[pyo3(signature = (request = None, /, **fields))]
    fn complete(
        slf: &Bound<'_, Self>,
        request: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        wait(slf.py(), calls::complete(slf.as_super(), request, fields)?)
    }

    /// The vectors of some texts.
    #[pyo3(signature = (texts, /, **fields))]
    fn embed(
        slf: &Bound<'_, Self>,
        texts: &Bound<'_, PyAny>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        wait(slf.py(), calls::embed(slf.as_super(), texts, fields)?)
    }

    /// The models on offer; they are in `answer.models`.
    #[pyo3(signature = (**options))]
    fn models(slf: &Bound<'_, Self>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        wait(slf.py(), calls::models(slf.as_super(), options)?)
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
    ) -> PyResult<Py<PyAny>> {
        wait(slf.py(), calls::serve(slf.as_super(), (method, target, headers, body), scope, patience)?)
    }

    /// What is left of its budgets for a scope, in the current period.
    #[pyo3(signature = (*, scope = None))]
    fn budgets(slf: &Bound<'_, Self>, scope: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        wait(slf.py(), calls::budgets(slf.as_super(), scope)?)
    }

    /// Takes no more calls, lets open ones end until `timeout`, cancels the rest, and says how many those were.
    #[pyo3(signature = (timeout = None))]
    fn close(slf: &Bound<'_, Self>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let timeout = timeout.map(|timeout| duration(timeout, "timeout")).transpose()?;
        wait(slf.py(), calls::close(slf.as_super(), timeout.unwrap_or(super::CLOSE))?)
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(slf: &Bound<'_, Self>, _args: &Bound<'_, PyAny>) -> PyResult<()> {
        wait(slf.py(), calls::close(slf.as_super(), super::LEAVE)?).map(drop)
    }
}
