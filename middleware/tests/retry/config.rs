//! The layer is its configuration.

use belvedere_core::layer::Layer;
use belvedere_core::service::Stack;
use serde_json::json;

use super::*;

fn read(json: &str) -> Result<Retry, String> {
    serde_json::from_str(json).map_err(|e| e.to_string())
}

#[test]
fn an_empty_document_is_the_default() {
    let all = json!({
        "attempts": 3, "backoff": "500ms", "max_backoff": "8s", "max_wait": "1m",
        "budget": { "retries": 100, "ratio": 0.3 },
        "on": ["network", "overloaded", "rate_limited", "timeout", "truncated", "malformed"],
    });
    assert_eq!(serde_json::to_value(read("{}").unwrap()).unwrap(), all);
    assert_eq!(serde_json::to_value(retry(all.clone())).unwrap(), all);
}

#[test]
fn one_attempt_or_nothing_to_retry_costs_nothing() {
    for none in [r#"{"attempts":1}"#, r#"{"on":[]}"#] {
        let inner = Stack::new(ScriptedService::new([]));
        assert_eq!(format!("{:?}", read(none).unwrap().layer(inner.clone())), format!("{inner:?}"));
    }
}

#[test]
fn all_faults_of_a_document_are_told_at_once() {
    let mut registry = belvedere_core::config::Registry::new();
    belvedere_middleware::register(&mut registry);
    registry.host_provider("none", ScriptedService::new([]));
    let document = json!({
        "version": 1,
        "provider": { "type": "host", "name": "none" },
        "layers": [{
            "type": "retry", "attempts": 0, "backoff": "soon", "budget": { "ratio": 2 }, "on": ["invalid_request"],
            "tries": 3,
        }],
    });
    let config = belvedere_core::config::Config::from_json(&document.to_string()).unwrap();
    let error = registry.client_with(&config, Simulation::new(1).lent()).unwrap_err().to_string();
    for fault in [
        "layers[0].attempts: must be at least 1",
        "layers[0].backoff: ",
        "layers[0].budget.ratio: must be at most 1",
        "layers[0].on[0]: ",
        "layers[0].tries: ",
    ] {
        assert!(error.contains(fault), "{fault} in {error}");
    }
}
