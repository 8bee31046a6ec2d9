//! The layer is its configuration.

use belvedere_core::config::{Config, Registry};

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
    let document = json!({
        "type": "choose",
        "rules": [
            {"task": "code", "complexity_threshold": 0.6, "preferred": "small", "fallback": "large"},
            {"tags": {"plan": "free"}, "preferred": "nano"},
        ],
        "experiment": {"name": "e", "arms": [{"model": "a", "weight": 9}, {"model": "b"}], "by": "session", "task": "x"},
        "near_budget": {"above": 0.8, "model": "nano"},
        "override": true,
    });
    assert_eq!(fault(document.clone()), "built");
    let mut document = document;
    document.as_object_mut().unwrap().remove("type");
    let read = serde_json::to_value(choose(document.clone())).unwrap();
    document["experiment"]["arms"][1]["weight"] = 1.into();
    assert_eq!(read, document);
}

#[test]
fn an_empty_document_costs_nothing() {
    let inner = belvedere_core::service::Stack::new(ScriptedService::new([]));
    let layered = belvedere_core::layer::Layer::layer(&choose(json!({})), inner.clone());
    assert_eq!(format!("{layered:?}"), format!("{inner:?}"));
}

#[test]
fn all_faults_come_at_once_each_with_its_path() {
    let expected = "7 faults
  layers[0].experiment.arms: must have at least 2 items
  layers[0].experiment.arms[0].weight: must be at least 1
  layers[0].experiment.by: unknown value; allowed: call, session, user, tenant
  layers[0].near_budget.above: must be at most 1
  layers[0].rules[0].preferred: is missing
  layers[0].rules[0].complexity_threshold: must be at least 0
  layers[0].rules[1].prefered: unknown field; allowed: complexity_threshold, fallback, preferred, tags, task";
    let found = fault(json!({
        "type": "choose",
        "rules": [{"complexity_threshold": -1}, {"preferred": "m", "prefered": "n"}],
        "experiment": {"name": "e", "arms": [{"model": "a", "weight": 0}], "by": "moon"},
        "near_budget": {"above": 80, "model": "m"},
    }));
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&found), sorted(expected), "{found}");
}

#[test]
fn what_can_never_happen_is_refused() {
    assert_eq!(
        fault(json!({"type": "choose", "rules": [{"preferred": "a"}, {"preferred": "a", "fallback": "b"}]})),
        "layers[0].rules[1].fallback: is never asked without a `complexity_threshold`"
    );
    let arms = json!([{"model": "a"}, {"model": "b"}, {"model": "a"}]);
    assert_eq!(
        fault(json!({"type": "choose", "experiment": {"name": "e", "arms": arms}})),
        "layers[0].experiment.arms[2].model: is that of another arm already"
    );
}
