//! A function of Python that runs for a call.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, ready};

use belvedere::event::Notice;
use belvedere::{Event, Events, Result};
use futures_util::Stream;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::caller::Caller;
use super::function::{Body, Role};
use super::raised::caught;
use super::sink::{Item, Shared, Sink, stop};
use super::start::{self, Started};

/// What a function is called with, made on the thread that calls it.
pub(super) type Arguments = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> + Send>;

/// A function that runs. Dropping it cancels it.
pub(super) struct Running {
    sink: Arc<Shared>,
    started: Arc<Started>,
    caller: Option<Arc<Caller>>,
}

impl Running {
    /// Calls a function.
    pub(super) fn begin(body: Arc<Body>, arguments: Arguments) -> Self {
        let running = Running { sink: Arc::default(), started: Arc::default(), caller: Caller::current() };
        let (caller, started) = (running.caller.clone(), running.started.clone());
        let (sink, is_async) = (Sink(running.sink.clone()), body.is_async);
        let call = Box::new(move |py: Python<'_>| {
            let shared = sink.0.clone();
            if let Err(error) = call(py, &body, arguments, caller.as_ref(), &started, sink) {
                shared.end(Err(caught(py, &error)));
            }
        });
        match is_async {
            true => start::on_loop(running.caller.as_ref(), call),
            false => start::in_thread(call),
        }
        running
    }

    /// The text of the whole answer that it gives.
    ///
    /// # Errors
    /// What it raised.
    pub(super) async fn told(self) -> Result<String> {
        Ok(match poll_fn(|cx| self.sink.poll(cx)).await.transpose()? {
            Some(Item::Answer(answer)) => answer.text(),
            _ => String::new(),
        })
    }

    /// Its answer, once it has begun.
    ///
    /// # Errors
    /// What it raised before the first event.
    pub(super) async fn open(self) -> Result<Events> {
        let first = poll_fn(|cx| self.sink.poll(cx)).await;
        match first.transpose()? {
            Some(Item::Answer(answer)) => Ok(answer.into_events()),
            Some(Item::Stream(opening)) => {
                // It has given what it has: from here on it is not cancelled.
                opening.await
            }
            first => {
                let given = Given {
                    running: self,
                    next: first,
                    begun: false,
                    text: false,
                    finished: false,
                    over: false,
                };
                Ok(Events::new(given))
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.sink.close() {
            self.started.cancel(self.caller.as_ref());
        }
    }
}

/// Calls a function on the thread or loop that is for it. The sink says what came of it, and that it is gone.
fn call(
    py: Python<'_>,
    body: &Body,
    arguments: Arguments,
    caller: Option<&Arc<Caller>>,
    started: &Arc<Started>,
    sink: Sink,
) -> PyResult<()> {
    let shared = sink.0.clone();
    let function = body.function.bind(py).clone();
    let given = PyTuple::new(py, arguments(py)?)?.into_any();
    let sink = Bound::new(py, sink)?.into_any();
    let host = py.import("belvedere._host")?;
    let call = match body.role {
        Role::Counter => host.getattr(intern!(py, "tally"))?,
        Role::Provider | Role::Layer => host.getattr(intern!(py, "call"))?,
    };
    // A coroutine gets the context of its caller with its task.
    let context = caller.filter(|_| !body.is_async).map(|caller| &**caller);
    let rest = Caller::run(context, py, &call, &[function, given, sink])?;
    if rest.is_none() {
        return Ok(());
    }
    if body.is_async {
        return start::start(started, caller.map(|caller| &**caller), rest);
    }
    // A plain function that gave something to be awaited.
    let (rest, started, caller) = (rest.unbind(), started.clone(), caller.cloned());
    start::on_loop(
        caller.clone().as_ref(),
        Box::new(move |py| {
            if let Err(error) = start::start(&started, caller.as_deref(), rest.into_bound(py)) {
                shared.end(Err(caught(py, &error)));
            }
        }),
    );
    Ok(())
}

/// The events of a generator. How an answer begins and ends is added where it leaves that out.
struct Given {
    running: Running,
    next: Option<Item>,
    begun: bool,
    /// A part of text is open that was made from pieces.
    text: bool,
    finished: bool,
    over: bool,
}

impl Given {
    fn event(&mut self, event: Event) -> Event {
        match &event {
            Event::Start { .. } => self.begun = true,
            Event::Notice(Notice::Restart { .. }) => {
                (self.begun, self.text, self.finished) = (false, false, false)
            }
            Event::Finish { .. } | Event::PartEnd { .. } if std::mem::take(&mut self.text) => {
                if let Event::Finish { .. } = event {
                    self.next = Some(Item::Event(event));
                }
                return PART_END;
            }
            Event::Finish { .. } => self.finished = true,
            _ => {}
        }
        event
    }
}

/// The end of the text that pieces make.
const PART_END: Event = Event::PartEnd { choice: 0, part: 0 };

impl Stream for Given {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        if this.next.is_none() {
            match ready!(this.running.sink.poll(cx)) {
                Some(Ok(item)) => this.next = Some(item),
                Some(Err(error)) => {
                    this.over = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {}
            }
        }
        let begins = matches!(this.next, Some(Item::Event(Event::Start { .. } | Event::Notice(_))));
        if !this.begun && !begins {
            this.begun = true;
            return Poll::Ready(Some(Ok(Event::Start { id: None, model: None })));
        }
        Poll::Ready(match this.next.take() {
            Some(Item::Text(delta)) => {
                this.text = true;
                Some(Ok(Event::Text { choice: 0, part: 0, delta: delta.into() }))
            }
            Some(Item::Event(event)) => Some(Ok(this.event(event))),
            Some(Item::Answer(_) | Item::Stream(_)) => None,
            None if std::mem::take(&mut this.text) => Some(Ok(PART_END)),
            None => {
                this.over = true;
                (!this.finished).then(|| Ok(Event::Finish { choice: 0, finish: stop() }))
            }
        })
    }
}
