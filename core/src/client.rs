//! The client: a stack, what is lent to it, and the calls that are open.

mod call;
mod generation;
mod open;

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::checkpoint::Checkpoint;
use crate::clock::Clock;
use crate::completion::Completion;
use crate::config::Plan;
use crate::context::{Call, Lent};
use crate::control::StreamController;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Events;
use crate::hooks::{Hook, Signal};
use crate::layer::Layer;
use crate::log::{Cursor, EventLog};
use crate::pause::PausePolicy;
use crate::pipeline::Pipeline;
use crate::request::{Operation, Request, ResponseFormat, Scope};
use crate::service::{Info, Stack};
use crate::spawner::{Spawner, Tracked};
use crate::store::Store;
use crate::streams::Streams;
use crate::typed::Typed;
pub(crate) use generation::Generation;
use open::OpenCalls;

/// Sends requests through a pipeline. Cheap to clone; clones share the pipeline and its state.
///
/// A client made from a configuration can be [reloaded](crate::config::Registry::reload): each call sees one generation
/// of the pipeline from its start to its end.
#[derive(Debug, Clone)]
pub struct Client {
    current: Arc<Current>,
    tracked: Arc<Tracked>,
    open: Arc<OpenCalls>,
}

/// The generation that new calls take.
#[derive(Debug)]
struct Current {
    generation: RwLock<Arc<Generation>>,
    /// Held while the next one is built: there is one writer.
    reloads: Mutex<()>,
}

/// A client that does not keep its pipeline alive; for who watches over it.
#[derive(Debug, Clone)]
pub(crate) struct WeakClient {
    current: Weak<Current>,
    tracked: Arc<Tracked>,
    open: Arc<OpenCalls>,
}

impl WeakClient {
    /// The client, while anybody else has it.
    pub(crate) fn upgrade(&self) -> Option<Client> {
        let current = self.current.upgrade()?;
        Some(Client { current, tracked: self.tracked.clone(), open: self.open.clone() })
    }
}

impl Client {
    /// A client of one service, with what it is lent.
    pub fn new(service: impl Into<Stack>, lent: Lent) -> Self {
        let tracked = Arc::new(Tracked::new(lent.spawner.clone()));
        let bare = Lent { spawner: tracked.clone(), ..lent };
        let current = Current::new(Generation::new(Pipeline::new(service), bare));
        Client { current, tracked, open: Arc::default() }
    }

    /// The same client of another generation: what it was made from does not change.
    fn with(&self, generation: Generation) -> Self {
        Client { current: Current::new(generation), ..self.clone() }
    }

    /// The client that a document plans.
    pub(crate) fn planned(&self, plan: Plan, transport: Option<Value>) -> Self {
        let current = self.current();
        self.with(current.planned(plan, current.bare.clone(), transport))
    }

    /// The generation that a call takes which begins now.
    pub(crate) fn current(&self) -> Arc<Generation> {
        self.current.generation.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it takes no more calls.
    pub fn is_closed(&self) -> bool {
        self.open.is_closed()
    }

    /// What is lent to who watches over the client: closing it does not wait for that.
    pub(crate) fn watcher(&self) -> (Arc<dyn Clock>, Arc<dyn Spawner>) {
        (self.current().bare.clock.clone(), self.tracked.inner().clone())
    }

    pub(crate) fn downgrade(&self) -> WeakClient {
        let current = Arc::downgrade(&self.current);
        WeakClient { current, tracked: self.tracked.clone(), open: self.open.clone() }
    }

    /// Makes the next generation from the one that holds, which must be `from`, and lets it hold. When it can't be
    /// made, nothing changes.
    pub(crate) fn reload(
        &self,
        from: u64,
        make: impl FnOnce(&Generation) -> Result<Generation>,
    ) -> Result<u64> {
        let _one = self.current.reloads.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current();
        if before.number != from {
            let message = format!(
                "generation: {from} is not the one that holds, which is {}; read the configuration again",
                before.number
            );
            return Err(Error::new(ErrorKind::ConfigInvalid, message));
        }
        let mut next = make(&before)?;
        next.number = from + 1;
        *self.current.generation.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(from + 1)
    }

    /// The number of the generation that holds: 1 for a new client, one more for each reload.
    pub fn generation(&self) -> u64 {
        self.current().number
    }

    /// Adds a layer inside those added before: layers are listed outermost first, as in a configuration.
    pub fn layer(self, layer: impl Layer) -> Self {
        self.shared_layer(Arc::new(layer))
    }

    /// The same for a layer that is shared already.
    pub fn shared_layer(self, layer: Arc<dyn Layer>) -> Self {
        let current = self.current();
        let mut pipeline = current.pipeline.clone();
        pipeline.push(layer);
        self.with(current.rebuilt(pipeline, current.bare.clone()))
    }

    /// Lets a hook hear what the pipeline does: every [`Signal`].
    pub fn on(self, hook: impl Hook) -> Self {
        let current = self.current();
        let hooks = current.bare.hooks.with(hook);
        self.with(current.rebuilt(current.pipeline.clone(), Lent { hooks, ..current.bare.clone() }))
    }

    /// Lets a hook hear of calls that failed: [`Signal::Error`].
    pub fn on_error(self, hook: impl Hook) -> Self {
        self.on(only(hook, |signal| matches!(signal, Signal::Error { .. })))
    }

    /// Lets a hook hear of retries: [`Signal::Retry`].
    pub fn on_retry(self, hook: impl Hook) -> Self {
        self.on(only(hook, |signal| matches!(signal, Signal::Retry { .. })))
    }

    /// Lets a hook hear of targets that are passed over: [`Signal::Fallback`].
    pub fn on_fallback(self, hook: impl Hook) -> Self {
        self.on(only(hook, |signal| matches!(signal, Signal::Fallback { .. })))
    }

    /// Lets a hook hear of circuit breakers that open and close: [`Signal::StateChange`].
    pub fn on_state_change(self, hook: impl Hook) -> Self {
        self.on(only(hook, |signal| matches!(signal, Signal::StateChange { .. })))
    }

    /// Lets a hook hear of limits and budgets that are near or reached: [`Signal::Quota`].
    pub fn on_quota(self, hook: impl Hook) -> Self {
        self.on(only(hook, |signal| matches!(signal, Signal::Quota { .. })))
    }

    /// Sets what becomes of streams that are paused or left, and where what they spill or publish is kept: absent, in
    /// this process.
    pub fn with_streams(self, settings: Streams, store: Option<Arc<dyn Store>>) -> Self {
        let mut generation = Generation::clone(&self.current());
        generation.rooms = Arc::new(generation.rooms.with(settings, store));
        self.with(generation)
    }

    /// Name and capabilities of the pipeline.
    pub fn info(&self) -> Info {
        self.current().stack.info()
    }

    /// The layers of the pipeline, outermost first; each is followed by those inside of it, such as the layers of a
    /// route's targets.
    pub fn layers(&self) -> Vec<Arc<dyn Layer>> {
        fn add(layers: &[Arc<dyn Layer>], all: &mut Vec<Arc<dyn Layer>>) {
            for layer in layers {
                all.push(layer.clone());
                add(&layer.inside(), all);
            }
        }
        let mut all = Vec::new();
        add(self.current().pipeline.layers(), &mut all);
        all
    }

    /// What is lent to the pipeline, as its layers equipped it.
    pub fn lent(&self) -> Arc<Lent> {
        self.current().lent.clone()
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
        let generation = self.current();
        let call = Call::new(&generation.lent, options);
        self.open_call(generation, request, call).await
    }

    /// Goes on with a stream that was left: what had been handed out of its answer comes first, in as few events as
    /// it takes, then [`Notice::Continued`](crate::event::Notice::Continued) (or a `Restart`) and the rest.
    ///
    /// # Errors
    /// `Unsupported` without a `repair` layer, which is what goes on with it; else those of
    /// [`stream`](Client::stream).
    pub async fn resume(&self, checkpoint: Checkpoint) -> Result<Events> {
        let generation = self.current();
        check_resumes(&generation, "a checkpoint")?;
        let (request, call) = resumed(&generation, checkpoint);
        self.open_call(generation, request, call).await
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
        let current = self.current();
        current.rooms.attach(scope, id, offset, &current.lent)
    }

    /// Closes the client: new calls are refused, open ones may end until `deadline` from now and are cancelled
    /// then, and background work of the pipeline is waited for, at most as long again.
    ///
    /// Gives how many calls had to be cancelled.
    pub async fn close(&self, deadline: Duration) -> usize {
        self.open.close();
        let clock = &self.current().bare.clock;
        within(self.open.idle(), clock.sleep(deadline)).await;
        let cancelled = self.open.cancel_all();
        within(self.open.idle(), clock.sleep(deadline)).await;
        within(self.tracked.idle(), clock.sleep(deadline)).await;
        cancelled
    }
}

impl Current {
    fn new(generation: Generation) -> Arc<Self> {
        Arc::new(Current { generation: RwLock::new(Arc::new(generation)), reloads: Mutex::default() })
    }
}

/// A client at the generation of a call.
#[derive(Debug)]
pub(crate) struct Pinned {
    client: Client,
    generation: Arc<Generation>,
}

impl Pinned {
    /// Goes on with a stream whose upstream its pause closed. The new call shares the old one's cancel and pause.
    pub(crate) async fn reopen(
        &self,
        checkpoint: Checkpoint,
        before: &Call,
        controller: &StreamController,
    ) -> Result<(EventLog, Cursor)> {
        let Pinned { client, generation } = self;
        let (request, mut call) = resumed(generation, checkpoint);
        call.cancel = before.cancel.clone();
        call.pause = before.pause.clone();
        call.options.pause = before.options.pause;
        let call = Arc::new(call);
        let source = client.begin(generation, request, &call).await?;
        let log = generation.rooms.pause_log(source, &call, &generation.lent, PausePolicy::Checkpoint);
        let reader = log.reader()?;
        controller.set_log(&log, Some(call));
        Ok((log, reader))
    }
}

/// The request and the call that go on with a checkpoint.
fn resumed(generation: &Generation, checkpoint: Checkpoint) -> (Request, Call) {
    let mut request = checkpoint.request.clone();
    request.stream = true;
    let options = request.options.take().map_or_else(Default::default, |o| *o);
    let mut call = Call::new(&generation.lent, options);
    call.resume = Some(Arc::new(checkpoint));
    (request, call)
}

fn check_resumes(generation: &Generation, what: &str) -> Result<()> {
    match generation.stack.info().resumes {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Unsupported,
            format!("{what} needs the `repair` layer, which goes on with it; add it to `layers`"),
        )),
    }
}

/// A hook that hears some signals only.
fn only(hook: impl Hook, hears: fn(&Signal) -> bool) -> impl Hook {
    move |signal: &Signal| {
        if hears(signal) {
            hook.signal(signal);
        }
    }
}

/// Waits for `work`, but no longer than `limit`.
async fn within(work: impl Future<Output = ()>, limit: BoxFuture<'static, ()>) {
    futures_util::future::select(pin!(work), limit).await;
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
