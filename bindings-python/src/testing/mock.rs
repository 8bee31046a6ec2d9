//! The mock server: a provider on this machine that does what a script says.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;

use belvedere::ErrorKind;
use belvedere::mock::{MockServer as Server, Options, Script, Step};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::request_to_python;
use crate::convert::{read, to_python};
use crate::errors::raise;
use crate::runtime::{self, Tied, lock};

/// A provider on this machine that does what a script says, in every wire, over real HTTP: it answers, waits, refuses,
/// breaks off. It runs from now on until `close()`, or the end of a `with`.
#[pyclass(frozen, weakref, module = "belvedere.testing")]
#[derive(Debug)]
pub(crate) struct MockServer {
    url: String,
    server: Mutex<Option<Tied<Server>>>,
}

impl MockServer {
    /// Does something with the server, while it runs here.
    fn with<T>(&self, py: Python<'_>, act: impl FnOnce(&Server) -> T) -> PyResult<T> {
        match lock(&self.server).as_ref() {
            Some(server) => server.get().map(act).ok_or_else(|| raise(py, &runtime::forked())),
            None => Err(pyo3::exceptions::PyRuntimeError::new_err("the server is closed")),
        }
    }
}

#[pymethods]
impl MockServer {
    /// A server with these steps, on a free port where none is named.
    #[new]
    #[pyo3(signature = (script = None, /, *, port = 0))]
    fn py_new(py: Python<'_>, script: Option<&Bound<'_, PyAny>>, port: u16) -> PyResult<Self> {
        let script = script.map(script_of).transpose()?.unwrap_or_default();
        let mut options = Options::default();
        options.keep = KEPT;
        options.address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let handle = runtime::handle().map_err(|error| raise(py, &error))?;
        let server = py.detach(|| handle.block_on(Server::start_with(options, script)))?;
        Ok(MockServer { url: server.url(), server: Mutex::new(Some(Tied::new(server))) })
    }

    /// Its address: the `base_url` of a provider.
    #[getter]
    fn url(&self) -> &str {
        &self.url
    }

    /// Plays another script from now on, from its beginning.
    #[pyo3(signature = (script, /))]
    fn play(&self, py: Python<'_>, script: &Bound<'_, PyAny>) -> PyResult<()> {
        let script = script_of(script)?;
        self.with(py, |server| server.play(script))
    }

    /// What it has seen and done: requests by wire, path and status, how answers ended, connections.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let stats = self.with(py, Server::stats)?;
        to_python(py, &stats)
    }

    /// The latest requests, a hundred at most: `method`, `url`, `headers` and `body`, which is an object where it is JSON,
    /// else text.
    #[getter]
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let requests = self.with(py, Server::requests)?;
        let list = PyList::empty(py);
        for request in &requests {
            list.append(request_to_python(py, request)?)?;
        }
        Ok(list)
    }

    /// Counts from nothing again.
    fn reset_stats(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, Server::reset_stats)
    }

    /// Stops it, and closes its connections. Idempotent.
    fn close(&self, py: Python<'_>) {
        let server = lock(&self.server).take();
        py.detach(|| drop(server));
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, py: Python<'_>, _args: &Bound<'_, PyTuple>) {
        self.close(py);
    }

    fn __repr__(&self) -> String {
        let state = if lock(&self.server).is_some() { "" } else { ", closed" };
        format!("<MockServer {}{state}>", self.url)
    }
}

/// How many requests are kept.
const KEPT: usize = 100;

/// A list of steps, or a whole script.
fn script_of(script: &Bound<'_, PyAny>) -> PyResult<Script> {
    if script.is_instance_of::<PyList>() || script.is_instance_of::<PyTuple>() {
        return read::<Vec<Step>>(script, ErrorKind::ConfigInvalid).map(Script::from);
    }
    read(script, ErrorKind::ConfigInvalid)
}
