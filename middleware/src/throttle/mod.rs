//! Even delivery: so much in so much time, by word, by line or at a cadence.

mod by;
mod cut;
mod held;
mod pace;
mod stream;

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

pub use crate::speed::Speed;
pub use by::By;
use stream::Throttled;

/// Hands a stream out evenly, for readers that can't take bursts. It limits the speed, in tokens, bytes or events,
/// and cuts text anew: by word, by line, or at a regular cadence.
///
/// Text and thinking are cut; all other events pass as they are and keep their place between them. No byte is
/// reordered, lost or repeated, and no character as people see it (a grapheme cluster) is cut that came whole. An
/// answer that comes whole to a caller who streams is handed out the same way: it is the greatest burst of all. What is
/// asked for as a whole passes as it is: nobody watches it come.
///
/// - A speed holds in any stretch of time, to within one event, or one beat of a cadence. What was handed out is
///   paid by waiting afterwards, so the first word does not wait.
/// - The upstream is slowed down, not buffered: it is read only while everything held will be out within `window`,
///   and while less than 32 KiB are held. So the end, whether finish or error, comes at most `window` after it was
///   read.
/// - The piece of a word or a line whose end does not come is handed out after `window`.
/// - While the call is paused, time stands still here: nothing is handed out, and nothing is made up for
///   afterwards. Under the policies `spill` and `checkpoint` it goes on, because they read on.
/// - A cancel is not delayed at all.
///
/// Tokens are estimated (see [`Estimate`](belvedere_core::tokens::Estimate)); tokens and bytes count text, thinking,
/// refusals and tool arguments.
///
/// Place it outermost, behind `observe` only: what others store or check must not wait for a slow reader, and the
/// limits of `timeout` do not count the time of a reader. It costs one copy of the text, one reading of the clock
/// for each event, and a timer while it waits. Without any setting it costs nothing.
///
/// ```
/// use belvedere_core::client::Client;
/// use belvedere_core::clock::Clock;
/// use belvedere_core::testing::{Answer, ScriptedService, Simulation};
/// use belvedere_middleware::throttle::Throttle;
/// use futures_util::StreamExt;
///
/// let simulation = Simulation::new(1);
/// let burst = ScriptedService::new([Answer::text("One word after the other.")]);
/// let throttle: Throttle = serde_json::from_str(r#"{"events": "2/s"}"#)?;
/// let client = Client::new(burst, simulation.lent()).layer(throttle);
/// let words: Vec<String> = simulation.run(async {
///     let events = client.stream("hi").await?;
///     let deltas = events.filter_map(async |event| event.ok()?.delta().map(str::to_owned));
///     Ok::<_, belvedere_core::Error>(deltas.collect().await)
/// })?;
/// assert_eq!(words, ["One ", "word ", "after ", "the ", "other."]);
/// assert_eq!(simulation.clock.now().since_origin().as_millis(), 13_500, "seven waits of half a second");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Throttle {
    /// So many tokens in so much time, such as `50/s`. Default `null`: no limit.
    pub tokens: Option<Speed>,
    /// So many bytes of text in so much time. Default `null`: no limit.
    pub bytes: Option<Speed>,
    /// So many events in so much time. Default `null`: no limit.
    pub events: Option<Speed>,
    /// In which pieces text is handed out: `word`, `line`, or a time between two pieces. Default `null`: `word`
    /// where a speed is set, else as it came.
    pub by: Option<By>,
    /// How long the end, or the unfinished piece of a word or line, is held back at most. Default `1s`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub window: Duration,
}

impl Default for Throttle {
    fn default() -> Self {
        Throttle { tokens: None, bytes: None, events: None, by: None, window: Duration::from_secs(1) }
    }
}

impl Throttle {
    /// Limits the tokens.
    pub const fn with_tokens(mut self, speed: Speed) -> Self {
        self.tokens = Some(speed);
        self
    }

    /// Cuts text into these pieces.
    pub const fn with_by(mut self, by: By) -> Self {
        self.by = Some(by);
        self
    }

    fn does_nothing(&self) -> bool {
        matches!(self, Throttle { tokens: None, bytes: None, events: None, by: None, .. })
    }
}

impl Layer for Throttle {
    fn layer(&self, inner: Stack) -> Stack {
        if self.does_nothing() {
            return inner;
        }
        Stack::new(ThrottleService { throttle: *self, inner })
    }
}

/// A service whose streams are handed out evenly.
#[derive(Debug)]
struct ThrottleService {
    throttle: Throttle,
    inner: Stack,
}

impl Service for ThrottleService {
    fn info(&self) -> Info {
        self.inner.info()
    }

    fn call<'a, 'f>(&'a self, cx: Context, request: Request) -> BoxFuture<'f, Result<Events>>
    where
        'a: 'f,
        Self: 'f,
    {
        // Nobody watches a whole answer come: to cut it and to hold it back would only cost.
        if !request.stream {
            return self.inner.call(cx, request);
        }
        Box::pin(async move {
            let events = self.inner.call(cx.clone(), request).await?;
            Ok(Events::new(Throttled::new(&self.throttle, events, &cx)))
        })
    }
}
