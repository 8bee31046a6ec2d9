//! What is known of a stream while it runs, and after it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::context::Attempt;
use crate::duration;
use crate::events::EndKind;
use crate::usage::Usage;

/// How far a stream is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// Whether it runs, is paused, or has ended, and how.
    pub state: StreamState,
    /// Events handed out.
    pub events: u64,
    /// Bytes of text, thinking and tool arguments handed out, in UTF-8.
    pub bytes: u64,
    /// Tokens handed out: estimated while the stream runs, and the provider's count where it gave one at the end.
    pub tokens: u64,
    /// True when `tokens` is the provider's count.
    pub tokens_counted: bool,
    /// Bytes of memory that a pause holds back.
    pub buffered: u64,
    /// From the start of the call until now, or until the end. Pauses count.
    #[serde(with = "duration")]
    pub elapsed: Duration,
    /// How long of that it was paused.
    #[serde(with = "duration")]
    pub paused: Duration,
    /// From the start of the call until the first content was handed out.
    #[serde(with = "duration::option")]
    pub first_event: Option<Duration>,
    /// Tokens a second over the last five seconds.
    pub rate: f64,
    /// Tokens a second since the first content, pauses left out.
    pub mean_rate: f64,
    /// How much of the answer is there, 0 to 1, where a bound is known: the length it is expected to have, the
    /// properties of the schema it follows, or `max_tokens`, which few answers reach.
    pub fraction: Option<f64>,
    /// How often two seconds or more passed without an event, pauses left out.
    pub stalls: u32,
    /// The longest time without an event, pauses left out; the one that lasts included. A stream of more than a
    /// thousand events a second is looked at once in eight events.
    #[serde(with = "duration")]
    pub longest_gap: Duration,
}

/// Where a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StreamState {
    /// Nothing of the answer was handed out yet.
    Waiting,
    /// Content flows.
    Running,
    /// Paused by its caller.
    Paused,
    /// Over.
    Ended(EndKind),
}

/// How a stream went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Metrics {
    /// Counts and times.
    pub progress: Progress,
    /// The attempts of its call, in the order they began.
    pub attempts: Vec<Attempt>,
    /// What the answer used, all attempts together; `None` while it is unknown.
    pub usage: Option<Arc<Usage>>,
}
