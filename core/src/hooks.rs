//! Signals of what the pipeline does, for whoever wants to hear them: alerts, metrics, logs.

mod kind;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use smol_str::SmolStr;

use crate::context::CallId;
use crate::duration;
use crate::error::form::reason;
use crate::error::{Error, ErrorKind};

/// What the pipeline did. In every language it is the object of its JSON form: `type`, then its fields.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Signal {
    /// A call failed: nothing absorbed the error.
    Error {
        /// The call.
        call: CallId,
        /// What its caller gets.
        error: Error,
    },
    /// An attempt failed, and another one follows.
    Retry {
        /// The call.
        call: CallId,
        /// The number of the retry; the first is 1.
        retry: u32,
        /// What the attempt failed with.
        #[serde(flatten, serialize_with = "reason::serialize")]
        reason: ErrorKind,
        /// How long it is waited.
        #[serde(with = "duration")]
        after: Duration,
    },
    /// A target failed or can't take the request, and the next one is asked.
    Fallback {
        /// The call.
        call: CallId,
        /// The target that failed.
        from: SmolStr,
        /// The target that is asked now.
        to: SmolStr,
        /// Why.
        #[serde(flatten, serialize_with = "reason::serialize")]
        reason: ErrorKind,
    },
    /// A second attempt was begun beside one that is slow.
    Hedge {
        /// The call.
        call: CallId,
        /// The target of the second attempt.
        target: SmolStr,
        /// How long the first had been waited for.
        #[serde(with = "duration")]
        after: Duration,
    },
    /// A circuit breaker changed its state.
    StateChange {
        /// The provider it guards.
        provider: SmolStr,
        /// The model it guards; absent: all of the provider's.
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<SmolStr>,
        /// Its state before.
        from: CircuitState,
        /// Its state now.
        to: CircuitState,
    },
    /// A target is left out for a while, because it failed more than its peers.
    Ejected {
        /// The target.
        target: SmolStr,
        /// For how long.
        #[serde(rename = "for", with = "duration")]
        lasts: Duration,
    },
    /// A quota is near its end or reached.
    Quota {
        /// Whose: `tenant=acme`.
        key: SmolStr,
        /// What is counted: `usd`, `tokens`, `requests`.
        unit: SmolStr,
        /// Whether the call was refused.
        refused: bool,
        /// How much is used, reservations included. Money in nano-dollars.
        used: u64,
        /// How much there is. Money in nano-dollars.
        limit: u64,
        /// When it is there again; absent: never by itself.
        #[serde(with = "duration::option", skip_serializing_if = "Option::is_none")]
        resets_in: Option<Duration>,
    },
    /// A call that failed was answered by a last resort.
    Degraded {
        /// The call.
        call: CallId,
        /// What it failed with.
        #[serde(flatten, serialize_with = "reason::serialize")]
        reason: ErrorKind,
    },
    /// A store failed, and a layer went on by its policy for that.
    StoreFailed {
        /// The layer.
        layer: SmolStr,
        /// What failed.
        error: Error,
    },
    /// A new configuration holds for calls from now on.
    Reloaded {
        /// Its generation.
        generation: u64,
    },
    /// A new configuration was refused; the one before still holds.
    ReloadFailed {
        /// What is wrong with it.
        error: Error,
    },
}

/// The state of a circuit breaker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CircuitState {
    /// Calls go through.
    #[default]
    Closed,
    /// Calls are refused.
    Open,
    /// A few calls go through as probes.
    HalfOpen,
}

/// Hears signals. Any `Fn(&Signal)` is one.
///
/// It is called where the thing happens, on the path of a call: it must return at once and must not panic. Work
/// that takes time is handed to a task of its own.
pub trait Hook: Send + Sync + 'static {
    /// Hears a signal.
    fn signal(&self, signal: &Signal);
}

impl<F: Fn(&Signal) + Send + Sync + 'static> Hook for F {
    fn signal(&self, signal: &Signal) {
        self(signal);
    }
}

/// Everybody who hears the signals of a pipeline. Cheap to clone; costs nothing while there is nobody.
#[derive(Clone, Default)]
pub struct Hooks(Option<Arc<[Arc<dyn Hook>]>>);

impl Hooks {
    /// The same with one more.
    pub fn with(&self, hook: impl Hook) -> Self {
        let hook: Arc<dyn Hook> = Arc::new(hook);
        Hooks(Some(self.0.iter().flat_map(|hooks| hooks.iter().cloned()).chain([hook]).collect()))
    }

    /// Tells everybody. The signal is made only if there is somebody.
    pub fn emit(&self, signal: impl FnOnce() -> Signal) {
        if let Some(hooks) = &self.0 {
            let signal = signal();
            hooks.iter().for_each(|hook| hook.signal(&signal));
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hooks({})", self.0.as_ref().map_or(0, |hooks| hooks.len()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn all_hear_a_signal_in_order_and_none_is_made_for_nobody() {
        Hooks::default().emit(|| unreachable!("nobody hears"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = |name| {
            let heard = heard.clone();
            move |signal: &Signal| {
                heard.lock().unwrap().push(format!("{name} {}", serde_json::to_string(signal).unwrap()))
            }
        };
        Hooks::default()
            .with(ear("a"))
            .with(ear("b"))
            .emit(|| Signal::Ejected { target: "t".into(), lasts: Duration::from_secs(30) });
        let json = r#"{"type":"ejected","target":"t","for":"30s"}"#;
        assert_eq!(*heard.lock().unwrap(), [format!("a {json}"), format!("b {json}")]);
    }
}
