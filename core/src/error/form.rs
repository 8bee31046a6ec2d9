//! The form of a kind in JSON: its name, and the phase of a timeout beside it, as an error itself has them.
//!
//! The modules are for `#[serde(flatten, with = "...")]`: only the key of the name differs from place to place.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

use super::{ErrorKind, TimeoutPhase};

impl Serialize for ErrorKind {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ErrorKind {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        read(&SmolStr::deserialize(d)?, None)
    }
}

/// Writes a kind into the map around it.
fn write<S: Serializer>(key: &'static str, kind: Option<ErrorKind>, s: S) -> Result<S::Ok, S::Error> {
    let mut map = s.serialize_map(None)?;
    if let Some(kind) = kind {
        map.serialize_entry(key, kind.name())?;
    }
    if let Some(phase) = kind.and_then(ErrorKind::phase) {
        map.serialize_entry("phase", &phase)?;
    }
    map.end()
}

fn read<E: serde::de::Error>(name: &str, phase: Option<TimeoutPhase>) -> Result<ErrorKind, E> {
    ErrorKind::named(name, phase).ok_or_else(|| {
        let mut known = ErrorKind::ALL.map(ErrorKind::name).to_vec();
        known.dedup();
        E::custom(format_args!("unknown kind of error; allowed: {}", known.join(", ")))
    })
}

/// Under `error`, where there may be none.
pub(crate) mod error {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(kind: &Option<ErrorKind>, s: S) -> Result<S::Ok, S::Error> {
        write("error", *kind, s)
    }

    #[derive(Deserialize)]
    struct Named {
        error: Option<SmolStr>,
        phase: Option<TimeoutPhase>,
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<ErrorKind>, D::Error> {
        let Named { error, phase } = Named::deserialize(d)?;
        error.map(|name| read(&name, phase)).transpose()
    }
}

/// Under `kind`.
pub(crate) mod kind {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(kind: &ErrorKind, s: S) -> Result<S::Ok, S::Error> {
        write("kind", Some(*kind), s)
    }

    #[derive(Deserialize)]
    struct Named {
        kind: SmolStr,
        phase: Option<TimeoutPhase>,
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<ErrorKind, D::Error> {
        let Named { kind, phase } = Named::deserialize(d)?;
        read(&kind, phase)
    }
}

/// Under `reason`, of a signal: those are only written.
pub(crate) mod reason {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(kind: &ErrorKind, s: S) -> Result<S::Ok, S::Error> {
        write("reason", Some(*kind), s)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;
    use crate::context::{Attempt, CallId};
    use crate::hooks::Signal;

    fn attempt(error: Option<ErrorKind>) -> Attempt {
        Attempt { provider: "p".into(), error, ..Attempt::default() }
    }

    #[test]
    fn an_attempt_says_what_it_failed_with_as_an_error_does() {
        let idle = attempt(Some(ErrorKind::Timeout(TimeoutPhase::Idle)));
        let written = serde_json::to_value(&idle).unwrap();
        assert_eq!(written, json!({ "provider": "p", "error": "timeout", "phase": "idle" }));
        assert_eq!(serde_json::to_value(attempt(None)).unwrap(), json!({ "provider": "p" }));
        let error = super::super::Error::new(ErrorKind::Timeout(TimeoutPhase::Idle), "x");
        let error = serde_json::to_value(error).unwrap();
        assert_eq!((&written["error"], &written["phase"]), (&error["kind"], &error["phase"]));
    }

    #[test]
    fn every_kind_reads_back() {
        for kind in ErrorKind::ALL.map(Some).into_iter().chain([None]) {
            let written = serde_json::to_string(&attempt(kind)).unwrap();
            assert_eq!(serde_json::from_str::<Attempt>(&written).unwrap(), attempt(kind));
        }
        let unknown = serde_json::from_value::<Attempt>(json!({ "error": "colour" }));
        assert!(
            unknown
                .unwrap_err()
                .to_string()
                .contains("unknown kind of error; allowed: network, overloaded, timeout, truncated")
        );
    }

    #[test]
    fn alone_it_is_its_name() {
        for kind in ErrorKind::ALL {
            let written = serde_json::to_value(kind).unwrap();
            assert_eq!(written, kind.name());
            let read: ErrorKind = serde_json::from_value(written).unwrap();
            assert_eq!(read.name(), kind.name());
        }
    }

    #[test]
    fn a_signal_says_its_reason_so() {
        let signal = |reason| Signal::Degraded { call: call(), reason };
        let written = serde_json::to_value(signal(ErrorKind::Timeout(TimeoutPhase::Total))).unwrap();
        let expected = json!({ "type": "degraded", "call": call(), "reason": "timeout", "phase": "total" });
        assert_eq!(written, expected);
        let written = serde_json::to_value(signal(ErrorKind::Overloaded)).unwrap();
        assert_eq!(written, json!({ "type": "degraded", "call": call(), "reason": "overloaded" }));
    }

    fn call() -> CallId {
        crate::testing::Simulation::new(1).context().call.id
    }
}
