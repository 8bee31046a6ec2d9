//! What a budget is told, and what it refuses to be told.

use super::*;

fn fault(json: &str) -> String {
    let store = MemoryStore::new(Arc::new(Simulation::new(1).clock));
    Budget::build(config(json), Arc::new(store)).unwrap_err().message().to_owned()
}

#[test]
fn it_comes_back_from_its_own_json() {
    for json in [
        r#"{"per": ["tenant"], "limit": {"usd": 50, "every": "1d"}, "unknown_price": {"assume": {"input": "3"}}}"#,
        r#"{"limit": {"tokens": 5, "every": "month"}, "keep": "1h", "abandoned": "drain", "soft": null}"#,
        "{}",
    ] {
        let read = config(json);
        assert_eq!(config(&serde_json::to_string(&read).unwrap()), read, "{json}");
    }
    assert_eq!(config("{}"), Config::default());
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    assert_eq!(fault("{}"), "limit: one of `usd` and `tokens` must be set");
    assert_eq!(
        fault(r#"{"limit": {"usd": 1, "tokens": 1}}"#),
        "limit: only one of `usd` and `tokens` can be set"
    );
    assert_eq!(fault(r#"{"limit": {"usd": 1}, "soft": 80}"#), "soft: must be from 0 to 1");
    let error = |json| serde_json::from_str::<Config>(json).unwrap_err().to_string();
    assert!(error(r#"{"limit": {"usd": -1}}"#).contains("must be US dollars, 0 or more"));
    assert!(error(r#"{"limit": {"usd": 1, "every": "monthly"}}"#).contains("or `month`, or `never`"));
    assert!(error(r#"{"limit": {"eur": 1}}"#).contains("unknown field `eur`"));
    assert!(error(r#"{"top_up": 0}"#).contains("nonzero"));
}

#[test]
fn a_document_names_it_and_its_store() {
    use belvedere_core::config::{Config as Document, Registry};
    let mut registry = Registry::new();
    belvedere_middleware::register(&mut registry);
    registry.host_provider("echo", always(answer(40, 60)));
    let client = |layer: &str| {
        let json = format!(
            r#"{{"version": 1, "provider": {{"type": "host", "name": "echo"}}, "layers": [{layer}]}}"#
        );
        let document = Document::from_json(&json).unwrap();
        registry.client_with(&document, Simulation::new(1).lent()).map_err(|e| e.message().to_owned())
    };
    let simulation = Simulation::new(1);
    let named =
        client(r#"{"type": "budget", "per": ["tenant"], "limit": {"tokens": 200, "every": "1d"}}"#).unwrap();
    assert!(simulation.run(named.complete(whole(193))).is_ok());
    assert!(simulation.run(named.complete(whole(193))).is_err());
    let faults = client(r#"{"type": "budget", "store": "redis", "limit": {"usd": 1}}"#).unwrap_err();
    assert!(faults.contains("layers[0].store: no store `redis` in `stores`; known: memory"), "{faults}");
    let faults = client(r#"{"type": "budget"}"#).unwrap_err();
    assert!(faults.contains("layers[0].limit: one of `usd` and `tokens` must be set"), "{faults}");
}
