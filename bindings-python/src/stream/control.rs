//! What both kinds of streams have.

use std::sync::Arc;

use pyo3::prelude::*;

use super::{Core, Opening};
use crate::answer::Answer;
use crate::checkpoint::Checkpoint;
use crate::record;

/// What both kinds of streams have: control, from any thread or task.
#[pyclass(frozen, subclass, weakref, module = "belvedere._native")]
pub(crate) struct Controlled(pub(super) Arc<Core>);

impl Controlled {
    pub(super) fn new(call: Opening) -> Self {
        Controlled(Core::new(call))
    }

    /// Takes the call, if it has not begun.
    pub(crate) fn take(&self) -> Option<Opening> {
        self.0.take()
    }
}

#[pymethods]
impl Controlled {
    /// Holds the stream back: nothing more is handed out, and the upstream stays open. Idempotent.
    fn pause(&self, py: Python<'_>) -> PyResult<()> {
        self.0.feed(py).map(|feed| feed.set_paused(true))
    }

    /// Goes on: what was read meanwhile comes first. Idempotent.
    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        self.0.feed(py).map(|feed| feed.set_paused(false))
    }

    /// Closes the upstream at once; the stream hands out nothing more, and `partial` stays.
    fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether it is paused.
    #[getter]
    fn paused(&self, py: Python<'_>) -> PyResult<bool> {
        self.0.feed(py).map(|feed| feed.is_paused())
    }

    /// How it ended: `finished`, `truncated`, `failed` or `cancelled`; None while it has not.
    #[getter]
    fn end(&self, py: Python<'_>) -> PyResult<Option<&'static str>> {
        self.0.feed(py).map(|feed| feed.end().map(record::end_name))
    }

    /// The answer as far as it was handed out.
    #[getter]
    fn partial(&self, py: Python<'_>) -> PyResult<Answer> {
        self.0.feed(py).map(|feed| Answer::new(feed.partial()))
    }

    /// How far it is.
    fn progress<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let progress = self.0.feed(py)?.controller().map(|control| control.progress());
        record::progress(py, progress.as_ref())
    }

    /// How it went: its progress, attempts and usage.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let metrics = self.0.feed(py)?.controller().map(|control| control.metrics());
        record::metrics(py, metrics.as_ref())
    }

    /// The stream as data, to be gone on with later by `resume(checkpoint)` of a client; None when it has finished or
    /// not begun.
    fn checkpoint(&self, py: Python<'_>) -> PyResult<Option<Checkpoint>> {
        let control = self.0.feed(py)?.controller();
        Ok(control.and_then(|control| control.checkpoint()).map(Checkpoint::new))
    }

    /// Says how many tokens the answer is expected to have, for `progress().fraction`.
    fn expect_tokens(&self, py: Python<'_>, tokens: u64) -> PyResult<()> {
        if let Some(control) = self.0.feed(py)?.controller() {
            control.expect_tokens(tokens);
        }
        Ok(())
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let end = slf.get().0.feed(slf.py()).ok().and_then(|feed| feed.end());
        let state = end.map_or("open", record::end_name);
        Ok(format!("<belvedere.{}, {state}>", slf.get_type().name()?))
    }
}
