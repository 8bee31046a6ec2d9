//! Limits of requests and tokens in a time.

mod config;
mod keys;
mod line;
mod rates;
mod reserve;
mod settle;

use std::any::Any;
use std::sync::Arc;

use belvedere_core::Result;
use belvedere_core::clock::Clock;
use belvedere_core::context::Context;
use belvedere_core::events::{Events, watch};
use belvedere_core::layer::Layer;
use belvedere_core::request::{Request, Scope};
use belvedere_core::service::{Info, Service, Stack};
use belvedere_core::store::Store;
use futures_util::future::{BoxFuture, Either};

use crate::quota::Key;
pub use crate::speed::Speed;
pub use config::{Config, OnStoreFailure};
pub use rates::Levels;

use keys::Keys;
use rates::Rates;
use reserve::Reserving;
use settle::Settling;

/// Limits how many requests and tokens the calls of a key may have in a time: `10/min`, `100000/day`. Clones share it.
///
/// A call takes one request and reserves its tokens before it is made: those it has the model read, by estimate, and
/// those of its `max_tokens` (`output` where it has none). When it ends, however it does, what it did not use is given
/// back, and what it used beyond is owed: later calls of the key wait until that has come back. A call that no provider
/// was asked for, because a cache answered, gives all its tokens back.
///
/// A limit is exact. In any stretch of time no more than `burst + units * time / per` comes through, to the unit (GCRA),
/// and what calls in flight use beyond their reservations on top. Time is that of [`Clock::boot`]: a suspend counts, the
/// wall clock does not matter.
///
/// When there is too little left, the call waits for up to `wait`, and is refused with `RateLimited` if that is not
/// enough or past its deadline: then `retry_after` says when it will be. In this process those of a key who wait are
/// served in the order they came, and nobody who comes later goes before them; processes that share a store draw lots. A call that needs more than can ever be
/// there is refused with `InvalidRequest`. Either way nothing was sent.
///
/// Without a store a limit is that of this process. With one, all processes that share it have it together. When the
/// store fails, `on_store_failure` says what holds: `degraded` (the default), a share of `1/share` of the limit for each
/// process, from which what it admitted lately is already taken; `closed`, nobody gets through; `open`, everybody does.
///
/// Place it inside `budget`, which is asked first and gets back what a refused call had reserved, and outside of `cache`:
/// a hit uses a request, too. The layer costs two lookups a call, one tree or one message to the store each; an event
/// costs a comparison. Without `tokens` it costs events nothing.
///
/// ```
/// use belvedere_core::error::ErrorKind;
/// use belvedere_core::layer::Layer;
/// use belvedere_core::service::Stack;
/// use belvedere_core::testing::{Answer, ScriptedService, Simulation};
/// use belvedere_middleware::limit::Limit;
///
/// let config = serde_json::from_str(r#"{"per": ["user"], "requests": "2/min"}"#)?;
/// let limit = Limit::build(config, None)?;
/// let stack = limit.layer(Stack::new(ScriptedService::always(Answer::text("hello"))));
/// let simulation = Simulation::new(1);
/// for left in [1, 0] {
///     simulation.run(stack.call(simulation.context(), "hi".into()))?;
///     let levels = simulation.run(limit.levels(&simulation.clock, &Default::default()))?;
///     assert_eq!(levels.requests.map(|level| level.remaining), Some(left));
/// }
/// let error = simulation.run(stack.call(simulation.context(), "hi".into())).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::RateLimited);
/// assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(30));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Limit {
    state: Arc<State>,
}

/// What the calls of a limit share.
#[derive(Debug)]
struct State {
    config: Config,
    rates: Rates,
    store: Option<Arc<dyn Store>>,
    /// Without a store, the limit itself; with one, this process's share of it, for when the store fails.
    keys: Arc<Keys>,
}

impl Limit {
    /// A limit of this process, or of all that share `store`. The name in [`Config::store`] is for whoever builds from a
    /// document.
    ///
    /// # Errors
    /// `ConfigInvalid` that lists all that is wrong.
    pub fn build(config: Config, store: Option<Arc<dyn Store>>) -> Result<Self> {
        let rates = config.rates()?;
        let keys = Arc::new(Keys::new(config.max_keys));
        Ok(Limit { state: Arc::new(State { config, rates, store, keys }) })
    }

    /// What is left for a scope, and when all of it is back. Nothing is taken.
    ///
    /// # Errors
    /// `Store` when the store can't be reached.
    pub async fn levels(&self, clock: &dyn Clock, scope: &Scope) -> Result<Levels> {
        self.state.levels(clock, &Key::of(&self.state.config.per, scope)).await
    }

    /// How many keys are kept in this process. Keys that have all of their quota are forgotten as room is needed.
    pub fn keys(&self) -> usize {
        self.state.keys.len()
    }
}

impl Layer for Limit {
    fn layer(&self, inner: Stack) -> Stack {
        Stack::new(LimitService { state: self.state.clone(), inner })
    }

    fn adopt(&mut self, previous: &dyn Layer) {
        let previous = (previous as &dyn Any).downcast_ref::<Limit>();
        if let (Some(state), Some(previous)) = (Arc::get_mut(&mut self.state), previous) {
            state.keys = previous.state.keys.clone();
        }
    }
}

/// A service under a limit.
#[derive(Debug)]
struct LimitService {
    state: Arc<State>,
    inner: Stack,
}

impl Service for LimitService {
    fn info(&self) -> Info {
        self.inner.info()
    }

    fn call<'a, 'f>(&'a self, cx: Context, request: Request) -> BoxFuture<'f, Result<Events>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let ask = self.state.ask(&cx.call, &request);
            let key = Key::of(&self.state.config.per, &cx.call.scope);
            let reserved = match self.state.reserve(&cx, &key, ask) {
                Reserving::Done(reserved) => reserved?,
                Reserving::Waits(reserving) => reserving.await?,
            };
            let settling = Settling::of(&self.state, &cx, key, ask, reserved);
            let call = self.inner.call(cx.clone(), request);
            let watched = match settling {
                Some(settling) => Either::Left(watch(&cx, call, settling)),
                None => Either::Right(call),
            };
            watched.await
        })
    }
}
