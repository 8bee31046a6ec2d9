//! The layer is its configuration.

use belvedere_core::config::{Config, Registry};
use belvedere_core::layer::Layer;
use belvedere_core::service::Stack;

use super::*;

fn fault(layer: Value) -> String {
    let mut registry = Registry::new();
    belvedere_middleware::register(&mut registry);
    registry.host_provider("p", ScriptedService::new([]));
    let config = Config::from(json!({"provider": {"type": "host", "name": "p"}, "layers": [layer]}));
    match registry.client_with(&config, Simulation::new(1).lent()) {
        Ok(_) => "built".to_owned(),
        Err(error) => error.message().to_owned(),
    }
}

#[test]
fn a_whole_document_builds_and_comes_back_from_its_own_json() {
    let mut document = json!({
        "type": "degrade",
        "when": ["overloaded", "timeout"],
        "model": "small",
        "answers": [{"when": ["timeout"], "tags": {"task": "support"}, "answer": "later"}],
        "answer": "sorry",
    });
    assert_eq!(fault(document.clone()), "built");
    document.as_object_mut().unwrap().remove("type");
    assert_eq!(serde_json::to_value(degrade(document.clone())).unwrap(), document);
}

#[test]
fn without_a_resort_it_costs_nothing() {
    let inner = Stack::new(ScriptedService::new([]));
    for quiet in [json!({}), json!({"when": [], "answer": "sorry"})] {
        assert_eq!(format!("{:?}", degrade(quiet).layer(inner.clone())), format!("{inner:?}"));
    }
}

#[test]
fn what_may_never_be_absorbed_can_not_be_named() {
    let found = fault(json!({"type": "degrade", "when": ["blocked"], "answers": [{"tags": {}}]}));
    let expected = "2 faults
  layers[0].answers[0].answer: is missing
  layers[0].when[0]: unknown value; allowed: network, overloaded, timeout, truncated, malformed, circuit_open, store, \
                    rate_limited, quota_exhausted, model_not_found, unauthorized, forbidden, content_filtered, unexpected";
    assert_eq!(found, expected);
    assert_eq!(
        fault(json!({"type": "degrade", "answers": [{"when": ["forbidden"], "answer": "no"}]})),
        "layers[0].answers[0].when: has a reason that the layer's `when` lacks"
    );
}

#[test]
fn every_reason_is_the_name_of_an_error_kind() {
    for kind in EVERY {
        if let Some(reason) = Reason::of(kind) {
            assert_eq!(serde_json::to_value(reason).unwrap(), kind.name());
        }
    }
}
