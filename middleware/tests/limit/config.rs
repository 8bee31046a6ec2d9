//! What a limit is told, and what it refuses to be told.

use super::*;

fn fault(json: &str) -> String {
    Limit::build(config(json), None).unwrap_err().message().to_owned()
}

#[test]
fn it_comes_back_from_its_own_json() {
    let read = config(r#"{"per": ["user", "tags.team"], "requests": "10/min", "tokens": "100000/day"}"#);
    let json = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), read);
    assert!(json.contains(r#""requests":"10/m","tokens":"100000/day""#), "{json}");
    assert_eq!(config("{}"), Config::default());
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(fault("{}"), "requests: at least one of `requests` and `tokens` must be set");
    assert_eq!(fault(r#"{"tokens": "1/s", "burst": 2}"#), "burst: is of `requests`, which is not set");
    let error = |json| serde_json::from_str::<Config>(json).unwrap_err().to_string();
    assert!(error(r#"{"requests": "ten/min"}"#).contains("must be a speed"));
    assert!(error(r#"{"requests": "0/min"}"#).contains("must be a speed"));
    assert!(error(r#"{"per": ["tennant"]}"#).contains("must be `tenant`, `project`"));
    assert!(error(r#"{"request": "1/s"}"#).contains("unknown field `request`"));
    assert!(error(r#"{"on_store_failure": "allow"}"#).contains("closed"));
}

#[test]
fn a_document_names_it_and_its_store() {
    use belvedere_core::config::{Config as Document, Registry};
    let mut registry = Registry::new();
    belvedere_middleware::register(&mut registry);
    registry.host_provider("echo", ScriptedService::always(Answer::text("hello")));
    let client = |layer: &str| {
        let json = format!(
            r#"{{"version": 1, "provider": {{"type": "host", "name": "echo"}}, "layers": [{layer}]}}"#
        );
        let document = Document::from_json(&json).unwrap();
        registry.client_with(&document, Simulation::new(1).lent()).map_err(|e| e.message().to_owned())
    };
    let client_of = |layer| client(layer).unwrap();
    let simulation = Simulation::new(1);
    for layer in [
        r#"{"type": "limit", "requests": "1/min"}"#,
        r#"{"type": "limit", "store": "memory", "requests": "1/min"}"#,
    ] {
        let client = client_of(layer);
        assert!(simulation.run(client.complete("hi")).is_ok());
        assert!(simulation.run(client.complete("hi")).is_err());
    }
    let faults = client(r#"{"type": "limit", "store": "redis", "requests": "1/min"}"#).unwrap_err();
    assert!(faults.contains("layers[0].store: no store `redis` in `stores`; known: memory"), "{faults}");
    let faults = client(r#"{"type": "limit"}"#).unwrap_err();
    assert!(faults.contains("layers[0].requests: at least one of"), "{faults}");
}

#[test]
fn a_reload_keeps_what_was_counted() {
    let before = Bench::new(r#"{"requests": "2/min"}"#);
    assert_eq!(before.burst(), 2);
    let mut limit = Limit::build(config(r#"{"requests": "3/min"}"#), None).unwrap();
    limit.adopt(&before.limit);
    let stack = limit.layer(Stack::new(before.service.clone()));
    let after = Bench { stack, limit, ..before };
    assert!(after.burst() <= 1, "at most what the larger limit has more");
}

#[test]
fn it_behaves_as_every_layer() {
    belvedere_core::testing::suite::layer(|| {
        Limit::build(config(r#"{"requests": "100/s", "tokens": "100000/s"}"#), None).unwrap()
    });
}
