//! A circuit breaker: an upstream that fails is left alone for a while.

mod circuit;
mod circuits;
mod lock;
mod outcome;
mod permit;
mod stream;
mod window;

use std::any::Any;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use belvedere_core::Result;
use belvedere_core::clock::Instant;
use belvedere_core::context::Context;
use belvedere_core::duration;
use belvedere_core::events::{Events, watch};
use belvedere_core::hooks::CircuitState;
use belvedere_core::layer::Layer;
use belvedere_core::request::Request;
use belvedere_core::service::{Info, Service, Stack};
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::upstream::Upstreams;
use permit::{Gate, Upstream};
use stream::Guard;

/// Leaves an upstream alone for a while that fails too often.
///
/// There is one circuit for each provider, host, credential and model. It is closed at first: calls go through. It
/// opens when `failures` calls failed in a row, or when of the calls of the last `window`, at least `min_calls`, the
/// share `rate` failed, or the share of [`Slow`] was slow. Then calls are refused with `CircuitOpen`, not a byte goes
/// upstream, and the error says for how long. After `open_for` it is half-open: at most `probes` calls at once go
/// through. As many answers close it; one failure opens it again.
///
/// All models of an upstream have one circuit more: it opens when `failures` calls failed in a row with no answer of
/// any model in between, and half as many are not of the model that failed most. So one bad model does not keep the others from being asked, and a
/// host that is down is not tried model by model.
///
/// | result | what it is |
/// |---|---|
/// | `Network`, `Overloaded`, `Timeout`, `Truncated`, `Malformed`, before or in the stream | a failure |
/// | the end of a whole answer | an answer |
/// | `RateLimited` | neither; a delay that the provider states is kept, up to `cooldown` |
/// | all other errors; a call that was cancelled, dropped, or lost to a faster one | neither |
///
/// A result counts at the end of the stream. That of a call which began in an earlier state does not count. A probe
/// without a result gives its place back when it is dropped, and at the end of `probe_lease` at the latest.
///
/// While a provider asked to be left alone, by a header or a field and not in a text, calls to that model are refused
/// as `RateLimited` with what is left of the delay: a retry waits for it, and a route asks another target.
///
/// Place it inside `retry`, so that each attempt passes it, and outside `timeout`, so that what takes too long is a
/// failure. A call costs two short locks and one small box; an event costs one hop.
///
/// ```
/// use std::time::Duration;
/// use belvedere_core::error::{Error, ErrorKind};
/// use belvedere_core::hooks::CircuitState;
/// use belvedere_core::layer::Layer;
/// use belvedere_core::service::Stack;
/// use belvedere_core::testing::{Answer, ScriptedService, Simulation};
/// use belvedere_middleware::breaker::Breaker;
///
/// let down = Answer::refused(Error::new(ErrorKind::Overloaded, "down"));
/// let target = ScriptedService::always(down);
/// let simulation = Simulation::new(1);
/// let breaker: Breaker = serde_json::from_str(r#"{"failures": 3, "open_for": "10s"}"#)?;
/// let stack = breaker.layer(Stack::new(target.clone()));
/// for _ in 0..10 {
///     let call = stack.call(simulation.context(), "Are you there?".into());
///     assert!(simulation.run(call).is_err());
/// }
/// assert_eq!(target.calls(), 3, "the other seven never left");
/// assert_eq!(breaker.states()[1].state, CircuitState::Open);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Breaker {
    /// How many calls must fail in a row. Default 10; `null`: any number may.
    pub failures: Option<NonZeroU32>,
    /// What share of the calls of the window must fail, from 0.01 to 1. Default 0.5; `null`: all may.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub rate: Option<f64>,
    /// Over how long shares are counted. Default `1m`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub window: Duration,
    /// Of how many calls a share is one at least. Default 30.
    pub min_calls: NonZeroU32,
    /// What slow calls do. Default `null`: nothing.
    pub slow: Option<Slow>,
    /// How long it is open. Default `30s`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub open_for: Duration,
    /// How many calls go through at once while it is half-open, and how many must be answered. Default 1.
    pub probes: NonZeroU32,
    /// How long a probe stands in the way of another at most. Default `1m`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub probe_lease: Duration,
    /// The longest time that a provider may ask to be left alone. Default `1m`; `0s`: it may not.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub cooldown: Duration,
    /// How many models of an upstream are kept; past it, those are forgotten that were not asked for the longest.
    /// Default 1000.
    pub models: NonZeroU32,
    /// The circuits. Clones of the layer share them.
    #[serde(skip)]
    upstreams: Arc<Upstreams<Upstream>>,
}

/// What slow calls do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Slow {
    /// A call is slow whose first content takes as long as this. Default `30s`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub after: Duration,
    /// What share of the calls of the window must be slow, from 0.01 to 1. Default 0.8.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub rate: f64,
}

/// What is known of one circuit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Circuit {
    /// The provider.
    pub provider: SmolStr,
    /// Its host.
    pub host: Option<SmolStr>,
    /// The model; `None`: all models of the upstream.
    pub model: Option<SmolStr>,
    /// Its state. One that was open for its time stays open until the next call comes.
    pub state: CircuitState,
    /// Until when it is open, on [`Clock::boot`](belvedere_core::clock::Clock::boot).
    pub open_until: Option<Instant>,
    /// Until when the provider last asked to be left alone, on the same clock.
    pub rests_until: Option<Instant>,
}

impl Default for Breaker {
    fn default() -> Self {
        let number = |n: u32| NonZeroU32::MIN.saturating_add(n - 1);
        Breaker {
            // While one call of five fails by chance, ten in a row are one in ten million.
            failures: Some(number(10)),
            // As Hystrix, with a little more to go by (`circuitBreaker.errorThresholdPercentage`,
            // <https://github.com/Netflix/Hystrix/wiki/Configuration>).
            rate: Some(0.5),
            window: Duration::from_secs(60),
            min_calls: number(30),
            slow: None,
            open_for: Duration::from_secs(30),
            probes: NonZeroU32::MIN,
            probe_lease: Duration::from_secs(60),
            cooldown: Duration::from_secs(60),
            models: number(1000),
            upstreams: Arc::default(),
        }
    }
}

impl Default for Slow {
    fn default() -> Self {
        Slow { after: Duration::from_secs(30), rate: 0.8 }
    }
}

impl Breaker {
    /// All circuits of the upstreams that it stands before: for each, that of all models, then one for each model.
    pub fn states(&self) -> Vec<Circuit> {
        let of = |upstream: &Arc<Upstream>| {
            let (provider, host) = (upstream.provider.clone(), upstream.host.clone());
            upstream.known().into_iter().map(move |known| Circuit {
                provider: provider.clone(),
                host: host.clone(),
                model: known.model,
                state: known.state,
                open_until: known.until,
                rests_until: known.rests_until,
            })
        };
        self.upstreams.all().iter().flat_map(of).collect()
    }
}

impl Layer for Breaker {
    fn layer(&self, inner: Stack) -> Stack {
        let info = inner.info();
        let upstream = self.upstreams.of(&info, || Upstream::new(info.name.clone(), info.host.clone()));
        let gate = Arc::new(Gate { rules: self.clone(), upstream });
        Stack::new(BreakerService { gate, model: info.model.unwrap_or_default(), inner })
    }

    /// Takes over the circuits.
    fn adopt(&mut self, previous: &dyn Layer) {
        if let Some(previous) = (previous as &dyn Any).downcast_ref::<Self>() {
            self.upstreams = previous.upstreams.clone();
        }
    }
}

/// A service behind a breaker.
#[derive(Debug)]
struct BreakerService {
    gate: Arc<Gate>,
    /// The model of requests that name none.
    model: SmolStr,
    inner: Stack,
}

impl Service for BreakerService {
    fn info(&self) -> Info {
        self.inner.info()
    }

    fn call<'a, 'f>(&'a self, cx: Context, request: Request) -> BoxFuture<'f, Result<Events>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let model = request.model.as_ref().unwrap_or(&self.model).clone();
            let permit = self.gate.permit(model, &cx.lent)?;
            watch(&cx, self.inner.call(cx.clone(), request), Guard::new(permit)).await
        })
    }
}
