//! The body of a streamed answer: what has come is handed out in one piece.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use belvedere::endpoint::{Encoder, Endpoint};
use belvedere::{EndKind, Error, ErrorKind};
use bytes::BytesMut;
use pyo3::exceptions::{PyStopAsyncIteration, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::{response_of, timed_out, triple};
use crate::blocking;
use crate::pending::Pending;
use crate::runtime::lock;
use crate::slot::Wake;
use crate::stream::{Core, Opening};
use crate::work::Work;

/// The most that is handed out at once, in bytes.
const PIECE: usize = 64 << 10;

/// The body of a streamed answer, in pieces, for threads and for coroutines. To close or to drop it ends the call.
#[pyclass(frozen, module = "belvedere._native")]
pub(crate) struct Body {
    core: Arc<Core>,
    /// None at the end.
    encoder: Mutex<Option<Box<dyn Encoder>>>,
    /// Whether the SDK's own limit was passed.
    passed: Option<Arc<AtomicBool>>,
}

impl Body {
    pub(super) fn new(call: Opening, encoder: Box<dyn Encoder>, passed: Option<Arc<AtomicBool>>) -> Self {
        Body { core: Core::new(call), encoder: Mutex::new(Some(encoder)), passed }
    }

    /// The next piece. None: not yet; then `wake` is woken.
    fn poll(&self, py: Python<'_>, wake: Option<Wake>, is_async: bool) -> PyResult<Option<Py<PyAny>>> {
        let feed = self.core.begin(py)?;
        let mut place = lock(&self.encoder);
        let Some(encoder) = place.as_mut() else {
            return Err(match is_async {
                true => PyStopAsyncIteration::new_err(()),
                false => PyStopIteration::new_err(()),
            });
        };
        let mut piece = BytesMut::new();
        let mut is_over = false;
        while !is_over && piece.len() < PIECE {
            let wake = wake.clone().filter(|_| piece.is_empty());
            match feed.poll_next(wake) {
                Poll::Pending if piece.is_empty() => return Ok(None),
                Poll::Pending => break,
                Poll::Ready(Ok(Some(event))) => encoder.event(&event, &mut piece),
                Poll::Ready(Ok(None)) => {
                    let cancelled = feed.end() == Some(EndKind::Cancelled);
                    let error = cancelled.then(|| Error::new(ErrorKind::Cancelled, "the call was cancelled"));
                    encoder.end(error.as_ref(), &mut piece);
                    is_over = true;
                }
                Poll::Ready(Err(_)) if self.is_too_late() => {
                    *place = None;
                    return Err(timed_out());
                }
                Poll::Ready(Err(error)) => {
                    encoder.end(Some(&error), &mut piece);
                    is_over = true;
                }
            }
        }
        if is_over {
            *place = None;
        }
        Ok(Some(PyBytes::new(py, &piece).into_any().unbind()))
    }

    fn is_too_late(&self) -> bool {
        self.passed.as_ref().is_some_and(|passed| passed.load(Ordering::Acquire))
    }
}

#[pymethods]
impl Body {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(slf: Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let core = slf.get().core.clone();
        blocking::wait(slf.py(), Work::Piece(Piece { body: slf.unbind(), is_async: false }))
            .inspect_err(|_| core.cancel())
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(slf: Py<Self>) -> Pending {
        Pending::new(Work::Piece(Piece { body: slf, is_async: true }))
    }

    /// Ends the call; without effect where it has ended.
    fn close(&self) {
        self.core.cancel();
    }
}

/// That a piece of the body comes.
pub(crate) struct Piece {
    body: Py<Body>,
    is_async: bool,
}

impl Piece {
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.body)
    }

    /// The piece. None: not yet; then `wake` is woken.
    ///
    /// # Errors
    /// The end of the iteration, and `TimeoutError`.
    pub(crate) fn poll(&self, py: Python<'_>, wake: Option<Wake>) -> PyResult<Option<Py<PyAny>>> {
        self.body.get().poll(py, wake, self.is_async)
    }
}

/// That a streamed answer begins, or turns out to be an error.
pub(crate) struct Head {
    pub(super) endpoint: Arc<dyn Endpoint>,
    pub(super) head: http::response::Parts,
    pub(super) body: Py<Body>,
}

impl Head {
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.body)
    }

    /// Status, headers and body. None: not yet; then `wake` is woken.
    ///
    /// # Errors
    /// `TimeoutError`, and what the interpreter raises.
    pub(crate) fn poll(&self, py: Python<'_>, wake: Option<Wake>) -> PyResult<Option<Py<PyAny>>> {
        let body = self.body.get();
        match body.core.begin(py)?.poll_open(wake) {
            Poll::Pending => Ok(None),
            Poll::Ready(Ok(())) => {
                let body = self.body.bind(py).clone().into_any();
                triple(py, self.head.status, &self.head.headers, body).map(Some)
            }
            Poll::Ready(Err(_)) if body.is_too_late() => Err(timed_out()),
            Poll::Ready(Err(error)) => response_of(py, &self.endpoint.error(&error)).map(Some),
        }
    }
}
