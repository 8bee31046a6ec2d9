//! A function that stands around what answers.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use belvedere::context::{Call, Context};
use belvedere::layer::Layer;
use belvedere::request::Options;
use belvedere::service::{Info, Service, Stack};
use belvedere::{ErrorKind, Events, Request, Result};
use futures_util::FutureExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::function::Body;
use super::running::{Arguments, Running};
use crate::convert::{read, to_python};
use crate::stream::{AsyncStream, Opening, Stream};

/// A function of Python that gets each request and what answers it.
#[derive(Debug)]
pub(super) struct HostLayer(Arc<Body>);

impl HostLayer {
    pub(super) fn new(body: Arc<Body>) -> Self {
        HostLayer(body)
    }
}

impl Layer for HostLayer {
    fn layer(&self, inner: Stack) -> Stack {
        Stack::new(Around { body: self.0.clone(), inner })
    }
}

#[derive(Debug)]
struct Around {
    body: Arc<Body>,
    inner: Stack,
}

#[async_trait]
impl Service for Around {
    fn info(&self) -> Info {
        self.inner.info()
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        let next = Next {
            inner: self.inner.clone(),
            cx: cx.clone(),
            request: request.clone(),
            is_async: self.body.is_async,
        };
        let arguments: Arguments =
            Box::new(move |py| Ok(vec![asked(py, &request, &cx.call)?, Bound::new(py, next)?.into_any()]));
        Running::begin(self.body.clone(), arguments).open().await
    }
}

/// A request as functions get it: its JSON form, with the options of the call.
pub(super) fn asked<'py>(py: Python<'py>, request: &Request, call: &Call) -> PyResult<Bound<'py, PyAny>> {
    let dict = to_python(py, request)?;
    if call.options != Options::default()
        && let Ok(dict) = dict.cast::<PyDict>()
    {
        dict.set_item("options", to_python(py, &call.options)?)?;
    }
    Ok(dict)
}

/// What answers behind a layer: `call_next(request)` gives a stream that begins when it is read or awaited.
#[pyclass(frozen, module = "belvedere._native")]
pub(crate) struct Next {
    inner: Stack,
    cx: Context,
    /// The request as it came.
    request: Request,
    is_async: bool,
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[pymethods]
impl Next {
    /// Asks with this request, or with the one that came. It may be called more than once.
    #[pyo3(signature = (request = None, /))]
    fn __call__(&self, py: Python<'_>, request: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let mut asked = match request.filter(|request| !request.is_none()) {
            Some(request) => read::<Request>(request, ErrorKind::InvalidRequest)?,
            None => self.request.clone(),
        };
        // Options are those of the call, and how it is asked for is up to who asks.
        asked.options = None;
        asked.stream = self.request.stream;
        let (inner, cx) = (self.inner.clone(), self.cx.clone());
        let opening: Opening = async move { inner.call(cx, asked).await }.boxed();
        Ok(match self.is_async {
            true => AsyncStream::new(py, opening)?.into_any(),
            false => Stream::new(py, opening)?.into_any(),
        })
    }
}
