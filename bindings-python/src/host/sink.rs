//! What a function of Python writes to, and the pipeline reads from.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context as Poller, Poll, Waker};
use std::time::Duration;

use belvedere::completion::Completion;
use belvedere::event::{Finish, FinishReason};
use belvedere::{Error, ErrorKind, Event, Result};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::raised::caught;
use crate::answer::Answer;
use crate::convert::read;
use crate::event;
use crate::pending::Pending;
use crate::runtime::lock;
use crate::slot::Outcome;
use crate::stream::{Controlled, Opening};
use crate::work::Work;

/// How an answer ends of which nothing else is said.
pub(super) fn stop() -> Finish {
    Finish { reason: Some(FinishReason::Stop), ..Finish::default() }
}

/// How many events a generator may be ahead of its reader.
const AHEAD: usize = 32;
/// How often a thread that waits for its reader looks whether the interpreter wants anything.
const LOOK: Duration = Duration::from_millis(50);

/// One thing that was given.
pub(super) enum Item {
    Event(Event),
    /// A piece of text, of a generator that makes no events.
    Text(String),
    Answer(Box<Completion>),
    /// A stream from further inside, to be handed on as it is.
    Stream(Opening),
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    end: Option<Result<()>>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Nobody reads any more.
    closed: bool,
}

#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// There is room again, or nobody reads.
    room: Condvar,
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut State)) -> bool {
        let mut state = lock(&self.state);
        if state.closed || state.end.is_some() {
            return false;
        }
        change(&mut state);
        let (is_full, reader) = (state.items.len() >= AHEAD, state.reader.take());
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        is_full
    }

    /// Gives all that there is.
    fn give(&self, item: Item) {
        self.change(|state| {
            state.items.push_back(item);
            state.end = Some(Ok(()));
        });
    }

    fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    pub(super) fn end(&self, end: Result<()>) {
        self.change(|state| state.end = Some(end));
    }

    /// The next item; `None` at the end.
    pub(super) fn poll(&self, cx: &mut Poller<'_>) -> Poll<Option<Result<Item>>> {
        let mut state = lock(&self.state);
        if let Some(item) = state.items.pop_front() {
            let writer = state.writer.take();
            drop(state);
            self.room.notify_all();
            writer.into_iter().for_each(Waker::wake);
            return Poll::Ready(Some(Ok(item)));
        }
        match &state.end {
            Some(Ok(())) => Poll::Ready(None),
            Some(Err(error)) => Poll::Ready(Some(Err(error.clone()))),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn poll_room(&self, cx: &mut Poller<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.closed || state.items.len() < AHEAD {
            return Poll::Ready(());
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Nobody reads any more. True: all was given already.
    pub(super) fn close(&self) -> bool {
        let mut state = lock(&self.state);
        state.closed = true;
        let is_over = state.end.is_some();
        let (items, writer) = (std::mem::take(&mut state.items), state.writer.take());
        drop(state);
        drop(items);
        self.room.notify_all();
        writer.into_iter().for_each(Waker::wake);
        is_over
    }
}

/// What a function of Python writes its answer to.
#[pyclass(frozen, module = "belvedere._native")]
pub(crate) struct Sink(pub(super) Arc<Shared>);

/// Who is gone without saying so was lost with its thread or its loop.
impl Drop for Sink {
    fn drop(&mut self) {
        let what = "the event loop of a function of Python ended before the function";
        self.0.end(Err(Error::new(ErrorKind::Cancelled, what)));
    }
}

#[pymethods]
impl Sink {
    /// Gives one event: an `Event`, its dict, or a piece of text. True: wait for room before the next one.
    fn put(&self, item: &Bound<'_, PyAny>) -> PyResult<bool> {
        let item = if let Ok(event) = item.cast::<event::Event>() {
            Item::Event(event.get().core().clone())
        } else if let Ok(text) = item.cast::<PyString>() {
            Item::Text(text.to_cow()?.into_owned())
        } else {
            Item::Event(read(item, ErrorKind::Unexpected)?)
        };
        Ok(self.0.change(|state| state.items.push_back(item)))
    }

    /// Gives the whole answer: an `Answer`, its dict, or its text.
    fn answer(&self, answer: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut completion = if let Ok(answer) = answer.cast::<Answer>() {
            answer.get().core().clone()
        } else if let Ok(text) = answer.cast::<PyString>() {
            Completion::of_text(text.to_cow()?.as_ref())
        } else {
            read(answer, ErrorKind::Unexpected)?
        };
        // What is given as a whole is complete.
        for choice in &mut completion.choices {
            choice.finish.get_or_insert_with(stop);
        }
        self.0.give(Item::Answer(Box::new(completion)));
        Ok(())
    }

    /// Hands on a stream that nobody has read from. False: somebody has.
    fn hand_on(&self, stream: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(stream) = stream.cast::<Controlled>() else {
            return Err(PyTypeError::new_err("only streams of belvedere are handed on"));
        };
        let Some(opening) = stream.get().take() else { return Ok(false) };
        self.0.give(Item::Stream(opening));
        Ok(true)
    }

    /// Waits for room, in a coroutine.
    fn room(&self) -> Pending {
        let shared = self.0.clone();
        Pending::new(Work::new(async move {
            poll_fn(|cx| shared.poll_room(cx)).await;
            Box::new(|py: Python<'_>| Ok(py.None())) as Outcome
        }))
    }

    /// Waits for room, in a thread.
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        while py.detach(|| {
            let state = lock(&self.0.state);
            if state.closed || state.items.len() < AHEAD {
                return false;
            }
            let waited = self.0.room.wait_timeout(state, LOOK);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            !state.closed && state.items.len() >= AHEAD
        }) {
            py.check_signals()?;
        }
        Ok(())
    }

    /// Whether nobody reads any more.
    #[getter]
    fn closed(&self) -> bool {
        self.0.is_closed()
    }

    /// All was given.
    fn end(&self) {
        self.0.end(Ok(()));
    }

    /// It raised an exception.
    fn fail(&self, error: Bound<'_, PyAny>) -> PyResult<()> {
        if !error.is_instance_of::<pyo3::exceptions::PyBaseException>() {
            return Err(PyValueError::new_err("an exception is expected"));
        }
        self.0.end(Err(caught(error.py(), &PyErr::from_value(error.clone()))));
        Ok(())
    }
}
