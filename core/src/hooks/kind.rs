//! The kinds of signals, by name.

use super::Signal;

impl Signal {
    /// All kinds there are: what [`kind`](Signal::kind) may say.
    pub const KINDS: &[&str] = &[
        "error",
        "retry",
        "fallback",
        "hedge",
        "state_change",
        "ejected",
        "quota",
        "degraded",
        "store_failed",
        "reloaded",
        "reload_failed",
    ];

    /// What happened, in one word: the `type` of the JSON form.
    pub fn kind(&self) -> &'static str {
        match self {
            Signal::Error { .. } => "error",
            Signal::Retry { .. } => "retry",
            Signal::Fallback { .. } => "fallback",
            Signal::Hedge { .. } => "hedge",
            Signal::StateChange { .. } => "state_change",
            Signal::Ejected { .. } => "ejected",
            Signal::Quota { .. } => "quota",
            Signal::Degraded { .. } => "degraded",
            Signal::StoreFailed { .. } => "store_failed",
            Signal::Reloaded { .. } => "reloaded",
            Signal::ReloadFailed { .. } => "reload_failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::context::CallId;
    use crate::error::{Error, ErrorKind};
    use crate::hooks::CircuitState;
    use crate::testing::SeededEntropy;

    #[test]
    fn a_kind_is_the_type_of_the_json_form() {
        let call = CallId::new(std::time::SystemTime::UNIX_EPOCH, &SeededEntropy::new(1));
        let error = || Error::new(ErrorKind::Network, "down");
        let (reason, after) = (ErrorKind::Network, Duration::from_secs(1));
        let signals = [
            Signal::Error { call, error: error() },
            Signal::Retry { call, retry: 1, reason, after },
            Signal::Fallback { call, from: "a".into(), to: "b".into(), reason },
            Signal::Hedge { call, target: "a".into(), after },
            Signal::StateChange {
                provider: "a".into(),
                model: None,
                from: CircuitState::Closed,
                to: CircuitState::Open,
            },
            Signal::Ejected { target: "a".into(), lasts: after },
            Signal::Quota {
                key: "a".into(),
                unit: "usd".into(),
                refused: true,
                used: 1,
                limit: 1,
                resets_in: None,
            },
            Signal::Degraded { call, reason },
            Signal::StoreFailed { layer: "a".into(), error: error() },
            Signal::Reloaded { generation: 2 },
            Signal::ReloadFailed { error: error() },
        ];
        assert_eq!(signals.each_ref().map(Signal::kind).as_slice(), Signal::KINDS);
        for signal in &signals {
            assert_eq!(serde_json::to_value(signal).unwrap()["type"], signal.kind());
        }
    }
}
