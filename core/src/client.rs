//! The client: a stack, what is lent to it, and the calls that are open.

mod open;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::checkpoint::Checkpoint;
use crate::completion::Completion;
use crate::context::{Call, Context, Lent};
use crate::control::{Control, StreamController};
use crate::error::{Error, ErrorKind, Result};
use crate::events::Events;
use crate::layer::Layer;
use crate::log::{Cursor, EventLog};
use crate::pause::PausePolicy;
use crate::request::{Operation, Request, ResponseFormat, Scope};
use crate::service::{Info, Stack};
use crate::spawner::Tracked;
use crate::store::Store;
use crate::streams::{Resuming, Rooms, Streams};
use crate::typed::Typed;
use open::{Open, OpenCalls, closed, poll_deadline};

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
    rooms: Arc<Rooms>,
}

impl Client {
    /// A client of one service, with what it is lent.
    pub fn new(service: impl Into<Stack>, lent: Lent) -> Self {
        let tracked = Arc::new(Tracked::new(lent.spawner.clone()));
        let bare = Lent { spawner: tracked.clone(), ..lent };
        let base = service.into();
        Client {
            rooms: Arc::new(Rooms::new(&bare)),
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

    /// Sets what becomes of streams that are paused or left, and where what they spill or publish is kept: absent, in
    /// this process.
    pub fn with_streams(mut self, settings: Streams, store: Option<Arc<dyn Store>>) -> Self {
        self.rooms = Arc::new(self.rooms.with(settings, store));
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
        self.check_resumes("a checkpoint")?;
        let (request, call) = self.resumed(checkpoint);
        self.open_call(request, call).await
    }

    /// Reads a stream that was opened with `Options::stream_id`, also while others do, and for a while after its end:
    /// from this offset on what came, then what comes. Offsets count events. In the browser, in another process or
    /// after a restart too, where the client has a [store](Client::with_streams) that is seen there.
    ///
    /// The stream belongs to the scope's tenant. Dropping the reader leaves the stream as it is.
    ///
    /// # Errors
    /// `InvalidRequest` when there is no such stream, or when its events from there on are gone.
    pub fn attach(&self, id: &str, offset: u64, scope: &Scope) -> Result<Cursor> {
        self.rooms.attach(scope, id, offset, &self.lent)
    }

    async fn open_call(&self, request: Request, mut call: Call) -> Result<Events> {
        let began = self.lent.clock.now();
        let is_chat = request.operation == Operation::Chat;
        let asked = is_chat.then(|| request.clone().with_options(call.options.clone()));
        // Layers see what holds for the call, whoever set it.
        let policy = *call.options.pause.get_or_insert(self.rooms.settings.pause);
        let call = Arc::new(call);
        let cx = self.context(&call);
        let control = Control::of_call(&cx, began, asked);
        if is_chat && policy == PausePolicy::Checkpoint {
            self.check_resumes("the pause policy `checkpoint`")?;
        }
        let id = call.options.stream_id.as_ref().filter(|_| is_chat);
        id.map_or(Ok(()), |id| self.rooms.check_free(id, &call))?;
        let source = self.begin(request, &call).await?;
        if let Some(id) = id {
            let log = self.rooms.open(id, source, &call, &self.lent)?;
            return Ok(log.reader()?.into_events().controlled(control.with_buffer(0)));
        }
        if !is_chat || policy == PausePolicy::Backpressure {
            return Ok(source.controlled(control.with_buffer(self.rooms.settings.buffer)));
        }
        let log = self.rooms.pause_log(source, &call, &self.lent, policy);
        let reader = log.reader()?;
        let controller = control.controller();
        controller.set_log(&log, None);
        let events = match policy {
            PausePolicy::Checkpoint => {
                Events::new(Resuming::new(self.clone(), call, controller, log, reader))
            }
            _ => reader.into_events(),
        };
        Ok(events.controlled(control.with_buffer(0)))
    }

    /// Goes on with a stream whose upstream its pause closed. The new call shares the old one's cancel and pause.
    pub(crate) async fn reopen(
        &self,
        checkpoint: Checkpoint,
        before: &Call,
        controller: &StreamController,
    ) -> Result<(EventLog, Cursor)> {
        let (request, mut call) = self.resumed(checkpoint);
        call.cancel = before.cancel.clone();
        call.pause = before.pause.clone();
        call.options.pause = before.options.pause;
        let call = Arc::new(call);
        let source = self.begin(request, &call).await?;
        let log = self.rooms.pause_log(source, &call, &self.lent, PausePolicy::Checkpoint);
        let reader = log.reader()?;
        controller.set_log(&log, Some(call));
        Ok((log, reader))
    }

    /// The request and the call that go on with a checkpoint.
    fn resumed(&self, checkpoint: Checkpoint) -> (Request, Call) {
        let mut request = checkpoint.request.clone();
        request.stream = true;
        let options = request.options.take().map_or_else(Default::default, |o| *o);
        let mut call = Call::new(&self.lent, options);
        call.resume = Some(Arc::new(checkpoint));
        (request, call)
    }

    fn check_resumes(&self, what: &str) -> Result<()> {
        match self.stack.info().resumes {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Unsupported,
                format!("{what} needs the `repair` layer, which goes on with it; add it to `layers`"),
            )),
        }
    }

    fn context(&self, call: &Arc<Call>) -> Context {
        Context { lent: self.lent.clone(), call: call.clone(), wire: None }
    }

    /// Calls the stack; gives its stream, held to the call's deadline.
    async fn begin(&self, request: Request, call: &Arc<Call>) -> Result<Events> {
        let limit = call.options.timeout;
        let call = call.clone();
        let ticket = self.open.enter(call.cancel.clone())?;
        let cx = self.context(&call);
        let mut deadline = limit.map(|limit| (self.lent.clock.sleep(limit), limit));
        let mut cancel = call.cancel.waiter();
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
        Ok(Events::new(Open::new(events, deadline, call, ticket)))
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

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
