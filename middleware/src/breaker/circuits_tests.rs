//! How many models are kept, and which.

use super::*;
use crate::breaker::Breaker;

/// A build that is not optimized would take minutes for all of them.
const MODELS: u64 = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };

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
    let most = (1..MODELS).map(|i| call(SmolStr::from(format!("tenant-{i}")), Outcome::Good, i)).max();
    assert_eq!(most, Some(1000));
    let kept = |model: &str| circuits.models.contains_key(model);
    assert!(kept("bad"), "what is open is forgotten last");
    let latest = |before| kept(&format!("tenant-{}", MODELS - before));
    assert!(latest(1) && latest(500) && !latest(2000), "the latest are kept");
}
