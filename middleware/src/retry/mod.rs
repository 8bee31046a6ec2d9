//! Retries of attempts that failed before their first content.

mod budget;
mod on;
mod told;
mod wait;

use std::any::Any;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use belvedere_core::context::Context;
use belvedere_core::duration;
use belvedere_core::error::{Error, Status};
use belvedere_core::event::Notice;
use belvedere_core::events::Events;
use belvedere_core::hooks::Signal;
use belvedere_core::layer::Layer;
use belvedere_core::request::Request;
use belvedere_core::service::{Info, Service, Stack};
use belvedere_core::{ErrorKind, Result};
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::upstream::Upstreams;
use budget::Bucket;
pub use budget::Budget;
pub use on::RetryOn;
use told::told;
use wait::Waits;

/// Sends a request again whose attempt failed before its first content.
///
/// An attempt is retried when its error is temporary and of a kind in `on`. What fails for good (a wrong request, a
/// wrong key, a context that is too long, an empty account) is handed on as it came, and so is an answer that broke
/// after its first content: that is `repair`'s. An answer that hit its length is an answer.
///
/// Before each retry it is waited, at random between nothing and `backoff`, a limit that doubles with each retry up to
/// `max_backoff`. A provider that says when to come back is never asked sooner: the random wait comes on top of its
/// own, so that many clients that were told the same moment do not come back in one. A provider that wants more than
/// `max_wait` is not waited for, nor is anything past the deadline of the call: then the error is handed on at once,
/// with its [`retry_after`](Error::retry_after).
///
/// Retries stay within three bounds: `attempts` of this layer, the attempts of the whole call
/// ([`Options::attempts`](belvedere_core::request::Options::attempts)), and the `budget` of the upstream. The budget is
/// one for each provider, host and credential. Each retry takes one from it, each answer gives `ratio` of one back, so
/// an upstream that answers nothing soon gets no retries at all.
///
/// The last error is the one that is handed out, marked as persistent: no layer further out tries the same again. The
/// client lists all attempts in it. An answer that took retries begins with one
/// [`Notice::Retried`] for each; nothing else of a failed attempt shows.
/// Whoever listens hears of [`Signal::Retry`] before each wait.
///
/// An idempotency key of the caller goes with every attempt. None is made up: no wire of this library documents one
/// for its answers.
///
/// Place it outside `breaker` and `timeout`, inside `repair` and `route`: each attempt passes the breaker and has time
/// limits of its own, and a target is given up before the next one is asked. The layer costs a clone of the request, which
/// shares its messages; an event costs nothing, unless there were retries.
///
/// ```
/// use belvedere_core::error::{Error, ErrorKind};
/// use belvedere_core::event::Notice;
/// use belvedere_core::layer::Layer;
/// use belvedere_core::service::Stack;
/// use belvedere_core::testing::{Answer, ScriptedService, Simulation};
/// use belvedere_middleware::retry::Retry;
///
/// let busy = || Answer::refused(Error::new(ErrorKind::Overloaded, "busy"));
/// let target = ScriptedService::new([busy(), busy(), Answer::text("Here I am.")]);
/// let simulation = Simulation::new(1);
/// let stack = Retry::default().layer(Stack::new(target));
/// let answer = simulation.run(async {
///     stack.call(simulation.context(), "Where are you?".into()).await?.collect().await
/// })?;
/// assert_eq!(answer.text(), "Here I am.");
/// assert!(matches!(answer.notices[1], Notice::Retried { retry: 2, .. }));
/// # Ok::<(), belvedere_core::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Retry {
    /// How many attempts there may be, the first included. Default 3; 1: no retries.
    pub attempts: NonZeroU32,
    /// The longest wait before the first retry; it doubles with each. Default `500ms`; `0s`: none.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub backoff: Duration,
    /// What that limit grows to at most. Default `8s`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub max_backoff: Duration,
    /// The longest wait that a provider may ask for. Default `60s`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub max_wait: Duration,
    /// How many retries an upstream gets that fails. `null`: as many as each call may make.
    pub budget: Option<Budget>,
    /// What is retried. Default: all but `circuit_open`, which does not last for a wait or two.
    pub on: Vec<RetryOn>,
    /// What of the budgets is used up. Clones of the layer share it.
    #[serde(skip)]
    used: Arc<Upstreams<AtomicU64>>,
}

impl Default for Retry {
    fn default() -> Self {
        Retry {
            // As the official SDKs of OpenAI and Anthropic, and those of AWS: two retries.
            attempts: NonZeroU32::MIN.saturating_add(2),
            backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(8),
            // Rate limits count in minutes: who waits longer than one wants to know.
            max_wait: Duration::from_secs(60),
            budget: Some(Budget::default()),
            on: RetryOn::DEFAULT.to_vec(),
            used: Arc::default(),
        }
    }
}

impl Layer for Retry {
    fn layer(&self, inner: Stack) -> Stack {
        if self.attempts == NonZeroU32::MIN || self.on.is_empty() {
            return inner;
        }
        let bucket =
            self.budget.map(|budget| Bucket::new(budget, self.used.of(&inner.info(), AtomicU64::default)));
        Stack::new(RetryService { retry: self.clone(), bucket, inner })
    }

    /// Takes over what of the budgets is used up.
    fn adopt(&mut self, previous: &dyn Layer) {
        if let Some(previous) = (previous as &dyn Any).downcast_ref::<Self>() {
            self.used = previous.used.clone();
        }
    }
}

/// A service whose failed attempts are retried.
#[derive(Debug)]
struct RetryService {
    retry: Retry,
    bucket: Option<Bucket>,
    inner: Stack,
}

/// An attempt that failed before its first content, with its stream, where it came to one.
struct Failed {
    error: Error,
    events: Option<Events>,
}

impl Service for RetryService {
    fn info(&self) -> Info {
        self.inner.info()
    }

    fn call<'a, 'f>(&'a self, cx: Context, request: Request) -> BoxFuture<'f, Result<Events>>
    where
        'a: 'f,
        Self: 'f,
    {
        let first = self.inner.call(cx.clone(), request.clone());
        Box::pin(async move {
            let failed = match self.begun(first).await {
                Ok(events) => return Ok(events),
                Err(failed) => failed,
            };
            // Boxed: few calls take a second attempt, and all of them would be larger.
            Box::pin(self.again(cx, request, failed)).await
        })
    }
}

impl RetryService {
    /// An attempt up to its first content.
    async fn begun(&self, attempt: BoxFuture<'_, Result<Events>>) -> Result<Events, Failed> {
        let mut events = attempt.await.map_err(|error| Failed { error, events: None })?;
        if let Err(error) = events.until_content().await {
            return Err(Failed { error, events: Some(events) });
        }
        self.bucket.as_ref().inspect(|bucket| bucket.give());
        Ok(events)
    }

    /// Makes further attempts after one that failed, as long as that may do better.
    async fn again(&self, cx: Context, request: Request, failed: Failed) -> Result<Events> {
        let mut waits = Waits::new(&self.retry);
        let mut notices = Vec::new();
        let Failed { mut error, mut events } = failed;
        loop {
            if !self.is_retried(&error) {
                return events.map_or(Err(error), |events| Ok(told(notices, events)));
            }
            // The attempt ends before another begins.
            drop(events);
            let wait = match self.draw(&cx, &error, &mut waits) {
                Ok(wait) => wait,
                Err(why) => return Err(error.with("not_retried", why).into_persistent()),
            };
            let retry = waits.begun();
            let (call, reason) = (cx.call.id, error.kind());
            cx.lent.hooks.emit(|| Signal::Retry { call, retry, reason, after: wait });
            notices.push(Notice::Retried { retry, reason: format!("{reason}: {}", error.message()) });
            if !wait.is_zero() {
                cx.lent.clock.sleep(wait).await;
            }
            let attempt = self.inner.call(cx.clone(), request.clone());
            Failed { error, events } = match self.begun(attempt).await {
                Ok(events) => return Ok(told(notices, events)),
                Err(failed) => failed,
            };
        }
    }

    /// Whether another attempt may do better, and nobody has given up on it yet.
    fn is_retried(&self, error: &Error) -> bool {
        let is_of = |kind: ErrorKind| self.retry.on.iter().any(|on| on.is_of(kind));
        error.status() == Status::Temporary && is_of(error.kind())
    }

    /// Draws a further attempt on all bounds, and gives how long to wait for it; or says which bound is met.
    fn draw(&self, cx: &Context, error: &Error, waits: &mut Waits) -> Result<Duration, &'static str> {
        if waits.begun_so_far() + 1 >= self.retry.attempts.get() {
            return Err("all attempts are made");
        }
        let wait = waits.next(error, cx)?;
        let is_taken = self.bucket.as_ref().is_none_or(Bucket::take);
        if !is_taken {
            return Err("the retry budget of this upstream is used up");
        }
        if !cx.call.attempt_budget.draw() {
            self.bucket.as_ref().inspect(|bucket| bucket.put_back());
            return Err("the attempts of the call are used up");
        }
        Ok(wait)
    }
}
