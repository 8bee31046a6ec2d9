//! The layer is its configuration.

use super::*;

#[test]
fn an_empty_document_is_the_default() {
    let all = json!({
        "failures": 10, "rate": 0.5, "window": "1m", "min_calls": 30, "slow": null, "open_for": "30s",
        "probes": 1, "probe_lease": "1m", "cooldown": "1m", "models": 1000,
    });
    assert_eq!(serde_json::to_value(breaker(json!({}))).unwrap(), all);
    assert_eq!(serde_json::to_value(breaker(all.clone())).unwrap(), all);
    let slow = breaker(json!({ "slow": {} })).slow.unwrap();
    assert_eq!(serde_json::to_value(slow).unwrap(), json!({ "after": "30s", "rate": 0.8 }));
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
            "type": "breaker", "failures": 0, "rate": 1.5, "slow": { "rate": 0 }, "probes": 0, "open_for": 30,
            "models": 0, "threshold": 5,
        }],
    });
    let config = belvedere_core::config::Config::from_json(&document.to_string()).unwrap();
    let error = registry.client_with(&config, Simulation::new(1).lent()).unwrap_err().to_string();
    for fault in [
        "layers[0].failures: ",
        "layers[0].rate: must be at most 1",
        "layers[0].slow.rate: must be at least 0.01",
        "layers[0].probes: must be at least 1",
        "layers[0].open_for: ",
        "layers[0].models: must be at least 1",
        "layers[0].threshold: ",
    ] {
        assert!(error.contains(fault), "{fault} in {error}");
    }
}
