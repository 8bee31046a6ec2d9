//! Time limits: connect, first event, idle, total.

mod running;
mod stream;
mod timer;

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use belvedere_core::Result;
use belvedere_core::context::Context;
use belvedere_core::duration;
use belvedere_core::events::Events;
use belvedere_core::layer::Layer;
use belvedere_core::request::Request;
use belvedere_core::service::{Info, Service, Stack};
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use stream::Timed;
use timer::Timers;

/// Ends an attempt that takes too long. Four clocks watch it, each for one thing that goes wrong:
///
/// - `connect`: a new connection is not there in time. A request that finds a connection in the pool is not held
///   to it, nor one whose transport cannot tell (the browser's).
/// - `first_event`: no content came. It runs from the start of the call until the first event that is content;
///   `Start`, `Usage`, `Notice` and `Raw` are none, because providers send those before the model has done a thing.
/// - `idle`: the wire went silent after content had come. Any bytes are a sign of life, also the comments and
///   pings that yield no event. While `first_event` is off, it runs from the head of the response on.
/// - `total`: the attempt is not over.
///
/// A limit that is `null` is off. The error is `Timeout` with the phase, and names the timer and its length. The
/// upstream connection is closed before the error is handed out. A stream whose `Finish` has come never fails: it
/// ends. The time that a caller takes between two events is not counted, except by `total`.
///
/// A pause of the call stops `first_event`, `idle` and `total`, however long it is; on resume each has the time that
/// it had left. `connect` goes on: it watches the network and not the caller, and an attempt that is begun in a pause,
/// by a repair, must not wait for a host that is not there.
///
/// Place it innermost, around the provider: then each attempt of a retry has its own limits. The deadline of the
/// whole call is `Options::timeout`: a moment, which no pause moves. The layer costs one timer, for the limit that
/// is reached first, and, for each wait, one reading of the clock; an event that needs no waiting costs a few instructions.
///
/// ```
/// use std::time::Duration;
/// use belvedere_middleware::timeout::Timeout;
///
/// let timeout: Timeout = serde_json::from_str(r#"{"first_event": "30s", "idle": null}"#)?;
/// assert_eq!(timeout.connect, Some(Duration::from_secs(10)), "the default");
/// assert_eq!((timeout.first_event, timeout.idle), (Some(Duration::from_secs(30)), None));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Timeout {
    /// Until a new connection stands: name resolution, TCP and TLS. Default `10s`.
    #[serde(with = "duration::option")]
    #[schemars(with = "Option<duration::Text>")]
    pub connect: Option<Duration>,
    /// From the start of the call until the first content. Default `10m`.
    #[serde(with = "duration::option")]
    #[schemars(with = "Option<duration::Text>")]
    pub first_event: Option<Duration>,
    /// Between two signs of life on the wire. Default `2m`.
    #[serde(with = "duration::option")]
    #[schemars(with = "Option<duration::Text>")]
    pub idle: Option<Duration>,
    /// From the start of the call until its end. Default `null`: off.
    #[serde(with = "duration::option")]
    #[schemars(with = "Option<duration::Text>")]
    pub total: Option<Duration>,
}

impl Default for Timeout {
    fn default() -> Self {
        Timeout {
            connect: Some(Duration::from_secs(10)),
            // A reasoning model may think for minutes before its first token, and a whole answer that is not
            // streamed is all "first event". The official SDKs of OpenAI and Anthropic wait this long, too.
            first_event: Some(Duration::from_secs(600)),
            // Once content flows, a minute of silence still happens between two steps of a reasoning model.
            idle: Some(Duration::from_secs(120)),
            // A long answer that keeps coming is no fault.
            total: None,
        }
    }
}

impl Timeout {
    /// No limit at all: a start for setting single ones.
    pub const fn off() -> Self {
        Timeout { connect: None, first_event: None, idle: None, total: None }
    }
}

impl Layer for Timeout {
    fn layer(&self, inner: Stack) -> Stack {
        if *self == Timeout::off() {
            return inner;
        }
        Stack::new(TimeoutService { limits: *self, inner })
    }
}

/// A service with time limits.
#[derive(Debug)]
struct TimeoutService {
    limits: Timeout,
    inner: Stack,
}

impl Service for TimeoutService {
    fn info(&self) -> Info {
        self.inner.info()
    }

    fn call<'a, 'f>(&'a self, cx: Context, request: Request) -> BoxFuture<'f, Result<Events>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let (cx, wire) = cx.with_wire();
            let is_stream = request.stream;
            // Boxed, because they go on with the stream.
            let mut timers = Box::new(Timers::start(self.limits, &cx, wire));
            let mut answer = self.inner.call(cx, request);
            let (events, is_whole) = poll_fn(|cx| match answer.as_mut().poll(cx) {
                Poll::Pending => timers.calling(cx).map(Err),
                Poll::Ready(answer) => Poll::Ready(answer.map(|mut events| {
                    let is_whole = !is_stream && events.poll_whole(cx);
                    (events, is_whole)
                })),
            })
            .await?;
            // What is all there is late no more.
            Ok(if is_whole { events } else { Events::new(Timed::new(events, timers)) })
        })
    }
}
