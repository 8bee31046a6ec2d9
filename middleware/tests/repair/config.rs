//! The layer is its configuration.

use belvedere_core::config::{Config, Registry};

use super::*;

fn read_json(json: &str) -> Result<Repair, String> {
    serde_json::from_str(json).map_err(|e| e.to_string())
}

#[test]
fn an_empty_document_is_the_default() {
    assert_eq!(read_json("{}"), Ok(Repair::default()));
    let repair = read_json(r#"{"policy":"restart","attempts":5,"backoff":"0s"}"#).unwrap();
    assert_eq!((repair.policy, repair.attempts), (Policy::Restart, 5));
    assert_eq!(repair.backoff, Duration::ZERO);
    assert_eq!(repair.ask, Repair::ASK);
}

#[test]
fn it_comes_back_from_its_own_json() {
    let json = serde_json::to_string(&Repair::default()).unwrap();
    assert_eq!(
        json,
        r#"{"policy":"continue","attempts":2,"ask":"{\"continue_after\": {tail}}","backoff":"250ms"}"#
    );
    assert_eq!(read_json(&json), Ok(Repair::default()));
}

#[test]
fn what_it_does_not_know_is_refused_with_words() {
    assert!(read_json(r#"{"retries":1}"#).unwrap_err().contains("unknown field `retries`"));
    assert!(read_json(r#"{"policy":"hope"}"#).unwrap_err().contains("`fail`, `restart`, `continue`"));
    assert!(read_json(r#"{"backoff":"1"}"#).unwrap_err().contains("must be a duration with units"));
}

#[test]
fn a_document_names_it_and_its_place_is_outside_the_timeout() {
    let mut registry = Registry::new();
    belvedere_middleware::register(&mut registry);
    let faults = |layers: &str| {
        let config = Config::from_json(&format!(r#"{{"version":1,"layers":[{layers}]}}"#)).unwrap();
        registry.client(&config).unwrap_err().to_string()
    };
    let wrong = faults(r#"{"type":"timeout"},{"type":"repair"}"#);
    assert!(wrong.contains("`repair` stands inside `timeout`"), "{wrong}");
    assert!(!faults(r#"{"type":"repair"},{"type":"timeout"}"#).contains("repair"));
}

#[test]
fn only_a_layer_that_repairs_resumes() {
    let resumes = |p| policy(p).layer(Stack::new(ScriptedService::default())).info().resumes;
    assert_eq!([Policy::Fail, Policy::Restart, Policy::Continue].map(resumes), [false, true, true]);
}
