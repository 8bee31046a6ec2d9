//! The layer is its configuration.

use belvedere_middleware::throttle::{By, Speed};

use super::*;

fn read(json: &str) -> Result<Throttle, String> {
    serde_json::from_str(json).map_err(|e| e.to_string())
}

#[test]
fn an_empty_document_is_the_default_and_costs_nothing() {
    assert_eq!(read("{}"), Ok(Throttle::default()));
    assert_eq!(read(r#"{"tokens":null,"by":null,"window":"1s"}"#), Ok(Throttle::default()));
    let inner = Stack::new(ScriptedService::new([]));
    assert_eq!(format!("{:?}", Throttle::default().layer(inner.clone())), format!("{inner:?}"));
}

#[test]
fn it_comes_back_from_its_own_json() {
    let json = r#"{"tokens":"50/s","bytes":"4096/250ms","events":"600/m","by":"50ms","window":"2s"}"#;
    let read = throttle(json);
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    assert_eq!(read.by, Some(By::Cadence(ms(50))));
    assert_eq!((read.bytes.unwrap().units().get(), read.bytes.unwrap().per()), (4096, ms(250)));
    for (text, kept) in [("50 / 1s", "50/s"), ("1/90s", "1/1m 30s"), ("3/1h", "3/h"), ("7/10s", "7/10s")] {
        assert_eq!(text.parse::<Speed>().unwrap().to_string(), kept);
        assert_eq!(kept.parse::<Speed>().unwrap().to_string(), kept);
    }
    for by in ["word", "line", "1m 30s"] {
        assert_eq!(by.parse::<By>().unwrap().to_string(), by);
    }
}

#[test]
fn what_is_no_speed_is_refused_with_words() {
    for speed in ["50", "0/s", "-1/s", "1.5/s", "x/s", "5/0s", "5/", "/s", "5/parsec"] {
        assert!(speed.parse::<Speed>().unwrap_err().starts_with("must be a speed"), "{speed}");
    }
    assert!(read(r#"{"tokens":50}"#).is_err());
    assert!(read(r#"{"token":"50/s"}"#).unwrap_err().contains("unknown field `token`"));
    let by = read(r#"{"by":"sentence"}"#).unwrap_err();
    assert!(by.contains("must be `word`, `line` or a time between two pieces"), "{by}");
    assert!(read(r#"{"by":"0s"}"#).is_err());
}

#[test]
fn a_document_names_it_throttle() {
    let mut registry = belvedere_core::config::Registry::new();
    belvedere_middleware::register(&mut registry);
    let schema = registry.schema().to_string();
    assert!(schema.contains(r#""throttle""#) && schema.contains(r#""tokens""#), "{schema}");
}
