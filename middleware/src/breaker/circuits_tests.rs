//! How many models are kept, and which.

use super::*;
use crate::breaker::Breaker;

#[test]
fn o6_a_million_models_take_the_room_of_a_thousand() {
    let rules = Breaker { failures: Some(std::num::NonZeroU32::MIN), ..Breaker::default() };
    let mut circuits = Circuits::default();
    let mut call = |model: SmolStr, outcome, millis| {
        let now = Instant::from_origin(Duration::from_millis(millis));
        let passes = circuits.admit(&model, now, &rules).0.unwrap();
        circuits.settle(&model, passes, outcome, None, now, &rules);
        circuits.models.len()
    };
    call("bad".into(), Outcome::Bad, 0);
    let most = (1..1_000_000).map(|i| call(SmolStr::from(format!("tenant-{i}")), Outcome::Good, i)).max();
    assert_eq!(most, Some(1000));
    let kept = |model: &str| circuits.models.contains_key(model);
    assert!(kept("bad"), "what is open is forgotten last");
    assert!(kept("tenant-999999") && kept("tenant-999500") && !kept("tenant-998000"), "the latest are kept");
}
