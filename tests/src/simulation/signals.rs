//! What the pipeline tells its hooks, held to the laws.

use belvedere::SmolStr;
use belvedere::context::CallId;
use belvedere::hooks::{CircuitState, Signal};

use super::answer::Answer;
use super::scene::{Scene, Seen};
use super::secrets_of;

/// What signals, clocks and reloads are counted by, in the order of the table.
pub(super) const HAPPENINGS: [&str; 18] = [
    "retry",
    "fallback",
    "hedge",
    "circuit opens",
    "circuit is half-open",
    "circuit closes",
    "target is left out",
    "quota is near its end",
    "quota is reached",
    "last resort",
    "store fails a layer",
    "reload",
    "reload is refused",
    "suspend",
    "wall clock forwards",
    "wall clock backwards",
    "monotonic clocks backwards",
    "late timer",
];

/// Hears the signals of a run.
#[derive(Debug, Clone)]
pub(super) struct Ear {
    pub(super) scene: Scene,
    /// The last resorts.
    pub(super) canned: Vec<&'static str>,
}

impl Ear {
    /// Hears a signal.
    pub(super) fn hear(&self, signal: &Signal) {
        let Ear { scene, .. } = self;
        let text = serde_json::to_string(signal).unwrap_or_default();
        scene.note(|| format!("signal: {text}"));
        self.secrets(signal, &text);
        if let Some(name) = name_of(signal) {
            scene.happened(name);
        }
        match signal {
            Signal::Retry { call, .. } => {
                scene.lock().retries += 1;
                self.of(*call, |seen| seen.further += 1);
            }
            Signal::Fallback { call, .. } | Signal::Hedge { call, .. } => {
                self.of(*call, |seen| seen.further += 1);
            }
            Signal::Degraded { call, .. } => {
                let canned = self.canned.iter().map(|text| Answer::said(text).into());
                self.of(*call, |seen| {
                    seen.degraded = true;
                    seen.truths.extend(canned);
                });
            }
            Signal::StateChange { provider, model, to, .. } => self.turns(provider, model.as_ref(), *to),
            _ => {}
        }
    }

    /// Law W12: signals go to logs and alerts.
    fn secrets(&self, signal: &Signal, text: &str) {
        let calls = self.scene.lock().calls.len();
        // All but errors print what their JSON says.
        let debug = match signal {
            Signal::Error { error, .. } | Signal::StoreFailed { error, .. } => format!("{error:?}"),
            _ => String::new(),
        };
        // The error of a call has its partial answer, for whoever asks for that; its text has not.
        let has_partial = matches!(signal, Signal::Error { .. });
        for (what, secret) in (0..calls).flat_map(secrets_of) {
            let is_in_text = text.contains(&secret) && !(has_partial && what == "the answer");
            if is_in_text || debug.contains(&secret) {
                self.scene.breach("W12", format_args!("{what} stands in a signal: {text}"));
            }
        }
    }

    fn of(&self, call: CallId, look: impl FnOnce(&mut Seen)) {
        let mut state = self.scene.lock();
        let known = |seen: &&mut Seen| seen.calls.iter().any(|known| known.id == call);
        state.calls.iter_mut().find(known).map(look);
    }

    fn turns(&self, provider: &SmolStr, model: Option<&SmolStr>, to: CircuitState) {
        self.scene.lock().circuits.turn(provider, model, to);
    }
}

/// What a signal is counted as.
fn name_of(signal: &Signal) -> Option<&'static str> {
    Some(match signal {
        Signal::Retry { .. } => "retry",
        Signal::Fallback { .. } => "fallback",
        Signal::Hedge { .. } => "hedge",
        Signal::StateChange { to: CircuitState::Open, .. } => "circuit opens",
        Signal::StateChange { to: CircuitState::HalfOpen, .. } => "circuit is half-open",
        Signal::StateChange { to: CircuitState::Closed, .. } => "circuit closes",
        Signal::Ejected { .. } => "target is left out",
        Signal::Quota { refused: false, .. } => "quota is near its end",
        Signal::Quota { refused: true, .. } => "quota is reached",
        Signal::Degraded { .. } => "last resort",
        Signal::StoreFailed { .. } => "store fails a layer",
        Signal::Reloaded { .. } => "reload",
        Signal::ReloadFailed { .. } => "reload is refused",
        _ => return None,
    })
}
