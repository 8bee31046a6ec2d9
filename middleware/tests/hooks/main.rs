//! The JSON of every signal: what the hooks of all languages hear. It does not change without a word in the changelog.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use belvedere_core::client::Client;
use belvedere_core::context::CallId;
use belvedere_core::entropy::Entropy;
use belvedere_core::error::{Error, ErrorKind, TimeoutPhase};
use belvedere_core::hooks::{CircuitState, Signal};
use belvedere_core::testing::{Answer, ScriptedService, Simulation};
use belvedere_middleware::degrade::Degrade;
use belvedere_middleware::retry::Retry;
use serde_json::{Value, json};

#[derive(Debug)]
struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

const ID: &str = "00000000-0000-7000-8000-000000000000";

/// Every signal, and its JSON.
fn golden() -> Vec<(Signal, Value)> {
    let call = CallId::new(SystemTime::UNIX_EPOCH, &Zeros);
    let error = || Error::new(ErrorKind::Overloaded, "busy");
    let told = || serde_json::to_value(error()).unwrap();
    let second = Duration::from_secs(1);
    let key = || "tenant=acme".into();
    vec![
        (Signal::Error { call, error: error() }, json!({"type": "error", "call": ID, "error": told()})),
        (
            Signal::Retry { call, retry: 1, reason: ErrorKind::RateLimited, after: second },
            json!({"type": "retry", "call": ID, "retry": 1, "reason": "rate_limited", "after": "1s"}),
        ),
        (
            Signal::Retry {
                call,
                retry: 2,
                reason: ErrorKind::Timeout(TimeoutPhase::Idle),
                after: second / 4,
            },
            json!({"type": "retry", "call": ID, "retry": 2, "reason": "timeout", "phase": "idle", "after": "250ms"}),
        ),
        (
            Signal::Fallback { call, from: "a".into(), to: "b".into(), reason: ErrorKind::Overloaded },
            json!({"type": "fallback", "call": ID, "from": "a", "to": "b", "reason": "overloaded"}),
        ),
        (
            Signal::Hedge { call, target: "b".into(), after: second },
            json!({"type": "hedge", "call": ID, "target": "b", "after": "1s"}),
        ),
        (
            Signal::StateChange {
                provider: "p".into(),
                model: Some("m".into()),
                from: CircuitState::Open,
                to: CircuitState::HalfOpen,
            },
            json!({"type": "state_change", "provider": "p", "model": "m", "from": "open", "to": "half_open"}),
        ),
        (
            Signal::StateChange {
                provider: "p".into(),
                model: None,
                from: CircuitState::HalfOpen,
                to: CircuitState::Closed,
            },
            json!({"type": "state_change", "provider": "p", "from": "half_open", "to": "closed"}),
        ),
        (
            Signal::Ejected { target: "a".into(), lasts: 30 * second },
            json!({"type": "ejected", "target": "a", "for": "30s"}),
        ),
        (
            Signal::Quota {
                key: key(),
                unit: "usd".into(),
                refused: false,
                used: 8,
                limit: 10,
                resets_in: Some(second),
            },
            json!({"type": "quota", "key": "tenant=acme", "unit": "usd", "refused": false, "used": 8, "limit": 10,
                   "resets_in": "1s"}),
        ),
        (
            Signal::Quota {
                key: key(),
                unit: "tokens".into(),
                refused: true,
                used: 10,
                limit: 10,
                resets_in: None,
            },
            json!({"type": "quota", "key": "tenant=acme", "unit": "tokens", "refused": true, "used": 10, "limit": 10}),
        ),
        (
            Signal::Degraded { call, reason: ErrorKind::CircuitOpen },
            json!({"type": "degraded", "call": ID, "reason": "circuit_open"}),
        ),
        (
            Signal::StoreFailed { layer: "budget".into(), error: error() },
            json!({"type": "store_failed", "layer": "budget", "error": told()}),
        ),
        (Signal::Reloaded { generation: 2 }, json!({"type": "reloaded", "generation": 2})),
        (Signal::ReloadFailed { error: error() }, json!({"type": "reload_failed", "error": told()})),
    ]
}

#[test]
fn the_json_of_every_signal_is_stable() {
    for (signal, json) in golden() {
        assert_eq!(serde_json::to_value(&signal).unwrap(), json);
    }
}

#[test]
fn an_error_in_a_signal_has_its_kind_and_its_words() {
    let error = serde_json::to_value(Error::new(ErrorKind::Overloaded, "busy")).unwrap();
    assert_eq!(error.get("kind"), Some(&json!("overloaded")));
    assert_eq!(error.get("message"), Some(&json!("busy")));
}

#[test]
fn each_hook_hears_its_own_of_a_call_that_is_retried_and_degraded() {
    let simulation = Simulation::new(1);
    let busy = || Answer::refused(Error::new(ErrorKind::Overloaded, "busy"));
    let service = ScriptedService::new([
        busy(),
        busy(),
        busy(),
        Answer::refused(Error::new(ErrorKind::Forbidden, "no")),
    ]);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = |name: &'static str| {
        let heard = heard.clone();
        move |signal: &Signal| {
            let json = serde_json::to_value(signal).unwrap();
            let kind = json.get("type").and_then(Value::as_str).unwrap().to_owned();
            heard.lock().unwrap().push(format!("{name}: {kind}"));
        }
    };
    let client = Client::new(service, simulation.lent())
        .on_error(ear("on_error"))
        .on_retry(ear("on_retry"))
        .on(ear("on"))
        .layer(Degrade::default().with_answer("sorry"))
        .layer(Retry::default());
    let hear = |question: &str| {
        let answer = simulation.run(client.complete(question.to_owned()));
        (answer.is_ok(), std::mem::take(&mut *heard.lock().unwrap()))
    };
    let retried = ["on_retry: retry", "on: retry"];
    let degraded: Vec<&str> = retried.into_iter().chain(retried).chain(["on: degraded"]).collect();
    assert_eq!(hear("three times busy"), (true, degraded.iter().map(ToString::to_string).collect()));
    let failed = ["on_error: error", "on: error"].map(str::to_owned).to_vec();
    assert_eq!(hear("forbidden"), (false, failed));
}
