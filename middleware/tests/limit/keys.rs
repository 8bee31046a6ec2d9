//! Whose calls are counted together, and how many of those are kept.

use super::*;

#[test]
fn each_key_has_its_own_quota() {
    let bench = Bench::new(r#"{"per": ["user"], "requests": "1/min"}"#);
    assert!(bench.call_of("ann", "hi".into()).is_ok());
    assert!(bench.call_of("bob", "hi".into()).is_ok());
    assert!(bench.call_of("ann", "hi".into()).is_err());
    let all = Bench::new(r#"{"requests": "1/min"}"#);
    assert!(all.call_of("ann", "hi".into()).is_ok());
    assert!(all.call_of("bob", "hi".into()).is_err());
}

#[test]
fn o6_who_finds_no_room_gets_no_more_than_one_key() {
    let bench = Bench::new(r#"{"per": ["user"], "requests": "10/h", "max_keys": 3}"#);
    for user in ["a", "b", "c"] {
        assert!(bench.call_of(user, "hi".into()).is_ok());
    }
    let through = (0..100).filter(|n| bench.call_of(&format!("new {n}"), "hi".into()).is_ok()).count();
    assert_eq!((through, bench.limit.keys()), (10, 3));
    assert!(bench.call_of("a", "hi".into()).is_ok(), "who has a place keeps it");
    bench.simulation.advance(HOUR);
    assert!(bench.call_of("new", "hi".into()).is_ok());
    assert_eq!(bench.limit.keys(), 1, "those that are full again made room");
}
