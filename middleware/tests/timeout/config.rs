//! The layer is its configuration.

use super::*;

fn read(json: &str) -> Result<Timeout, String> {
    serde_json::from_str(json).map_err(|e| e.to_string())
}

#[test]
fn an_empty_document_is_the_default_and_null_is_off() {
    assert_eq!(read("{}"), Ok(Timeout::default()));
    let off = r#"{"connect":null,"first_event":null,"idle":null,"total":null}"#;
    assert_eq!(read(off), Ok(Timeout::off()));
    assert_eq!(read(r#"{"total":"5m"}"#).unwrap().total, Some(300 * SECOND));
    assert_eq!(read(r#"{"total":"5m"}"#).unwrap().idle, Some(120 * SECOND));
}

#[test]
fn it_comes_back_from_its_own_json() {
    let json = serde_json::to_string(&Timeout::default()).unwrap();
    assert_eq!(json, r#"{"connect":"10s","first_event":"10m","idle":"2m","total":null}"#);
    assert_eq!(read(&json), Ok(Timeout::default()));
}

#[test]
fn what_is_no_limit_is_refused_with_words() {
    assert!(read(r#"{"idel":"1s"}"#).unwrap_err().contains("unknown field `idel`"));
    assert!(read(r#"{"idle":"20"}"#).unwrap_err().contains("must be a duration with units"));
    assert!(read(r#"{"idle":20}"#).is_err());
}

#[test]
fn all_off_costs_nothing() {
    let service = ScriptedService::new([]);
    let inner = Stack::new(service);
    assert_eq!(format!("{:?}", Timeout::off().layer(inner.clone())), format!("{inner:?}"));
}
