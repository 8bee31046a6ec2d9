//! What documents may say.

use belvedere_core::config::{Config, Registry};
use belvedere_core::credentials::Secret;
use serde_json::{Value, json};

use super::*;

/// Documents of `{type: says, text: ...}` providers, and the layers of this crate.
fn registry() -> Registry {
    #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Says {
        #[serde(default)]
        text: String,
        #[serde(default)]
        fails: Option<String>,
        #[serde(default)]
        model: Option<String>,
        #[serde(default)]
        key: Option<Secret>,
    }
    let mut registry = Registry::new();
    registry.provider("says", |says: Says, _| {
        drop(says.key);
        let answer = match &says.fails {
            Some(name) => {
                let kind = ErrorKind::ALL.into_iter().find(|kind| kind.name() == name).unwrap();
                failing(kind)
            }
            None => Answer::text(&says.text),
        };
        let model: &'static str = Box::leak(says.model.unwrap_or_else(|| says.text.clone()).into_boxed_str());
        Ok(Of("says", model, ScriptedService::always(answer)))
    });
    belvedere_middleware::register(&mut registry);
    registry
}

fn client(document: Value) -> Result<(Simulation, Client)> {
    let simulation = Simulation::new(1);
    let client = registry().client_with(&Config::from(document), simulation.lent())?;
    Ok((simulation, client))
}

fn fault(document: Value) -> String {
    client(document).unwrap_err().message().to_owned()
}

#[test]
fn a_document_of_all_there_is() {
    let (simulation, client) = client(json!({ "layers": [{
        "type": "route",
        "strategy": "least_latency",
        "sticky": "session",
        "hedge": { "quantile": 0.9, "max": 0.02, "min_samples": 50 },
        "ejection": {
            "consecutive": 3, "failure_rate": 0.3, "min_calls": 10, "base": "10s", "max": "1m", "share": 0.3,
        },
        "targets": [
            { "name": "main", "provider": { "type": "says", "fails": "overloaded" }, "weight": 3 },
            {
                "provider": { "type": "says", "text": "here" },
                "layers": [{ "type": "retry", "attempts": 2 }, { "type": "timeout", "first_event": "30s" }],
                "when": ["overloaded", "rate_limited", "context_too_long"],
            },
        ],
    }] }))
    .unwrap();
    let answer = complete(&simulation, &client).unwrap();
    assert_eq!(notices(&answer), ["main -> says/here: overloaded: no"]);
}

#[test]
fn a_provider_of_the_document_is_the_first_target_with_the_layers_behind_the_route() {
    let (simulation, client) = client(json!({
        "provider": { "type": "says", "fails": "network" },
        "layers": [
            { "type": "route", "primary": "main", "targets": [{ "provider": { "type": "says", "text": "b" } }] },
            { "type": "retry", "attempts": 2 },
        ],
    }))
    .unwrap();
    let answer = complete(&simulation, &client).unwrap();
    assert!(notices(&answer).contains(&"main -> says/b: network: no".to_owned()), "{:?}", answer.notices);
    assert_eq!(answer.attempts.len(), 3, "two of main: {:?}", answer.attempts);
}

#[test]
fn the_route_has_the_name_of_its_first_target() {
    let (_, client) = client(json!({ "layers": [{ "type": "route", "targets": [
        { "provider": { "type": "says", "text": "a" } }, { "provider": { "type": "says", "text": "b" } },
    ] }] }))
    .unwrap();
    let info = client.info();
    assert_eq!((info.name.as_str(), info.model.as_deref(), info.resumes), ("says", Some("a"), false));
}

#[test]
fn all_faults_are_told_with_their_paths() {
    let says = |text: &str| json!({ "type": "says", "text": text });
    let found = fault(json!({ "layers": [{
        "type": "route",
        "strategy": "best",
        "hedge": { "quantile": 2.0 },
        "targets": [
            { "provider": { "type": "says", "txt": "a" }, "when": ["slow"] },
            { "provider": says("a"), "weight": -1, "layers": [{ "type": "retri" }] },
            { "layers": [] },
        ],
    }] }));
    for part in [
        "layers[0].strategy: ",
        "layers[0].hedge.quantile: ",
        "layers[0].targets[0].when[0]: ",
        "layers[0].targets[1].weight: ",
        "layers[0].targets[2].provider: is missing",
    ] {
        assert!(found.contains(part), "{part} in {found}");
    }
    let found = fault(json!({ "layers": [{ "type": "route", "targets": [
        { "provider": { "type": "says", "txt": "a" } }, { "provider": says("a"), "layers": [{ "type": "retri" }] },
    ] }] }));
    assert!(found.contains("layers[0].targets[0].provider.txt: unknown field"), "{found}");
    assert!(found.contains("layers[0].targets[1].layers[0].type: unknown layer `retri`"), "{found}");
    let found = fault(json!({ "layers": [{ "type": "route",
        "ejection": { "base": "2m", "max": "1m" },
        "targets": [
            { "provider": says("a") }, { "provider": says("a"), "when": [] }, { "name": "primary", "provider": says("b") },
        ],
    }] }));
    let expected = "ejection.max: must be at least ejection.base; targets[1].when: must name a kind of error; leave it \
        out to allow all that fit; targets[1].name: `says/a` is the name of targets[0]; give each its own; \
        targets[2].name: `primary` is the name of primary; give each its own";
    assert_eq!(found, format!("layers[0].{expected}"));
}

#[test]
fn a_verdict_can_not_be_a_condition() {
    for kind in ["blocked", "cancelled"] {
        let found = fault(json!({ "layers": [{ "type": "route", "targets": [
            { "provider": { "type": "says" }, "when": [kind] },
        ] }] }));
        assert!(found.starts_with("layers[0].targets[0].when[0]: "), "{found}");
        assert!(found.contains("context_too_long"), "{found}");
    }
}

#[test]
fn two_owners_of_retry_are_refused() {
    let found = fault(json!({
        "layers": [
            { "type": "route", "targets": [{ "provider": { "type": "says" }, "layers": [{ "type": "retry" }, { "type": "retry" }] }] },
        ],
    }));
    assert!(found.contains("a second `retry`"), "{found}");
}
