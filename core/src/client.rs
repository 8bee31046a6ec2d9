//! The client: a stack, what is lent to it, and the calls that are open.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::cancel::Cancel;
use crate::checkpoint::Checkpoint;
use crate::completion::Completion;
use crate::context::{Call, Context, Lent};
use crate::control::Control;
use crate::error::{Error, ErrorKind, Result, TimeoutPhase};
use crate::event::Event;
use crate::events::Events;
use crate::layer::Layer;
use crate::request::{Operation, Request, ResponseFormat};
use crate::service::{Info, Stack};
use crate::spawner::Tracked;
use crate::typed::Typed;

/// Sends requests through a pipeline. Cheap to clone; clones share the pipeline and its state.
#[derive(Debug, Clone)]
pub struct Client {
    base: Stack,
    layers: Vec<Arc<dyn Layer>>,
    /// What was lent, before any layer equipped it.
    bare: Lent,
    stack: Stack,
    lent: Arc<Lent>,
    tracked: Arc<Tracked>,
    open: Arc<OpenCalls>,
}

impl Client {
    /// A client of one service, with what it is lent.
    pub fn new(service: impl Into<Stack>, lent: Lent) -> Self {
        let tracked = Arc::new(Tracked::new(lent.spawner.clone()));
        let bare = Lent { spawner: tracked.clone(), ..lent };
        let base = service.into();
        Client {
            stack: base.clone(),
            lent: Arc::new(bare.clone()),
            layers: Vec::new(),
            open: Arc::default(),
            base,
            bare,
            tracked,
        }
    }

    /// Adds a layer inside those added before: layers are listed outermost first, as in a configuration.
    pub fn layer(self, layer: impl Layer) -> Self {
        self.shared_layer(Arc::new(layer))
    }

    /// The same for a layer that is shared already.
    pub fn shared_layer(mut self, layer: Arc<dyn Layer>) -> Self {
        self.layers.push(layer);
        self.stack = self.layers.iter().rev().fold(self.base.clone(), |inner, layer| layer.layer(inner));
        self.lent =
            Arc::new(self.layers.iter().rev().fold(self.bare.clone(), |lent, layer| layer.equip(lent)));
        self
    }

    /// Name and capabilities of the pipeline.
    pub fn info(&self) -> Info {
        self.stack.info()
    }

    /// What is lent to the pipeline, as its layers equipped it.
    pub fn lent(&self) -> &Arc<Lent> {
        &self.lent
    }

    /// Asks and gives the answer as it comes. Dropping the future or the stream cancels the call.
    ///
    /// # Errors
    /// What went wrong before the first event; what goes wrong later ends the stream.
    pub async fn stream(&self, request: impl Into<Request>) -> Result<Events> {
        let mut request = request.into();
        request.stream = request.operation == Operation::Chat;
        self.call(request).await
    }

    /// Asks and gives the whole answer. Dropping the future cancels the call.
    ///
    /// # Errors
    /// What went wrong, with the partial answer inside.
    pub async fn complete(&self, request: impl Into<Request>) -> Result<Completion> {
        let mut request = request.into();
        request.stream = false;
        self.call(request).await?.collect().await
    }

    /// Asks for an answer that is a `T`: its schema goes with the request, its JSON comes back as a value.
    ///
    /// # Errors
    /// Those of [`complete`](Client::complete), and `Malformed` with the answer as `partial` when it does not fit.
    pub async fn complete_as<T: DeserializeOwned + JsonSchema>(
        &self,
        request: impl Into<Request>,
    ) -> Result<Typed<T>> {
        let request = request.into().with_response_format(ResponseFormat::of::<T>());
        crate::typed::read(self.complete(request).await?)
    }

    /// Asks for the vectors of some texts; they are in `embeddings`, by index.
    ///
    /// # Errors
    /// What went wrong; `Unsupported` where the provider has no embeddings.
    pub async fn embed<T: Into<String>>(&self, texts: impl IntoIterator<Item = T>) -> Result<Completion> {
        self.complete(Request::embed(texts)).await
    }

    /// Asks for the models on offer; they are in `models`.
    ///
    /// # Errors
    /// What went wrong; `Unsupported` where the provider has no list.
    pub async fn models(&self) -> Result<Completion> {
        let mut request = Request::default();
        request.operation = Operation::Models;
        self.complete(request).await
    }

    /// Sends a request as it is and gives its events: what all the others stand on.
    ///
    /// # Errors
    /// What went wrong before the first event; `Timeout(total)` when `Options::timeout` ran out; `Cancelled` when
    /// the client is or gets closed.
    pub async fn call(&self, mut request: Request) -> Result<Events> {
        let options = request.options.take().map_or_else(Default::default, |o| *o);
        self.open_call(request, Call::new(&self.lent, options)).await
    }

    /// Goes on with a stream that was left: what had been handed out of its answer comes first, in as few events as
    /// it takes, then [`Notice::Continued`](crate::event::Notice::Continued) (or a `Restart`) and the rest.
    ///
    /// # Errors
    /// `Unsupported` without a `repair` layer, which is what goes on with it; else those of
    /// [`stream`](Client::stream).
    pub async fn resume(&self, checkpoint: Checkpoint) -> Result<Events> {
        if !self.stack.info().resumes {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "a checkpoint is gone on with by the `repair` layer; add it to `layers`",
            ));
        }
        let mut request = checkpoint.request.clone();
        request.stream = true;
        let options = request.options.take().map_or_else(Default::default, |o| *o);
        let mut call = Call::new(&self.lent, options);
        call.resume = Some(Arc::new(checkpoint));
        self.open_call(request, call).await
    }

    async fn open_call(&self, request: Request, call: Call) -> Result<Events> {
        let began = self.lent.clock.now();
        let limit = call.options.timeout;
        let call = Arc::new(call);
        let ticket = self.open.enter(call.cancel.clone())?;
        let cx = Context { lent: self.lent.clone(), call: call.clone(), wire: None };
        let mut deadline = limit.map(|limit| (self.lent.clock.sleep(limit), limit));
        let mut cancel = call.cancel.waiter();
        let asked = (request.operation == Operation::Chat).then(|| request.clone());
        let control = Control::of_call(&cx, began, asked);
        let mut answer = pin!(self.stack.call(cx, request));
        let events = poll_fn(|poller| {
            if cancel.is_given() {
                return Poll::Ready(Err(closed()));
            }
            if let Poll::Ready(answer) = answer.as_mut().poll(poller) {
                return Poll::Ready(answer);
            }
            if cancel.listen(poller).is_ready() {
                return Poll::Ready(Err(closed()));
            }
            poll_deadline(&mut deadline, &call, poller).map(Err)
        })
        .await?;
        Ok(Events::new(Open { events, deadline, unchecked: 0, call, ticket: Some(ticket) })
            .controlled(control))
    }

    /// Closes the client: new calls are refused, open ones may end until `deadline` from now and are cancelled
    /// then, and background work of the pipeline is waited for, at most as long again.
    ///
    /// Gives how many calls had to be cancelled.
    pub async fn close(&self, deadline: Duration) -> usize {
        self.open.close();
        let clock = &self.bare.clock;
        within(self.open.idle(), clock.sleep(deadline)).await;
        let cancelled = self.open.cancel_all();
        within(self.open.idle(), clock.sleep(deadline)).await;
        within(self.tracked.idle(), clock.sleep(deadline)).await;
        cancelled
    }
}

/// Waits for `work`, but no longer than `limit`.
async fn within(work: impl Future<Output = ()>, limit: BoxFuture<'static, ()>) {
    futures_util::future::select(pin!(work), limit).await;
}

fn closed() -> Error {
    Error::new(ErrorKind::Cancelled, "the client is closed")
}

fn poll_deadline(
    deadline: &mut Option<(BoxFuture<'static, ()>, Duration)>,
    call: &Call,
    poller: &mut Poller<'_>,
) -> Poll<Error> {
    let Some((sleep, limit)) = deadline else { return Poll::Pending };
    sleep.as_mut().poll(poller).map(|()| {
        let limit = humantime::format_duration(*limit);
        let attempts = u32::try_from(call.attempts().len()).unwrap_or(u32::MAX);
        Error::new(
            ErrorKind::Timeout(TimeoutPhase::Total),
            format!("the call did not end within its timeout of {limit}"),
        )
        .with("option", "timeout")
        .with_attempts(attempts)
    })
}

/// The stream of an open call: held to its deadline, known to the client until its end.
struct Open {
    events: Events,
    deadline: Option<(BoxFuture<'static, ()>, Duration)>,
    /// Events handed out since the deadline was last looked at.
    unchecked: u32,
    call: Arc<Call>,
    ticket: Option<Ticket>,
}

/// A source that never has to be waited for is held to the deadline once in so many events.
const CHECK_EVERY: u32 = 64;

impl Stream for Open {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let due = this.unchecked >= CHECK_EVERY;
        this.unchecked = if due { 0 } else { this.unchecked + 1 };
        let late = if due { poll_deadline(&mut this.deadline, &this.call, poller) } else { Poll::Pending };
        let polled = match late {
            Poll::Ready(error) => Poll::Ready(Some(Err(error))),
            Poll::Pending => this.events.poll_next_unpin(poller),
        };
        let item = match polled {
            Poll::Ready(item) => item,
            Poll::Pending => match poll_deadline(&mut this.deadline, &this.call, poller) {
                Poll::Ready(error) => Some(Err(error)),
                Poll::Pending => return Poll::Pending,
            },
        };
        if !matches!(item, Some(Ok(_))) {
            this.deadline = None;
            this.ticket = None;
        }
        Poll::Ready(item)
    }
}

/// The calls of a client that have not ended.
#[derive(Debug, Default)]
struct OpenCalls {
    state: Mutex<OpenState>,
    idle: Notify,
}

#[derive(Debug, Default)]
struct OpenState {
    closed: bool,
    next: u64,
    calls: BTreeMap<u64, Cancel>,
}

/// Keeps a call among the open ones until it is dropped.
struct Ticket {
    open: Arc<OpenCalls>,
    id: u64,
}

impl OpenCalls {
    fn lock(&self) -> std::sync::MutexGuard<'_, OpenState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>, cancel: Cancel) -> Result<Ticket> {
        let mut state = self.lock();
        if state.closed {
            return Err(closed());
        }
        let id = state.next;
        state.next += 1;
        state.calls.insert(id, cancel);
        Ok(Ticket { open: self.clone(), id })
    }

    fn close(&self) {
        self.lock().closed = true;
    }

    fn cancel_all(&self) -> usize {
        let calls: Vec<Cancel> = self.lock().calls.values().cloned().collect();
        calls.iter().for_each(Cancel::cancel);
        calls.len()
    }

    async fn idle(&self) {
        loop {
            let mut notified = pin!(self.idle.notified());
            notified.as_mut().enable();
            if self.lock().calls.is_empty() {
                return;
            }
            notified.await;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.open.lock();
        state.calls.remove(&self.id);
        if state.calls.is_empty() {
            self.open.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
